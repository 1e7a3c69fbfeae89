"""Turn the estimates into findings: growth, dormancy, and the activity of each tier."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from siyu.findings import Finding, Unit, insufficient, status_of
from siyu.formats import full_stop
from siyu.phrases import phrase
from siyu.studies.naming import EVERYONE
from siyu.studies.retention.lifecycle import sentences
from siyu.studies.retention.lifecycle.measures import Measures
from siyu.studies.tables import each_row


def conclude(
    measures: Measures,
    *,
    flowed: pd.DataFrame,
    weekly: pd.DataFrame,
    monthly: pd.DataFrame,
    high_tiers: Sequence[str],
    quick_ratio_threshold: float,
    level: float,
) -> list[Finding]:
    """Give the findings of the life cycle.

    Args:
        measures: the reduced tables.
        flowed: from `flows`.
        weekly: from `tier_weeks`.
        monthly: from `tier_months`, for the same high tiers.
        high_tiers: the tiers whose fall is an alert.
        quick_ratio_threshold: the least quick ratio of a week, above 0.
        level: the coverage at which they were computed.

    Returns:
        Findings with stable ids. The quick ratio is an alert when its whole interval is below the
        threshold; the change of a high tier when its whole interval is below 0 and its p-value, by
        Holm over the high tiers, says so too.
    """
    return [
        *_flows(measures, flowed, quick_ratio_threshold, level=level),
        *_weeks(weekly, level=level),
        *_months(measures, monthly, level=level),
        *_changes(measures, monthly, high_tiers, level=level),
    ]


def _flows(
    measures: Measures, flowed: pd.DataFrame, threshold: float, *, level: float
) -> Iterator[Finding]:
    if reason := sentences.too_little(measures, flowed):
        yield _missing("retention.quick_ratio", "quick ratio", reason, unit="ratio")
        return
    row, said = flowed.iloc[-1], full_stop(sentences.say_flow(flowed, level=level))
    if pd.isna(row.quick_ratio):
        yield _missing("retention.quick_ratio", "quick ratio", said, unit="ratio")
    else:
        status = status_of(
            ci_lower=row.ci_lower, ci_upper=row.ci_upper, threshold=threshold, direction="above"
        )
        yield _found(
            "retention.quick_ratio",
            "quick ratio",
            (row.quick_ratio, row.ci_lower, row.ci_upper),
            n=row.gained + row.ceased,
            level=level,
            unit="ratio",
            threshold=threshold,
            direction="above",
            status=status,
            message=phrase("retention.lifecycle.finding.flow", said=said, threshold=threshold),
            headline=phrase("followed.quick_ratio"),
            action=phrase("retention.lifecycle.action.flow") if status == "alert" else "",
            method=phrase("retention.lifecycle.method.flow"),
        )
    if said := sentences.say_dormant(flowed, level=level):
        yield _found(
            "retention.lifecycle.dormant_share",
            "share dormant",
            (row.dormant_share, row.dormant_ci_lower, row.dormant_ci_upper),
            n=row.connected,
            level=level,
            message=full_stop(said),
            headline=phrase("followed.dormant"),
            method=phrase("retention.lifecycle.method.wilson"),
        )


def _weeks(weekly: pd.DataFrame, *, level: float) -> Iterator[Finding]:
    last = weekly[weekly["week"] == weekly["week"].max()].dropna(subset=["active_share"])
    for row in each_row(last[last["tier"] != EVERYONE]):
        yield _of_tier(
            row,
            "weekly",
            (row.active_share, row.ci_lower, row.ci_upper),
            n=row.members,
            level=level,
            said={"week": row.week},
            method=phrase("retention.lifecycle.method.wilson_start"),
        )


def _months(measures: Measures, monthly: pd.DataFrame, *, level: float) -> Iterator[Finding]:
    for row in _tiers(monthly, "active_share"):
        last = {"last": measures.last_day}
        yield _of_tier(
            row,
            "monthly",
            (row.active_share, row.ci_lower, row.ci_upper),
            n=row.members,
            level=level,
            said=last,
            method=phrase("retention.lifecycle.method.wilson_start"),
        )
        if pd.isna(row.stickiness):
            few = {"tier": row.tier, "min_users": measures.min_users}
            reason = phrase("retention.lifecycle.finding.few_active", **few, **last)
            yield _missing(f"retention.tier.{row.tier}.stickiness", "stickiness", reason)
            continue
        yield _of_tier(
            row,
            "stickiness",
            (row.stickiness, row.sticky_lower, row.sticky_upper),
            n=row.active,
            level=level,
            said=last,
            method=phrase("retention.lifecycle.method.stickiness"),
        )


def _changes(
    measures: Measures, monthly: pd.DataFrame, high_tiers: Sequence[str], *, level: float
) -> Iterator[Finding]:
    if reason := sentences.not_compared(measures, monthly, high_tiers):
        yield _missing("retention.tier", "change of activity", reason)
    for row in _tiers(monthly, "change"):
        high = row.tier in high_tiers
        yield _found(
            f"retention.tier.{row.tier}.change",
            "change of activity",
            (row.change, row.change_lower, row.change_upper),
            n=row.members,
            level=level,
            segment={"tier": row.tier},
            message=sentences.say_change(measures, row, monthly, level=level),
            method=phrase("retention.lifecycle.method.change"),
            **(_judged(row) if high else {}),
        )
    if not reason:
        there = set(sentences.compared(monthly, high_tiers)["tier"])
        for tier in dict.fromkeys(high_tiers):
            if tier not in there:
                few = {"tier": tier, "min_users": measures.min_users}
                reason = phrase("retention.lifecycle.finding.not_compared", **few)
                yield _missing(f"retention.tier.{tier}.change", "change of activity", reason)


def _judged(row: Any) -> dict[str, Any]:
    """Judge the change of a high tier: what interval and p-value do not both call is watched."""
    status = status_of(
        ci_lower=row.change_lower, ci_upper=row.change_upper, threshold=0.0, direction="above"
    )
    falls = row.verdict == "falls"
    return {
        "threshold": 0.0,
        "direction": "above",
        "status": "watch" if row.verdict == "unclear" else status,
        "action": phrase("retention.lifecycle.action.tier") if falls else "",
    }


def _tiers(monthly: pd.DataFrame, known: str) -> Iterator[Any]:
    if len(monthly):
        yield from each_row(monthly[(monthly["tier"] != EVERYONE) & monthly[known].notna()])


def _of_tier(
    row: Any,
    what: str,
    estimate: tuple[float, float, float],
    *,
    said: dict[str, Any],
    level: float,
    n: float,
    method: str,
) -> Finding:
    value, lower, upper = estimate
    told = {"tier": row.tier, "n": n, "share": value, "lower": lower, "upper": upper}
    return _found(
        f"retention.tier.{row.tier}.{what}",
        "stickiness" if what == "stickiness" else f"{what} activity",
        estimate,
        n=n,
        level=level,
        segment={"tier": row.tier},
        message=phrase(f"retention.lifecycle.finding.{what}", level=level, **told, **said),
        method=method,
    )


def _found(
    name: str,
    metric: str,
    estimate: tuple[float, float, float],
    *,
    n: float,
    unit: Unit = "share",
    **more: Any,
) -> Finding:
    value, lower, upper = map(float, estimate)
    return Finding(
        id=name,
        metric=metric,
        value=value,
        ci_lower=lower,
        ci_upper=upper,
        unit=unit,
        n=int(n),
        **more,
    )


def _missing(name: str, metric: str, reason: str, *, unit: Unit = "share") -> Finding:
    return insufficient(name, full_stop(reason), metric=metric, unit=unit, n=0)
