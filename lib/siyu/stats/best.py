"""Compare options with the best of them, estimated apart or together; and joint intervals."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.special import ndtr, roots_hermitenorm
from scipy.stats import t as student

from siyu.stats.checks import FloatArray, count_of, normal_quantile
from siyu.stats.intervals import newcombe_difference
from siyu.stats.many_to_one import error_scales

_NODES, _WEIGHTS = roots_hermitenorm(96)
_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()
DRAWS = 20_000
"""Of a joint normal distribution: its quantiles are then off by less than one in a hundred."""


def compare_with_best(
    values: ArrayLike, errors: ArrayLike, *, level: float, degrees: ArrayLike = np.inf
) -> pd.DataFrame:
    """Bound how far each option is from the best of the others, all options at once.

    Args:
        values: an estimate per option, larger is better; at least two.
        errors: the standard error of each, above 0.
        level: joint coverage, between 0 and 1.
        degrees: of freedom of the errors that an option is compared by; one, or one per option.

    Returns:
        One row per option: `gap` (its value less the largest of the others), `ci_lower` <= 0 and
        `ci_upper` >= 0 of that difference, and `is_candidate`: not worse than the best (ci_upper >
        0). The truly best option is among the candidates with at least the level's chance.

    Raises:
        ValueError: fewer than two options, an error that is not above 0, or a level out of range.

    Assumes independent, normal estimates. Each option has its own critical value, exact for the
    others compared with it (the correlations of a one-factor model, as in Dunnett 1955). Sources:
    Hsu (1981), Ann. Stat. 9, 1026-1034; Hsu (1996), Multiple Comparisons, ch. 4.
    """
    value, error = (np.asarray(part, dtype=np.float64) for part in (values, errors))
    critical = critical_values(error, level=level, degrees=degrees)
    apart = value[:, None] - value[None, :]
    spread = np.hypot(error[:, None], error[None, :])
    return constrain_to_best(apart, apart + critical[:, None] * spread)


def compare_shares_with_best(count: ArrayLike, n: ArrayLike, *, level: float) -> pd.DataFrame:
    """Bound how far the share of each option is from the best of the others, all at once.

    As `compare_with_best`, with Newcombe's bounds of each difference in the place of the normal
    ones, at the same critical values: they hold for small counts, and of none or all, too.

    Args:
        count: users with the property, per option; at least two options.
        n: users of each, at least 1.
        level: joint coverage, above 0.5.

    Returns:
        As `compare_with_best`.

    Raises:
        ValueError: fewer than two options, an option of nobody, a value that is no count, or a
            level out of range.

    Sources: Hsu (1996), Multiple Comparisons, ch. 4; Newcombe (1998), Stat. Med. 17, 873-890. That
    critical values of shares with one more user with and one without the property serve both is
    ours, held by simulation (`tests/simulation/test_lure_reading_coverage.py`).
    """
    counts, totals = count_of(count, n)
    if not level > 0.5:
        raise ValueError(f"level = {level} must be above 0.5; use 0.95 for 95%")
    if not totals.all():
        raise ValueError("n: every option must have users; leave out those without")
    smooth = (counts + 1) / (totals + 2)
    critical = critical_values(np.sqrt(smooth * (1 - smooth) / (totals + 2)), level=level)
    apart = np.empty((len(counts),) * 2)
    upper = np.empty_like(apart)
    for i, z in enumerate(critical):
        apart[i], _, upper[i] = newcombe_difference(
            counts[i], totals[i], counts, totals, level=float(2 * ndtr(z) - 1)
        )
    return constrain_to_best(apart, upper)


def critical_values(errors: ArrayLike, *, level: float, degrees: ArrayLike = np.inf) -> FloatArray:
    """Give, for each option as the control, how far ahead others must be to be clearly better.

    Args:
        errors: the standard error of each option, above 0; independent, at least two.
        level: chance that none of the others is as far ahead where all are alike.
        degrees: of freedom of the errors, of all or of each.

    Returns:
        Per option, in standard errors of the difference.

    Raises:
        ValueError: fewer than two options, an error that is not above 0, or a level out of range.

    Source: Dunnett (1955), one-sided.
    """
    normal_quantile(level)
    error = np.asarray(errors, dtype=np.float64)
    if len(error) < 2:
        raise ValueError(f"values: {len(error)} option must be at least 2; there is none to beat")
    if not (np.isfinite(error) & (error > 0)).all():
        raise ValueError(f"errors = {error.tolist()} must all be above 0")
    free = np.broadcast_to(np.asarray(degrees, dtype=np.float64), error.shape)
    return np.array([_critical(error, i, level, free[i]) for i in range(len(error))])


def constrain_to_best(apart: FloatArray, upper_pairs: FloatArray) -> pd.DataFrame:
    """Constrain bounds of an option less each other one to those of it less the best of them.

    Args:
        apart: of each option (row) its value less that of each other one (column).
        upper_pairs: upper bounds of these differences, all at once.

    Returns:
        As `compare_with_best`.
    """
    others = ~np.eye(len(apart), dtype=bool)
    upper = np.maximum(_least(upper_pairs, others), 0)
    candidate = upper > 0
    # Only who may be the best can be better; a lone candidate is worse than nobody.
    lower = _least(-upper_pairs.T, others & candidate[None, :])
    return pd.DataFrame(
        {
            "gap": _least(apart, others),
            "ci_lower": np.minimum(np.where(np.isinf(lower), 0, lower), 0),
            "ci_upper": upper,
            "is_candidate": candidate,
        }
    )


def not_worse(
    values: FloatArray, covariance: FloatArray, *, level: float, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Tell which values are not clearly worse than the best.

    With the probability given, the truly best is among them.

    Args:
        values: estimates, the higher the better.
        covariance: of their errors, jointly normal.
        level: between 0 and 1.
        rng: draws the joint distribution.

    Source: Hsu (1984), Ann. Stat. 12, 1136-1144 (multiple comparisons with the best, each value
    once as the control of one-sided Dunnett intervals); Edwards and Hsu (1983), J. Am. Stat. Assoc.
    78, for unequal variances and correlated estimates.
    """
    normal_quantile(level)
    drawn = _draw(covariance, rng)
    variance = np.diag(covariance)
    error = np.sqrt(np.maximum(variance[:, None] + variance[None, :] - 2 * covariance, 0))
    found = np.ones(len(values), dtype=bool)
    for own in range(len(values)):
        others = error[own] > 0  # itself, and what is equal to it whatever the draw, cannot beat it
        if others.any():
            ahead = (drawn[:, others] - drawn[:, [own]]) / error[own, others]
            critical = np.quantile(ahead.max(axis=1), level)
            gap = values[others] - values[own]
            found[own] = bool((gap <= critical * error[own, others]).all())
    return found


