"""Where tiers begin: named, or found in the reviews where tiers follow the basis."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from siyu.studies.tables import each_row
from siyu.studies.tiers.definition import TierError
from siyu.studies.tiers.members import Members

MOST_OFF = 0.01
"""Share of reviews that may not follow a threshold that was named."""


def check_thresholds(
    members: Members, thresholds_cny: Mapping[str, float] | None
) -> dict[str, float]:
    """Check the thresholds that are named: each above 0, of a tier above the lowest.

    Raises:
        TierError: naming the one that is not.
    """
    asked = dict(thresholds_cny or {})
    for tier, line in asked.items():
        if not line > 0:
            raise TierError(f"thresholds_cny: {tier} = {line} must be above 0")
        if members.tiers and tier not in members.tiers[1:]:
            raise TierError(
                f"thresholds_cny names {tier!r}, which is no tier above the lowest; "
                f"name {', '.join(members.tiers[1:])}"
            )
    return asked


def find_thresholds(
    reviews: ir.Table, tiers: Sequence[str], asked: Mapping[str, float]
) -> pd.DataFrame:
    """Give where each tier begins, and how many reviews do not follow that.

    Args:
        reviews: with `tier` (index into `tiers`) and `basis_cny`.
        tiers: the lowest first.
        asked: thresholds that are named, from `check_thresholds`.

    Returns:
        One row per tier but the lowest: `tier`, `line_cny` (named, or the roundest number that
        parts the basis of those below from that of the others; where they overlap, the least
        basis), `off` reviews that do not follow it of the `n` in that tier or above, or that by
        their basis should be, and `threshold_cny`, the same line, or NaN where tiers do not
        follow it.

    Raises:
        TierError: the lines do not rise.
    """
    ends = reviews.group_by("tier").agg(
        lowest=reviews.basis_cny.min(), highest=reviews.basis_cny.max()
    )
    found = ends.to_pandas().set_index("tier").reindex(range(len(tiers)))
    rows = []
    for code, tier in enumerate(tiers[1:], start=1):
        below, above = found.loc[: code - 1, "highest"].max(), found.loc[code:, "lowest"].min()
        line = asked.get(tier, above if below >= above else _plainest(below, above))
        rows.append({"tier": tier, "code": code, "line": float(line), "sharp": below < above})
    table = pd.DataFrame(rows, columns=["tier", "code", "line", "sharp"])
    firm = table.loc[table["sharp"] | table["tier"].isin(list(asked)), "line"]
    if (firm.diff().dropna() <= 0).any():
        raise TierError(f"thresholds_cny = {dict(asked)} must rise from {tiers[1]} to {tiers[-1]}")
    sums: dict[str, Any] = {}
    for row in each_row(table):
        is_in, should = reviews.tier >= row.code, reviews.basis_cny >= row.line
        sums[f"off {row.tier}"] = (is_in != should).sum().fill_null(0)
        sums[f"n {row.tier}"] = (is_in | should).sum().fill_null(0)
    counted = reviews.agg(**sums).to_pandas().iloc[0] if sums else {}
    table["off"] = [int(counted[f"off {tier}"]) for tier in table["tier"]]
    table["n"] = [int(counted[f"n {tier}"]) for tier in table["tier"]]
    named = table["tier"].isin(list(asked))
    follows = np.where(named, table["off"] <= MOST_OFF * table["n"], table["sharp"])
    table["threshold_cny"] = table["line"].where(follows)
    table = table.rename(columns={"line": "line_cny"})
    return table[["tier", "line_cny", "threshold_cny", "off", "n"]]


def _plainest(below: float, above: float) -> float:
    """Give the roundest number above one and at most another; of two, the nearer to midway.

    NaN where there is none, since a tier has no review with a basis.
    """
    if not (math.isfinite(below) and math.isfinite(above)):
        return float("nan")
    middle = (below + above) / 2
    for power in range(9, -7, -1):
        step = 10.0**power
        first, last = math.floor(below / step) + 1, math.floor(above / step)
        if first <= last:
            return float(round(min(max(round(middle / step), first), last) * step, max(0, -power)))
    return above
