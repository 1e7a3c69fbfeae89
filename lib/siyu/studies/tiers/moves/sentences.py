"""Say who moved between the tiers, where that would lead, and whether more go down."""

from __future__ import annotations

from typing import Any

import pandas as pd

from siyu.formats import clauses, number, paragraph
from siyu.phrases import phrase
from siyu.stats.migration import ChiSquare
from siyu.studies.naming import EVERYONE
from siyu.studies.tables import each_row
from siyu.studies.tiers.moves.estimate import Chain
from siyu.studies.tiers.moves.measures import Measures

_MENTIONED = ("strangers", "after_leaving", "odd", "later", "repeated", "passed")


def no_moves(measures: Measures) -> str:
    """Say why there are no moves at all, or "" where there are."""
    if not measures.tiers:
        return phrase("tiers.moves.none.table")
    return phrase("tiers.moves.none.rounds") if len(measures.reviews) < 2 else ""


def say_accounts(measures: Measures, closed: pd.DataFrame) -> str:
    """Say what the last review changed in all, and what is missing."""
    if reason := no_moves(measures):
        return paragraph(reason, say_counts(measures))
    row = last_of(closed, EVERYONE)
    opening, closing = measures.reviews[-2:]
    said = phrase("tiers.moves.accounts.all", since=opening, until=closing, **numbers_of(row))
    missing = ""
    if row.not_reviewed:
        missing = phrase("tiers.moves.accounts.not_reviewed", n=row.not_reviewed, n_all=row.closing)
    return paragraph(
        said,
        missing,
        phrase(f"tiers.moves.unit.{measures.unit}"),
        say_counts(measures),
    )


def title_accounts(measures: Measures, closed: pd.DataFrame) -> str:
    """Say whether the highest tier that may be shown grew at the last review, and by whom."""
    shown = closed[closed["review"] == measures.reviews[-1]].dropna(subset=["closing"])
    rows = list(each_row(shown[(shown["tier"] != EVERYONE) & (shown["closing"] > 0)]))
    if not rows:
        return phrase("tiers.moves.accounts.few", min_users=measures.min_users)
    row = rows[-1]
    way = "grew" if row.closing > row.opening else "shrank"
    return phrase(
        f"tiers.moves.accounts.{'same' if row.closing == row.opening else way}",
        tier=row.tier,
        day=measures.reviews[-1],
        came=row.joined + row.from_below + row.from_above,
        gone=row.went_up + row.went_down + row.left,
        **numbers_of(row),
    )


def numbers_of(row: Any) -> dict[str, float]:
    """Give the numbers of a row of the accounts."""
    names = ("opening", "joined", "went_up", "went_down", "left", "closing")
    return {name: float(getattr(row, name)) for name in names}


def last_of(closed: pd.DataFrame, tier: str) -> Any:
    """Give the row of a tier at the last review."""
    return next(each_row(closed[closed["tier"] == tier].tail(1)))


def say_counts(measures: Measures) -> str:
    """Name the reviews that do not count as such, or "" where all do."""
    named = [
        phrase(f"tiers.moves.counts.{name}", n=measures.counts[name])
        for name in _MENTIONED
        if measures.counts.get(name)
    ]
    return phrase("tiers.moves.counts.said", what=clauses(named)) if named else ""


def say_migration(measures: Measures, moved: pd.DataFrame, *, level: float) -> str:
    """Say where the members of each tier went: among those still there, and of all."""
    if reason := no_migration(measures, moved):
        return reason
    few = few_of(measures, moved)
    left_out = phrase("tiers.moves.migration.few", tiers=few, min_users=measures.min_users)
    rows = kept_rows(measures, moved, level=level)[::-1]
    # Shares with their intervals, and how many they are of, stand in the matrix.
    gone = [phrase(f"tiers.moves.migration.row.{_row_kind(row)}", **row) for row in rows]
    return paragraph(
        phrase("tiers.moves.migration.rows", rows=gone) if rows else "",
        left_out if few else "",
        phrase("tiers.moves.migration.read"),
    )


def title_migration(measures: Measures, moved: pd.DataFrame, *, level: float) -> str:
    """Say how many of the highest tier that may be shown kept it."""
    rows = kept_rows(measures, moved, level=level)
    if not rows:
        return phrase("tiers.moves.migration.nobody", min_users=measures.min_users)
    return phrase("tiers.moves.migration.title", **rows[-1])


