"""How often buyers go on to buy, and whether they still do: the BG/NBD model.

After the first purchase a buyer buys at a constant rate of their own (gamma distributed: shape `r`,
rate `alpha`, in the unit of time that is given), and after each repeat purchase stops for good with
a constant probability of their own (beta distributed: a, b). Source: Fader, Hardie and Lee
(2005), Marketing Science 24(2), 275-284, equations by their numbers there.

Data are grouped: `repeats` (purchases after the first), `last` (time from the first to the last of
them, 0 without any), `followed` (time from the first to the end of following), `n` buyers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.linalg import eigh_tridiagonal
from scipy.optimize import minimize
from scipy.special import betainc, digamma, expit, gammaln

from siyu.stats.checks import FloatArray, whole_counts
from siyu.stats.delta import positive_range, slopes, variances

FEWEST_REPEAT_BUYERS = 100
"""With fewer, a tenth of simulated fits and more ends at a boundary or on a flat ridge."""
Reason = Literal["few_repeat", "boundary"]
_LOWEST = np.array([-8.0, -9.0, -9.0, 0.0])
_HIGHEST = np.array([8.0, 9.0, 9.0, 0.98])
"""Within these (alpha in mean times of following) the best model is looked for."""
_FEWEST_NODES, _MOST_NODES = 20, 600
_NEARLY_0 = 1e-12
_ALIKE = 1e-6


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
    has its maximum; a and b would run off to infinity there. `covariance` is that of `at`: the
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
    def at(self) -> FloatArray:
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
        """Give the logarithms of r, alpha, a and b with their covariance (delta method)."""

        def each(at: FloatArray) -> FloatArray:
            model = self.moved(at)
            return np.log([model.r, model.alpha, model.a, model.b])

        gradient = slopes(each, self.at)
        return each(self.at), gradient @ self.covariance @ gradient.T


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
    model = Fit(
        r=1, alpha=1, stops=0.5, differing=0.5, log_likelihood=value, covariance=covariance
    )
    return model.moved(at + [0, np.log(scale), 0, 0])


def alive(fitted: Fit, repeats: ArrayLike, last: ArrayLike, followed: ArrayLike) -> FloatArray:
    """Give the probability that a buyer has not stopped for good; 1 without a repeat purchase.

    Args:
        fitted: the model.
        repeats: purchases after the first.
        last: time from the first to the last of them.
        followed: time from the first to the end of following.
    """
    x, before, end = (np.asarray(each, dtype=np.float64) for each in (repeats, last, followed))
    spread = _spread(fitted.differing)
    odds = np.log(fitted.stops / (1 - fitted.stops + spread * (np.maximum(x, 1) - 1)))
    odds = odds + (fitted.r + x) * np.log((fitted.alpha + end) / (fitted.alpha + before))
    return np.asarray(np.where(x > 0, expit(-odds), 1.0))


def expected(
    fitted: Fit,
    time: ArrayLike,
    *,
    repeats: ArrayLike = 0,
    last: ArrayLike = 0,
    followed: ArrayLike = 0,
) -> FloatArray:
    """Expect the purchases of buyers in the time to come (equations 9 and 10).

    Given that a buyer still buys, rate and probability to stop are independent, gamma and beta
    distributed; the mean over the first is a closed form, that over the second is taken by
    Gauss-Jacobi quadrature. Unlike the published 2F1 this holds at a = 1 and loses no digits where
    repeats or times are large.

    Args:
        fitted: the model.
        time: how long after the end of following, at least 0.
        repeats: purchases after the first; 0, as `last` and `followed`, for new buyers.
        last: time from the first to the last of them.
        followed: time from the first to the end of following.

    Returns:
        Expected purchases per buyer, in the common shape.
    """
    x, before, end, ahead = _common(repeats, last, followed, time)
    mean = np.empty(x.shape)
    for of, shape, p, weight, odds, back in _mixed(fitted, x, ahead / (fitted.alpha + end)):
        mean[of] = ((-np.expm1(-shape * np.log1p(odds)) / p) @ weight)[back]
    return alive(fitted, x, before, end) * mean


def variance(
    fitted: Fit, time: ArrayLike, *, repeats: ArrayLike, last: ArrayLike, followed: ArrayLike
) -> FloatArray:
    """Give the variance of the purchases of buyers in the time to come, the model being known.

    With rate and probability to stop, p, given, purchases N of a buyer who still buys have
    E[N (N - 1)] = 2 (1 - p) / p^2 P(M > 1) for M Poisson at the rate; mixed over the rates, M is
    negative binomial.

    Args:
        fitted: the model.
        time: as in `expected`, like the others.
        repeats: purchases after the first.
        last: time from the first to the last of them.
        followed: time from the first to the end of following.
    """
    x, before, end, ahead = _common(repeats, last, followed, time)
    pairs = np.empty(x.shape)
    for of, shape, p, weight, odds, back in _mixed(fitted, x, ahead / (fitted.alpha + end)):
        twice = betainc(2.0, shape, odds / (1 + odds))
        pairs[of] = ((2 * (1 - p) / p**2 * twice) @ weight)[back]
    mean = expected(fitted, ahead, repeats=x, last=before, followed=end)
    return alive(fitted, x, before, end) * pairs + mean - mean**2


def predict(
    fitted: Fit, grouped: pd.DataFrame, time: float, *, level: float
) -> tuple[float, float, float]:
    """Give how often a group will buy in the time to come, and in which range.

    Args:
        fitted: the model.
        grouped: the group, as in `fit`.
        time: how long after the end of following, at least 0.
        level: coverage of the range, between 0 and 1.

    Returns:
        The expected number, and the prediction interval of the number that will be found: it knows
        the uncertainty of the parameters (delta method) and chance. Normal on the log scale.
    """
    past = {name: grouped[name].to_numpy() for name in ("repeats", "last", "followed")}
    n = grouped["n"].to_numpy()

    def total(at: FloatArray) -> float:
        return float(n @ expected(fitted.moved(at), time, **past))

    value = total(fitted.at)
    unsure = variances(slopes(total, fitted.at), fitted.covariance)
    chance = n @ variance(fitted, time, **past)
    lower, upper = positive_range(value, unsure + chance, level=level)
    return value, float(lower), float(upper)


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
    def _by_repeats(self) -> tuple[FloatArray, FloatArray]:
        """The numbers of repeats there are, and the buyers of each."""
        return np.unique(self.repeats, return_inverse=True)

    def likelihood(self, at: FloatArray) -> tuple[float, FloatArray]:
        """Give the log-likelihood (equation 6), and its slopes in `at`."""
        r, alpha, stops = float(np.exp(at[0])), float(np.exp(at[1])), float(expit(at[2]))
        spread = _spread(at[3])
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


def _spread(differing: float) -> float:
    """Give 1 / (a + b)."""
    return differing / (1 - differing)


def _common(*each: ArrayLike) -> list[FloatArray]:
    """Broadcast to one shape, of at least one axis."""
    return [np.asarray(part, dtype=np.float64) for part in np.broadcast_arrays(*each)]


def _mixed(fitted: Fit, repeats: FloatArray, ratio: FloatArray) -> Iterator[tuple[Any, ...]]:
    """Go through the numbers of repeats, with what the mean over rates and stopping is taken of.

    Args:
        fitted: the model.
        repeats: purchases after the first.
        ratio: the time to come, to alpha and the time that a buyer was followed.

    Yields:
        Who has so many repeats, the shape of their rates, their probabilities p to stop and the
        weights of these, p times each ratio that there is, and which of these is whose.
    """
    nodes = int(min(_FEWEST_NODES + 6 * np.sqrt(ratio.max(initial=0)), _MOST_NODES))
    for x in np.unique(repeats):
        of = repeats == x
        values, back = np.unique(ratio[of], return_inverse=True)
        if fitted.differing < _ALIKE:
            p, weight = np.array([fitted.stops]), np.ones(1)
        else:
            p, weight = _beta_rule(fitted.a, fitted.b + x, nodes)
        yield of, fitted.r + x, p, weight, np.multiply.outer(values, p), back


def _beta_rule(a: float, b: float, nodes: int) -> tuple[FloatArray, FloatArray]:
    """Give nodes and weights at which the mean over a beta distribution is taken (Gauss-Jacobi).

    They are the eigenvalues and the squared first components of the eigenvectors of the polynomials'
    recurrence (Golub and Welsch 1969); unlike SciPy's these hold however large b is.
    """
    u, v = a - 1, b - 1  # the powers of p and of 1 - p
    k = np.arange(nodes, dtype=np.float64)
    size = 2 * k + u + v
    centre = np.full(nodes, 0.5 * (1 + (u - v) / (u + v + 2)))
    centre[1:] = 0.5 * (1 + (u**2 - v**2) / (size * (size + 2))[1:])
    k, size = k[1:], size[1:]
    beside = k * (k + u) * (k + v) / (size**2 * (size + 1))
    beside[1:] *= ((k + u + v) / (size - 1))[1:]  # 1 at the first, even where it reads 0 / 0
    p, vectors = eigh_tridiagonal(centre, np.sqrt(beside))
    return np.clip(p, _NEARLY_0, 1), vectors[0] ** 2
