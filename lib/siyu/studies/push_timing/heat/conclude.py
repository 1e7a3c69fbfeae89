"""Turn the description of pushes into findings."""

from __future__ import annotations

import math
from typing import Any

from siyu.findings import Finding, insufficient
from siyu.formats import full_stop
from siyu.phrases import phrase
from siyu.studies.naming import EVERYONE
from siyu.studies.push_timing.heat import sentences
from siyu.studies.push_timing.heat.estimate import Rates
from siyu.studies.push_timing.heat.measures import Measures
from siyu.studies.tables import each_row

_METRIC = "answers per sent push"


def conclude(measures: Measures, found: Rates, *, level: float) -> list[Finding]:
    """Give a finding per segment, one of how far apart hours lie, and one of what was ever tried.

    Args:
        measures: the counts.
        found: from `rates`.
        level: the coverage at which they were computed.
    """
    if not measures.n_pushes:
        reason = sentences.nothing(measures)
        return [insufficient("push.rate.all", reason, metric=_METRIC, n=0)]
    rated = [_rate(measures, row, level=level) for row in each_row(found.segments)]
    return [*rated, _span(measures, found), _support(measures, found)]


def _rate(measures: Measures, row: Any, *, level: float) -> Finding:
    name = f"push.rate.{row.segment}"
    n, rate = int(row.n_pushes), float(row.answer_rate)
    if math.isnan(rate):
        return insufficient(name, sentences.too_few(row), metric=_METRIC, n=n)
    return Finding(
        id=name,
        metric=_METRIC,
        segment=measures.crossings.get(row.segment, {}),
        value=rate,
        ci_lower=float(row.ci_lower),
        ci_upper=float(row.ci_upper),
        level=level,
        unit="share",
        n=n,
        message=full_stop(sentences.segment(measures, row, level=level)),
        headline=phrase("followed.answers") if row.segment == EVERYONE else "",
        method=phrase("push.heat.method.rate", sampled=sentences.sampled(measures)),
    )


def _span(measures: Measures, found: Rates) -> Finding:
    hours, said = found.everyone, sentences.headline(measures, found)
    name, metric = "push.description.hours", "highest less lowest rate of an hour"
    n = measures.n_pushes
    if len(hours) < 2:
        return insufficient(name, full_stop(said), metric=metric, n=n)
    return Finding(
        id=name,
        metric=metric,
        value=float(hours["answer_rate"].max() - hours["answer_rate"].min()),
        unit="share",
        n=n,
        message=full_stop(said),
        method=phrase("push.heat.method.hours", sampled=sentences.sampled(measures)),
    )


def _support(measures: Measures, found: Rates) -> Finding:
    return Finding(
        id="push.support",
        metric="share of the hours of a week tried enough",
        value=sentences.enough(found, "either") / sentences.CELLS,
        unit="share",
        n=measures.n_pushes,
        message=full_stop(sentences.say_support(measures, found)),
        method=phrase("push.heat.method.support"),
    )
