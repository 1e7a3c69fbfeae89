"""Arms against a control: joint intervals, which is best, and whether groups differ."""

from __future__ import annotations

from math import comb

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.special import chdtri, ndtr
from scipy.stats import chi2, f, t

from siyu.stats.checks import FloatArray, count_of, normal_quantile
from siyu.stats.intervals import difference_pvalue, newcombe_difference
from siyu.stats.multiplicity import holm

_NODES = np.linspace(-7.5, 7.5, 81)
_WEIGHTS = np.exp(-(_NODES**2) / 2) / np.exp(-(_NODES**2) / 2).sum()
"""Of a standard normal: equal steps are as good as exact for a density that is all but 0 there."""
_STEPS = 40
_MOST_LOADING = 0.98**0.5
_COLUMNS = (
    *("difference", "error", "degrees", "statistic", "p", "p_joint"),
    *("ci_lower", "ci_upper"),
)


def compare_with_control(
    values: ArrayLike, variances: ArrayLike, *, degrees: ArrayLike, level: float
) -> pd.DataFrame:
    """Compare arms with the control, all at once.

    Args:
        values: an estimated mean per arm, the control's first; at least two.
        variances: of these estimates, 0 or more; they may differ.
        degrees: of freedom per comparison (see `welch_degrees`), or one for all of them; infinite
            for shares.
        level: coverage of all intervals together, between 0 and 1.

    Returns:
        One row per arm but the control: `difference`, `error`, `degrees`, `statistic`, `p`
        (two-sided, of this one alone), `p_joint` (adjusted for the other arms), `ci_lower` and
        `ci_upper`. Missing where neither side has any spread, which is then no comparison.

    Raises:
        ValueError: fewer than two arms, a variance below 0, or a level out of range.

    Assumes independent, nearly normal estimates. Comparisons share the control, so their
    correlation has one factor, and the distribution of the largest statistic is an integral
    (Dunnett 1955, J. Am. Stat. Assoc. 50, 1096-1121). Where spreads differ, the correlations are
    those of the variances found, and each comparison has its own degrees of freedom (Hasler and
    Hothorn 2008, Biometrical J. 50, 793-800).
    """
    normal_quantile(level)
    value, variance = (np.asarray(part, dtype=np.float64) for part in (values, variances))
    if len(value) < 2:
        raise ValueError(f"values: {len(value)} arm must be at least 2: a control and another")
    if (variance < 0).any():
        raise ValueError(f"variances = {variance.tolist()} must not be below 0")
    difference, error = value[1:] - value[0], np.sqrt(variance[1:] + variance[0])
    free = np.broadcast_to(np.asarray(degrees, dtype=np.float64), error.shape)
    # An arm's own part must be wider than the step between two nodes, or it would be missed.
    loading = np.minimum(np.sqrt(variance[0]) / error[error > 0], _MOST_LOADING)
    rows = [
        _row(*one, loading=loading, level=level)
        for one in zip(difference, error, free, strict=True)
    ]
    return pd.DataFrame(rows, columns=list(_COLUMNS))


