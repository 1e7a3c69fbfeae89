"""The jackknife by hand, against the variance of a mean and the delta method."""

import numpy as np
import pytest
from scipy.stats import t as student
from siyu.stats.jackknife import interval_of, jackknife, sum_degrees


def _mean(means):
    return means


def _ratio(means):
    return means[..., 1:] / means[..., :1]


def test_the_jackknife_of_a_mean_is_its_standard_error():
    """1, 2, 6 have mean 3, sum of squares 14: 14 / 2 / 3; influences are the deviations."""
    found = jackknife(_mean, [[1.0], [2.0], [6.0]], [1, 1, 1])
    assert found.influence[:, 0] == pytest.approx([-2, -1, 3])
    assert found.variance == pytest.approx([14 / 6])


def test_persons_alike_may_be_counted():
    rows = np.array([[1.0, 5.0], [1.0, 5.0], [2.0, 3.0], [0.0, 0.0]])
    one_by_one = jackknife(_ratio, rows, np.ones(4))
    counted = jackknife(_ratio, rows[1:], [2, 1, 1])
    assert counted.covariance == pytest.approx(one_by_one.covariance)
    assert counted.degrees == pytest.approx(one_by_one.degrees)


def test_a_ratio_left_out_by_hand():
    """3 of 2, 4 of 1: without the one 4, without the other 1.5; half of 2.5 squared."""
    found = jackknife(_ratio, [[2.0, 3.0], [1.0, 4.0]], [1, 1])
    assert found.variance == pytest.approx([(4 - 1.5) ** 2 / 4])


def test_of_many_it_is_the_delta_method():
    rng = np.random.default_rng(5)
    orders = 1 + rng.poisson(2.0, 20_000).astype(float)
    rows = np.column_stack([orders, orders * rng.gamma(2, 20, 20_000)])
    value = _ratio(rows.mean(axis=0))[0]
    residual = (rows[:, 1] - value * rows[:, 0]) / rows[:, 0].mean()
    found = jackknife(_ratio, rows, np.ones(len(rows)))
    assert found.variance == pytest.approx([residual.var() / len(rows)], rel=1e-3)


def test_degrees_are_nearly_those_of_normal_values_and_few_where_one_brings_most():
    normal = np.random.default_rng(3).normal(size=(50_000, 1))
    found = jackknife(_mean, normal, np.ones(len(normal)))
    assert found.degrees[0] == pytest.approx(len(normal), rel=0.03)  # kurtosis 3: 2 n / 2
    one = np.zeros((1_000, 1))
    one[0] = 1
    assert jackknife(_mean, one, np.ones(1_000)).degrees[0] == pytest.approx(2, abs=0.01)
    assert jackknife(_mean, np.ones((5, 1)), np.ones(5)).degrees[0] == 2  # nothing varies


def test_the_interval_is_students_with_the_fewer_degrees():
    found = jackknife(_mean, [[1.0], [2.0], [6.0]], [1, 1, 1])
    lower, upper = interval_of([3.0], found, level=0.9, most=2)
    half = student.ppf(0.95, 2) * np.sqrt(14 / 6)
    assert (lower[0], upper[0]) == pytest.approx((3 - half, 3 + half))


def test_errors_that_add_have_welchs_degrees():
    """(1 + 3)² / (1² / 4 + 9 / 9) = 12.8."""
    assert sum_degrees([[1.0], [3.0]], [[4.0], [9.0]]) == pytest.approx([12.8])
    assert sum_degrees([[0.0], [0.0]], [[4.0], [9.0]]) == pytest.approx([2])


def test_what_cannot_be_is_an_error():
    with pytest.raises(ValueError, match="at least two persons"):
        jackknife(_mean, [[1.0]], [1])
    with pytest.raises(ValueError, match="level = 95"):
        interval_of([1.0], jackknife(_mean, [[1.0], [2.0]], [1, 1]), level=95)