def kept_rows(measures: Measures, moved: pd.DataFrame, *, level: float) -> list[dict[str, Any]]:
    """Give for each tier that may be shown who kept it, who is higher, lower, and who left."""
    rows: list[dict[str, Any]] = []
    for code, tier in enumerate(measures.tiers):
        own = moved[moved["origin"] == tier].set_index("destination")
        kept = own.loc[tier]
        if pd.isna(kept["share"]):
            continue
        shares = own["share"].reindex(measures.tiers)
        rows.append(
            {
                "tier": tier,
                "n": kept["n_there"],
                "n_all": kept["n_all"],
                "kept": kept["share"],
                "lower": kept["ci_lower"],
                "upper": kept["ci_upper"],
                "higher": shares.iloc[code + 1 :].sum(),
                "below": shares.iloc[:code].sum(),
                "left": own.loc["left", "share_of_all"],
                "reviews": measures.move_reviews,
                "level": level,
                "is_lowest": code == 0,
            }
        )
    return rows


def few_of(measures: Measures, moved: pd.DataFrame) -> list[str]:
    """Give the tiers of which it cannot be told where their members went."""
    shown = set(moved.loc[moved["share"].notna(), "origin"])
    return [tier for tier in measures.tiers if tier not in shown]


def _row_kind(row: dict[str, Any]) -> str:
    return "lowest" if row["is_lowest"] else "other"


def no_migration(measures: Measures, moved: pd.DataFrame) -> str:
    """Say why there is no matrix, or "" where there is one."""
    if reason := no_moves(measures):
        return reason
    if moved.empty:
        return phrase("tiers.moves.none.apart", reviews=measures.move_reviews)
    return ""


def say_chain(measures: Measures, found: Chain, *, level: float) -> str:
    """Say where moves as those of the last step would lead, and whether a chain may be assumed."""
    if reason := no_chain(measures, found):
        return reason
    row = found.shares.iloc[-1]
    closed = phrase(
        "tiers.moves.chain.closed",
        tier=row["tier"],
        share=row["closed"],
        lower=row["closed_lower"],
        upper=row["closed_upper"],
        level=level,
    )
    return paragraph(
        closed,
        *say_assumptions(found, level=level),
        phrase("tiers.moves.chain.assumes"),
    )


def title_chain(measures: Measures, found: Chain, *, level: float) -> str:
    """Say whether the highest tier would grow or shrink were moves to go on as in the last step."""
    if reason := no_chain(measures, found):
        return reason
    row = found.shares.iloc[-1]
    way = f"open_{settled_side(row)}" if pd.notna(row["open"]) else "no_flow"
    return phrase(
        f"tiers.moves.chain.title.{way}",
        tier=row["tier"],
        share=row["open"],
        lower=row["open_lower"],
        upper=row["open_upper"],
        today=row["now"],
        level=level,
    )


def settled_side(row: Any) -> str:
    """Say on which side of today's share a tier would clearly settle; today's is counted."""
    if row["open_lower"] > row["now"]:
        return "higher"
    return "lower" if row["open_upper"] < row["now"] else "unclear"


def say_assumptions(found: Chain, *, level: float) -> list[str]:
    """Say of each assumption of the chain whether the data speak against it."""
    said = []
    for name, test in (("constant", found.constant), ("first_order", found.first_order)):
        kind = "untested" if not test.degrees else "fails" if fails(test, level=level) else "holds"
        said.append(
            phrase(
                f"tiers.moves.chain.{name}.{kind}",
                statistic=test.statistic,
                degrees=test.degrees,
                p=_p(test.p),
                steps=found.steps,
            )
        )
    return said


def fails(test: ChiSquare, *, level: float) -> bool:
    """Say whether the data speak against what was tested."""
    return bool(test.p <= 1 - level)


def _p(p: float) -> str:
    return "p < 0.001" if p < 0.001 else f"p = {number(p, 3)}"


def no_chain(measures: Measures, found: Chain) -> str:
    """Say why it is not told where the tiers would settle, or "" where it is."""
    if reason := no_moves(measures):
        return reason
    if found.refused == "none":
        return phrase("tiers.moves.none.apart", reviews=measures.move_reviews)
    return phrase("tiers.moves.chain.few", min_users=measures.min_users) if found.refused else ""
