"""Trees of a million nodes at once, circles in them, and bins that hide few persons."""

from __future__ import annotations

import numpy as np
import pandas as pd
from siyu.studies.referral.bins import STARTS, bin_counts
from siyu.studies.referral.climb import ROOT, climb


def test_tops_and_depths_of_a_small_forest():
    """0 > 1 > 2, 3 alone; 4 and 5 are in a circle, 6 is below."""
    found = climb(np.array([ROOT, 0, 1, ROOT, 5, 4, 4]))
    assert found.is_circular.tolist() == [False] * 4 + [True, True, False]
    assert found.top[:4].tolist() == [0, 0, 0, 3]
    assert found.depth[:4].tolist() == [0, 1, 2, 0]


def test_a_chain_of_a_million_is_climbed():
    n = 1_000_000
    found = climb(np.arange(n) - 1)
    assert found.depth[-1] == n - 1
    assert not found.top.any()
    assert not found.is_circular.any()


def test_nothing_is_climbed_where_there_is_nothing():
    assert len(climb(np.zeros(0, dtype=np.int64)).top) == 0


def bins_of(values, persons, **asked):
    return bin_counts(pd.Series(values), pd.Series(persons), **asked).to_numpy().tolist()


def test_neighbouring_values_are_put_together_until_they_are_enough():
    values, persons = [0, 1, 2, 3, 5], [40, 10, 25, 3, 4]
    assert bins_of(values, persons, least=30) == [[0, 0, 40], [1, 5, 42]]
    assert bins_of(values, persons, least=1) == [
        *([0, 0, 40], [1, 1, 10], [2, 2, 25], [3, 3, 3], [4, 5, 4]),
    ]
    assert bins_of(values, persons, least=83) == []
    assert bins_of([1, 2, 4, 9], [5, 5, 5, 5], starts=STARTS, least=5) == [
        *([1, 1, 5], [2, 2, 5], [3, 4, 5], [5, 9, 5]),
    ]
