"""How often buyers go on to buy, and whether they still do: the BG/NBD model.

After the first purchase a buyer buys at a constant rate of their own (gamma distributed: shape `r`,
rate `alpha`, in the unit of time that is given), and after each repeat purchase stops for good with
a constant probability of their own (beta distributed: a, b). Source: Fader, Hardie and Lee
(2005), Marketing Science 24(2), 275-284, equations by their numbers there.

Data are grouped: `repeats` (purchases after the first), `last` (time from the first to the last of
them, 0 without any), `followed` (time from the first to the end of following), `n` buyers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.optimize import minimize
from scipy.special import digamma, expit, gammaln

from siyu.stats.checks import FloatArray, whole_counts
from siyu.stats.delta import slopes

FEWEST_REPEAT_BUYERS = 100
"""With 60 of them, one in twenty simulated fits finds no maximum; with 100, none of 400."""
Reason = Literal["few_repeat", "boundary"]
_LOWEST = np.array([-8.0, -9.0, -9.0, 0.0])
_HIGHEST = np.array([8.0, 9.0, 9.0, 0.98])
"""Within these (alpha in mean times of following) the best model is looked for."""


class FitError(ValueError):
    """Counts from which no model can be had: `reason` says why, of how many `repeat_buyers`."""

    def __init__(self, reason: Reason, repeat_buyers: int) -> None:
        self.reason, self.repeat_buyers = reason, repeat_buyers
        said = {
            "few_repeat": f"{repeat_buyers} bought again; fewer than {FEWEST_REPEAT_BUYERS} say "
            "too little of how buyers differ",
            "boundary": "no model fits best: buyers do not differ in how often they buy, or all "
            "stop at once",
        }
        super().__init__(said[reason])


@dataclass(frozen=True, kw_only=True, eq=False)
class Fit:
    """A BG/NBD model: `r`, `alpha` (in the unit of time of the data), and how buyers stop.

    `stops` is the mean probability to stop, a / (a + b); `differing` says how much buyers differ in
    it, 1 / (1 + a + b), from 0 (all alike) up. Written so, the likelihood goes on to where it often
    has its maximum; a and b would run off to infinity there. `covariance` is that of `theta`: the
    inverse of the observed information, 0 for what is at the end of its range: nobody differs, or
    nobody stops.
    """

    r: float
    alpha: float
    stops: float
    differing: float
    log_likelihood: float
    covariance: FloatArray

    @property
    def a(self) -> float:
        """The beta distribution's first parameter, infinite where buyers do not differ."""
        return self.stops * self._size

    @property
    def b(self) -> float:
        """The beta distribution's second parameter, infinite where buyers do not differ."""
        return (1 - self.stops) * self._size

    @property
    def _size(self) -> float:
        return 1 / self.differing - 1 if self.differing else np.inf

    @property
    def theta(self) -> FloatArray:
        """Where it lies: log r, log alpha, logit of stops, and differing."""
        logs = np.log([self.r, self.alpha, self.stops / (1 - self.stops)])
        return np.append(logs, self.differing)

    def moved(self, at: ArrayLike) -> Fit:
        """The same model at another place; as near as it can be."""
        log_r, log_alpha, odds, differing = np.asarray(at, dtype=np.float64)
        return replace(
            self,
            r=float(np.exp(log_r)),
            alpha=float(np.exp(log_alpha)),
            stops=float(expit(odds)),
            differing=float(np.clip(differing, 0, _HIGHEST[-1])),
        )

    def logs(self) -> tuple[FloatArray, FloatArray]:
        """Give the logarithms of r, alpha, a and b with their covariance (delta method).

        Only where buyers differ in stopping: `differing` above 0.
        """
        values = np.log([self.r, self.alpha, self.a, self.b])
        gradient = np.zeros((4, 4))
        gradient[0, 0] = gradient[1, 1] = 1
        gradient[2:, 2] = 1 - self.stops, -self.stops
        gradient[2:, 3] = -1 / (self.differing * (1 - self.differing))
        return values, gradient @ self.covariance @ gradient.T