def compare_shares_with_control(count: ArrayLike, n: ArrayLike, *, level: float) -> pd.DataFrame:
    """Compare the shares of arms with the control's, all at once.

    Newcombe's interval of each difference, at the critical value with which all hold together: it
    holds for small counts, where the normal one of `compare_with_control` does not. p is Fisher's
    mid-p, by Holm.

    Args:
        count: users with the property per arm, the control's first; at least two arms.
        n: users of each, at least 1.
        level: coverage of all intervals together, between 0 and 1.

    Returns:
        One row per arm but the control: `difference`, `ci_lower`, `ci_upper`, `p`, `p_holm`.

    Raises:
        ValueError: fewer than two arms, an arm of nobody, a value that is no count, or a level out
            of range.

    Sources: Newcombe (1998), Stat. Med. 17, 873-890; critical value: Dunnett (1955), with the
    correlations of the shares found, one more user with and one without the property in each
    (ours, held by `tests/simulation/test_lure_reading_coverage.py`).
    """
    counts, totals = count_of(count, n)
    if not totals.all():
        raise ValueError("n: every arm must have users; leave out those without")
    smooth = (counts + 1) / (totals + 2)
    found = compare_with_control(
        smooth, smooth * (1 - smooth) / (totals + 2), degrees=np.inf, level=level
    )
    joint = (found["ci_upper"] - found["difference"]) / found["error"]
    alone = float(2 * ndtr(joint.iloc[0]) - 1)  # one and the same for all with known errors
    value, lower, upper = newcombe_difference(
        counts[1:], totals[1:], counts[0], totals[0], level=alone
    )
    p = difference_pvalue(counts[1:], totals[1:], counts[0], totals[0])
    return pd.DataFrame(
        {"difference": value, "ci_lower": lower, "ci_upper": upper, "p": p, "p_holm": holm(p)}
    )


def welch_degrees(variances: ArrayLike, degrees: ArrayLike) -> FloatArray:
    """Give the degrees of freedom of each comparison with the control, the first arm.

    Args:
        variances: of the estimated means, the control's first.
        degrees: of freedom of each.

    Source: Satterthwaite (1946), Biometrics Bulletin 2, 110-114; Welch (1947).
    """
    variance, own = (np.asarray(part, dtype=np.float64) for part in (variances, degrees))
    parts = variance**2 / own
    with np.errstate(invalid="ignore"):  # arms without any spread have none
        return np.asarray((variance[1:] + variance[0]) ** 2 / (parts[1:] + parts[0]))


def chance_best(values: ArrayLike, variances: ArrayLike) -> FloatArray:
    """Give the chance that each option is the best, by what was found alone.

    Args:
        values: an estimated mean per option, larger is better; at least one.
        variances: of these estimates, 0 or more.

    Returns:
        A share per option; they sum to 1.

    Assumes independent, normal estimates and no opinion beforehand (a flat prior): where options
    hardly differ it trusts the winner too much.
    """
    chance = _chances(np.asarray(values, dtype=np.float64), variances) @ _WEIGHTS
    return np.asarray(chance / chance.sum())


def expected_loss(values: ArrayLike, variances: ArrayLike) -> FloatArray:
    """Give how far each option can be expected to lie behind the best, by what was found alone.

    Args:
        values: an estimated mean per option, larger is better; at least one.
        variances: of these estimates, 0 or more.

    Returns:
        Per option, 0 or more, in the unit of the values: the chance that it is not the best times
        how much better the best then is.

    Assumes what `chance_best` does.
    """
    value = np.asarray(values, dtype=np.float64)
    best = ((_drawn(value, variances) * _chances(value, variances)) @ _WEIGHTS).sum()
    return np.asarray(np.maximum(best - value, 0.0))


def heterogeneity_pvalue(values: ArrayLike, errors: ArrayLike, degrees: ArrayLike) -> float:
    """Test whether independent estimates are of one and the same value.

    Args:
        values: at least two.
        errors: the standard error of each, above 0.
        degrees: of freedom of each error.

    Raises:
        ValueError: fewer than two values.

    Weighted by precision, with Welch's correction for errors that are estimated themselves: without
    it (Cochran's Q against chi-square) small groups reject too often. Source: Welch (1951),
    Biometrika 38, 330-336.
    """
    value, error, free = (np.asarray(part, dtype=np.float64) for part in (values, errors, degrees))
    k = len(value)
    if k < 2:
        raise ValueError(f"values: {k} group must be at least 2: there is nothing to differ from")
    weight = error**-2.0
    spread = (weight * (value - np.average(value, weights=weight)) ** 2).sum() / (k - 1)
    loss = ((1 - weight / weight.sum()) ** 2 / free).sum() / (k**2 - 1)
    if not loss:  # errors that are known
        return float(chi2.sf(spread * (k - 1), k - 1))
    return float(f.sf(spread / (1 + 2 * (k - 2) * loss), k - 1, 1 / (3 * loss)))


