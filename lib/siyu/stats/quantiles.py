"""Quantiles of a distribution given by counts, and of a time that is not always seen to its end."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import binom

from siyu.stats.checks import normal_quantile, whole_counts
from siyu.stats.survival import cumulative_incidence

_ROUNDING = 1e-10


def quantile(
    values: ArrayLike, n: ArrayLike, *, share: float, level: float
) -> tuple[float, float, float]:
    """Give the smallest value that at least a share of users do not exceed, with its interval.

    The ends are order statistics, and their places follow from the binomial distribution alone: of
    n independent users the number at or below the true quantile is binomial(n, share) or, where
    many have the same value, larger. Nothing is assumed of the distribution.

    Args:
        values: distinct or not, in any order.
        n: users with each value.
        share: between 0 and 1; 0.5 for the median.
        level: coverage of the interval, at least; between 0 and 1.

    Returns:
        Value, lower and upper end. An end is NaN where so few users bound nothing on that side; all
        are NaN without users.

    Raises:
        ValueError: share or level out of range, an n that is no count.

    Assumes independent users. Source: Thompson (1936), Ann. Math. Stat. 7; Conover (1999),
    Practical Nonparametric Statistics, 3.2.
    """
    _check_share(share)
    normal_quantile(level)  # for its check
    order = np.argsort(values, kind="stable")
    sizes = whole_counts("n", n)[order]
    ordered = np.asarray(values, dtype=np.float64)[order]
    below = np.cumsum(sizes)
    total = below[-1] if below.size else 0.0
    if not total:
        return np.nan, np.nan, np.nan
    outside = (1 - level) / 2
    # P(fewer than `first` lie below) and P(`last` or more do) are at most `outside`.
    first = int(binom.ppf(outside, total, share))
    last = int(binom.ppf(1 - outside, total, share)) + 1
    places = [np.ceil(share * total - _ROUNDING), first, last]
    found = [
        ordered[np.searchsorted(below, place)] if 1 <= place <= total else np.nan
        for place in places
    ]
    return float(found[0]), float(found[1]), float(found[2])


def incidence_quantile(
    grouped: pd.DataFrame, *, share: float = 0.5, level: float
) -> tuple[float, float, float]:
    """Give the time by which a share of all users have had the event, and its interval.

    The smallest t with F(t) >= share, F the cumulative incidence; without competing events that is
    the Kaplan-Meier quantile. The interval holds the times at which the pointwise interval of F
    holds the share.

    Args:
        grouped: as in `cumulative_incidence`.
        share: between 0 and 1; 0.5 for the median.
        level: coverage of the interval, between 0 and 1.

    Returns:
        Value, lower and upper end; NaN where the curve, or the end of its interval, does not get
        there in the time for which users were followed.

    Raises:
        ValueError: share out of range, or as `cumulative_incidence`.

    Assumes as `cumulative_incidence`. Source: Brookmeyer and Crowley (1982), Biometrics 38, 29-41.
    """
    _check_share(share)
    curve = cumulative_incidence(grouped, level=level)
    times = curve["time"].to_numpy()

    def first_at(name: str) -> float:
        there = curve[name].to_numpy() >= share - _ROUNDING
        return float(times[np.argmax(there)]) if there.any() else np.nan

    return first_at("incidence"), first_at("ci_upper"), first_at("ci_lower")


def _check_share(share: float) -> None:
    if not 0 < share < 1:
        raise ValueError(
            f"share = {share} must lie strictly between 0 and 1; use 0.5 for the median"
        )
