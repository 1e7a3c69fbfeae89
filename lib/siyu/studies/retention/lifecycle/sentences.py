"""Say whether the pool grows and whether a high tier falls: clear, unclear, or too little."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from siyu.formats import paragraph, paragraphs
from siyu.phrases import phrase
from siyu.studies.naming import EVERYONE
from siyu.studies.retention.lifecycle.estimate import LEAST
from siyu.studies.retention.lifecycle.measures import Measures
from siyu.studies.rounds import say_picked
from siyu.studies.tables import each_row


def too_little(measures: Measures, flowed: pd.DataFrame) -> str:
    """Say why no life cycle can be shown, or "" where one can."""
    if measures.refused:
        return measures.refused
    if not measures.weeks:
        return phrase("retention.lifecycle.no_weeks")
    if flowed.empty:
        return phrase("retention.lifecycle.few", min_users=measures.min_users)
    return ""


def say_flow(flowed: pd.DataFrame, *, level: float) -> str:
    """Say whether the active base grew in the last week."""
    row = flowed.iloc[-1]
    outcome = "unclear"
    if pd.isna(row.quick_ratio):
        outcome = "few"
    elif row.ci_lower > 1:
        outcome = "grows"
    elif row.ci_upper < 1:
        outcome = "shrinks"
    ends = {"lower": row.ci_lower, "upper": row.ci_upper, "level": level}
    return phrase(
        f"retention.lifecycle.flow.{outcome}",
        week=row.week,
        ratio=row.quick_ratio,
        least=LEAST,
        **ends,
    )


def say_dormant(flowed: pd.DataFrame, *, level: float) -> str:
    """Say which share of the connected is dormant, or "" where they are too few."""
    row = flowed.iloc[-1]
    if pd.isna(row.dormant_share):
        return ""
    return phrase(
        "retention.lifecycle.dormant",
        share=row.dormant_share,
        n=row.connected,
        lower=row.dormant_ci_lower,
        upper=row.dormant_ci_upper,
        level=level,
    )


def say_lifecycle(measures: Measures, flowed: pd.DataFrame, *, level: float) -> str:
    """The headline: whether the active base grows, and how much of the pool is dormant."""
    if reason := too_little(measures, flowed):
        return reason
    return paragraph(say_flow(flowed, level=level), say_dormant(flowed, level=level))


def no_tiers(measures: Measures) -> str:
    """Say why there is no activity by tier at all, or "" where there is some."""
    if measures.members is None:
        return phrase("retention.lifecycle.tiers.none")
    if measures.refused:
        return measures.refused
    if not measures.weeks:
        return phrase("retention.lifecycle.no_weeks")
    return phrase("retention.lifecycle.tiers.nobody") if measures.members.empty else ""


def not_compared(measures: Measures, monthly: pd.DataFrame, high_tiers: Sequence[str]) -> str:
    """Say why no high tier can be compared with a window before, or "" where one can."""
    if reason := no_tiers(measures):
        return reason
    if monthly.empty or measures.starts[0] is None:
        return phrase("retention.lifecycle.tiers.short")
    if compared(monthly, high_tiers).empty:
        return phrase(
            "retention.lifecycle.tiers.few", tiers=high_tiers, min_users=measures.min_users
        )
    return ""


def compared(monthly: pd.DataFrame, high_tiers: Sequence[str]) -> pd.DataFrame:
    """Give the rows of the high tiers that have a change, in the order asked for."""
    order = {tier: place for place, tier in enumerate(high_tiers) if tier != EVERYONE}
    rows = monthly[monthly["tier"].isin(list(order)) & (monthly["verdict"] != "")]
    return rows.sort_values("tier", key=lambda tiers: tiers.map(order))


def say_tiers(measures: Measures, monthly: pd.DataFrame, *, high_tiers: Sequence[str]) -> str:
    """Say which high tiers fall, beside the change of all members."""
    if reason := not_compared(measures, monthly, high_tiers):
        return reason
    rows = compared(monthly, high_tiers)
    falling = rows.loc[rows["verdict"] == "falls", "tier"].tolist()
    return phrase(
        f"retention.lifecycle.tiers.{'falls' if falling else 'no_fall'}",
        tiers=falling or rows["tier"].tolist(),
        last=measures.last_day,
        before=measures.starts[0],
        everyone=change_of_all(monthly),
    )


def say_changes(
    measures: Measures, monthly: pd.DataFrame, *, high_tiers: Sequence[str], level: float
) -> str:
    """Say how the activity of each high tier changed, and how members were picked, or ""."""
    if not_compared(measures, monthly, high_tiers):
        return ""
    rows = each_row(compared(monthly, high_tiers))
    said = [say_change(measures, row, monthly, level=level) for row in rows]
    return paragraphs(*said, say_picked(measures.after_days))


def say_change(measures: Measures, row: Any, monthly: pd.DataFrame, *, level: float) -> str:
    """Say how a tier's activity changed, beside the change of all members."""
    return phrase(
        f"retention.lifecycle.finding.{row.verdict}",
        tier=row.tier,
        now=row.active_share,
        earlier=row.active_share_before,
        before=measures.starts[0],
        n=row.members,
        last=measures.last_day,
        change=row.change,
        lower=row.change_lower,
        upper=row.change_upper,
        level=level,
        everyone=change_of_all(monthly),
    )


def change_of_all(monthly: pd.DataFrame) -> float:
    """Give the change among all members: a holiday hits every tier."""
    return float(monthly.loc[monthly["tier"] == EVERYONE, "change"].iloc[0])
