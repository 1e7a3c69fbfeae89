"""Turn purchases by tier into findings, and the fall of a high tier into an alert."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from siyu.findings import Finding, Unit, insufficient, status_of
from siyu.formats import full_stop
from siyu.phrases import phrase
from siyu.studies.naming import EVERYONE
from siyu.studies.tables import each_row
from siyu.studies.tiers.activity import sentences
from siyu.studies.tiers.activity.measure import Measures

_UNITS: dict[str, Unit] = {"share": "share", "days": "days"}


def conclude(
    measures: Measures,
    found: pd.DataFrame,
    *,
    high_tiers: Sequence[str],
    activity_threshold: float | None = None,
    level: float,
) -> list[Finding]:
    """Give the findings of purchases by tier.

    Args:
        measures: the reduced tables.
        found: from `activity`, for the same high tiers.
        high_tiers: the tiers whose fall is an alert.
        activity_threshold: least share of a high tier's members who buy in 28 days, 0 to 1; None:
            there is none.
        level: the coverage at which it was computed.

    Returns:
        Findings with stable ids. The change of a high tier is an alert when its whole interval is
        below 0 and its p-value, by Holm over high tiers and measures, says so too; its share is one
        when the interval that holds for all high tiers at once lies below the threshold. The worth
        is what the members who no longer buy, or are short of the threshold, would have brought in
        28 days.
    """
    if reason := sentences.no_activity(measures, found):
        return [insufficient("tiers.activity", full_stop(reason), metric="purchases", n=0)]
    return [
        *_now(measures, found, high_tiers, activity_threshold, level=level),
        *_changes(measures, found, high_tiers, level=level),
    ]


def _now(
    measures: Measures,
    found: pd.DataFrame,
    high_tiers: Sequence[str],
    threshold: float | None,
    *,
    level: float,
) -> Iterator[Finding]:
    for row in each_row(found[found["value"].notna() & (found["tier"] != EVERYONE)]):
        said = sentences.say_now(measures, row, level=level)
        judged: dict[str, Any] = {}
        if threshold is not None and row.measure == "share" and row.tier in high_tiers:
            status = status_of(
                ci_lower=row.joint_lower,
                ci_upper=row.joint_upper,
                threshold=threshold,
                direction="above",
            )
            said = phrase("tiers.activity.threshold", said=said, threshold=threshold)
            judged = {"threshold": threshold, "direction": "above", "status": status}
            if status == "alert":
                judged["action"] = phrase("tiers.activity.action")
                judged["worth_cny"] = _worth(row, threshold - row.value)
        yield Finding(
            id=f"tiers.activity.{row.measure}.{row.tier}",
            metric=f"purchases, {row.measure}",
            value=float(row.value),
            ci_lower=float(row.ci_lower),
            ci_upper=float(row.ci_upper),
            level=level,
            unit=_UNITS[row.measure],
            n=int(row.members),
            segment={"tier": row.tier},
            message=said,
            method=phrase(f"tiers.activity.method.{row.measure}"),
            **judged,
        )


def _changes(
    measures: Measures, found: pd.DataFrame, high_tiers: Sequence[str], *, level: float
) -> Iterator[Finding]:
    if reason := sentences.not_compared(measures, found, high_tiers):
        yield _missing("tiers.activity.change", full_stop(reason))
    for row in each_row(found[(found["verdict"] != "") & (found["tier"] != EVERYONE)]):
        yield Finding(
            id=f"tiers.activity.change.{row.measure}.{row.tier}",
            metric=f"change of purchases, {row.measure}",
            value=float(row.change),
            ci_lower=float(row.change_lower),
            ci_upper=float(row.change_upper),
            level=level,
            unit=_UNITS[row.measure],
            n=int(row.members),
            segment={"tier": row.tier},
            message=sentences.say_change(measures, row, found, level=level),
            method=phrase("tiers.activity.method.change"),
            **(_judged(row) if row.tier in high_tiers else {}),
        )
    if not reason:
        there = set(sentences.compared(found, high_tiers)["tier"])
        for tier in dict.fromkeys(high_tiers):
            if tier not in there:
                few = {"tier": tier, "min_users": measures.min_users}
                said = phrase("tiers.activity.finding.not_compared", **few)
                yield _missing(f"tiers.activity.change.share.{tier}", said)


def _judged(row: Any) -> dict[str, Any]:
    """Judge the change of a high tier: what interval and p-value do not both call is watched."""
    status = status_of(
        ci_lower=row.change_lower, ci_upper=row.change_upper, threshold=0.0, direction="above"
    )
    judged = {
        "threshold": 0.0,
        "direction": "above",
        "status": "watch" if row.verdict == "unclear" else status,
    }
    if row.verdict == "falls":
        judged["action"] = phrase("tiers.activity.action")
        judged["worth_cny"] = _worth(row, -row.change)
    return judged


def _worth(row: Any, share: float) -> float | None:
    """Give what so large a share of the tier's members would bring in 28 days."""
    return float(100 * share * row.point_cny) if pd.notna(row.point_cny) else None


def _missing(name: str, reason: str) -> Finding:
    return insufficient(name, reason, metric="change of purchases", n=0)
