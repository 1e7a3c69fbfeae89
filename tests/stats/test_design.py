"""Columns of a regression: levels by hand."""

import numpy as np
import pandas as pd
from siyu.stats.design import indicators


def test_every_level_but_the_most_frequent_has_an_indicator_and_rare_ones_share_one():
    """Of the staff, a is the most frequent, b has its own, c and d are fewer than ten."""
    users = pd.DataFrame({"staff": ["a", "b", "c", "d", "a"], "n": [20, 15, 4, 5, 1]})
    found = indicators(users, ["staff"], users["n"].to_numpy(dtype=float))
    assert found.T.tolist() == [[0, 1, 0, 0, 0], [0, 0, 1, 1, 0]]


def test_a_missing_value_is_a_level():
    users = pd.DataFrame({"staff": ["a", None], "lure": ["x", "x"], "n": [20, 15]})
    found = indicators(users, ["staff", "lure"], users["n"].to_numpy(dtype=float))
    assert found.tolist() == [[0], [1]]


def test_without_covariates_there_are_no_columns():
    assert indicators(pd.DataFrame({"n": [1, 2]}), [], np.ones(2)).shape == (2, 0)
