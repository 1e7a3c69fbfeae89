"""Estimate how fast each lure brings members, how long they stay, and what one of them costs."""

from __future__ import annotations

import numpy as np
import pandas as pd

from siyu.stats.checks import normal_quantile
from siyu.stats.multiplicity import bonferroni_level
from siyu.stats.quantiles import quantile
from siyu.stats.survival import restricted_mean
from siyu.studies.naming import SMALL, UNKNOWN
from siyu.studies.retention.lure.measure import Lures

_HOURS = 24


def axes(lures: Lures, *, horizon_days: int, level: float) -> pd.DataFrame:
    """Put each lure on both axes, with its price.

    Args:
        lures: the reduced tables.
        horizon_days: the first days after the addition, over which the stay is averaged.
        level: coverage of each interval, between 0 and 1.

    Returns:
        One row per lure that is shown by name, the longest stay first: `n` members; `timed` (of
        whom the start is known) and `minutes` (median from start to addition) with its interval
        (order statistics); `mean_days` (restricted mean stay) with its interval; `priced` (whose
        cost is known) and `cost_cny` (mean per member) with a normal interval; NaN where fewer than
        min_users. Who never joined is in none of it. `fastest` and `longest`: whether the lure may
        be the best on an axis, by intervals that hold for all lures together (Bonferroni); nowhere
        where all may be.
    """
    found = _measured(lures, horizon_days=horizon_days, level=level)
    if found.empty:
        return found
    joint = bonferroni_level(level, len(found))
    told = _measured(lures, horizon_days=horizon_days, level=joint)
    fastest = leaders(told, "minutes", lower="minutes_lower", upper="minutes_upper", most=False)
    longest = leaders(told, "mean_days", lower="days_lower", upper="days_upper", most=True)
    return found.assign(fastest=found["lure"].isin(fastest), longest=found["lure"].isin(longest))


def _measured(lures: Lures, *, horizon_days: int, level: float) -> pd.DataFrame:
    quantile_of = normal_quantile(level)
    rows = []
    for lure, stays in lures.stays.groupby("lure"):
        if lure in (SMALL, UNKNOWN):
            continue
        own = stays.rename(columns={"hours": "time"}).assign(time=stays["hours"] + 1)
        mean = restricted_mean(own, horizon=_HOURS * horizon_days, level=level)
        joins = lures.joins[lures.joins["lure"] == lure]
        timed = int(joins["n"].sum())
        fast = (np.nan,) * 3
        if timed >= lures.min_users:
            fast = quantile(joins["minutes"], joins["n"], share=0.5, level=level)
        priced, price = _price(lures, str(lure), quantile_of)
        rows.append(
            {
                "lure": lure,
                "n": int(stays["n"].sum()),
                "timed": timed,
                **dict(zip(("minutes", "minutes_lower", "minutes_upper"), fast, strict=True)),
                **dict(
                    zip(
                        ("mean_days", "days_lower", "days_upper"),
                        (end / _HOURS for end in mean),
                        strict=True,
                    )
                ),
                "priced": priced,
                **dict(zip(("cost_cny", "cost_lower", "cost_upper"), price, strict=True)),
            }
        )
    found = pd.DataFrame(rows)
    return found if found.empty else found.sort_values("mean_days", ascending=False)


def leaders(found: pd.DataFrame, value: str, *, lower: str, upper: str, most: bool) -> list[str]:
    """Name the lures that may be best: whose intervals touch that of the best estimate.

    Intervals that do not touch are a stricter rule than a test of two.

    Returns:
        The best first; none where fewer than two are known, or where all may be best.
    """
    known = found.dropna(subset=[value, lower, upper]).sort_values(value, ascending=not most)
    if len(known) < 2:
        return []
    best = known.iloc[0]
    touch = (known[lower] <= best[upper]) & (known[upper] >= best[lower])
    return [] if touch.all() else known.loc[touch, "lure"].tolist()


def _price(lures: Lures, lure: str, quantile_of: float) -> tuple[int, tuple[float, float, float]]:
    own = lures.costs[lures.costs["lure"] == lure]
    if own.empty or own["n"].iloc[0] < lures.min_users:
        return 0 if own.empty else int(own["n"].iloc[0]), (np.nan,) * 3
    n, total, squares = own[["n", "total", "squares"]].iloc[0].astype(float)
    mean = total / n
    half = quantile_of * np.sqrt(max(squares / n - mean**2, 0) / (n - 1))
    return int(n), (mean, max(mean - half, 0.0), mean + half)