def crossover_pvalue(values: ArrayLike, errors: ArrayLike) -> float:
    """Test whether an effect helps some groups and hurts others, not merely differs in size.

    Args:
        values: an estimated effect per group, at least two, independent.
        errors: the standard error of each, above 0.

    Returns:
        p of the hypothesis that all effects are at least 0, or all at most 0.

    Raises:
        ValueError: fewer than two values.

    Source: Gail and Simon (1985), Biometrics 41, 361-372, likelihood ratio test of qualitative
    interaction.
    """
    ratio = np.asarray(values, dtype=np.float64) / np.asarray(errors, dtype=np.float64)
    k = len(ratio)
    if k < 2:
        raise ValueError(f"values: {k} group must be at least 2: there is nothing to differ from")
    least = min((ratio[side] ** 2).sum() for side in (ratio > 0, ratio < 0))
    if not least:
        return 1.0
    return float(sum(comb(k - 1, h) * chi2.sf(least, h) for h in range(1, k)) / 2 ** (k - 1))


def _drawn(value: FloatArray, variances: ArrayLike) -> FloatArray:
    """Give what each option may be, a column per node."""
    return np.asarray(value[:, None] + _errors(variances)[:, None] * _NODES[None, :])


def _chances(value: FloatArray, variances: ArrayLike) -> FloatArray:
    """Give the chance that each option is the best if it is what it is at a node."""
    apart = _drawn(value, variances)[:, None, :] - value[None, :, None]
    below = ndtr(apart / _errors(variances)[None, :, None])
    below[np.eye(len(value), dtype=bool)] = 1
    return np.asarray(below.prod(axis=1))


def _errors(variances: ArrayLike) -> FloatArray:
    return np.asarray(np.sqrt(np.maximum(np.asarray(variances, dtype=np.float64), 1e-12)))


def _row(
    difference: float, error: float, degrees: float, *, loading: FloatArray, level: float
) -> tuple[float, ...]:
    if not error:
        return (difference, error, degrees, *[np.nan] * 5)
    scales, statistic = error_scales(degrees), difference / error

    def beyond(bound: float) -> float:
        return _within(bound, loading, *scales) - level

    # The critical value is at least that of one statistic, and at most as if they had nothing in
    # common (Bonferroni).
    least, most = t.isf((1 - level) / 2 / np.array([1, len(loading)]), degrees)
    half = brentq(beyond, least - 0.01, most + 0.01, xtol=1e-7) * error
    joint = 1 - _within(abs(statistic), loading, *scales)
    alone = 2 * t.sf(abs(statistic), degrees)
    ends = (difference - half, difference + half)
    return (difference, error, degrees, statistic, float(alone), joint, *ends)


def _within(bound: float, loading: FloatArray, scale: FloatArray, weight: FloatArray) -> float:
    """Give the chance that no statistic exceeds a bound: the control and the scale integrated."""
    own = np.sqrt(1 - loading**2)[:, None, None]
    middle = loading[:, None, None] * _NODES[:, None] / own
    half = bound * scale / own
    inside = (ndtr(middle + half) - ndtr(middle - half)).prod(axis=0)
    return float(_WEIGHTS @ inside @ weight)


def error_scales(degrees: float) -> tuple[FloatArray, FloatArray]:
    """Give what an estimated error may be of the true one, with the weight of each.

    Args:
        degrees: of freedom of the error; infinite for one that is known.
    """
    if np.isinf(degrees):
        return np.ones(1), np.ones(1)
    low, high = np.log(chdtri(degrees, [1 - 1e-13, 1e-13]))
    at = np.linspace(low, high, _STEPS)
    log_weight = degrees / 2 * at - np.exp(at) / 2
    weight = np.exp(log_weight - log_weight.max())
    return np.sqrt(np.exp(at) / degrees), weight / weight.sum()
