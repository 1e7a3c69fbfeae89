"""Sizes of trees and whether they end: Borel's numbers, closed forms, and drawn trees."""

from __future__ import annotations

import numpy as np
import pytest
from siyu.stats.branching import chance_to_end, tree_sizes

SIZES = np.arange(1, 4_000)


@pytest.mark.parametrize("k", [0.2, 0.5, 0.8])
def test_poisson_trees_have_the_moments_of_borel(k):
    """Borel (1942): mean 1 / (1 - K), variance K / (1 - K)³, P(1) = exp(-K)."""
    p = tree_sizes(SIZES, k)
    mean = p @ SIZES
    assert p.sum() == pytest.approx(1)
    assert mean == pytest.approx(1 / (1 - k))
    assert p @ SIZES**2 - mean**2 == pytest.approx(k / (1 - k) ** 3)
    assert p[0] == pytest.approx(np.exp(-k))


def test_small_trees_by_hand():
    """Of three: the first brings two who bring nobody, or a chain of three; Poisson, K = 0.5.

    exp(-1.5) (0.5² / 2 + 0.5²) = 1.5 x 0.25 exp(-1.5).
    """
    assert tree_sizes([3], 0.5)[0] == pytest.approx(0.375 * np.exp(-1.5))
    assert tree_sizes([1, 2], 0).tolist() == [1, 0]


def test_uneven_trees_have_the_same_mean_but_more_of_none():
    p = tree_sizes(SIZES, 0.6, shape=0.5)
    assert p @ SIZES == pytest.approx(2.5)
    assert p[0] == pytest.approx((0.5 / 1.1) ** 0.5)
    assert p[0] > tree_sizes([1], 0.6)[0]
    nearly = tree_sizes(SIZES[:50], 0.6, shape=1e7)
    np.testing.assert_allclose(nearly, tree_sizes(SIZES[:50], 0.6), rtol=1e-4)


@pytest.mark.parametrize("shape", [0.5, np.inf])
def test_above_one_the_sizes_sum_to_the_chance_that_a_tree_ends(shape):
    x = np.arange(60)
    k = 1.5
    if np.isinf(shape):
        end = chance_to_end(x, np.round(1e12 * poisson(x, k)))
    else:
        end = chance_to_end(x, np.round(1e12 * uneven(x, k, shape)))
    assert tree_sizes(SIZES, k, shape=shape).sum() == pytest.approx(float(end), abs=1e-6)


def poisson(x, k):
    from scipy.stats import poisson as law

    return law.pmf(x, k)


def uneven(x, k, shape):
    from scipy.stats import nbinom

    return nbinom.pmf(x, shape, shape / (shape + k))


def test_the_sizes_are_those_of_drawn_trees():
    rng, sizes = np.random.default_rng(3), []
    for _ in range(20_000):
        size = living = 1
        while living:
            living = int(rng.negative_binomial(0.7 * living, 0.7 / 1.2))
            size += living
        sizes.append(size)
    seen = np.bincount(sizes, minlength=8)[1:8] / 20_000
    np.testing.assert_allclose(seen, tree_sizes(np.arange(1, 8), 0.5, shape=0.7), atol=0.011)


def test_half_bring_two_and_a_quarter_end():
    """f(q) = 1/4 + 3/4 q² = q at 1/3 and 1 (textbook: Harris 1963)."""
    assert chance_to_end([0, 2], [1, 3]) == pytest.approx(1 / 3)


def test_at_or_below_one_a_tree_ends_and_several_draws_go_at_once():
    """One whom each brings for certain never ends, but 1 is where chance must have it."""
    found = chance_to_end([0, 1, 2], [[2, 1, 1], [1, 1, 1], [1, 0, 3]])
    np.testing.assert_allclose(found, [1, 1, 1 / 3])


@pytest.mark.parametrize(("sizes", "mean"), [([0], 0.5), ([1], -0.1)])
def test_sizes_below_one_and_means_below_zero_are_errors(sizes, mean):
    with pytest.raises(ValueError, match="must be at least 1"):
        tree_sizes(sizes, mean)
