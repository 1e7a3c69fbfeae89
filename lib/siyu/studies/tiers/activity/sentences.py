"""Say whether members of high tiers still buy: fewer, not clearly fewer, or too little to tell."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import pandas as pd

from siyu.formats import paragraph, paragraphs
from siyu.phrases import phrase
from siyu.studies.naming import EVERYONE
from siyu.studies.rounds import say_picked
from siyu.studies.tables import each_row
from siyu.studies.tiers.activity.measure import Measures
from siyu.studies.tiers.sentences import say_alone


def no_activity(measures: Measures, found: pd.DataFrame) -> str:
    """Say why nothing can be told of purchases by tier, or "" where something can."""
    if not measures.tiers:
        return phrase("tiers.activity.none.table")
    if not measures.has_orders:
        return phrase("tiers.activity.none.orders")
    return phrase("tiers.activity.none.nobody") if found.empty else ""


def not_compared(measures: Measures, found: pd.DataFrame, high_tiers: Sequence[str]) -> str:
    """Say why no high tier can be compared with the window before, or "" where one can."""
    if reason := no_activity(measures, found):
        return reason
    if measures.starts[0] is None:
        return phrase("tiers.activity.short", last=measures.as_of)
    if not high_tiers:
        return phrase("tiers.no_high")
    if compared(found, high_tiers).empty:
        return phrase("tiers.activity.few", tiers=high_tiers, min_users=measures.min_users)
    return ""


def compared(found: pd.DataFrame, high_tiers: Sequence[str]) -> pd.DataFrame:
    """Give the rows of the high tiers that have a change."""
    chosen = found["tier"].isin(list(high_tiers)) & (found["tier"] != EVERYONE)
    return found[chosen & (found["verdict"] != "")]


def say_headline(measures: Measures, found: pd.DataFrame, *, high_tiers: Sequence[str]) -> str:
    """Say which high tiers buy less, beside the change of all members."""
    if reason := not_compared(measures, found, high_tiers):
        return reason
    rows = compared(found, high_tiers)
    falling = list(dict.fromkeys(rows.loc[rows["verdict"] == "falls", "tier"]))
    return phrase(
        f"tiers.activity.{'falls' if falling else 'no_fall'}",
        tiers=falling or list(dict.fromkeys(rows["tier"])),
        before=measures.starts[0],
        everyone=change_of_all(found, "share"),
    )


def say_activity(
    measures: Measures, found: pd.DataFrame, *, high_tiers: Sequence[str], level: float
) -> str:
    """The result: which high tiers buy less, by how much, and what a point is worth."""
    refused = not_compared(measures, found, high_tiers)
    if no_activity(measures, found):
        return refused
    high = found[found["tier"].isin(list(high_tiers)) & found["value"].notna()]
    said = []
    for _, own in high.groupby("tier", sort=False):
        told = [
            say_change(measures, row, found, level=level)
            if row.verdict
            else say_now(measures, row, level=level)
            for row in each_row(own)
        ]
        priced = own[own["point_cny"].notna()]
        told += [say_worth(measures, row, level=level) for row in each_row(priced)]
        said.append(paragraph(*told))
    if high["point_cny"].notna().any():
        about = paragraph(phrase("tiers.activity.worth.if"), _say_windows(measures))
    else:
        about = _say_windows(measures)
    return paragraphs(refused, *said, about)


def _say_windows(measures: Measures) -> str:
    """Say how the members of both windows are picked, and what the last one lacks."""
    picked = "" if measures.starts[0] is None else say_picked(measures.after_days)
    return paragraph(picked, phrase("tiers.activity.refunds"))


def say_now(measures: Measures, row: Any, *, level: float) -> str:
    """Say how many members bought, or on how many days, in the last 28 days."""
    return phrase(
        f"tiers.activity.now.{row.measure}",
        tier=row.tier,
        value=row.value,
        n=row.members,
        lower=row.ci_lower,
        upper=row.ci_upper,
        level=level,
    )


def say_change(measures: Measures, row: Any, found: pd.DataFrame, *, level: float) -> str:
    """Say how a tier's purchases changed, beside the change of all members."""
    said = phrase(
        f"tiers.activity.change.{row.measure}.{row.verdict}",
        tier=row.tier,
        now=row.value,
        n=row.members,
        earlier=row.value_before,
        n_before=row.members_before,
        before=before_of(measures),
        change=row.change,
        lower=row.change_lower,
        upper=row.change_upper,
        level=level,
        everyone=change_of_all(found, row.measure),
    )
    return paragraph(said, say_alone(row.verdict, row.change_lower, row.change_upper))


def say_worth(measures: Measures, row: Any, *, level: float) -> str:
    """Say what a percentage point of buyers is worth."""
    return phrase(
        f"tiers.activity.worth.{'margin' if measures.has_margin else 'amount'}",
        tier=row.tier,
        point=row.point_cny,
        lower=row.point_lower,
        upper=row.point_upper,
        level=level,
    )


def before_of(measures: Measures) -> date:
    """Give the first day of the earlier window, where there is one."""
    assert measures.starts[0] is not None
    return measures.starts[0]


def change_of_all(found: pd.DataFrame, measure: str) -> float:
    """Give the change among all members: a holiday hits every tier."""
    rows = found[(found["tier"] == EVERYONE) & (found["measure"] == measure)]
    return float(rows["change"].iloc[0])
