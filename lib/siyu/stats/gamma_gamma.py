"""What buyers pay per purchase: the Gamma-Gamma model.

What one buyer pays is gamma distributed (shape `p`) at a rate of their own, itself gamma
distributed (shape `q`, rate `gamma`, in the unit of money that is given), and has nothing to do
with how often they buy. Source: Fader and Hardie (2013), The Gamma-Gamma Model of Monetary Value,
note 025 at brucehardie.com.

Data are grouped: `purchases` of each buyer, their `mean` amount, `n` buyers. Buyers without a
purchase tell nothing, and are passed over.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.optimize import minimize
from scipy.special import digamma, gammaln

from siyu.stats.checks import FloatArray, normal_quantile, whole_counts
from siyu.stats.delta import slopes

FEWEST_BUYERS = 100
"""Fewer do not tell the spread within buyers from that between them."""
Reason = Literal["few", "boundary", "heavy"]
_ALIKE = 1e-9
_FURTHEST = 12.0
"""Logarithms of parameters beyond this (gamma in mean amounts) are no inner optimum."""


class FitError(ValueError):
    """Amounts from which no model can be had: `reason` says why, of how many `buyers`."""

    def __init__(self, reason: Reason, buyers: int) -> None:
        self.reason, self.buyers = reason, buyers
        said = {
            "few": f"{buyers} buyers with a purchase; fewer than {FEWEST_BUYERS} say too little",
            "boundary": "the likelihood has no inner maximum: amounts do not differ as the model "
            "has it",
            "heavy": "a few buyers pay so much more than others that the mean over buyers has no "
            "finite error (q is not above 2)",
        }
        super().__init__(said[reason])


@dataclass(frozen=True, kw_only=True, eq=False)
class Fit:
    """A Gamma-Gamma model: `p`, `q` and `gamma` (in the unit of money of the data).

    `covariance` is that of the logarithms of the three, in this order: the inverse of the observed
    information.
    """

    p: float
    q: float
    gamma: float
    log_likelihood: float
    covariance: FloatArray

    @property
    def logs(self) -> FloatArray:
        """The logarithms of the parameters."""
        return np.log([self.p, self.q, self.gamma])

    def moved(self, logs: ArrayLike) -> Fit:
        """The same model at other parameters."""
        p, q, gamma = np.exp(logs)
        return replace(self, p=float(p), q=float(q), gamma=float(gamma))


def fit(grouped: pd.DataFrame) -> Fit:
    """Fit the model by maximum likelihood (equation 1a).

    Args:
        grouped: columns purchases, mean, n, as above.

    Raises:
        FitError: under FEWEST_BUYERS bought, there is no inner maximum, or q is not above 2.
        ValueError: a count is no whole number, or the mean of purchases is not above 0.

    Assumes independent buyers, and amounts that have nothing to do with the number of purchases
    (see `correlation`).
    """
    x, mean, n = _checked(grouped)
    buyers = int(n.sum())
    if buyers < FEWEST_BUYERS:
        raise FitError("few", buyers)
    scale = float(n @ mean / n.sum())
    values, of = np.unique(x, return_inverse=True)
    by_count, paid = np.bincount(of, n), x * mean / scale
    log_paid = np.bincount(of, n * np.log(paid))

    def lost(logs: FloatArray) -> tuple[float, FloatArray]:
        p, q, gamma = np.exp(logs)
        log_all, share = np.log(gamma + paid), 1 / (gamma + paid)
        total = np.bincount(of, n * log_all)
        shape = p * values + q
        value = by_count @ (gammaln(shape) - gammaln(p * values) - gammaln(q) + q * logs[2]) + (
            p * values @ log_paid - shape @ total
        )
        inner = digamma(shape)
        by_p = values @ (by_count * (inner - digamma(p * values)) + log_paid - total)
        by_q = by_count @ (inner - digamma(q) + logs[2]) - total.sum()
        by_gamma = buyers * q / gamma - shape @ np.bincount(of, n * share)
        return -float(value) / buyers, -np.array([by_p * p, by_q * q, by_gamma * gamma]) / buyers

    found = minimize(
        lost,
        np.log([2.0, 3.0, 1.0]),
        jac=True,
        method="L-BFGS-B",
        bounds=[(-_FURTHEST, _FURTHEST)] * 3,
        options={"maxiter": 1_000, "maxfun": 2_000, "ftol": 1e-15, "gtol": 1e-7},
    )
    logs = found.x
    for _ in range(3):
        curvature = slopes(lambda at: lost(at)[1], logs)
        curvature = (curvature + curvature.T) / 2
        inside = np.abs(logs).max() < _FURTHEST
        if not inside or np.linalg.eigvalsh(curvature)[0] <= 0:
            raise FitError("boundary", buyers)
        logs = logs - np.linalg.solve(curvature, lost(logs)[1])
    if not np.abs(lost(logs)[1]).max() < 1e-8:
        raise FitError("boundary", buyers)
    if np.exp(logs[1]) <= 2:
        raise FitError("heavy", buyers)
    # The density of the mean, not of the sum, in the unit of the data.
    value = -buyers * lost(logs)[0] - float(n @ np.log(mean))
    covariance = np.asarray(np.linalg.inv(curvature * buyers), dtype=np.float64)
    start = Fit(p=1, q=1, gamma=1, log_likelihood=value, covariance=covariance)
    logs[2] += np.log(scale)
    return start.moved(logs)


def expected(fitted: Fit, *, purchases: ArrayLike = 0, mean: ArrayLike = 0) -> FloatArray:
    """Expect the mean amount of buyers, given what they paid (equation 5).

    Args:
        fitted: the model.
        purchases: how often; 0 for those of whom nothing is known.
        mean: their mean amount (anything without a purchase).
    """
    shape, rate = _given(fitted, purchases, mean)
    return np.asarray(fitted.p * rate / (shape - 1))


def moments(
    fitted: Fit, *, purchases: ArrayLike, mean: ArrayLike
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Give what is needed of the amounts of buyers to know how much their sums vary.

    Args:
        fitted: the model.
        purchases: how often, as in `expected`.
        mean: their mean amount.

    Returns:
        The expected mean amount, the expectation of its square, and the variance of one amount
        about it.
    """
    shape, rate = _given(fitted, purchases, mean)
    square = rate**2 / ((shape - 1) * (shape - 2))
    return fitted.p * rate / (shape - 1), fitted.p**2 * square, fitted.p * square


