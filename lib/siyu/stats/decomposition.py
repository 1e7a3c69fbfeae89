"""Where a change comes from: who came (mix) or what they did (rate), and which step of a chain."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from siyu.stats.checks import FloatArray, count_of


def kitagawa(
    n_before: ArrayLike, x_before: ArrayLike, n_after: ArrayLike, x_after: ArrayLike
) -> pd.DataFrame:
    """Split the change of a crude rate between two periods into mix and rate effects per group.

    Args:
        n_before: users per group before.
        x_before: of them, those with the outcome.
        n_after: users per group after.
        x_after: of them, those with the outcome.

    Returns:
        One row per group, in the order given: mix (the group's share changed) and rate (its rate
        changed), as fractions. All parts together are exactly the change of the crude rate. See
        `kitagawa_parts`.

    Raises:
        ValueError: a value is no count, or a count exceeds its n.
    """
    done_before, users_before = count_of(x_before, n_before)
    done_after, users_after = count_of(x_after, n_after)
    mix, rate = kitagawa_parts(users_before, done_before, users_after, done_after)
    return pd.DataFrame({"mix": mix, "rate": rate})


def kitagawa_parts(
    n_before: ArrayLike, x_before: ArrayLike, n_after: ArrayLike, x_after: ArrayLike
) -> tuple[FloatArray, FloatArray]:
    """Give the mix and rate effects of `kitagawa` for arrays of shape (..., groups).

    rate_g = mean share of g x change of its rate. mix_g = change of its share x (its mean rate less
    the mean crude rate): a group that grows helps only if it is better than the whole; the centring
    does not change the sum because shares sum to one. Means are of before and after. A group absent
    in one period is given the rate it has in the other, so that its coming or going is all mix; one
    absent in both has no part. NaN where a period has no users.

    Nothing causal: it says which groups' numbers moved, not why. Source: Kitagawa (1955), J. Am.
    Stat. Assoc. 50, 1168-1194; centred mix effects, Das Gupta (1993), Current Population Reports
    P23-186.
    """
    users_before, done_before, users_after, done_after = (
        np.asarray(values, dtype=np.float64) for values in (n_before, x_before, n_after, x_after)
    )
    rate_before, rate_after = _either(
        _ratio(done_before, users_before), _ratio(done_after, users_after)
    )
    share_before = _ratio(users_before, users_before.sum(axis=-1, keepdims=True))
    share_after = _ratio(users_after, users_after.sum(axis=-1, keepdims=True))
    mean_rate = (rate_before + rate_after) / 2
    crude = (share_before * rate_before + share_after * rate_after).sum(axis=-1, keepdims=True) / 2
    mix = (share_after - share_before) * (mean_rate - crude)
    rate = (share_before + share_after) / 2 * (rate_after - rate_before)
    return mix, rate


def shapley(before: ArrayLike, after: ArrayLike) -> FloatArray:
    """Split the change of a product of step rates into the contribution of each step.

    A step's contribution is the change it makes, averaged over all orders in which the steps could
    have changed. With f the product, that average is the integral over s in [0, 1] of df/dr_k at
    before + s (after - before), times the change of r_k (Owen); the integrand is a polynomial, and
    Gauss-Legendre nodes integrate it exactly.

    Args:
        before: step rates, shape (..., steps); NaN for a step that nobody entered.
        after: step rates, same shape.

    Returns:
        Contributions, shape (..., steps), whose sum is exactly product(after) - product(before). A
        step that nobody entered in one period is given the rate of the other, and so contributes
        nothing; its product is zero anyway, by the step before it.

    Source: Shapley (1953), Contributions to the Theory of Games II; Owen (1972), Management Science
    18, 64-79.
    """
    old, new = _either(
        *np.broadcast_arrays(
            np.asarray(before, dtype=np.float64), np.asarray(after, dtype=np.float64)
        )
    )
    change = new - old
    steps = change.shape[-1]
    nodes, weights = np.polynomial.legendre.leggauss((steps + 1) // 2)
    path = old + ((nodes + 1) / 2).reshape(-1, *[1] * old.ndim) * change
    others = np.stack(
        [np.delete(path, step, axis=-1).prod(axis=-1) for step in range(steps)], axis=-1
    )
    return np.asarray(change * np.tensordot(weights / 2, others, axes=1), dtype=np.float64)


def _ratio(part: FloatArray, whole: FloatArray) -> FloatArray:
    part, whole = np.broadcast_arrays(part, whole)
    ratio: FloatArray = np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)
    return ratio


def _either(first: FloatArray, second: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Fill what is undefined in one period from the other; what is undefined in both is zero."""
    return (
        np.where(np.isnan(first), np.nan_to_num(second), first),
        np.where(np.isnan(second), np.nan_to_num(first), second),
    )
