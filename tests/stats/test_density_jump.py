"""Jumps of a density: two routes, what a grid does, invariants and refusals."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm
from siyu.stats.density_jump import FEWEST, find_density_jump
from siyu.stats.local_polynomials import SparseError

N, CUTOFF = 2_000, 60.0
X = 150 * norm.cdf(np.sin(np.arange(1, N + 1)) + np.cos(7 * np.arange(1, N + 1)))
CLUSTER = np.arange(N) // 5


def test_the_density_is_that_of_a_parabola_through_a_fine_histogram():
    """McCrary's (2008) way with bins of no width: the boundary kernel and the histogram agree."""
    found = find_density_jump(X, cutoff=CUTOFF, h=20.0)
    middle = (X[X < CUTOFF].max() + X[X >= CUTOFF].min()) / 2
    width = 0.002
    for sign, given, curve in (
        (-1, found.left, found.curves[0]),
        (1, found.right, found.curves[1]),
    ):
        away = sign * (X - middle)
        heights, edges = np.histogram(away, bins=round(20 / width), range=(0, 20))
        at = (edges[:-1] + edges[1:]) / 2
        fit = np.polyfit(at / 20, heights / width, 2, w=np.sqrt(1 - at / 20))
        assert given == pytest.approx(fit[-1], rel=0.01)
        assert curve == pytest.approx(fit[::-1], rel=0.02)


def test_the_error_is_between_clusters():
    """Five copies of each row in one cluster tell no more than the row did."""
    one = find_density_jump(X, cutoff=CUTOFF, h=20.0)
    five = find_density_jump(
        np.repeat(X, 5), cutoff=CUTOFF, cluster=np.repeat(np.arange(N), 5), h=20.0
    )
    assert five.p == pytest.approx(one.p)
    assert five.error == pytest.approx(5 * one.error)
    assert five.n == (5 * one.n[0], 5 * one.n[1])
    alone = find_density_jump(np.repeat(X, 5), cutoff=CUTOFF, h=20.0)
    assert alone.error == pytest.approx(np.sqrt(5) * one.error)


def test_the_bandwidth_grows_with_the_unit_and_a_mirror_swaps_the_sides():
    one = find_density_jump(X, cutoff=CUTOFF, cluster=CLUSTER)
    scaled = find_density_jump(10 * X + 5, cutoff=10 * CUTOFF + 5, cluster=CLUSTER)
    mirrored = find_density_jump(-X, cutoff=-CUTOFF, cluster=-CLUSTER)
    assert (scaled.h, scaled.p) == pytest.approx((10 * one.h, one.p))
    assert scaled.left == pytest.approx(one.left / 10)
    assert (mirrored.left, mirrored.right, mirrored.p) == pytest.approx(
        (one.right, one.left, one.p)
    )


def test_a_grid_is_no_jump_and_those_who_reach_the_cutoff_are():
    """On whole numbers, those at the cutoff are as many as those just below: none were placed."""
    rng = np.random.default_rng(1)
    grid = rng.integers(0, 120, 12_000)
    found = find_density_jump(grid, cutoff=60)
    assert found.p > 0.05
    assert found.left == pytest.approx(100, rel=0.25)
    lift = np.where((grid >= 52) & (grid < 60) & (rng.random(12_000) < 0.5), 61, grid)
    assert find_density_jump(lift, cutoff=60).p < 1e-6


@pytest.mark.parametrize(
    ("x", "cluster", "said"),
    [
        ([], None, "nobody on a side"),
        (X[X < CUTOFF], None, "nobody on a side"),
        (np.round(X / 10) * 10, None, "too few different values"),
        (X[:60], np.arange(60) // 2, f"fewer than {FEWEST} clusters"),
    ],
)
def test_what_is_too_sparse_is_refused(x, cluster, said):
    with pytest.raises(SparseError, match=said):
        find_density_jump(x, cutoff=CUTOFF, cluster=cluster)


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="x: values must be finite"):
        find_density_jump(np.append(X, np.nan), cutoff=CUTOFF)
    with pytest.raises(ValueError, match="h = 0 must be above 0"):
        find_density_jump(X, cutoff=CUTOFF, h=0)
