"""Branching: how large trees grow when everybody brings others, and whether they die out."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaln
from scipy.stats import nbinom

from siyu.stats.checks import FloatArray, whole_counts

_ROUNDS = 200
_CLOSE = 1e-12


def tree_sizes(sizes: ArrayLike, mean: float, *, shape: float = np.inf) -> FloatArray:
    """Give the probability of each size of a tree that one person begins.

    Args:
        sizes: persons in the tree, the first included, from 1 on.
        mean: of those whom each person brings, 0 or more. Above 1 some trees never end, and the
            probabilities of all sizes sum to the chance that one does.
        shape: of the negative binomial number that each brings; infinite: Poisson.

    Raises:
        ValueError: a size below 1, or a mean below 0.

    Source: P(n) is 1 / n times the probability that n persons together bring n - 1: Otter (1949),
    Ann. Math. Stat. 20; Dwass (1969), J. Appl. Prob. 6. Of Poisson numbers it is Borel's
    distribution (Borel 1942; mean 1 / (1 - K), variance K / (1 - K)³, P(1) = exp(-K)).
    """
    n = whole_counts("sizes", sizes)
    if (n < 1).any() or mean < 0:
        raise ValueError(f"sizes must be at least 1, and mean = {mean} must not be below 0")
    if mean == 0:
        return np.where(n == 1, 1.0, 0.0)
    if np.isinf(shape):
        return np.asarray(np.exp((n - 1) * np.log(n * mean) - n * mean - gammaln(n + 1)))
    return np.asarray(nbinom.pmf(n - 1, n * shape, shape / (shape + mean)) / n)


def chance_to_end(values: ArrayLike, persons: ArrayLike) -> FloatArray:
    """Give the chance that a tree which one person begins ends: the smallest root of f(q) = q.

    f is the generating function of how many persons bring how many.

    Args:
        values: distinct counts of those brought.
        persons: with each of them, in the last axis; further axes are other draws.

    Returns:
        In [0, 1]; 1 where each brings less than one.

    Assumes that all persons are alike but for chance, and endless supply. Source: Watson and Galton
    (1875); Harris (1963), The Theory of Branching Processes, I.6.
    """
    x, weight = whole_counts("values", values), whole_counts("persons", persons)
    share = weight / weight.sum(axis=-1, keepdims=True)
    root = np.zeros(share.shape[:-1])
    # f(q) - q is convex: Newton's steps from 0 stay below the smallest root.
    for _ in range(_ROUNDS):
        powers = root[..., None] ** x
        slopes = x * root[..., None] ** np.maximum(x - 1, 0)
        gap = (share * powers).sum(axis=-1) - root
        steep = 1 - (share * slopes).sum(axis=-1)
        step = np.where((gap > _CLOSE) & (steep > 0), gap / np.where(steep > 0, steep, 1), 0)
        root = np.minimum(root + step, 1.0)
        if not (step > _CLOSE).any():
            break
    return np.where((share @ x) <= 1, 1.0, root)
