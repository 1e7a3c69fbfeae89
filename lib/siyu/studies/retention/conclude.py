"""Turn the estimates into findings: what later runs compare, alerts fire on, and machines read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pandas as pd

from siyu.findings import Finding, insufficient, status_of
from siyu.formats import full_stop
from siyu.phrases import phrase
from siyu.studies.naming import EVERYONE, SMALL
from siyu.studies.retention import sentences
from siyu.studies.retention.estimate import below
from siyu.studies.retention.measures import Measures
from siyu.studies.tables import each_row

_WITH_ACTIONS = (7, 30)


def conclude(
    measures: Measures,
    *,
    rated: pd.DataFrame,
    stays: pd.DataFrame,
    horizon_days: int,
    level: float,
    thresholds: Mapping[str, float],
) -> list[Finding]:
    """Give the findings of the retention study.

    Args:
        measures: the reduced tables.
        rated: from `rates`.
        stays: the table from `mean_stay`.
        horizon_days: for which it was computed.
        level: the coverage at which they were computed.
        thresholds: the least rate by day, as text; they count only where staying is coming back in
            the week from that day on, as the field's thresholds mean it.

    Returns:
        Findings with stable ids. A rate is an alert when its whole interval is below the threshold
        and, for a segment, the binomial test says so too after Holm's adjustment.
    """
    refused = [
        insufficient(
            f"retention.breakdown.{i}", reason, metric="breakdown", unit="count", n=measures.n_added
        )
        for i, reason in enumerate(measures.refused, start=1)
    ]
    if reason := sentences.too_little(measures, rated):
        none = insufficient("retention", reason, metric="retention", n=measures.n_added)
        return [*refused, none]
    limits = measures.definition.limits(thresholds)
    return [
        *_days(measures, rated, limits, level=level),
        *_unjudged(measures, rated, limits),
        *refused,
        *_stays(measures, stays, horizon_days=horizon_days, level=level),
    ]


def _days(
    measures: Measures, rated: pd.DataFrame, limits: Mapping[int, float], *, level: float
) -> Iterator[Finding]:
    judged = below(rated, dict(limits))
    p = {(row.segment, row.k): row.p_holm for row in each_row(judged)}
    rows = rated[rated["k"].isin(measures.definition.days) & rated["rate"].notna()]
    for row in each_row(rows):
        if row.segment == SMALL:
            continue
        limit = limits.get(row.k)
        status = status_of(
            ci_lower=row.ci_lower, ci_upper=row.ci_upper, threshold=limit, direction="above"
        )
        everyone = row.segment == EVERYONE
        if status == "alert" and not everyone and p[row.segment, row.k] > 1 - level:
            status = "watch"
        day = row.k if row.k in _WITH_ACTIONS else None
        action = phrase(f"retention.action.{f'day_{day}' if day else 'other'}")
        yield Finding(
            id=f"retention.day_{row.k}" + ("" if everyone else f".{row.segment}"),
            metric="retention",
            value=float(row.rate),
            ci_lower=float(row.ci_lower),
            ci_upper=float(row.ci_upper),
            level=level,
            unit="share",
            n=int(row.at_risk),
            segment={} if everyone else measures.segments[row.segment],
            threshold=limit,
            direction=None if limit is None else "above",
            status=status,
            message=_say(measures, row, limit, level=level),
            headline=phrase(f"followed.{measures.definition.retained_as}", k=row.k)
            if everyone
            else "",
            action=action if status == "alert" else "",
            method=phrase(f"retention.method.{'wilson' if everyone else 'wilson_holm'}"),
        )


def _unjudged(
    measures: Measures, rated: pd.DataFrame, limits: Mapping[int, float]
) -> Iterator[Finding]:
    """Say of each day without a rate why it has none."""
    judged = set(rated.loc[(rated["segment"] == EVERYONE) & rated["rate"].notna(), "k"])
    for k in sorted({*measures.definition.days, *limits}):
        asked = k in measures.definition.days
        if asked and k in judged:
            continue
        reason = phrase(
            f"retention.unjudged.{'few' if asked else 'not_asked'}",
            k=k,
            min_users=measures.min_users,
        )
        yield insufficient(f"retention.day_{k}", reason, metric="retention", n=0)


def _say(measures: Measures, row: pd.Series, limit: float | None, *, level: float) -> str:
    named = {} if row.segment == EVERYONE else {"what": "of_segment", "segment": row.segment}
    said = full_stop(sentences.say_day(measures.definition, row, level=level, **named))
    return said if limit is None else phrase("retention.finding.day", said=said, threshold=limit)


def _stays(
    measures: Measures, stays: pd.DataFrame, *, horizon_days: int, level: float
) -> Iterator[Finding]:
    for row in each_row(stays.dropna(subset=["mean_days", "ci_lower"])):
        everyone = row.segment == EVERYONE
        if row.segment == SMALL:
            continue
        yield Finding(
            id="retention.mean_stay" + ("" if everyone else f".{row.segment}"),
            metric="mean days connected",
            value=float(row.mean_days),
            ci_lower=float(row.ci_lower),
            ci_upper=float(row.ci_upper),
            level=level,
            unit="days",
            n=int(row.n),
            segment={} if everyone else measures.segments[row.segment],
            message=phrase(
                f"retention.finding.stay{'_everyone' if everyone else ''}",
                segment=row.segment,
                mean=row.mean_days,
                horizon=horizon_days,
            ),
            method=phrase("retention.method.stay"),
        )
