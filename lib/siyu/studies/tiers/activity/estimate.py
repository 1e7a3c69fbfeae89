"""Estimate how many members of each tier buy, how often, and whether that changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import norm
from scipy.stats import t as student

from siyu.stats.checks import normal_quantile
from siyu.stats.intervals import wilson
from siyu.stats.multiplicity import bonferroni_level, holm
from siyu.studies.changes import change_of_share, compare_spans
from siyu.studies.naming import EVERYONE, large
from siyu.studies.tiers.activity.measure import Measures

MEASURES = ("share", "days")
"""Share of the members who bought, and days on which a member bought."""
_POINT = 0.01
_CHANGE = ("value_before", "change", "change_lower", "change_upper", "p")


def activity(measures: Measures, *, high_tiers: Sequence[str], level: float) -> pd.DataFrame:
    """Give each tier's purchases in the last 28 days, and their change since the window before.

    Both windows have picked their members in the same way, as long after a review; so what the
    picking costs later (regression to the mean) is in both, not in the change.

    Args:
        measures: the reduced tables.
        high_tiers: the tiers whose fall is an alert.
        level: coverage of each interval, between 0 and 1.

    Returns:
        One row per `tier` (the lowest first, then "all") and `measure` ("share" of the members who
        bought, or "days" bought on per member): `members`, `value` with `ci_lower` and `ci_upper`
        (of "share" in a high tier also `joint_lower` and `joint_upper`, which hold for all of them
        at once), `members_before`, `value_before`, `change` with `change_lower` and `change_upper`,
        `p_holm` (over the high tiers and both measures, and over the others) and `verdict`
        ("falls", "rises", "unclear", "" where there is no comparison); of "share" also `point_cny`:
        what members of the size of a percentage point of the tier bring in 28 days if they buy as
        buyers do, with `point_lower` and `point_upper`. NaN where a tier is of few, but not nobody,
        at the beginning of a window, or hidden with such a one. No rows without orders or members.
    """
    counts = measures.members
    if counts.empty:
        return pd.DataFrame()
    sizes = pd.DataFrame(
        {
            side: counts.groupby(side)["n"].sum().reindex(range(len(measures.tiers)), fill_value=0)
            for side in ("tier_before", "tier")
        }
    ).set_axis(list(measures.tiers))
    shown = large(sizes, min_users=measures.min_users)
    rows = []
    for code, tier in [*enumerate(measures.tiers), (None, EVERYONE)]:
        for name in MEASURES:
            row: dict[str, Any] = {"tier": tier, "measure": name}
            if code is None or tier in shown:
                row |= _row(measures, code, name, level=level)
            rows.append(row)
    columns = ["members", "members_before", "value", "ci_lower", "ci_upper", *_CHANGE]
    found = pd.DataFrame(rows, columns=["tier", "measure", *columns])
    everyone = found["tier"] == EVERYONE
    high = found["tier"].isin(list(high_tiers)) & ~everyone
    found = found.join(_joint(found, high & (found["measure"] == "share"), level=level))
    found["p_holm"] = found["p"]
    for family in (high, ~high & ~everyone):
        found.loc[family, "p_holm"] = holm(found.loc[family, "p"].astype(float))
    clear = found["p_holm"] <= 1 - level
    found["verdict"] = np.select(
        [
            found["change"].isna(),
            clear & (found["change_upper"] < 0),
            clear & (found["change_lower"] > 0),
        ],
        ["", "falls", "rises"],
        "unclear",
    )
    return found.drop(columns="p").join(_points(measures, found, level=level))


def _row(measures: Measures, code: int | None, name: str, *, level: float) -> dict[str, Any]:
    counts = measures.members
    n = counts["n"].to_numpy(dtype=float)
    there_before, there = (_members_of(counts[side], code) for side in ("tier_before", "tier"))
    came_before, came = (
        np.asarray(counts[side] > 0 if name == "share" else counts[side], dtype=float)
        for side in ("days_before", "days")
    )
    sides = np.column_stack([there_before, came_before * there_before, there, came * there])
    n0, x0, n1, x1 = n @ sides
    row: dict[str, Any] = {"members": n1, **dict.fromkeys(_CHANGE, np.nan)}
    if n1 >= measures.min_users:
        lower, upper = (
            (float(end) for end in wilson(x1, n1, level=level))
            if name == "share"
            else _mean(n * there, came, level=level)
        )
        row |= {"value": x1 / n1, "ci_lower": lower, "ci_upper": upper}
    if measures.starts[0] is not None:
        row["members_before"] = n0
    if min(n0, n1) >= measures.min_users:
        row["value_before"] = x0 / n0
        row |= _change(sides, n, name, level=level)
    few = [
        side
        for side, size in (("members", n1), ("members_before", n0))
        if 0 < size < measures.min_users
    ]
    return row | dict.fromkeys(few, np.nan)


def _change(sides: Any, n: Any, name: str, *, level: float) -> dict[str, float]:
    if name == "share":
        found = change_of_share(sides, n, level=level).iloc[0]
        p = found["p"]
    else:
        found = compare_spans(sides, n, level=level).iloc[0]
        half = (found["ci_upper"] - found["ci_lower"]) / 2
        p = 2 * norm.sf(abs(found["value"]) / half * normal_quantile(level))
    ends = {f"change_{end}": found[f"ci_{end}"] for end in ("lower", "upper")}
    return {"change": found["value"], **ends, "p": p}


def _mean(n: Any, days: Any, *, level: float) -> tuple[float, float]:
    """Give the interval of the mean days per member, of which nobody has fewer than none.

    Where nobody bought there is no spread to tell an error from: as many as may have bought, on one
    day each, are its upper end.
    """
    size = n.sum()
    if not n @ days:
        return 0.0, float(wilson(0, size, level=level)[1])
    mean = n @ days / size
    error = np.sqrt(n @ (days - mean) ** 2 / (size - 1) / size)
    reach = student.ppf((1 + level) / 2, size - 1) * error
    return max(mean - reach, 0.0), mean + reach


def _joint(found: pd.DataFrame, chosen: pd.Series, *, level: float) -> pd.DataFrame:
    """Give intervals that hold for all chosen shares at once."""
    chosen &= found["value"].notna()
    ends = pd.DataFrame(np.nan, index=found.index, columns=["joint_lower", "joint_upper"])
    if chosen.any():
        members = found.loc[chosen, "members"].astype(float)
        bought = (found.loc[chosen, "value"].astype(float) * members).round()
        each = bonferroni_level(level, int(chosen.sum()))
        ends.loc[chosen] = np.column_stack(wilson(bought, members, level=each))
    return ends


def _points(measures: Measures, found: pd.DataFrame, *, level: float) -> pd.DataFrame:
    """Give what a point of the share of buyers is worth, by the mean margin of a buyer."""
    margins = measures.margins.set_index("tier")
    rows = pd.DataFrame(
        np.nan, index=found.index, columns=["point_cny", "point_lower", "point_upper"]
    )
    for place, row in found[found["measure"] == "share"].iterrows():
        own = margins if row["tier"] == EVERYONE else margins[margins.index == _code(measures, row)]
        buyers, margin, squared = own[["buyers", "margin", "squared"]].sum()
        if buyers < 2 or pd.isna(row["value"]):
            continue
        mean = margin / buyers
        error = np.sqrt(max(squared / buyers - mean**2, 0) / (buyers - 1))
        reach = student.ppf((1 + level) / 2, buyers - 1) * error
        each = _POINT * row["members"] * np.array([mean, mean - reach, mean + reach])
        rows.loc[place] = each
    return rows


def _code(measures: Measures, row: pd.Series) -> int:
    return measures.tiers.index(row["tier"])


def _members_of(tiers: pd.Series, code: int | None) -> npt.NDArray[np.float64]:
    return np.asarray(tiers >= 0 if code is None else tiers == code, dtype=float)
