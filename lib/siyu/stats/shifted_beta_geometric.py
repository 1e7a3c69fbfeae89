"""How long people stay who differ in how easily they leave: the shifted beta geometric model.

Each leaves in every period with a chance of their own, which does not change; the chances are beta
distributed. Those who leave easily are gone first, so the share that leaves falls from period to
period although nobody changes. Source: Fader and Hardie (2007), J. Interactive Marketing 21(1).

Data are grouped as in `survival`, in whole periods: `time` is the period of leaving (from 1 on)
where `outcome` is 1, and the periods lived through (from 0 on) where it is 0 (still there); `n`
users. Who leaves in a period of which not all is known yet counts as there up to its beginning.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.optimize import brentq

from siyu.stats.checks import FloatArray, normal_quantile, whole_counts

FEWEST_LEAVERS = 20
"""With 8 leavers a 95% prediction interval held in 89% of simulated worlds, with 20 in 94%."""
Reason = Literal["nobody_left", "few_left", "left_at_once"]
_NEVER, _ALWAYS = 1e-12, 1 - 1e-12


class FitError(ValueError):
    """Counts from which no model can be had: `reason` says why, `left` how many left."""

    def __init__(self, reason: Reason, left: int) -> None:
        self.reason, self.left = reason, left
        said = {
            "nobody_left": "nobody left",
            "few_left": f"{left} left; fewer than {FEWEST_LEAVERS} say too little",
            "left_at_once": f"{left} left, none of them after the first period, so nothing tells "
            "how leaving goes on",
        }
        super().__init__(said[reason])


@dataclass(frozen=True, kw_only=True, eq=False)
class Fit:
    """A shifted beta geometric model.

    In period t the share `first` / (1 + `fading` (t - 1)) of those still there leaves. `first` is
    the mean chance of leaving, alpha / (alpha + beta); `fading` says how much people differ, 1 /
    (alpha + beta). At 0 all are alike, and the share that leaves is constant (geometric).
    `covariance` is that of (first, fading), 2 x 2.
    """

    first: float
    fading: float
    log_likelihood: float
    covariance: FloatArray

    @property
    def alpha(self) -> float:
        """The beta distribution's first parameter, infinite where people do not differ."""
        return self.first / self.fading if self.fading else np.inf

    @property
    def beta(self) -> float:
        """The beta distribution's second parameter, infinite where people do not differ."""
        return (1 - self.first) / self.fading if self.fading else np.inf


def fit(grouped: pd.DataFrame) -> Fit:
    """Fit the model by maximum likelihood.

    Given who is at risk in a period, leaving is binomial with the share of `Fit`. Written in
    (first, fading) instead of (alpha, beta), the likelihood goes on to fading = 0, where it ends
    when the share that leaves does not fall; alpha and beta would run off to infinity there.

    Args:
        grouped: columns time, outcome (0 still there, 1 left), n, as above.

    Returns:
        The fit, with the inverse of the expected information as covariance (at fading = 0 too,
        where intervals are rather too wide).

    Raises:
        FitError: nobody left, fewer than FEWEST_LEAVERS did, or none after the first period.
        ValueError: a column is missing, a time is no whole number, somebody left in period 0, an
            outcome is unknown, n is no count.

    Assumes independent users, alike at all dates, and an end of following that says nothing about
    leaving (here: the date of entry).
    """
    left, at_risk = _by_period(grouped)
    leavers = int(left.sum())
    if not leavers:
        raise FitError("nobody_left", leavers)
    if leavers < FEWEST_LEAVERS:
        raise FitError("few_left", leavers)
    if not left[1:].sum():
        raise FitError("left_at_once", leavers)
    stayed, periods = at_risk - left, np.arange(left.size)

    def best_first(fading: float) -> float:
        def slope(first: float) -> float:
            return float(leavers / first - (stayed / (1 - first + fading * periods)).sum())

        return float(brentq(slope, _NEVER, _ALWAYS, xtol=1e-14))

    def slope_at(differing: float) -> float:
        fading = differing / (1 - differing)
        odds = periods / (1 - best_first(fading) + fading * periods)
        return float((stayed * odds - at_risk * periods / (1 + fading * periods)).sum())

    differing = brentq(slope_at, 0, _ALWAYS, xtol=1e-14) if slope_at(0) > 0 else 0.0
    fading = differing / (1 - differing)
    first = best_first(fading)
    hazard = first / (1 + fading * periods)
    slopes = np.stack([hazard / first, -hazard * periods / (1 + fading * periods)])
    information = (slopes * at_risk / (hazard * (1 - hazard))) @ slopes.T
    return Fit(
        first=first,
        fading=fading,
        log_likelihood=float((left * np.log(hazard) + stayed * np.log1p(-hazard)).sum()),
        covariance=np.linalg.inv(information),
    )


