"""Estimate what reaching a tier does: members just above its threshold against those just below."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from siyu.stats.checks import FloatArray, normal_quantile
from siyu.stats.density_jump import DensityJump, find_density_jump
from siyu.stats.discontinuity import Jump, find_jump
from siyu.stats.local_polynomials import SparseError
from siyu.stats.multiplicity import holm
from siyu.studies.tables import each_row
from siyu.studies.tiers.threshold.bins import average, count
from siyu.studies.tiers.threshold.measure import OUTCOMES, Measures

SPEND = "spend"
"""The measure by which a tier is judged to cause spending, and that is checked and drawn."""
_SPEND_CNY = OUTCOMES[SPEND]
SUSPECT_P = 0.05
"""Below it a density jumps, and what members buy is not read there."""
FEWEST = 30
"""Members on each side of a threshold within the bandwidth, at the least."""
FARTHEST = 3
"""Times the threshold, at the most, that members spent who are compared."""
DONUT = 0.25
"""Share of the bandwidth, next to the threshold, that is left out of the check called donut."""
KNOWN_BEFORE = ("tenure_days", "main_channel")
SHOWS_NOTHING = ("below", "above", *KNOWN_BEFORE)
"""Checks of where no tier begins, and of what no tier can change."""


@dataclass(frozen=True, kw_only=True)
class Effects:
    """What reaching each tier does to what members buy in the days after the review.

    table: one row per `tier` and `measure` that is read: `threshold_cny`, `value` of the jump with
        `ci_lower` and `ci_upper` (robust), `corrected` (less its bias) and `p`; of SPEND also
        `p_holm` (over the tiers) and the `verdict` by it ("up", "down", "unclear");
        `mean_below`, `mean_above` (where the lines meet the threshold), `slope_below`,
        `slope_above`, `bandwidth_cny` and `bias_bandwidth_cny`, reviews `n_below` and `n_above`
        within the bandwidth, and `members_above`, the median number just above at one review.
    densities: one row per tier where it could be told: reviews per yuan `density_below` and
        `density_above` the threshold, their `ratio` with `ratio_lower` and `ratio_upper`, `p`,
        `bandwidth_cny`, `n_below`, `n_above`. curves: by tier, the parabolas that they are read
        from, in distance over bandwidth, below and above.
    checks: one row per `tier` and `check` of SPEND ("half" and "double" the bandwidth, "donut",
        "below" and "above": where no tier begins) and of what was known before; with `value`,
        `ci_lower`, `ci_upper`, `p`, and `p_holm` over those that should show nothing.
    bins: one row per tier, `side` and bin of SPEND: mean `basis_cny`, `mean_cny` with its
        `ci_lower` and `ci_upper`, `reviews`.
    bars: the same of how many there are: `from_cny`, `to_cny`, `reviews` and `density` (reviews per
        yuan). Neither bin nor bar has fewer than `min_users` members.
    refused: by tier, "fuzzy" (tiers do not follow the basis), "few" (hardly anybody near),
        "bunched" (the density jumps).
    """

    table: pd.DataFrame
    densities: pd.DataFrame
    checks: pd.DataFrame
    bins: pd.DataFrame
    bars: pd.DataFrame
    curves: Mapping[str, tuple[FloatArray, FloatArray]]
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
    curves: dict[str, tuple[FloatArray, FloatArray]] = {}
    for row in each_row(measures.thresholds):
        near = _between(measures, row)
        users = measures.min_users
        try:
            density = _test_density(near, row, users)
            curves[row.tier] = density.curves
            rows["densities"].append(_density_row(density, row, level))
            rows["bars"] += [
                {"tier": row.tier} | bar
                for bar in count(near, cutoff=row.threshold_cny, h=density.h, min_users=users)
            ]
            if density.p >= SUSPECT_P:
                rows["table"] += (read := _read(near, row, measures, level))
                h = next(one["bandwidth_cny"] for one in read if one["measure"] == SPEND)
                rows["bins"] += [
                    {"tier": row.tier} | one
                    for one in average(
                        near,
                        _SPEND_CNY,
                        cutoff=row.threshold_cny,
                        h=h,
                        min_users=users,
                        level=level,
                    )
                ]
            else:
                refused[row.tier] = "bunched"
            rows["checks"] += _check(near, row, level, bunched=row.tier in refused)
        except SparseError:
            why = "fuzzy" if np.isnan(row.threshold_cny) and row.n else "few"
            refused.setdefault(row.tier, why)
    tables = {name: pd.DataFrame(rows[name], columns=_COLUMNS[name]) for name in rows}
    table, checks = tables["table"], tables["checks"]
    table["p_holm"] = holm(table["p"].where(table["measure"] == SPEND))
    side = np.where(table["value"] > 0, "up", "down")
    table["verdict"] = np.where(table["p_holm"] < 1 - level, side, "unclear")
    table.loc[table["measure"] != SPEND, "verdict"] = ""
    checks["p_holm"] = holm(checks["p"].where(checks["check"].isin(SHOWS_NOTHING)))
    return Effects(**tables, curves=curves, refused=refused)


def _between(measures: Measures, row: Any) -> pd.DataFrame:
    """Keep the reviews between the thresholds next to one: at those, other things begin.

    The few who spent many times as much would bend curves that are fitted to all, and are left out.
    """
    others = measures.thresholds["threshold_cny"].dropna()
    lower = others[others < row.threshold_cny].max()
    upper = np.fmin(others[others > row.threshold_cny].min(), FARTHEST * row.threshold_cny)
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
    return {
        "tier": row.tier,
        "threshold_cny": row.threshold_cny,
        "density_below": found.left,
        "density_above": found.right,
        "ratio": ratio,
        "ratio_lower": ratio * np.exp(-reach),
        "ratio_upper": ratio * np.exp(reach),
        "p": found.p,
        "bandwidth_cny": found.h,
        "n_below": found.n[0],
        "n_above": found.n[1],
    }


def _jump(near: pd.DataFrame, column: str, line: float, level: float, **widths: float) -> Jump:
    return find_jump(
        near[column],
        near["basis_cny"],
        cutoff=line,
        level=level,
        cluster=near["member"],
        **widths,
    )


def _read(near: pd.DataFrame, row: Any, measures: Measures, level: float) -> list[dict[str, Any]]:
    """Read the jump of each outcome; margins that nobody knows are no other outcome than spend."""
    rows = []
    for name, column in OUTCOMES.items():
        if name == "margin" and not measures.has_margin:
            continue
        found = _jump(near, column, row.threshold_cny, level)
        inside = near[(near["basis_cny"] - row.threshold_cny).abs() < found.h]
        _check_members(inside, measures.min_users)
        at_once = inside[inside["above"]].groupby("review").size()
        reviews = sorted(near["review"].unique())
        rows.append(
            {
                "tier": row.tier,
                "measure": name,
                "threshold_cny": row.threshold_cny,
                "value": found.value,
                "ci_lower": found.ci_lower,
                "ci_upper": found.ci_upper,
                "corrected": found.corrected,
                "p": found.p,
                "mean_below": found.left[0],
                "mean_above": found.right[0],
                "slope_below": found.left[1],
                "slope_above": found.right[1],
                "bandwidth_cny": found.h,
                "bias_bandwidth_cny": found.b,
                "n_below": found.n[0],
                "n_above": found.n[1],
                "members_above": float(at_once.reindex(reviews, fill_value=0).median()),
            }
        )
    return rows


def _check(near: pd.DataFrame, row: Any, level: float, *, bunched: bool) -> list[dict[str, Any]]:
    """Read SPEND in other ways, and what should not jump; what is too sparse is left out.

    Where members bunch only the donut can say anything.
    """
    line = float(row.threshold_cny)
    asked = _jump(near, _SPEND_CNY, line, level)
    away = (near["basis_cny"] - line).abs()
    same = {"h": asked.h, "b": asked.b}
    ways: dict[str, tuple[pd.DataFrame, str, float, dict[str, float]]] = {
        "donut": (near[away >= DONUT * asked.h], _SPEND_CNY, line, same)
    }
    if not bunched:
        for name, times in (("half", 0.5), ("double", 2.0)):
            widths = {width: times * size for width, size in same.items()}
            ways[name] = (near, _SPEND_CNY, line, widths)
        for name, side in (("below", near[~near["above"]]), ("above", near[near["above"]])):
            ways[name] = (side, _SPEND_CNY, float(side["basis_cny"].median()), {})
        for name in KNOWN_BEFORE:
            ways[name] = (near[near[name].notna()], name, line, {})
    rows = []
    for name, (reviews, column, cutoff, widths) in ways.items():
        try:
            found = _jump(reviews, column, cutoff, level, **widths)
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
                "bandwidth_cny": found.h,
                "n_below": found.n[0],
                "n_above": found.n[1],
            }
        )
    return rows


_AT = ("bandwidth_cny", "n_below", "n_above")
_JUMP = ("threshold_cny", "value", "ci_lower", "ci_upper", "p")
_COLUMNS = {
    "table": [
        "tier", "measure", *_JUMP, *_AT, "corrected", "mean_below", "mean_above", "slope_below",
        "slope_above", "bias_bandwidth_cny", "members_above",
    ],
    "densities": [
        "tier", "threshold_cny", "density_below", "density_above", "ratio", "ratio_lower",
        "ratio_upper", "p", *_AT,
    ],
    "checks": ["tier", "check", *_JUMP, *_AT],
    "bins": ["tier", "side", "basis_cny", "mean_cny", "ci_lower", "ci_upper", "reviews"],
    "bars": ["tier", "side", "from_cny", "to_cny", "reviews", "density"],
}  # fmt: skip
