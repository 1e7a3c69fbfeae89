"""Say of which high tiers more members went down at the last review than at those before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from siyu.formats import paragraph, paragraphs
from siyu.phrases import phrase, term
from siyu.studies.tables import each_row
from siyu.studies.tiers.moves.measures import Measures
from siyu.studies.tiers.moves.sentences import no_moves
from siyu.studies.tiers.sentences import say_alone


def say_rates(
    measures: Measures, compared: pd.DataFrame, *, high_tiers: Sequence[str], level: float
) -> str:
    """Say whether more of the high tiers went down at the last review, and what else changed."""
    if no_moves(measures) or judged(compared, high_tiers).empty:
        return title_rates(measures, compared, high_tiers=high_tiers)
    rows = [
        row
        for row in each_row(compared)
        if row.verdict in ("more", "fewer")
        or (row.verdict and row.tier in high_tiers and (row.way == "down" or has_trend(row)))
    ]
    said = [say_change(measures, row, level=level) for row in rows]
    if measures.whole:
        said.append(phrase("tiers.moves.rates.whole", day=measures.whole))
    return paragraphs(*said)


def title_rates(measures: Measures, compared: pd.DataFrame, *, high_tiers: Sequence[str]) -> str:
    """Say of which high tiers more members went down at the last review than before."""
    if reason := no_moves(measures):
        return reason
    if not high_tiers:
        return phrase("tiers.no_high")
    own = judged(compared, high_tiers)
    if own.empty:
        return phrase("tiers.moves.rates.few", tiers=high_tiers, min_users=measures.min_users)
    more = own.loc[own["verdict"] == "more", "tier"].tolist()
    return phrase(
        f"tiers.moves.rates.{'more' if more else 'none'}",
        tiers=more or own["tier"].tolist(),
        day=measures.reviews[-1],
    )


def judged(compared: pd.DataFrame, high_tiers: Sequence[str]) -> pd.DataFrame:
    """Give the rows of downgrades of high tiers that can be compared."""
    chosen = compared["tier"].isin(list(high_tiers)) & (compared["way"] == "down")
    return compared[chosen & (compared["verdict"] != "")]


def say_change(measures: Measures, row: Any, *, level: float) -> str:
    """Say how often a tier's members moved one way at the last review, and at those before."""
    said = phrase(
        f"tiers.moves.change.{row.way}.{row.verdict}",
        tier=term(row.tier),
        day=measures.reviews[-1],
        rate=row.moved_rate,
        n=row.n,
        earlier=row.rate_earlier,
        earlier_lower=row.earlier_lower,
        earlier_upper=row.earlier_upper,
        n_earlier=row.n_earlier,
        users=row.users_earlier,
        change=row.change,
        lower=row.change_lower,
        upper=row.change_upper,
        level=level,
    )
    said = paragraph(said, say_alone(row.verdict, row.change_lower, row.change_upper))
    if not has_trend(row):
        return said
    trend = phrase(
        f"tiers.moves.trend.{'rises' if row.trend > 0 else 'falls'}",
        slope=row.trend,
        lower=row.trend_lower,
        upper=row.trend_upper,
        level=level,
    )
    return paragraph(said, trend)


def has_trend(row: Any) -> bool:
    """Say whether the share clearly rose or fell over all reviews."""
    return bool(row.trend_lower > 0 or row.trend_upper < 0)
