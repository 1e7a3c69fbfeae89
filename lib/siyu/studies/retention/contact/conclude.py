"""Turn the effects of contacts into findings."""

from __future__ import annotations

import pandas as pd

from siyu.findings import Finding, insufficient
from siyu.formats import full_stop
from siyu.phrases import phrase
from siyu.studies.retention.contact import sentences
from siyu.studies.retention.contact.estimate import Effects, Judge
from siyu.studies.retention.contact.measures import Measures
from siyu.studies.tables import each_row

_METRIC = "effect of a contact on staying"
_RATIO_METRIC = "hazard ratio of leaving after a contact"


def conclude(
    measures: Measures,
    found: Effects,
    judged: Judge | None,
    *,
    level: float,
    value_per_member_cny: float | None = None,
) -> list[Finding]:
    """Give two findings per contact, by two routes, and one of the experiment.

    Args:
        measures: the reduced tables.
        found: from `effects`.
        judged: from `judge`.
        level: the coverage at which they were computed.
        value_per_member_cny: what one more member who stays is worth, in yuan; None: not valued.
    """
    given = [
        insufficient(
            f"retention.contact.{row.contact}",
            sentences.refusal(measures, row),
            metric=_METRIC,
            n=int(row.n),
        )
        if row.refused
        else _effect(measures, row, judged, level=level, value=value_per_member_cny)
        for row in each_row(found.table)
    ]
    ratios = [
        _ratio(measures, row, level=level) for row in each_row(found.table) if not row.refused
    ]
    absent = [
        insufficient(f"retention.contact.absent.{i}", problem, metric=_METRIC, n=measures.n_added)
        for i, problem in enumerate(measures.absent, start=1)
    ]
    tested = [] if judged is None else [_experiment(measures, judged, level=level)]
    unadjusted = [
        insufficient(f"retention.contact.unadjusted.{i}", why, metric=_METRIC, n=measures.n_added)
        for i, why in enumerate(measures.refused, start=1)
    ]
    return [*given, *ratios, *tested, *absent, *unadjusted]


def _effect(
    measures: Measures, row: pd.Series, judged: Judge | None, *, level: float, value: float | None
) -> Finding:
    keeps = row.verdict == "keeps"
    action = sentences.advice(measures, row, judged, level=level) if keeps else ""
    return Finding(
        id=f"retention.contact.{row.contact}",
        metric=_METRIC,
        value=float(row.difference),
        ci_lower=float(row.ci_lower),
        ci_upper=float(row.ci_upper),
        level=level,
        unit="share",
        n=int(row.n),
        message=full_stop(sentences.effect(measures, row, level=level)),
        action=action,
        method=phrase("retention.contact.method.adjusted", columns=sentences.adjusted(measures)),
        evidence="adjusted",
        worth_cny=None if action == "" or value is None else float(row.per_week * value),
    )


def _ratio(measures: Measures, row: pd.Series, *, level: float) -> Finding:
    return Finding(
        id=f"retention.contact.{row.contact}.hazard_ratio",
        metric=_RATIO_METRIC,
        value=float(row.hazard_ratio),
        ci_lower=float(row.hazard_ratio_lower),
        ci_upper=float(row.hazard_ratio_upper),
        level=level,
        unit="ratio",
        n=int(row.n),
        message=full_stop(sentences.hazard(measures, row, level=level)),
        method=phrase("retention.contact.method.hazard", columns=sentences.adjusted(measures)),
        evidence="adjusted",
    )


def _experiment(measures: Measures, judged: Judge, *, level: float) -> Finding:
    shown = not judged.refused
    return Finding(
        id=f"retention.contact.experiment.{measures.experiment}",
        metric=_METRIC,
        value=judged.difference if shown else None,
        ci_lower=judged.ci_lower if shown else None,
        ci_upper=judged.ci_upper if shown else None,
        level=level,
        unit="share",
        n=sum(judged.n),
        status="info" if shown else "insufficient",
        message=full_stop(sentences.say_judge(measures, judged, level=level)),
        method=phrase("retention.contact.method.experiment"),
        evidence="randomised",
    )
