"""Turn adjusted hours and days into findings."""

from __future__ import annotations

from typing import Any

import pandas as pd

from siyu.findings import Finding, insufficient
from siyu.formats import full_stop
from siyu.phrases import phrase
from siyu.studies.push_timing.adjusted import sentences
from siyu.studies.push_timing.adjusted.estimate import Curves
from siyu.studies.push_timing.adjusted.measures import Measures
from siyu.studies.tables import each_row

_METRIC = "effect of the hour of sending"


def conclude(
    measures: Measures,
    found: Curves,
    pairs: pd.DataFrame,
    days: pd.DataFrame,
    *,
    hours: str,
    against: str,
    level: float,
) -> list[Finding]:
    """Give a finding per segment, one per segment of the two bands, and one of days off.

    Args:
        measures: the reduced table.
        found: from `curves`.
        pairs: from `compare`.
        days: from `compare_days`.
        hours: the band compared.
        against: the other.
        level: the coverage at which all were computed.
    """
    given = [_hour(measures, found, segment, level=level) for segment in found.users]
    if all(one.status == "insufficient" for one in given):
        given = given[:1]  # what no segment can tell is said once, of all users
    given += [
        _pair(measures, row, hours=hours, against=against, level=level)
        for row in each_row(pairs[pairs["refused"] == ""])
    ]
    off = days[days["day_kind"] == "off"]
    if len(off):
        given.append(_off(measures, days, off.iloc[0], level=level))
    return given


def _hour(measures: Measures, found: Curves, segment: str, *, level: float) -> Finding:
    name, row = f"push.adjusted.hour.{segment}", sentences.best(found, segment)
    if row is None:
        why = sentences.refusal(measures, found, segment)
        return insufficient(name, full_stop(why), metric=_METRIC, n=0)
    better = row.verdict == "better"
    action = phrase("push.adjusted.action", hour=row.hour, whom=sentences.whom(segment))
    return Finding(
        id=name,
        metric=_METRIC,
        value=float(row.difference),
        ci_lower=float(row.ci_lower),
        ci_upper=float(row.ci_upper),
        level=level,
        unit="share",
        n=int(row.n_pushes),
        segment=measures.crossings.get(segment, {}),
        message=full_stop(sentences.effect(row, level=level)),
        action=action if better else "",
        method=_method(measures),
        evidence="adjusted",
    )


def _pair(measures: Measures, row: Any, *, hours: str, against: str, level: float) -> Finding:
    return Finding(
        id=f"push.adjusted.pair.{row.segment}",
        metric="rate in a band of hours relative to another",
        value=float(1 + row.lift),
        ci_lower=float(1 + row.lift_lower),
        ci_upper=float(1 + row.lift_upper),
        level=level,
        unit="ratio",
        n=int(row.n_pushes),
        segment=measures.crossings.get(row.segment, {}),
        message=sentences.naive(row, hours=hours, against=against, level=level),
        method=_method(measures),
        evidence="adjusted",
    )


def _off(measures: Measures, days: pd.DataFrame, row: Any, *, level: float) -> Finding:
    return Finding(
        id="push.adjusted.days.off",
        metric="rate on days off relative to Mondays",
        value=float(row.ratio),
        ci_lower=float(row.ci_lower),
        ci_upper=float(row.ci_upper),
        level=level,
        unit="ratio",
        n=int(row.n_pushes),
        message=sentences.say_days(measures, days, level=level),
        method=_method(measures),
        evidence="adjusted",
    )


def _method(measures: Measures) -> str:
    sampled = "sampled" if measures.every > 1 else "all"
    return phrase(f"push.adjusted.method.{sampled}", every=measures.every)
