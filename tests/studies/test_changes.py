"""A change between two spans that some users are in both of, by hand and by users."""

import numpy as np
import pandas as pd
import pytest
from siyu.stats.intervals import newcombe_difference
from siyu.studies.changes import change_of_share, compare_spans

LEVEL = 0.95
SIDES = [[1, 1, 1, 0], [1, 0, 1, 1], [1, 1, 1, 1], [1, 0, 1, 0], [1, 1, 0, 0], [0, 0, 1, 1]]
USERS = np.array([40, 20, 60, 30, 25, 35])


def test_the_change_is_that_of_the_shares():
    """Before 125 of 175, later 115 of 185."""
    found = change_of_share(SIDES, USERS, level=LEVEL).iloc[0]
    assert found["value"] == pytest.approx(115 / 185 - 125 / 175)


def test_who_is_in_both_spans_makes_the_change_surer_but_never_surer_than_newcombe():
    alone = compare_spans(SIDES, USERS, level=LEVEL).iloc[0]
    both = change_of_share(SIDES, USERS, level=LEVEL).iloc[0]
    _, lower, upper = newcombe_difference(115, 185, 125, 175, level=LEVEL)
    assert both["ci_lower"] == pytest.approx(min(alone["ci_lower"], float(lower)))
    assert both["ci_upper"] == pytest.approx(max(alone["ci_upper"], float(upper)))
    assert 0 < both["p"] < 1


def test_the_error_is_that_of_residuals_summed_by_user():
    """Linearised: of each user, what lies above the ratio, over the size of the span."""
    sides = np.array([[3, 5, 2, 1], [1, 0, 2, 4], [4, 4, 0, 0], [2, 6, 3, 3], [0, 0, 2, 5]])
    users = np.array([30, 50, 40, 20, 60])
    n0, x0, n1, x1 = users @ sides
    each = (sides[:, 3] - x1 / n1 * sides[:, 2]) / n1 - (sides[:, 1] - x0 / n0 * sides[:, 0]) / n0
    half = 1.959963985 * np.sqrt(users @ each**2)
    found = compare_spans(sides, users, level=LEVEL).iloc[0]
    assert found["value"] == pytest.approx(x1 / n1 - x0 / n0)
    assert found["ci_upper"] - found["value"] == pytest.approx(half, rel=0.02)
    assert found["ci_upper"] - found["value"] >= half * (1 - 1e-6)


def test_the_order_of_rows_and_rows_apart_change_nothing():
    apart = np.repeat(np.arange(len(USERS)), 2)
    halves = np.column_stack([USERS // 2, USERS - USERS // 2]).ravel()
    given = np.asarray(SIDES)[apart][::-1]
    pd.testing.assert_frame_equal(
        change_of_share(given, halves[::-1], level=LEVEL),
        change_of_share(SIDES, USERS, level=LEVEL),
    )
