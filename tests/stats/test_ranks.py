"""Scores by rank: counted by hand, by brute force on heavy ties, and what must not matter."""

from fractions import Fraction

import numpy as np
import pytest
from siyu.stats.ranks import cut_points, score_ranks


def scored(values, groups=5):
    return score_ranks(values, cut_points(values, groups=groups)).tolist()


def by_counting(values, groups=5):
    """Group 1 + floor(groups x middle of those who share the value), one value after the other."""
    n = len(values)
    return [
        1
        + int(groups * (sum(v < x for v in values) + Fraction(sum(v == x for v in values), 2)) / n)
        for x in values
    ]


def test_ten_different_values_make_fifths_of_two():
    assert scored([10, 20, 30, 40, 50, 60, 70, 80, 90, 100]) == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]


def test_a_crowd_with_one_value_stays_together_in_its_middle():
    # Seven of ten bought once: they fill ranks 1 to 7, whose middle is 3.5 of 10.
    assert scored([1, 1, 1, 1, 1, 1, 1, 2, 3, 9]) == [2] * 7 + [4, 5, 5]


def test_all_equal_are_all_in_the_middle_and_nobody_is_nowhere():
    assert scored([7] * 4) == [3] * 4
    assert scored([7]) == [3]
    assert scored([]) == []
    assert np.isinf(cut_points([])).all()


@pytest.mark.parametrize("seed", range(300))
def test_scores_are_those_of_counting_whatever_the_ties(seed):
    rng = np.random.default_rng(seed)
    values = rng.integers(0, rng.integers(1, 30), rng.integers(1, 40)).tolist()
    groups = int(rng.integers(1, 8))
    assert scored(values, groups) == by_counting(values, groups)


def test_order_and_currency_do_not_matter():
    rng = np.random.default_rng(1)
    values = np.round(rng.gamma(1, 100, 500))
    order = rng.permutation(500)
    assert np.array(scored(values))[order].tolist() == scored(values[order])
    assert scored(values * 7) == scored(values)


def test_others_are_scored_by_where_these_were_cut():
    cuts = cut_points([10, 20, 30, 40, 50])
    assert cuts.tolist() == [20, 30, 40, 50]
    assert score_ranks([5, 19, 20, 35, 99], cuts).tolist() == [1, 1, 2, 3, 5]


def test_fewer_than_one_group_is_refused():
    with pytest.raises(ValueError, match="groups = 0 must be at least 1"):
        cut_points([1], groups=0)
