"""Concentration: by hand, by brute force, and the influence of each person by leaving it out."""

import numpy as np
import pytest
from siyu.stats.concentration import gini, top_share


def test_the_index_of_one_to_n_is_a_third():
    # The mean distance of two of 1..n is (n + 1) / 3, and their mean is (n + 1) / 2.
    assert gini(np.arange(1, 8))[0] == pytest.approx(1 / 3)


def test_all_alike_are_not_concentrated_and_one_who_has_all_is():
    assert gini([4] * 5)[0] == pytest.approx(0)
    assert gini([0] * 9 + [4])[0] == pytest.approx(1)  # without the bias that makes it .9
    assert top_share([0] * 9 + [4], 0.1)[0] == pytest.approx(1)
    assert top_share([4] * 5, 0.2)[0] == pytest.approx(0.2)


def test_a_part_of_a_person_counts_as_such():
    values = [1, 2, 3, 4, 10]
    assert top_share(values, 0.2)[0] == pytest.approx(10 / 20)
    assert top_share(values, 0.5)[0] == pytest.approx((10 + 4 + 3 / 2) / 20)
    assert top_share(values, 0)[0] == 0
    assert top_share(values, 1)[0] == pytest.approx(1)


def test_the_index_is_the_mean_distance_of_all_pairs():
    values = np.random.default_rng(1).lognormal(0, 1, 80).round(1)
    distances = np.abs(values[:, None] - values).sum() / (80 * 79)
    assert gini(values)[0] == pytest.approx(distances / (2 * values.mean()))


@pytest.mark.parametrize("statistic", [gini, lambda values: top_share(values, 0.2)])
def test_influence_is_what_the_index_loses_without_a_person(statistic):
    values = np.random.default_rng(2).gamma(1, 100, 400)
    value, influence = statistic(values)
    left_out = [value - statistic(np.delete(values, i))[0] for i in range(0, 400, 7)]
    assert influence.mean() == pytest.approx(0, abs=1e-12)
    assert 399 * np.array(left_out) == pytest.approx(influence[::7], abs=0.03)


@pytest.mark.parametrize("statistic", [gini, lambda values: top_share(values, 0.3)])
def test_order_and_currency_do_not_matter(statistic):
    rng = np.random.default_rng(3)
    values, order = rng.gamma(1, 100, 50), rng.permutation(50)
    value, influence = statistic(values)
    again, moved = statistic(7 * values[order])
    assert again == pytest.approx(value)
    assert moved == pytest.approx(influence[order])


def test_nothing_to_share_out_has_no_concentration():
    for values in ([], [0, 0], [-1, 1]):
        assert np.isnan(gini(values)[0])
        assert np.isnan(top_share(values, 0.2)[0])
    with pytest.raises(ValueError, match=r"share = 1\.5 must lie in"):
        top_share([1], 1.5)
