"""How often buyers go on to buy, and whether they still do: the BG/NBD model.

After the first purchase a buyer buys at a constant rate of their own (gamma distributed: shape `r`,
rate `alpha`, in the unit of time that is given), and after each repeat purchase stops for good with
a constant probability of their own (beta distributed: `a`, `b`). Source: Fader, Hardie and Lee
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
_FURTHEST = 9.0
"""Logarithms of parameters beyond this (alpha in mean times of following) are no inner optimum."""
_FEWEST_NODES, _MOST_NODES = 20, 600
_NEARLY_0 = 1e-12


class FitError(ValueError):
    """Counts from which no model can be had: `reason` says why, of how many `repeat_buyers`."""

    def __init__(self, reason: Reason, repeat_buyers: int) -> None:
        self.reason, self.repeat_buyers = reason, repeat_buyers
        said = {
            "few_repeat": f"{repeat_buyers} bought again; fewer than {FEWEST_REPEAT_BUYERS} say "
            "too little of how buyers differ",
            "boundary": "the likelihood has no inner maximum: buyers do not differ as the model "
            "has it, or none stops",
        }
        super().__init__(said[reason])


@dataclass(frozen=True, kw_only=True, eq=False)
class Fit:
    """A BG/NBD model: `r`, `alpha` (in the unit of time of the data), `a` and `b`.

    `covariance` is that of the logarithms of the four, in this order: the inverse of the observed
    information.
    """

    r: float
    alpha: float
    a: float
    b: float
    log_likelihood: float
    covariance: FloatArray

    @property
    def logs(self) -> FloatArray:
        """The logarithms of the parameters, in which the likelihood is nearly quadratic."""
        return np.log([self.r, self.alpha, self.a, self.b])

    def moved(self, logs: ArrayLike) -> Fit:
        """The same model at other parameters."""
        r, alpha, a, b = np.exp(logs)
        return replace(self, r=float(r), alpha=float(alpha), a=float(a), b=float(b))


def fit(grouped: pd.DataFrame) -> Fit:
    """Fit the model by maximum likelihood (equation 6).

    Args:
        grouped: columns repeats, last, followed, n, as above, times in one unit.

    Raises:
        FitError: under FEWEST_REPEAT_BUYERS bought again, or there is no inner maximum.
        ValueError: a column is missing, a count is no whole number, a time is negative or longer
            than a buyer was followed, or there is a last repeat purchase without any.

    Assumes independent buyers, alike at all dates, rates and probabilities to stop that have
    nothing to do with each other, and an end of following that says nothing about either.
    """
    table, scale = _Table.of(grouped)
    repeat_buyers = int(table.n[table.repeats > 0].sum())
    if repeat_buyers < FEWEST_REPEAT_BUYERS:
        raise FitError("few_repeat", repeat_buyers)

    def lost(logs: FloatArray) -> tuple[float, FloatArray]:
        value, slopes = table.likelihood(logs)
        return -value / table.total, -slopes / table.total

    found = minimize(
        lost,
        np.zeros(4),
        jac=True,
        method="L-BFGS-B",
        bounds=[(-_FURTHEST, _FURTHEST)] * 4,
        options={"maxiter": 1_000, "maxfun": 2_000, "ftol": 1e-15, "gtol": 1e-7},
    )
    logs = found.x
    for _ in range(3):  # to the last digits, and to see whether this is a maximum
        curvature = slopes(lambda at: lost(at)[1], logs)
        curvature = (curvature + curvature.T) / 2
        inside = np.abs(logs).max() < _FURTHEST
        if not inside or np.linalg.eigvalsh(curvature)[0] <= 0:
            raise FitError("boundary", repeat_buyers)
        logs = logs - np.linalg.solve(curvature, lost(logs)[1])
    if not np.abs(lost(logs)[1]).max() < 1e-8:
        raise FitError("boundary", repeat_buyers)
    value = table.likelihood(logs)[0] - float((table.n * table.repeats).sum() * np.log(scale))
    covariance = np.linalg.inv(curvature * table.total)
    start = Fit(r=1, alpha=1, a=1, b=1, log_likelihood=value, covariance=covariance)
    return start.moved(logs + [0, np.log(scale), 0, 0])


def alive(fitted: Fit, repeats: ArrayLike, last: ArrayLike, followed: ArrayLike) -> FloatArray:
    """Give the probability that a buyer has not stopped for good; 1 without a repeat purchase.

    Args:
        fitted: the model.
        repeats: purchases after the first.
        last: time from the first to the last of them.
        followed: time from the first to the end of following.
    """
    x, before, end = (np.asarray(each, dtype=np.float64) for each in (repeats, last, followed))
    odds = np.log(fitted.a / (fitted.b + np.maximum(x, 1) - 1))
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

    def total(logs: FloatArray) -> float:
        return float(n @ expected(fitted.moved(logs), time, **past))

    value = total(fitted.logs)
    unsure = variances(slopes(total, fitted.logs), fitted.covariance)
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

    def likelihood(self, logs: FloatArray) -> tuple[float, FloatArray]:
        """Give the log-likelihood (equation 6), and its slopes in the logarithms."""
        r, alpha, a, b = np.exp(logs)
        x, of = self._by_repeats
        n = np.bincount(of, self.n)
        again = np.maximum(x, 1)
        log_late, log_early = np.log(alpha + self.followed), np.log(alpha + self.last)
        odds = np.where(x > 0, np.log(a / (b + again - 1)), -np.inf)
        odds = odds[of] + (r + self.repeats) * (log_late - log_early)
        stopped = expit(odds)
        each = np.logaddexp(0, odds) - (r + self.repeats) * log_late
        value = self.n @ each + n @ (
            gammaln(r + x) - gammaln(r) + r * logs[1]
            + gammaln(a + b) + gammaln(b + x) - gammaln(b) - gammaln(a + b + x)
        )
        gone, here = self.n * stopped, self.n * (1 - stopped)
        n_gone = np.bincount(of, gone)
        by_r = n @ (digamma(r + x) - digamma(r) + logs[1]) - here @ log_late - gone @ log_early
        pace = here / (alpha + self.followed) + gone / (alpha + self.last)
        by_alpha = self.total * r / alpha - pace @ (r + self.repeats)
        both = digamma(a + b) - digamma(a + b + x)
        by_a = n @ both + n_gone.sum() / a
        by_b = n @ (both + digamma(b + x) - digamma(b)) - n_gone @ (1 / (b + again - 1))
        return float(value), np.array([by_r * r, by_alpha * alpha, by_a * a, by_b * b])


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
