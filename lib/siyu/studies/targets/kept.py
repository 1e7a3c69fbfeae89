"""What share of those added is still there on the day that counts, and what one costs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import t as student

from siyu.stats.checks import normal_quantile
from siyu.stats.clusters import clustered_share
from siyu.stats.intervals import wilson
from siyu.stats.survival import cumulative_incidence
from siyu.studies.naming import EVERYONE
from siyu.studies.targets.adds import Adds

_FEWEST_DAYS = 5


def kept_shares(adds: Adds, *, level: float) -> pd.DataFrame:
    """Give the share still there at the end of day `kept_days`, per touchpoint and of all.

    The estimand is that of the additions of the last 90 days that were followed long enough. Later
    ones say when people leave, and count as long as they were followed (Kaplan and Meier) in
    `share`; `mature_share` is the plain share of those followed long enough, and agrees but for
    luck.

    Args:
        adds: from `count_adds`.
        level: coverage of each interval, between 0 and 1.

    Returns:
        One row per `touchpoint`, "all" last: `added` (in `stays`), `mature` (followed long enough),
        `kept` (of these, still there), `mature_share` with `mature_lower` and `mature_upper`: the
        wider of Wilson's interval and that of days as clusters, since one campaign moves the people
        of a day together; `share` with its `error`; NaN with fewer than `min_users` mature.
    """
    stays = adds.stays
    rows = []
    for touchpoint in (*adds.touchpoints, EVERYONE):
        own = stays if touchpoint == EVERYONE else stays[stays["touchpoint"] == touchpoint]
        rows.append({"touchpoint": touchpoint, **_row(adds, own, level=level)})
    return pd.DataFrame(rows)


def _row(adds: Adds, own: pd.DataFrame, *, level: float) -> dict[str, float]:
    mature = own[own["added_on"] <= adds.mature_until]
    n, kept = float(mature["n"].sum()), float(mature.loc[mature["outcome"] == 0, "n"].sum())
    row: dict[str, float] = {"added": float(own["n"].sum()), "mature": n, "kept": kept}
    names = ("mature_share", "mature_lower", "mature_upper", "share", "error")
    if n < adds.min_users or not adds.has_left:
        return row | dict.fromkeys(names, np.nan)
    days = pd.DataFrame(
        {
            "n": mature.groupby("added_on")["n"].sum(),
            "kept": mature[mature["outcome"] == 0].groupby("added_on")["n"].sum(),
        }
    ).fillna(0.0)
    by_day = clustered_share(
        count=kept,
        n=n,
        clusters=len(days),
        count_squared=(days["kept"] ** 2).sum(),
        n_squared=(days["n"] ** 2).sum(),
        both=(days["n"] * days["kept"]).sum(),
        level=level,
    )
    lower, upper = (float(end) for end in wilson(kept, n, level=level))
    error = np.sqrt(kept / n * (1 - kept / n) / n)
    if len(days) >= _FEWEST_DAYS:
        lower = float(np.fmin(lower, by_day.ci_lower))
        upper = float(np.fmax(upper, by_day.ci_upper))
        error = float(np.fmax(error, by_day.error))
    staying = 1 - _left_by(own, adds.definition.kept_days)
    values = (kept / n, lower, upper, staying, max(error, 1 / (n + 2) / 2))
    return row | dict(zip(names, values, strict=True))


def _left_by(own: pd.DataFrame, day: int) -> float:
    grouped = own[["time", "outcome", "n"]].groupby(["time", "outcome"], as_index=False).sum()
    curve = cumulative_incidence(grouped, level=0.95)
    return float(curve.loc[curve["time"] <= day, "incidence"].iloc[-1])


def add_costs(adds: Adds, *, level: float) -> pd.DataFrame:
    """Give what an addition costs, per touchpoint and of all on which something was spent.

    Args:
        adds: from `count_adds`.
        level: coverage of each interval, between 0 and 1.

    Returns:
        One row per `touchpoint`, "all" last: `cost_cny` (spent, and paid to who invited) in the
        last 90 days that were followed long enough, `exposed` and `added` in them, `per_add` (of
        both costs) and `per_exposed` (of what was spent) with `_lower`, `_upper` and `_error`:
        ratios of sums, weeks as clusters. NaN where nothing was spent: what costs nothing on record
        is not free, but not known.
    """
    days = adds.recent.assign(cost_cny=adds.recent["spent_cny"] + adds.recent["reward_cny"])
    spent = days.groupby("touchpoint")["spent_cny"].sum()
    paid = set(spent[spent > 0].index)
    rows = []
    for touchpoint in (*adds.touchpoints, EVERYONE):
        chosen = paid if touchpoint == EVERYONE else paid & {touchpoint}
        own = days[days["touchpoint"].isin(chosen)]
        row: dict[str, Any] = {"touchpoint": touchpoint, "cost_cny": own["cost_cny"].sum()}
        weeks = own.assign(week=[(adds.mature_until - day).days // 7 for day in own["on"]])
        weeks = weeks.groupby("week")[["cost_cny", "spent_cny", "exposed", "added"]].sum()
        for name, cost, column in (
            ("per_add", "cost_cny", "added"),
            ("per_exposed", "spent_cny", "exposed"),
        ):
            row[column] = own[column].sum()
            row |= _ratio(name, weeks[cost], weeks[column], level=level)
        rows.append(row)
    return pd.DataFrame(rows)


def _ratio(name: str, cost: pd.Series, count: pd.Series, *, level: float) -> dict[str, float]:
    """Give yuan per one with its interval, on the logarithm: costs are not below 0."""
    names = [name, f"{name}_lower", f"{name}_upper", f"{name}_error"]
    weeks = len(cost)
    if weeks < 2 or not count.sum() or not cost.sum():
        return dict.fromkeys(names, np.nan)
    normal_quantile(level)
    value = cost.sum() / count.sum()
    spread = ((cost - value * count) ** 2).sum() * weeks / (weeks - 1)
    error = np.sqrt(spread) / count.sum()
    width = np.exp(student.ppf((1 + level) / 2, weeks - 1) * error / value)
    return dict(zip(names, (value, value / width, value * width, error), strict=True))