def survival(
    fitted: Fit, periods: ArrayLike, *, start: ArrayLike = 0, level: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Give the share still there after some periods, of those there at the start of them.

    Args:
        fitted: the model.
        periods: how many periods later, whole numbers of at least 0.
        start: periods lived through before, whole numbers of at least 0; 0 for newcomers.
        level: coverage of the interval, between 0 and 1.

    Returns:
        Share, lower and upper end, in the common shape; the delta method on the logit scale.

    Raises:
        ValueError: a number of periods is no whole number of at least 0, or the level is out of
            range.

    Assumes that the model holds; the interval knows of no other error.
    """
    quantile = normal_quantile(level)
    log_share, slopes = _log_share(fitted, start, periods)
    error = np.sqrt(np.einsum("...i,ij,...j", slopes, fitted.covariance, slopes))
    share, left = np.exp(log_share), -np.expm1(log_share)
    # After no periods everybody is there, for certain: zero slopes, and no odds to speak of.
    width = np.exp(quantile * np.divide(error, left, out=np.zeros_like(error), where=left > 0))
    return share, share / (share + left * width), share / (share + left / width)


def predict(
    fitted: Fit, start: ArrayLike, n: ArrayLike, *, periods: int, level: float
) -> tuple[float, float, float]:
    """Give how many of a group will still be there some periods later, and in which range.

    Args:
        fitted: the model, of other people, or of what these did before.
        start: periods lived through, one per group of users.
        n: users of each group.
        periods: how many periods later, at least 0.
        level: coverage of the range, between 0 and 1.

    Returns:
        The expected number, and the prediction interval of the number that will be found: it knows
        the model's uncertainty and chance. Normal on the logit scale of the share; NaN ends where
        all or nobody is expected.

    Raises:
        ValueError: as `survival`; n is no count.
    """
    quantile = normal_quantile(level)
    users = whole_counts("n", n)
    log_share, slopes = _log_share(fitted, start, periods)
    share, total = np.exp(log_share), users.sum()
    expected = float((users * share).sum())
    slope = (users * share) @ slopes
    variance = slope @ fitted.covariance @ slope + (users * share * (1 - share)).sum()
    if not 0 < expected < total:
        return expected, np.nan, np.nan
    odds = expected / (total - expected)
    width = np.exp(quantile * np.sqrt(variance) * total / (expected * (total - expected)))
    lower, upper = odds / width, odds * width
    return expected, float(total * lower / (1 + lower)), float(total * upper / (1 + upper))


def _log_share(fitted: Fit, start: ArrayLike, periods: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Give log S(start + periods) / S(start), with its slopes in (first, fading) as last axis."""
    before, ahead = whole_counts("start", start), whole_counts("periods", periods)
    begin, end = (each.astype(np.int64) for each in np.broadcast_arrays(before, before + ahead))
    k = np.arange(end.max(initial=0))
    spread = 1 + fitted.fading * k
    stay = 1 - fitted.first / spread
    steps = np.stack(
        [np.log(stay), -1 / (spread * stay), fitted.first * k / (spread**2 * stay)], axis=-1
    )
    sums = np.concatenate([np.zeros((1, 3)), np.cumsum(steps, axis=0)])
    found = sums[end] - sums[begin]
    return found[..., 0], found[..., 1:]


def _by_period(grouped: pd.DataFrame) -> tuple[FloatArray, FloatArray]:
    """Count who left in each period, and who was there at its beginning and known at its end."""
    missing = [name for name in ("time", "outcome", "n") if name not in grouped]
    if missing:
        raise ValueError(f"column {missing[0]!r} is missing; grouped data need time, outcome and n")
    time = whole_counts("time", grouped["time"].to_numpy()).astype(np.int64)
    users = whole_counts("n", grouped["n"].to_numpy())
    outcome = grouped["outcome"].to_numpy()
    unknown = ~np.isin(outcome, (0, 1))
    if unknown.any():
        raise ValueError(f"outcome = {outcome[unknown][0]} must be 0 (still there) or 1 (left)")
    gone = outcome == 1
    if (gone & (time == 0)).any():
        raise ValueError("time = 0 is no period in which to leave; the first is 1")
    left, lived = np.zeros((2, time.max(initial=0) + 1))
    np.add.at(left, time[gone], users[gone])
    np.add.at(lived, time, users)
    return left[1:], lived[::-1].cumsum()[::-1][1:]
