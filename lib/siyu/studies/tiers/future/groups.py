"""Tell buyers apart by tier, and give intervals that hold for all tiers at once."""

from __future__ import annotations

import numpy as np
import pandas as pd

from siyu.stats.checks import FloatArray
from siyu.stats.delta import positive_range
from siyu.stats.multiplicity import bonferroni_level
from siyu.studies.naming import EVERYONE, SMALL, large
from siyu.studies.tiers.future.measure import NO_TIER, Measures

UNREVIEWED = "(no tier)"


def name_groups(measures: Measures) -> dict[int, str]:
    """Name the tier of each code; those with few buyers, then or now, share a name."""
    names = dict(enumerate(measures.tiers)) | {NO_TIER: UNREVIEWED}
    sizes = {}
    for name in ("now", "before"):
        table = getattr(measures, name)
        for gone in (0, 1):
            there = table.loc[table["gone"] == gone, ["tier", "n"]].replace({"tier": names})
            sizes[f"{name} {gone}"] = there["n"].groupby(there["tier"]).sum()
    table = pd.DataFrame(sizes).fillna(0)
    if UNREVIEWED in table.index and measures.tiers:
        sizes_of = table.loc[UNREVIEWED].to_numpy()
        if (
            (sizes_of > 0) & (sizes_of < measures.min_users)
        ).any():  # newcomers are where everybody begins, rather than among small groups
            names[NO_TIER] = measures.tiers[0]
            table = table.rename({UNREVIEWED: measures.tiers[0]}).groupby(level=0).sum()
    kept = large(table, min_users=measures.min_users)
    return {code: name if name in kept else SMALL for code, name in names.items()}


def grouped(rows: pd.DataFrame, names: dict[int, str]) -> tuple[list[str], FloatArray]:
    """Give the groups there are, all buyers first, and in which of them each row is (0 or 1)."""
    named = rows["tier"].map(names)
    there = [name for name in dict.fromkeys([*names.values(), SMALL]) if (named == name).any()]
    if len(there) < 2:
        there = []
    each = [np.ones(len(rows)), *((named == name).to_numpy(np.float64) for name in there)]
    inside: FloatArray = np.stack(each)
    return [EVERYONE, *there], inside


def levels_of(groups: list[str], level: float) -> FloatArray:
    """The level of all buyers, and that at which the intervals of the tiers hold at once."""
    k = max(len(groups) - 1, 1)
    return np.array([level] + [bonferroni_level(level, k)] * (len(groups) - 1))


def ranges(value: FloatArray, variance: FloatArray, levels: FloatArray) -> FloatArray:
    """Give the lower and the upper ends of intervals about sums, each at its own level."""
    ends = [
        positive_range(v, s, level=at) for v, s, at in zip(value, variance, levels, strict=True)
    ]
    return np.array(ends, dtype=np.float64).reshape(-1, 2).T
