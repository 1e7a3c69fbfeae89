"""Estimate who buys again, and the usual gap between active days, with intervals."""

from __future__ import annotations

import numpy as np
import pandas as pd

from siyu.stats.intervals import wilson
from siyu.stats.quantiles import incidence_quantile, quantile
from siyu.stats.survival import cumulative_incidence
from siyu.studies.naming import EVERYONE
from siyu.studies.retention.estimate import compare_with_rest
from siyu.studies.retention.habit.measures import Gaps, Purchases

MEDIAN, MOST = 0.5, 0.8
"""What half of the users, and four in five, do not exceed."""
_SHOWN = ["at_risk", "repeated", "rate", "ci_lower", "ci_upper"]


def repeat_rates(purchases: Purchases, *, level: float) -> pd.DataFrame:
    """Give the share of buyers with a second order, of those followed for `repeat_days`.

    Whoever left before a second order is one who did not buy again.

    Args:
        purchases: the reduced tables.
        level: coverage of each interval, between 0 and 1.

    Returns:
        One row per segment (everyone first): `buyers`, `waiting` (not followed so long yet),
        `at_risk`, `repeated`, `rate` with a Wilson interval. NaN where fewer than min_users can be
        judged.
    """
    table = purchases.buyers
    mature = table["seen"] >= purchases.repeat_days
    counts = pd.DataFrame(
        {
            "segment": table["segment"],
            "buyers": table["n"],
            "at_risk": table["n"].where(mature, 0),
            "repeated": table["n"].where(mature & (table["outcome"] == 1), 0),
        }
    ).astype({"buyers": int, "at_risk": int, "repeated": int})
    own = counts.groupby("segment", as_index=False).sum()
    everyone = counts.drop(columns="segment").sum().rename(EVERYONE)
    found = pd.DataFrame([everyone]).rename_axis("segment").reset_index()
    if len(own) > 1:
        found = pd.concat([found, own], ignore_index=True)
    n, x = found["at_risk"].to_numpy(), found["repeated"].to_numpy()
    lower, upper = wilson(x, n, level=level)
    rate = np.divide(x, n, out=np.full(len(n), np.nan), where=n > 0)
    found = found.assign(rate=rate, ci_lower=lower, ci_upper=upper)
    shown = found[_SHOWN].astype(float).mask(found["at_risk"] < purchases.min_users)
    waiting = found["buyers"] - n
    found = found.assign(waiting=waiting, **{name: shown[name] for name in _SHOWN})
    return found[["segment", "buyers", "waiting", *_SHOWN]]


def compare_repeats(purchases: Purchases, rated: pd.DataFrame, *, level: float) -> pd.DataFrame:
    """Compare each segment's share of buyers who buy again with that of all others together.

    Args:
        purchases: the reduced tables.
        rated: from `repeat_rates`.
        level: coverage of the intervals; verdicts are at 1 - level, by Holm over the segments.

    Returns:
        As `compare_with_rest`, with `repeated`, and without `k`.
    """
    rows = rated.assign(k=purchases.repeat_days)
    found = compare_with_rest(rows, "repeated", min_users=purchases.min_users, level=level)
    return found if found.empty else found.drop(columns="k")


def repeat_curve(purchases: Purchases, *, level: float) -> pd.DataFrame:
    """Give the share of buyers with a second order by the days since the first one.

    Over all buyers, for as long as each was followed; leaving is a competing event.

    Returns:
        One row per day with news: `days`, `at_risk`, `incidence` with its pointwise interval.
    """
    curve = cumulative_incidence(purchases.buyers, level=level)
    return curve.rename(columns={"time": "days"})


def usage_interval(gaps: Gaps, *, level: float) -> pd.DataFrame:
    """Give the usual gap between active days: the median over users, and the 80th percentile.

    Each user counts once, by the median of the own gaps. Gaps that the ends of the log cut are in
    none of them, so all are too short rather than too long.

    Args:
        gaps: the reduced tables.
        level: coverage of the intervals, at least; between 0 and 1.

    Returns:
        One row per `share` (0.5, 0.8): `n` users with two active days or more, `gap_days` with
        order-statistic ends. All NaN where these are fewer than min_users, or so few that an
        interval has no end.
    """
    rows = []
    for share in (MEDIAN, MOST):
        found = quantile(gaps.medians["gap_days"], gaps.medians["n"], share=share, level=level)
        rows.append((share, gaps.n_users, *found))
    table = pd.DataFrame(rows, columns=["share", "n", "gap_days", "ci_lower", "ci_upper"])
    if gaps.n_users < gaps.min_users or table.isna().any(axis=None):
        table[["gap_days", "ci_lower", "ci_upper"]] = np.nan
    return table


def next_return(gaps: Gaps, *, level: float) -> pd.DataFrame:
    """Give the time by which half of the users are active again after their first active day.

    One gap per user, so that they are independent and the busy count no more than others: the
    first one, since any choice by its length or its end would be a choice by the outcome. Whoever
    is not back yet counts for as long as followed, and who left does not come back.

    Returns:
        One row: `n` users with an active day, `returned`, `waiting` (neither back nor gone),
        `median_days` with its interval. NaN where the users are fewer than min_users, and where
        half of them are not seen to come back.
    """
    table = gaps.following
    n, returned, waiting = (
        int(table.loc[rows, "n"].sum())
        for rows in (table["n"] > 0, table["outcome"] == 1, table["outcome"] == 0)
    )
    found = (np.nan,) * 3
    if n >= gaps.min_users:
        found = incidence_quantile(table, level=level)
    columns = ["n", "returned", "waiting", "median_days", "ci_lower", "ci_upper"]
    return pd.DataFrame([(n, returned, waiting, *found)], columns=columns)


def spread(gaps: Gaps) -> pd.DataFrame:
    """Give how many users have which median gap, no row of fewer than min_users.

    Returns:
        One row per range of gaps, ascending: `from_days`, `to_days` (the longest gap in it; NaN for
        the longest of all where it is that of fewer), `n` and `at_most`, the share of users with a
        gap up to there.
    """
    rows: list[list[float]] = []
    medians = gaps.medians.sort_values("gap_days")[["gap_days", "n"]].to_numpy(dtype=float)
    for gap, n in medians:
        if rows and rows[-1][2] < gaps.min_users:
            rows[-1][1], rows[-1][2] = gap, rows[-1][2] + n
        else:
            rows.append([gap, gap, n])
    if len(rows) > 1 and rows[-1][2] < gaps.min_users:
        rows[-2][2] += rows.pop()[2]
    table = pd.DataFrame(rows, columns=["from_days", "to_days", "n"])
    table["at_most"] = table["n"].cumsum() / table["n"].sum()
    if len(medians) and medians[-1, 1] < gaps.min_users:
        table.loc[table.index[-1], "to_days"] = np.nan
    return table
