"""Turn moves into findings: who went where, where it leads, and who goes down more often."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from siyu.findings import Finding, insufficient, status_of
from siyu.formats import full_stop
from siyu.phrases import phrase
from siyu.studies.naming import EVERYONE
from siyu.studies.tables import each_row
from siyu.studies.tiers.moves import falls, sentences
from siyu.studies.tiers.moves.estimate import Chain
from siyu.studies.tiers.moves.measures import Measures


def conclude(
    measures: Measures,
    *,
    closed: pd.DataFrame,
    moved: pd.DataFrame,
    found: Chain,
    compared: pd.DataFrame,
    high_tiers: Sequence[str],
    level: float,
) -> list[Finding]:
    """Give the findings of moves.

    Args:
        measures: the reduced tables.
        closed: from `accounts`.
        moved: from `migration`.
        found: from `chain`.
        compared: from `changes`, for the same high tiers.
        high_tiers: the tiers of which more downgrades are an alert.
        level: the coverage at which they were computed.

    Returns:
        Findings with stable ids. Downgrades of a high tier are an alert when the whole interval of
        their change is above 0 and their p-value, by Holm over the high tiers, says so too.
    """
    return [
        *_accounts(measures, closed),
        *_migration(measures, moved, level=level),
        *_settled(measures, found, level=level),
        *_changes(measures, compared, high_tiers, level=level),
    ]


def _accounts(measures: Measures, closed: pd.DataFrame) -> Iterator[Finding]:
    if reason := sentences.no_moves(measures):
        yield insufficient(
            "tiers.moves.accounts", full_stop(reason), metric="members", unit="users", n=0
        )
        return
    row = sentences.last_of(closed, EVERYONE)
    yield Finding(
        id="tiers.moves.accounts",
        metric="members",
        value=float(row.closing),
        unit="users",
        n=int(row.closing),
        message=full_stop(sentences.title_accounts(measures, closed)),
        method=phrase("tiers.moves.method.gap"),
    )
    if row.not_reviewed:
        gap = {"n": row.not_reviewed, "n_all": row.closing, "day": measures.reviews[-1]}
        yield Finding(
            id="tiers.moves.not_reviewed",
            metric="members not reviewed",
            value=float(row.not_reviewed),
            unit="users",
            n=int(row.closing),
            message=phrase("tiers.moves.finding.gap", **gap),
            action=phrase("tiers.moves.action.gap"),
            method=phrase("tiers.moves.method.gap"),
        )


def _migration(measures: Measures, moved: pd.DataFrame, *, level: float) -> Iterator[Finding]:
    if reason := sentences.no_migration(measures, moved):
        yield insufficient("tiers.moves.migration", full_stop(reason), metric="migration", n=0)
        return
    said = {"reviews": measures.move_reviews, "level": level}
    for row in each_row(moved):
        is_tier = row.destination in measures.tiers
        if row.destination == "not_reviewed" or (is_tier and pd.isna(row.share)):
            continue
        names = (
            ("share", "ci_lower", "ci_upper")
            if is_tier
            else ("share_of_all", "all_lower", "all_upper")
        )
        if pd.isna(getattr(row, names[0])):
            continue
        value, lower, upper = (float(getattr(row, name)) for name in names)
        told = {
            "origin": row.origin,
            "to": row.destination,
            "share": value,
            "lower": lower,
            "upper": upper,
        }
        n = int(row.n_there if is_tier else row.n_all)
        yield Finding(
            id=f"tiers.moves.migration.{row.origin}.{row.destination}",
            metric="migration",
            value=value,
            ci_lower=lower,
            ci_upper=upper,
            level=level,
            unit="share",
            n=n,
            segment={"tier": row.origin},
            message=phrase(
                f"tiers.moves.finding.{'move' if is_tier else 'left'}", n=n, **told, **said
            ),
            method=phrase(f"tiers.moves.method.{'share' if is_tier else 'of_all'}"),
        )
    for tier in sentences.few_of(measures, moved):
        reason = phrase(
            "tiers.moves.finding.few", origin=tier, min_users=measures.min_users, **said
        )
        yield insufficient(f"tiers.moves.migration.{tier}", reason, metric="migration", n=0)


def _settled(measures: Measures, found: Chain, *, level: float) -> Iterator[Finding]:
    reason = sentences.no_chain(measures, found)
    if not reason and found.shares["open"].isna().any():
        reason = sentences.title_chain(measures, found, level=level)
    if reason:
        yield insufficient("tiers.moves.settled", full_stop(reason), metric="settled share", n=0)
        return
    for row in each_row(found.shares):
        yield Finding(
            id=f"tiers.moves.settled.{row.tier}",
            metric="settled share",
            value=float(row.open),
            ci_lower=float(row.open_lower),
            ci_upper=float(row.open_upper),
            level=level,
            unit="share",
            n=int(found.shares["members"].sum()),
            segment={"tier": row.tier},
            message=phrase(
                "tiers.moves.finding.settled",
                tier=row.tier,
                share=row.open,
                lower=row.open_lower,
                upper=row.open_upper,
                today=row.now,
                level=level,
            ),
            method=phrase("tiers.moves.method.settled"),
        )


def _changes(
    measures: Measures, compared: pd.DataFrame, high_tiers: Sequence[str], *, level: float
) -> Iterator[Finding]:
    if reason := sentences.no_moves(measures):
        yield _not_compared("tiers.moves.change", full_stop(reason))
        return
    for row in each_row(compared[compared["verdict"] != ""]):
        high = row.way == "down" and row.tier in high_tiers
        yield Finding(
            id=f"tiers.moves.{row.way}.{row.tier}",
            metric="change of moves",
            value=float(row.change),
            ci_lower=float(row.change_lower),
            ci_upper=float(row.change_upper),
            level=level,
            unit="share",
            n=int(row.n),
            segment={"tier": row.tier},
            message=falls.say_change(measures, row, level=level),
            method=phrase("tiers.moves.method.change"),
            **(_judged(row) if high else {}),
        )
    there = set(falls.judged(compared, high_tiers)["tier"])
    for tier in dict.fromkeys(high_tiers):
        if tier not in there:
            few = {"tier": tier, "min_users": measures.min_users}
            yield _not_compared(
                f"tiers.moves.down.{tier}", phrase("tiers.moves.finding.not_compared", **few)
            )


def _judged(row: Any) -> dict[str, Any]:
    """Judge downgrades of a high tier: what interval and p-value do not both call is watched."""
    status = status_of(
        ci_lower=row.change_lower, ci_upper=row.change_upper, threshold=0.0, direction="below"
    )
    return {
        "threshold": 0.0,
        "direction": "below",
        "status": "watch" if row.verdict == "unclear" else status,
        "action": phrase("tiers.moves.action.down") if row.verdict == "more" else "",
    }


def _not_compared(name: str, reason: str) -> Finding:
    return insufficient(name, reason, metric="change of moves", n=0)
