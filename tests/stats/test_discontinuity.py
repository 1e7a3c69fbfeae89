"""Jumps at a cutoff: numbers of R's and Python's rdrobust, two routes, invariants and refusals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from siyu.stats.discontinuity import Jump, find_jump
from siyu.stats.local_polynomials import SparseError

LEVEL, CUTOFF = 0.95, 10.0
I = np.arange(1, 601)  # noqa: E741
X = 100 * np.sin(I) + 20 * np.cos(3 * I)
Y = 40 + 0.3 * X + 0.004 * X**2 + 2e-5 * X**3 + 5 * (X >= CUTOFF) + 8 * np.sin(1.7 * I**2)
ON_ONE_SIDE = 2 * (I // 4) + (X >= CUTOFF)
"""Clusters of up to four rows, none of them on both sides."""
ROUGH = np.floor(X / 3) * 3 + 1
"""Where many have the same value."""


def jump(y=Y, x=X, **other) -> Jump:
    return find_jump(y, x, **{"cutoff": CUTOFF, "level": LEVEL} | other)


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        (X, [3.73957, 2.33061, 4.47035, 2.57555, 34.9026, 67.1000]),
        (ROUGH, [-0.173503, 2.89232, -0.917109, 3.27272, 32.8769, 55.4688]),
    ],
)
def test_jumps_are_those_of_rdrobust(x, expected):
    """All digits of rdrobust 2.1.1 for Python, the data made by the formulas above:

    >>> r = rdrobust(Y, X, c=10)  # and with ROUGH
    >>> r.coef, r.se, r.bws  # conventional, bias-corrected and robust; h and b

    With X, diff-diff 3.13.0 says the same: RegressionDiscontinuity(cutoff=10).fit(...).summary().
    """
    found = jump(x=x)
    given = [found.value, found.error, found.corrected, found.corrected_error, found.h, found.b]
    assert given == pytest.approx(expected, rel=5e-6)


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        (X, [3.67471, 4.54388, 37.1190, 68.9441]),
        (ROUGH, [-0.140899, -0.943841, 33.4379, 54.9217]),
    ],
)
def test_with_clusters_jumps_and_bandwidths_are_those_of_rdrobust(x, expected):
    """`rdrobust(Y, X, c=10, cluster=ON_ONE_SIDE)`: conventional, bias-corrected, h and b."""
    found = jump(x=x, cluster=ON_ONE_SIDE)
    given = [found.value, found.corrected, found.h, found.b]
    assert given == pytest.approx(expected, rel=5e-6)


@pytest.mark.parametrize(("b", "robust", "within"), [(40.0, 3.71295, 5e-6), (60.0, 2.97102, 5e-3)])
def test_with_clusters_errors_are_those_of_rdrobust(b, robust, within):
    """`rdrobust(Y, X, c=10, cluster=ON_ONE_SIDE, vce="cr3", h=40, b=b).se`, all digits.

    With b other than h, rdrobust takes the leverage of the lines to be that of the parabolas.
    """
    found = jump(cluster=ON_ONE_SIDE, h=40.0, b=b)
    assert found.error == pytest.approx(2.518783, rel=1e-6)
    assert found.corrected_error == pytest.approx(robust, rel=within)


def test_counts_and_interval_are_those_of_rdrobust():
    """`r.N_h` is [54, 66], the robust interval (-0.5776, 9.5183), p .083 (diff-diff's summary)."""
    found = jump()
    assert found.n == (54, 66)
    assert [found.ci_lower, found.ci_upper] == pytest.approx([-0.5776, 9.5183], abs=5e-5)
    assert found.p == pytest.approx(0.083, abs=5e-4)


@pytest.mark.peers
def test_the_senate_jump_is_the_published_one(shared_data):
    """Calonico, Cattaneo and Titiunik (2015), R Journal 7: `rdrobust(vote, margin)`.

    The 1,297 elections are in the package rdrobust (GPL-3), so not here; they were read once.
    """
    path = shared_data / "senate" / "rdrobust_RDsenate.csv"
    if not path.exists():
        pytest.skip(f"the US Senate elections (from the package rdrobust) are not at {path}")
    senate = pd.read_csv(path).dropna(subset=["vote", "margin"])
    found = find_jump(senate["vote"], senate["margin"], cutoff=0, level=LEVEL)
    given = [found.value, found.error, found.ci_lower, found.ci_upper, found.corrected]
    assert given == pytest.approx([7.414, 1.459, 4.094, 10.919, 7.507], abs=5e-4)
    assert [found.h, found.b] == pytest.approx([17.754, 28.028], abs=5e-4)
    assert found.n == (360, 323)


def test_the_lines_are_those_of_weighted_least_squares():
    found = jump(h=40.0)
    near = np.abs(X - CUTOFF) < 40
    right = (X >= CUTOFF).astype(float)
    design = np.column_stack([np.ones(len(X)), right, X - CUTOFF, right * (X - CUTOFF)])
    fit = sm.WLS(Y[near], design[near], weights=1 - np.abs(X[near] - CUTOFF) / 40).fit()
    assert found.value == pytest.approx(fit.params[1])
    assert found.left == pytest.approx(fit.params[[0, 2]])
    assert found.right == pytest.approx([fit.params[:2].sum(), fit.params[2:].sum()])


def test_the_bias_of_lines_as_wide_as_parabolas_is_what_parabolas_say():
    """At b = h the corrected value is their jump (Calonico et al. 2014, remark 7)."""
    found = jump(h=40.0, b=40.0)
    near = np.abs(X - CUTOFF) < 40
    ends = []
    for side in (X < CUTOFF, X >= CUTOFF):
        here = near & side
        weights = np.sqrt(1 - np.abs(X[here] - CUTOFF) / 40)
        ends.append(np.polyfit(X[here] - CUTOFF, Y[here], 2, w=weights)[-1])
    assert found.corrected == pytest.approx(ends[1] - ends[0])


def test_a_cluster_on_both_sides_is_one_move():
    """By hand: one regression with both lines, again without each cluster (statsmodels)."""
    across = np.argsort(np.argsort(np.abs(X - CUTOFF))) // 4  # equally near to it
    y = Y + 8 * np.sin(across**2)
    found = jump(y=y, h=20.0, cluster=across)
    right = (X >= CUTOFF).astype(float)
    design = np.column_stack([np.ones(len(X)), right, X - CUTOFF, right * (X - CUTOFF)])
    weights = np.maximum(1 - np.abs(X - CUTOFF) / 20, 0)

    def fitted(kept):
        return sm.WLS(y[kept], design[kept], weights=weights[kept]).fit().params[1]

    near = weights > 0
    without = [fitted(near & (across != one)) for one in np.unique(across[near])]
    assert found.error == pytest.approx(np.sqrt(((without - fitted(near)) ** 2).sum()))
    assert jump(y=y, h=20.0, cluster=2 * across + (X >= CUTOFF)).error > 1.05 * found.error


def test_shifts_and_scales_move_the_jump_as_they_should():
    found, mirrored = jump(cluster=ON_ONE_SIDE), jump(x=-X, cutoff=-CUTOFF, cluster=ON_ONE_SIDE)
    scaled = jump(y=3 * Y + 7, x=5 * X + 100, cutoff=150.0, cluster=ON_ONE_SIDE)
    order = np.argsort(Y)
    shuffled = jump(y=Y[order], x=X[order], cluster=1_000 - ON_ONE_SIDE[order])
    assert mirrored.value == pytest.approx(-found.value)
    assert mirrored.ci_lower == pytest.approx(-found.ci_upper)
    assert scaled.value == pytest.approx(3 * found.value)
    assert (scaled.h, scaled.p) == pytest.approx((5 * found.h, found.p))
    assert shuffled.ci_upper == pytest.approx(found.ci_upper)
    assert jump(y=Y + 2 * (X >= CUTOFF)).value == pytest.approx(jump().value + 2)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"y": np.ones(600)}, "y: all values are the same"),
        ({"y": [], "x": []}, "y: all values are the same"),
        ({"cutoff": 500.0}, "x: there are too few different values"),
        ({"x": np.sign(X - CUTOFF)}, "x: there are too few different values"),
        ({"h": 0.5}, "x: there are too few different values"),
        ({"cluster": (X >= CUTOFF).astype(int)}, "cluster: there are fewer than two"),
        ({"y": np.where(X < CUTOFF, 1.0, 2.0), "cluster": I}, "y: "),
    ],
)
def test_what_is_too_sparse_is_refused(given, said):
    with pytest.raises(SparseError, match=said):
        jump(**given)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"y": np.where(I == 5, np.nan, Y)}, "y: values must be finite"),
        ({"x": np.where(I == 5, np.inf, X)}, "x: values must be finite"),
        ({"h": 0.0}, "h = 0.0 must be above 0"),
        ({"b": -1.0}, "b = -1.0 must be above 0"),
        ({"level": 95}, "level = 95"),
    ],
)
def test_bad_input_is_named(given, said):
    with pytest.raises(ValueError, match=said):
        jump(**given)
