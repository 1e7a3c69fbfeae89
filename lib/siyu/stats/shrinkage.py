"""Empirical Bayes of many rates: a rate known from few trials leans on what the others are like."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize
from scipy.special import betaincinv, betaln, digamma, expit, logit

from siyu.stats.checks import FloatArray, count_of, normal_quantile

_WIDEST = 1e7
"""A prior worth so many trials has a spread that is none for any purpose."""
_SPREADS, _MEANS = 20, 9
"""Priors over which a posterior is averaged: as many spreads times as many means."""
_REACH = 3.5
"""Standard errors of the mean of the prior to either side that are averaged over."""
_NEGLIGIBLE = 10.0
"""Priors whose log-likelihood lies so far below the best have no weight worth the time."""
_SEARCH = np.concatenate([[0.0], np.geomspace(1e-4, 0.98, 40)])


@dataclass(frozen=True)
class Shrunk:
    """Rates that lean on each other.

    alpha, beta: the beta prior of maximum likelihood; both infinite where the rates show no more
        spread than chance gives.
    mean: of that prior.
    rate, ci_lower, ci_upper: posterior mean and equal-tailed interval of each cell. A cell without
        trials has those of the prior alone: what is to be expected there if it is like the others.
    """

    alpha: float
    beta: float
    mean: float
    rate: FloatArray
    ci_lower: FloatArray
    ci_upper: FloatArray


def shrink(count: ArrayLike, n: ArrayLike, *, level: float, deff: float = 1.0) -> Shrunk:
    """Estimate rates that are alike, each from its own trials and from what the others are like.

    The rates are taken as drawn from one beta distribution. Which one is not known: the posterior
    of each rate is averaged over the priors that the counts allow (a mean by Jeffreys's prior, the
    root of the intraclass correlation uniform from 0 to 1), and told by the beta distribution of
    the same mean, and of the variance around it that the correlation itself, uniform, gives where
    there are trials: rates that differ a little are else taken for alike too often, and intervals
    of 24 rates from Beta(12, 188) cover 93% and not 95%. With the one prior of maximum likelihood
    alone, intervals would vanish whenever chance makes the rates look the same.

    Args:
        count: trials with success, one per cell.
        n: trials, one per cell; 0 is allowed.
        level: coverage of each interval over the cells, between 0 and 1.
        deff: design effect, at least 1: the variance of a count over that of independent trials,
            because trials of one person are alike. The likelihood takes counts and n divided by it.

    Returns:
        The prior of maximum likelihood and the posterior of each cell. One cell alone, and cells in
        which no trial was a success (or each was), say nothing of how rates differ: each has its
        own rate, and the interval of Jeffreys; NaN without trials.

    Raises:
        ValueError: no counts, a count above its n, no trials at all, a level or a design effect out
            of range.

    Source: Skellam (1948), J. R. Stat. Soc. B 10, 257-261 (beta-binomial); Deely and Lindley
    (1981), J. Am. Stat. Assoc. 76, 833-841 (averaging over priors); Morris (1983), J. Am. Stat.
    Assoc. 78, 47-55 (a distribution of the same moments); Morris and Tang (2011), Stat. Sci. 26,
    271-287 (a spread whose variance is uniform, so that intervals cover). Held by
    `tests/simulation/test_push_shrinkage_coverage.py`.
    """
    normal_quantile(level)
    counts, totals = count_of(count, n)
    if not totals.sum():
        raise ValueError("n = 0 in every cell: there is nothing to estimate a rate from")
    if not deff >= 1:
        raise ValueError(f"deff = {deff} must be at least 1; use 1 for independent trials")
    counts, totals = counts / deff, totals / deff
    known = totals > 0
    alpha, beta, mean = fit_prior(counts[known], totals[known])
    if known.sum() == 1 or not 0 < mean < 1:
        return Shrunk(alpha, beta, mean, *_alone(counts, totals, level=level))
    rate, variance = _average(counts, totals, known)
    size = rate * (1 - rate) / variance - 1
    first, second = rate * size, (1 - rate) * size
    lower, upper = (betaincinv(first, second, (1 + sign * level) / 2) for sign in (-1, 1))
    return Shrunk(alpha, beta, mean, rate, lower, upper)


def fit_prior(count: ArrayLike, n: ArrayLike) -> tuple[float, float, float]:
    """Fit a beta prior to rates by maximum likelihood of the beta-binomial distribution.

    Args:
        count: successes per cell; effective counts need not be whole.
        n: trials per cell, above 0.

    Returns:
        alpha, beta, and the mean of the prior. Both are infinite where the likelihood grows as the
        spread falls to none, or there is one cell; the mean is the pooled rate then.

    Source: Skellam (1948). The slope of the likelihood at no spread: Tarone (1979), Biometrika 66,
    585-590.
    """
    counts, totals = np.asarray(count, dtype=np.float64), np.asarray(n, dtype=np.float64)
    pooled = float(counts.sum() / totals.sum())
    failed = totals - counts
    if not 0 < pooled < 1:
        return np.inf, np.inf, pooled
    slope = counts * (counts - 1) / pooled + failed * (failed - 1) / (1 - pooled)
    if counts.size == 1 or (slope - totals * (totals - 1)).sum() <= 0:
        return np.inf, np.inf, pooled

    def loss(x: FloatArray) -> tuple[float, FloatArray]:
        a, b = np.exp(x)
        value = betaln(counts + a, failed + b).sum() - counts.size * betaln(a, b)
        both = digamma(totals + a + b).sum() - counts.size * digamma(a + b)
        slopes = [
            digamma(own + one).sum() - counts.size * digamma(one) - both
            for own, one in ((counts, a), (failed, b))
        ]
        return -float(value), -np.array(slopes) * np.exp(x)

    # By moments: what the squared deviations have more than chance gives them.
    extra = ((counts - totals * pooled) ** 2).sum() / (pooled * (1 - pooled)) - totals.sum()
    correlation = np.clip(extra / (totals * (totals - 1)).sum(), 2 / _WIDEST, 0.5)
    start = np.log(np.array([pooled, 1 - pooled]) * (1 / correlation - 1))
    bounds = [(-10, np.log(_WIDEST))] * 2
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, tol=1e-12)
    alpha, beta = map(float, np.exp(found.x))
    return alpha, beta, alpha / (alpha + beta)


def design_effect(count: ArrayLike, n: ArrayLike, cell: ArrayLike) -> float:
    """Give how many times as much counts vary as if all trials were independent.

    Args:
        count: successes, one per person and cell.
        n: trials, the same, at least 1.
        cell: in which cell they are, numbered from 0.

    Returns:
        The sum over the cells of the variance of the count, robust to any likeness of the trials of
        one person, over the sum of the binomial variances; at least 1, which it also is where no
        cell has two persons, or nothing varies.

    Source: Kish (1965), Survey Sampling; Rao and Scott (1992), Biometrics 48, 577-585.
    """
    counts, totals = count_of(count, n)
    cells = np.asarray(cell)
    persons, trials, successes = (np.bincount(cells, weights) for weights in (None, totals, counts))
    several = persons > 1
    rate = np.divide(successes, trials, out=np.zeros(trials.shape), where=trials > 0)
    left = np.bincount(cells, (counts - totals * rate[cells]) ** 2)
    robust = (left * persons / np.maximum(persons - 1, 1))[several].sum()
    binomial = (trials * rate * (1 - rate))[several].sum()
    return max(1.0, float(robust / binomial)) if binomial else 1.0


def _alone(
    counts: FloatArray, totals: FloatArray, *, level: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Give each cell its own rate, with the interval of Jeffreys (Brown, Cai, DasGupta, 2001)."""
    known, failed = totals > 0, totals - counts
    rate = np.divide(counts, totals, out=np.full(totals.shape, np.nan), where=known)
    lower, upper = (
        betaincinv(counts + 0.5, failed + 0.5, (1 + sign * level) / 2) for sign in (-1, 1)
    )
    lower, upper = np.where(counts > 0, lower, 0.0), np.where(failed > 0, upper, 1.0)
    return rate, np.where(known, lower, np.nan), np.where(known, upper, np.nan)