def correlation(grouped: pd.DataFrame, *, level: float) -> tuple[float, float, float]:
    """Correlate how often buyers buy with their mean amount, which the model takes as 0.

    Args:
        grouped: as in `fit`.
        level: coverage of the interval, between 0 and 1.

    Returns:
        Pearson's correlation over buyers with a purchase and its interval, on Fisher's scale with
        an error that allows means of few purchases to vary more; NaN where one of both is the same
        for all.
    """
    x, mean, n = _checked(grouped)
    n = n / n.sum() if n.size else n
    each = []
    for values in (x, mean):
        apart = values - n @ values
        spread = np.sqrt(n @ apart**2)
        if not spread > _ALIKE * np.abs(values).max(initial=0):
            return np.nan, np.nan, np.nan
        each.append(apart / spread)
    one, other = each
    found = float(n @ (one * other))
    influence = one * other - found * (one**2 + other**2) / 2
    buyers = float(grouped.loc[grouped["purchases"] > 0, "n"].sum())
    error = np.sqrt(n @ influence**2 / buyers) / (1 - found**2)
    half = normal_quantile(level) * error
    return found, float(np.tanh(np.arctanh(found) - half)), float(np.tanh(np.arctanh(found) + half))


def _given(fitted: Fit, purchases: ArrayLike, mean: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Give shape and rate of the rates of buyers, once their purchases are known."""
    x = np.asarray(purchases, dtype=np.float64)
    paid = np.where(x > 0, x * np.asarray(mean, dtype=np.float64), 0.0)
    return fitted.q + fitted.p * x, fitted.gamma + paid


def _checked(grouped: pd.DataFrame) -> tuple[FloatArray, FloatArray, FloatArray]:
    names = ("purchases", "mean", "n")
    if missing := [name for name in names if name not in grouped]:
        raise ValueError(f"column {missing[0]!r} is missing; grouped data need {names}")
    bought = grouped[grouped["purchases"] > 0]
    x, n = (whole_counts(name, bought[name].to_numpy()) for name in ("purchases", "n"))
    mean = bought["mean"].to_numpy(dtype=np.float64)
    if not (np.isfinite(mean) & (mean > 0)).all():
        raise ValueError("mean must be above 0 and finite; leave out purchases of nothing")
    return x, mean, n
