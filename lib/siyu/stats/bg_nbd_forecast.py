"""What buyers will buy, and whether they still do, by the BG/NBD model of `bg_nbd`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.linalg import eigh_tridiagonal
from scipy.special import betainc, expit

from siyu.stats.bg_nbd import Fit, spread_of
from siyu.stats.checks import FloatArray
from siyu.stats.delta import positive_range, slopes, variances

_FEWEST_NODES, _MOST_NODES = 20, 600
_NEARLY_0 = 1e-12
_ALIKE = 1e-6


def alive(fitted: Fit, repeats: ArrayLike, last: ArrayLike, followed: ArrayLike) -> FloatArray:
    """Give the probability that a buyer has not stopped for good; 1 without a repeat purchase.

    Args:
        fitted: the model.
        repeats: purchases after the first.
        last: time from the first to the last of them.
        followed: time from the first to the end of following.
    """
    x, before, end = (np.asarray(each, dtype=np.float64) for each in (repeats, last, followed))
    spread = spread_of(fitted.differing)
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

    value = total(fitted.theta)
    unsure = variances(slopes(total, fitted.theta), fitted.covariance)
    chance = n @ variance(fitted, time, **past)
    lower, upper = positive_range(value, unsure + chance, level=level)
    return value, float(lower), float(upper)


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

    They are the eigenvalues and the squared first components of the eigenvectors of the recurrence
    of the polynomials (Golub and Welsch 1969); unlike SciPy's these hold however large b is.
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
