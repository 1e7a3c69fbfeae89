"""Estimate what reaching a tier does: members just above its threshold against those just below."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from siyu.stats.checks import normal_quantile
from siyu.stats.density_jump import DensityJump, find_density_jump
from siyu.stats.discontinuity import Jump, find_jump
from siyu.stats.local_polynomials import SparseError
from siyu.stats.multiplicity import holm
from siyu.studies.tables import each_row
from siyu.studies.tiers.threshold.bins import average, count
from siyu.studies.tiers.threshold.measure import OUTCOMES, Measures

SPEND = "amount_cny"
"""The outcome by which a tier is judged to cause spending, and that is checked and drawn."""
SUSPECT_P = 0.05
"""Below it a density jumps, and what members buy is not read there."""
FEWEST = 30
"""Members on each side of a threshold within the bandwidth, at the least."""
DONUT = 0.25
"""Share of the bandwidth, next to the threshold, that is left out of the check called donut."""
KNOWN_BEFORE = ("tenure_days", "main_channel")
SHOWS_NOTHING = ("below", "above", *KNOWN_BEFORE)
"""Checks of where no tier begins, and of what no tier can change."""


@dataclass(frozen=True, kw_only=True)
class Effects:
    """What reaching each tier does to what members buy in the days after the review.

    table: one row per `tier` and `outcome` that is read: `threshold_cny`, `value` of the jump with
        `ci_lower` and `ci_upper` (robust), `corrected` (less its bias) and `p`; of SPEND also
        `p_holm` (over the tiers) and the `verdict` by it ("up", "down", "unclear"); `left`,
        `right` (means where the lines meet the threshold), `left_slope`, `right_slope`, `h`, `b`,
        reviews `n_left` and `n_right` within h, and `above`, the median number of members within h
        above the threshold at one review.
    densities: one row per tier where it could be told: reviews per yuan `left` and `right` of the
        threshold, their `ratio` with `ratio_lower` and `ratio_upper`, `p`, `h`, `n_left`,
        `n_right`, and the curves (`left_0` to `right_2`, in distance over h).
    checks: one row per `tier` and `check` of SPEND ("half" and "double" the bandwidth, "donut",
        "below" and "above": where no tier begins) and of what was known before; with `value`,
        `ci_lower`, `ci_upper`, `p`, and `p_holm` over those that should show nothing.
    bins: one row per tier, `side` and bin of SPEND: mean `basis_cny`, `mean` with `ci_lower` and
        `ci_upper`, `n` reviews. bars: the same of how many reviews there are: `from_cny`, `to_cny`,
        `n` and `density` (reviews per yuan). No bin has fewer than `min_users` members.
    refused: by tier, "fuzzy" (tiers do not follow the basis), "few" (hardly anybody near),
        "bunched" (the density jumps).
    """

    table: pd.DataFrame
    densities: pd.DataFrame
    checks: pd.DataFrame
    bins: pd.DataFrame
    bars: pd.DataFrame
    refused: Mapping[str, str]


def find_effects(measures: Measures, *, level: float) -> Effects:
    """Estimate the jump of what members buy at each threshold where members can be compared.

    Args:
        measures: the reviews.
        level: coverage of each interval, between 0 and 1.

    Assumes that nothing else begins at the threshold, and that members do not place themselves
    above it; the latter is tested. The effect is that of members at the threshold.
    """
    normal_quantile(level)
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in _COLUMNS}
    refused: dict[str, str] = {}
    for row in each_row(measures.thresholds):
        near = _between(measures, row)
        users = measures.min_users
        try:
            density = _test_density(near, row, users)
            rows["densities"].append(_density_row(density, row, level))
            rows["bars"] += [
                {"tier": row.tier} | bar
                for bar in count(near, cutoff=row.threshold_cny, h=density.h, min_users=users)
            ]
            if density.p >= SUSPECT_P:
                rows["table"] += (read := _read(near, row, measures, level))
                h = next(one["h"] for one in read if one["outcome"] == SPEND)
                rows["bins"] += [
                    {"tier": row.tier} | one
                    for one in average(
                        near, SPEND, cutoff=row.threshold_cny, h=h, min_users=users, level=level
                    )
                ]
            else:
                refused[row.tier] = "bunched"
            rows["checks"] += _check(near, row, level, bunched=row.tier in refused)
        except SparseError:
            refused[row.tier] = "fuzzy" if np.isnan(row.threshold_cny) and row.n else "few"
    tables = {name: pd.DataFrame(rows[name], columns=_COLUMNS[name]) for name in rows}
    table, checks = tables["table"], tables["checks"]
    table["p_holm"] = holm(table["p"].where(table["outcome"] == SPEND))
    side = np.where(table["value"] > 0, "up", "down")
    table["verdict"] = np.where(table["p_holm"] < 1 - level, side, "unclear")
    table.loc[table["outcome"] != SPEND, "verdict"] = ""
    checks["p_holm"] = holm(checks["p"].where(checks["check"].isin(SHOWS_NOTHING)))
    return Effects(**tables, refused=refused)


def _between(measures: Measures, row: Any) -> pd.DataFrame:
    """Keep the reviews between the thresholds next to one: at those, other things begin."""
    others = measures.thresholds["threshold_cny"].dropna()
    lower = others[others < row.threshold_cny].max()
    upper = others[others > row.threshold_cny].min()
    basis = measures.reviews.get("basis_cny", pd.Series(dtype="float64"))
    inside = (basis >= (0 if np.isnan(lower) else lower)) & ~(basis >= upper)
    near: pd.DataFrame = measures.reviews[inside]
    return near.assign(above=near["basis_cny"] >= row.threshold_cny)


def _test_density(near: pd.DataFrame, row: Any, min_users: int) -> DensityJump:
    if np.isnan(row.threshold_cny):
        raise SparseError("tiers do not follow the basis")
    _check_members(near, min_users)
    return find_density_jump(near["basis_cny"], cutoff=row.threshold_cny, cluster=near["member"])


def _check_members(near: pd.DataFrame, min_users: int) -> None:
    fewest = max(FEWEST, min_users)
    members = near.groupby("above")["member"].nunique()
    if len(members) < 2 or members.min() < fewest:
        raise SparseError(f"fewer than {fewest} members on a side of the threshold")


def _density_row(found: DensityJump, row: Any, level: float) -> dict[str, Any]:
    ratio, reach = np.nan, normal_quantile(level) * found.log_error
    if np.isfinite(reach):
        ratio = found.right / found.left
    curves = {
        f"{side}_{power}": float(value)
        for side, curve in zip(("left", "right"), found.curves, strict=True)
        for power, value in enumerate(curve)
    }
    return {
        "tier": row.tier,
        "threshold_cny": row.threshold_cny,
        "left": found.left,
        "right": found.right,
        "ratio": ratio,
        "ratio_lower": ratio * np.exp(-reach),
        "ratio_upper": ratio * np.exp(reach),
        "p": found.p,
        "h": found.h,
        "n_left": found.n[0],
        "n_right": found.n[1],
        **curves,
    }


def _jump(near: pd.DataFrame, outcome: str, line: float, level: float, **widths: float) -> Jump:
    return find_jump(
        near[outcome],
        near["basis_cny"],
        cutoff=line,
        level=level,
        cluster=near["member"],
        **widths,
    )


def _read(near: pd.DataFrame, row: Any, measures: Measures, level: float) -> list[dict[str, Any]]:
    """Read the jump of each outcome; margins that nobody knows are no other outcome than spend."""
    rows = []
    for outcome in OUTCOMES if measures.has_margin else OUTCOMES[:2]:
        found = _jump(near, outcome, row.threshold_cny, level)
        inside = near[(near["basis_cny"] - row.threshold_cny).abs() < found.h]
        _check_members(inside, measures.min_users)
        at_once = inside[inside["above"]].groupby("review").size()
        reviews = sorted(near["review"].unique())
        rows.append(
            {
                "tier": row.tier,
                "outcome": outcome,
                "threshold_cny": row.threshold_cny,
                "value": found.value,
                "ci_lower": found.ci_lower,
                "ci_upper": found.ci_upper,
                "corrected": found.corrected,
                "p": found.p,
                "left": found.left[0],
                "right": found.right[0],
                "left_slope": found.left[1],
                "right_slope": found.right[1],
                "h": found.h,
                "b": found.b,
                "n_left": found.n[0],
                "n_right": found.n[1],
                "above": float(at_once.reindex(reviews, fill_value=0).median()),
            }
        )
    return rows


def _check(near: pd.DataFrame, row: Any, level: float, *, bunched: bool) -> list[dict[str, Any]]:
    """Read SPEND in other ways, and what should not jump; what is too sparse is left out.

    Where members bunch only the donut can say anything.
    """
    line = float(row.threshold_cny)
    asked = _jump(near, SPEND, line, level)
    away = (near["basis_cny"] - line).abs()
    same = {"h": asked.h, "b": asked.b}
    ways: dict[str, tuple[pd.DataFrame, str, float, dict[str, float]]] = {
        "donut": (near[away >= DONUT * asked.h], SPEND, line, same)
    }
    if not bunched:
        for name, times in (("half", 0.5), ("double", 2.0)):
            widths = {width: times * size for width, size in same.items()}
            ways[name] = (near, SPEND, line, widths)
        for name, side in (("below", near[~near["above"]]), ("above", near[near["above"]])):
            ways[name] = (side, SPEND, float(side["basis_cny"].median()), {})
        for name in KNOWN_BEFORE:
            ways[name] = (near[near[name].notna()], name, line, {})
    rows = []
    for name, (reviews, outcome, cutoff, widths) in ways.items():
        try:
            found = _jump(reviews, outcome, cutoff, level, **widths)
        except SparseError:
            continue
        rows.append(
            {
                "tier": row.tier,
                "check": name,
                "threshold_cny": cutoff,
                "value": found.value,
                "ci_lower": found.ci_lower,
                "ci_upper": found.ci_upper,
                "p": found.p,
                "h": found.h,
                "n_left": found.n[0],
                "n_right": found.n[1],
            }
        )
    return rows


_COLUMNS = {
    "table": [
        "tier", "outcome", "threshold_cny", "value", "ci_lower", "ci_upper", "corrected", "p",
        "left", "right", "left_slope", "right_slope", "h", "b", "n_left", "n_right", "above",
    ],
    "densities": [
        "tier", "threshold_cny", "left", "right", "ratio", "ratio_lower", "ratio_upper", "p", "h",
        "n_left", "n_right", *(f"{side}_{i}" for side in ("left", "right") for i in range(3)),
    ],
    "checks": [
        "tier", "check", "threshold_cny", "value", "ci_lower", "ci_upper", "p", "h", "n_left",
        "n_right",
    ],
    "bins": ["tier", "side", "basis_cny", "mean", "ci_lower", "ci_upper", "n"],
    "bars": ["tier", "side", "from_cny", "to_cny", "n", "density"],
}  # fmt: skip