def joint_quantile(covariance: FloatArray, *, level: float, rng: np.random.Generator) -> float:
    """Give the z with which all intervals hold at once, for correlated estimates.

    Source: the maximum modulus of the joint normal distribution, Hothorn, Bretz, Westfall (2008),
    Biometrical J. 50, 346-363.
    """
    normal_quantile(level)
    error = np.sqrt(np.diag(covariance))
    spread = error > 0
    if not spread.any():
        return normal_quantile(level)
    drawn = _draw(covariance, rng)[:, spread] / error[spread]
    return float(np.quantile(np.abs(drawn).max(axis=1), level))


def _least(bounds: FloatArray, counts: NDArray[np.bool_]) -> FloatArray:
    return np.asarray(np.where(counts, bounds, np.inf).min(axis=1))


def _critical(error: FloatArray, i: int, level: float, degrees: float) -> float:
    """Find d with P(all (Z_j - Z_i) / s_ij <= d) = level, for independent Z of these errors."""
    others = np.delete(error, i)
    spread = np.hypot(others, error[i])
    scale, weight = error_scales(degrees)

    def excess(d: float) -> float:
        bound = (d * spread)[:, None, None] * scale
        z = (bound + error[i] * _NODES[:, None]) / others[:, None, None]
        return float(_WEIGHTS @ ndtr(z).prod(axis=0) @ weight) - level

    # Not more than as if the comparisons had nothing in common (Bonferroni).
    most = float(student.isf((1 - level) / len(others), degrees))
    return float(brentq(excess, -9.0, most + 0.01))


def _draw(covariance: FloatArray, rng: np.random.Generator) -> FloatArray:
    spread, directions = np.linalg.eigh(covariance)
    root = directions * np.sqrt(np.maximum(spread, 0))
    return np.asarray(rng.standard_normal((DRAWS, len(covariance))) @ root.T)
