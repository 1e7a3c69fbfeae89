"""Turn concentration among inviters into findings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from siyu.findings import Finding, insufficient
from siyu.formats import full_stop
from siyu.phrases import phrase
from siyu.studies.referral.concentration import sentences
from siyu.studies.referral.concentration.estimate import Concentration
from siyu.studies.referral.concentration.measure import Measures
from siyu.studies.tables import each_row

_METRIC, _FARMING = "new members of the best inviters", "friends of the best inviters who left"


def conclude(measures: Measures, found: Concentration, *, level: float) -> list[Finding]:
    """Give the findings of concentration, and of friends who leave at once.

    Args:
        measures: the inviters.
        found: from `concentrate`.
        level: the coverage at which it was computed.
    """
    if found.refused:
        reason = phrase(f"referral.concentration.refused.{found.refused}")
        return [insufficient("referral.concentration", full_stop(reason), metric=_METRIC, n=0)]
    return [*_top(measures, found, level=level), *_farming(found, level=level)]


def _top(measures: Measures, found: Concentration, *, level: float) -> Iterator[Finding]:
    table = found.table
    for row in each_row(table[(table["measure"] != "top_1") | (table["refused"] == "")]):
        name = f"referral.concentration.{row.measure}.{row.campaign}"
        segment = {"campaign": row.campaign}
        unit: Any = "ratio" if row.measure == "gini" else "share"
        if row.refused:
            reason = full_stop(sentences.refusal(measures, row))
            yield insufficient(name, reason, metric=_METRIC, n=0, unit=unit, segment=segment)
            continue
        action = ""
        if row.measure == "top_10" and row.verdict in ("few", "uneven"):
            action = phrase(f"referral.concentration.action.{row.verdict}")
        yield Finding(
            id=name,
            metric=_METRIC,
            value=float(row.value),
            ci_lower=float(row.ci_lower),
            ci_upper=float(row.ci_upper),
            level=level,
            unit=unit,
            n=int(row.inviters),
            segment=segment,
            message=sentences.say_one(measures, row, level=level),
            action=action,
            method=phrase(
                f"referral.concentration.method.{'gini' if row.measure == 'gini' else 'top'}"
            ),
        )


def _farming(found: Concentration, *, level: float) -> Iterator[Finding]:
    for row in each_row(found.farming):
        name = f"referral.concentration.farming.{row.campaign}"
        segment = {"campaign": row.campaign}
        if not row.verdict:
            reason = phrase(
                f"referral.concentration.farming.{row.refused or 'few'}", campaigns=[row.campaign]
            )
            yield insufficient(name, full_stop(reason), metric=_FARMING, n=0, segment=segment)
            continue
        judged: dict[str, Any] = {"threshold": 0.0, "direction": "below"}
        judged["status"] = {"more": "alert", "fewer": "ok", "unclear": "watch"}[row.verdict]
        if row.verdict == "more":
            judged["action"] = phrase("referral.concentration.action.more", campaign=row.campaign)
            judged["worth_cny"] = float(row.worth_cny)
        yield Finding(
            id=name,
            metric=_FARMING,
            value=float(row.difference),
            ci_lower=float(row.ci_lower),
            ci_upper=float(row.ci_upper),
            level=level,
            unit="share",
            n=int(row.n_top + row.n_rest),
            segment=segment,
            message=sentences.say_difference(row, level=level),
            method=phrase("referral.concentration.method.farming"),
            **judged,
        )