def _average(counts: FloatArray, totals: FloatArray, known: np.ndarray) -> tuple[FloatArray, ...]:
    """Give mean and variance of each posterior, averaged over priors by their likelihood."""
    own, trials = counts[known], totals[known]
    coarse = _log_likelihood(own, trials, *_priors(own, trials, _SEARCH, np.zeros(1)))[:, 0]
    near = np.flatnonzero(coarse > coarse.max() - _NEGLIGIBLE)
    low = _SEARCH[max(near[0] - 1, 0)]
    high = _SEARCH[min(near[-1] + 1, _SEARCH.size - 1)]
    # Middles of equal steps: no spread at all, which has no density, is left out.
    spreads = low + (high - low) * (np.arange(_SPREADS) + 0.5) / _SPREADS
    means, size = _priors(own, trials, spreads, np.linspace(-_REACH, _REACH, _MEANS))
    # Jeffreys's density of a mean, and the steps of its logit, which differ between the spreads.
    steps = np.gradient(logit(means), axis=1)
    weight = _log_likelihood(own, trials, means, size) + 0.5 * np.log(means * (1 - means))
    weight = np.exp(weight - weight.max()) * steps
    # The correlation is the square of a spread: its steps grow with the spread.
    weight, wider = ((one / one.sum())[..., None] for one in (weight, weight * spreads[:, None]))
    worth = totals + size[..., None]
    rates = (counts + (means * size)[..., None]) / worth
    rate = (weight * rates).sum(axis=(0, 1))
    inner = rates * (1 - rates) / (worth + 1)
    # Without trials nothing but the prior stands against the widest spreads.
    wider = np.where(known, wider, weight)
    variance = (wider * (inner + (rates - rate) ** 2)).sum(axis=(0, 1))
    return rate, variance


def _priors(
    counts: FloatArray, totals: FloatArray, spreads: FloatArray, steps: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Give means and sizes (alpha + beta) of priors, by spread and by mean.

    The means lie around the estimate that each spread gives, in steps of its standard error.
    """
    correlation = np.maximum(spreads**2, 1 / _WIDEST)[:, None]
    weight = totals / (1 + (totals - 1) * correlation)
    # As Jeffreys, so that a rate of 0 has a logit too.
    mean = (weight @ (counts / totals) + 0.5) / (weight.sum(axis=1) + 1)
    error = 1 / np.sqrt(mean * (1 - mean) * (weight.sum(axis=1) + 1))
    means = expit(logit(mean)[:, None] + error[:, None] * steps)
    return means, np.broadcast_to((1 - correlation) / correlation, means.shape)


def _log_likelihood(
    counts: FloatArray, totals: FloatArray, means: FloatArray, size: FloatArray
) -> FloatArray:
    alpha, beta = (means * size)[..., None], ((1 - means) * size)[..., None]
    cells = betaln(counts + alpha, totals - counts + beta) - betaln(alpha, beta)
    return np.asarray(cells.sum(axis=-1))
