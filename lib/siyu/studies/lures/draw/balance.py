"""Tell how alike arms are in what was known before the draw."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np
import pandas as pd
from scipy.stats import norm

from siyu.stats.checks import FloatArray

NUMBERS = ("exposures", "exposed_days_ago")
_CHANCE = 0.05


def compare_arms(
    drawn: pd.DataFrame, arms: Sequence[str], *, names: Sequence[str], min_users: int
) -> pd.DataFrame:
    """Give the largest standardised difference between any two arms, by covariate.

    Args:
        drawn: one row per person: `arm`, `exposures`, `exposed_days_ago` and the covariates.
        arms: their names.
        names: covariates with values that are names; those of fewer than `min_users` are skipped.
        min_users: as said.

    Returns:
        One row per `covariate`: `difference`, in standard deviations, and the `limit` that chance
        exceeds in one draw of twenty, somewhere among all of them.

    Source: Austin (2009), Stat. Med. 28, 3083-3107, for shares and means.
    """
    parts = [drawn[drawn["arm"] == arm] for arm in arms]
    rows = []
    for name in [*names, *NUMBERS]:
        sides = list(_columns(drawn, parts, name, min_users))
        gaps = [_gap(a, b) for side in sides for a, b in combinations(side, 2)]
        if gaps:
            rows.append((name, max(gaps), len(gaps)))
    table = pd.DataFrame(rows, columns=["covariate", "difference", "gaps"])
    each = _CHANCE / max(int(table["gaps"].sum()), 1)
    smallest = min(map(len, parts))
    table["limit"] = float(norm.isf(each / 2)) * np.sqrt(2 / smallest)
    return table[["covariate", "difference", "limit"]]


def _columns(
    drawn: pd.DataFrame, parts: list[pd.DataFrame], name: str, min_users: int
) -> Iterator[list[FloatArray]]:
    if name in NUMBERS:
        yield [part[name].to_numpy(dtype=np.float64) for part in parts]
        return
    size = drawn[name].value_counts()
    for value in sorted(size.index[size >= min_users]):
        yield [(part[name] == value).to_numpy(dtype=np.float64) for part in parts]


def _gap(a: FloatArray, b: FloatArray) -> float:
    spread = np.sqrt((a.var() + b.var()) / 2)
    return float(abs(a.mean() - b.mean()) / spread) if spread else 0.0
