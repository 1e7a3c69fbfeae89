"""Bring the reviews near a threshold into bins, of which none tells of a few members."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import t as student

from siyu.stats.checks import FloatArray

_MOST = 6
"""Bins on one side, at most."""


def average(
    near: pd.DataFrame, outcome: str, *, cutoff: float, h: float, min_users: int, level: float
) -> list[dict[str, Any]]:
    """Average an outcome in bins of as many reviews, with intervals between members.

    Args:
        near: reviews, with `member`, `basis_cny` and the outcome.
        outcome: a column.
        cutoff: where the sides part, in yuan.
        h: how far bins go on either side, in yuan.
        min_users: members in each bin, at the least.
        level: coverage of each interval, between 0 and 1.

    Returns:
        A row per `side` and bin: mean `basis_cny`, `mean_cny`, `ci_lower`, `ci_upper`, `reviews`.
    """
    rows = []
    for side, part in _sides(near, cutoff, h, min_users):
        shares = [np.linspace(0, 1, bins + 1) for bins in range(_MOST, 0, -1)]
        code, _ = _cut(part, [np.quantile(part["basis_cny"], one) for one in shares], min_users)
        for _, one in part.groupby(code):
            mean, half = float(one[outcome].mean()), _half(one, outcome, level)
            rows.append(
                {
                    "side": side,
                    "basis_cny": float(one["basis_cny"].mean()),
                    "mean_cny": mean,
                    "ci_lower": mean - half,
                    "ci_upper": mean + half,
                    "reviews": len(one),
                }
            )
    return rows


def count(near: pd.DataFrame, *, cutoff: float, h: float, min_users: int) -> list[dict[str, Any]]:
    """Count reviews in bars of equal width.

    Args:
        near: reviews, with `member` and `basis_cny`.
        cutoff: where the sides part, in yuan.
        h: how far bars go on either side, in yuan.
        min_users: members in each bar, at the least.

    Returns:
        A row per `side` and bar: `from_cny`, `to_cny`, `reviews` and `density`, them per yuan.
    """
    rows = []
    for side, part in _sides(near, cutoff, h, min_users):
        start = cutoff - h if side == "below" else cutoff
        ends = [np.linspace(start, start + h, bins + 1) for bins in range(_MOST, 0, -1)]
        code, edges = _cut(part, ends, min_users)
        for place, one in part.groupby(code):
            low, high = (float(edges[int(str(place)) + i]) for i in (0, 1))
            n = len(one)
            rows.append(
                {
                    "side": side,
                    "from_cny": low,
                    "to_cny": high,
                    "reviews": n,
                    "density": n / (high - low),
                }
            )
    return rows


def _half(reviews: pd.DataFrame, outcome: str, level: float) -> float:
    """Give half the width of the interval of a mean, reviews of one member hanging together."""
    off = (reviews[outcome] - reviews[outcome].mean()).groupby(reviews["member"]).sum()
    degrees = max(len(off) - 1, 1)
    error = np.sqrt((off**2).sum() * len(off) / degrees) / len(reviews)
    return float(student.ppf((1 + level) / 2, degrees) * error)


def _sides(
    near: pd.DataFrame, cutoff: float, h: float, min_users: int
) -> list[tuple[str, pd.DataFrame]]:
    """Give the reviews within h on each side, where there are enough members."""
    away = near["basis_cny"] - cutoff
    parts = [("below", near[(away < 0) & (away > -h)]), ("above", near[(away >= 0) & (away < h)])]
    return [(name, part) for name, part in parts if part["member"].nunique() >= min_users]


def _cut(
    part: pd.DataFrame, candidates: list[FloatArray], min_users: int
) -> tuple[pd.Series, FloatArray]:
    """Cut reviews by the first edges that leave enough members in each bin; the last does."""
    for edges in candidates:
        code = np.clip(
            np.searchsorted(edges, part["basis_cny"], side="right") - 1, 0, len(edges) - 2
        )
        members = part["member"].groupby(code).nunique()
        if len(members) == len(edges) - 1 and members.min() >= min_users:
            break
    return pd.Series(code, index=part.index), edges