def fit(grouped: pd.DataFrame) -> Fit:
    """Fit the model by maximum likelihood (equation 6).

    Args:
        grouped: columns repeats, last, followed, n, as above, times in one unit.

    Raises:
        FitError: under FEWEST_REPEAT_BUYERS bought again, or there is no maximum.
        ValueError: a column is missing, a count is no whole number, a time is negative or longer
            than a buyer was followed, or there is a last repeat purchase without any.

    Assumes independent buyers, alike at all dates, rates and probabilities to stop that have
    nothing to do with each other, and an end of following that says nothing about either.
    """
    table, scale = _Table.of(grouped)
    repeat_buyers = int(table.n[table.repeats > 0].sum())
    if repeat_buyers < FEWEST_REPEAT_BUYERS:
        raise FitError("few_repeat", repeat_buyers)

    def lost(at: FloatArray) -> tuple[float, FloatArray]:
        value, slope = table.likelihood(at)
        return -value / table.total, -slope / table.total

    found = minimize(
        lost,
        np.array([0.0, 0.0, -1.5, 0.2]),
        jac=True,
        method="L-BFGS-B",
        bounds=list(zip(_LOWEST, _HIGHEST, strict=True)),
        options={"maxiter": 1_000, "maxfun": 2_000, "ftol": 1e-15, "gtol": 1e-8},
    )
    at = found.x
    if at[2] < _LOWEST[2] + 1:  # who stops next to never cannot be seen to differ in it
        at[2:] = _LOWEST[2:]
    # That nobody stops, or nobody differs in it, are models too; other ends are none.
    free = (at > _LOWEST) | np.array([True, True, False, False])
    for _ in range(3):  # to the last digits, and to see whether this is a maximum
        curvature = slopes(lambda moved: lost(moved)[1], at)[np.ix_(free, free)]
        curvature = (curvature + curvature.T) / 2
        inside = (at > _LOWEST)[free].all() and (at < _HIGHEST).all()
        if not inside or np.linalg.eigvalsh(curvature)[0] <= 0:
            raise FitError("boundary", repeat_buyers)
        at[free] -= np.linalg.solve(curvature, lost(at)[1][free])
    if not np.abs(lost(at)[1][free]).max() < 1e-7:
        raise FitError("boundary", repeat_buyers)
    covariance = np.zeros((4, 4))
    covariance[np.ix_(free, free)] = np.linalg.inv(curvature * table.total)
    value = table.likelihood(at)[0] - float((table.n * table.repeats).sum() * np.log(scale))
    model = Fit(r=1, alpha=1, stops=0.5, differing=0.5, log_likelihood=value, covariance=covariance)
    at[1] += np.log(scale)
    return model.moved(at)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Table:
    """Grouped data, in mean times of following, with what is needed of each number of repeats."""

    repeats: FloatArray
    last: FloatArray
    followed: FloatArray
    n: FloatArray

    @classmethod
    def of(cls, grouped: pd.DataFrame) -> tuple[_Table, float]:
        """Check the data, and give them with the unit of time in which they are."""
        names = ("repeats", "last", "followed", "n")
        if missing := [name for name in names if name not in grouped]:
            raise ValueError(f"column {missing[0]!r} is missing; grouped data need {names}")
        repeats, n = (whole_counts(name, grouped[name].to_numpy()) for name in ("repeats", "n"))
        last, followed = (grouped[name].to_numpy(dtype=np.float64) for name in names[1:3])
        if not ((last >= 0) & (last <= followed) & np.isfinite(followed)).all():
            raise ValueError("last must lie from 0 to followed, both finite; check the times")
        if (last[repeats == 0] > 0).any():
            raise ValueError("last must be 0 where there is no repeat purchase")
        scale = float(n @ followed / n.sum()) if followed.any() else 1.0
        return cls(repeats=repeats, last=last / scale, followed=followed / scale, n=n), scale

    @cached_property
    def total(self) -> float:
        """Buyers."""
        return float(self.n.sum())

    @cached_property
    def _by_repeats(self) -> tuple[FloatArray, Any]:
        """The numbers of repeats there are, and which of them is whose."""
        return np.unique(self.repeats, return_inverse=True)

    def likelihood(self, at: FloatArray) -> tuple[float, FloatArray]:
        """Give the log-likelihood (equation 6), and its slopes in `at`."""
        r, alpha, stops = float(np.exp(at[0])), float(np.exp(at[1])), float(expit(at[2]))
        spread = spread_of(at[3])
        x, of = self._by_repeats
        n, again = np.bincount(of, self.n), np.maximum(x, 1) - 1
        stay = 1 - stops + spread * again
        log_late, log_early = np.log(alpha + self.followed), np.log(alpha + self.last)
        odds = np.where(x > 0, at[2] + np.log((1 - stops) / stay), -np.inf)
        odds = odds[of] + (r + self.repeats) * (log_late - log_early)
        gone = self.n * expit(odds)
        here, n_gone = self.n - gone, np.bincount(of, gone)
        # How likely all those repeats are not to be the last, and its slopes.
        k = np.arange(x.max(initial=0))
        going, size = 1 - stops + spread * k, 1 + spread * k
        steps = np.stack([np.log(going / size), -1 / going, k / going - k / size])
        goes_on = np.concatenate([np.zeros((3, 1)), np.cumsum(steps, axis=1)], axis=1)
        goes_on = goes_on[:, x.astype(np.int64)]
        value = self.n @ (np.logaddexp(0, odds) - (r + self.repeats) * log_late)
        value += n @ (gammaln(r + x) - gammaln(r) + r * at[1] + goes_on[0])
        by_r = n @ (digamma(r + x) - digamma(r) + at[1]) - here @ log_late - gone @ log_early
        pace = here / (alpha + self.followed) + gone / (alpha + self.last)
        by_alpha = self.total * r / alpha - pace @ (r + self.repeats)
        by_stops = n @ goes_on[1] + n_gone @ (1 / stops + 1 / stay)
        by_spread = n @ goes_on[2] - n_gone @ (again / stay)
        slope = [by_r * r, by_alpha * alpha, by_stops * stops * (1 - stops)]
        return float(value), np.array([*slope, by_spread * (1 + spread) ** 2])


def spread_of(differing: float) -> float:
    """Give 1 / (a + b)."""
    return differing / (1 - differing)
