"""Comparisons with the best and joint intervals: by hand, and against published critical values."""

import numpy as np
import pytest
from scipy.stats import norm
from siyu.stats.best import joint_quantile, not_worse


def rng():
    return np.random.default_rng(7)


def test_of_two_the_worse_stays_until_one_sided_significance():
    # The difference has the error sqrt(2): 1.645 x 1.414 = 2.326.
    covariance = np.eye(2)
    near, far = np.array([0, 2.28]), np.array([0, 2.38])
    assert not_worse(near, covariance, level=0.95, rng=rng()).tolist() == [True, True]
    assert not_worse(far, covariance, level=0.95, rng=rng()).tolist() == [False, True]


def test_errors_in_common_make_small_differences_clear():
    # Correlated by 0.99 the difference has the error sqrt(0.02) = 0.141.
    covariance = np.array([[1, 0.99], [0.99, 1]])
    values = np.array([0.0, 0.3])
    assert not_worse(values, covariance, level=0.95, rng=rng()).tolist() == [False, True]
    assert not_worse(values, np.eye(2), level=0.95, rng=rng()).tolist() == [True, True]


def test_the_best_is_always_in_and_what_is_equal_with_it():
    values = np.array([1.0, 5.0, 5.0, 3.0])
    kept = not_worse(values, np.zeros((4, 4)), level=0.95, rng=rng())
    assert kept.all()  # without any spread nothing can be told apart
    kept = not_worse(values, 0.01 * np.eye(4), level=0.95, rng=rng())
    assert kept.tolist() == [False, True, True, False]


def test_one_interval_needs_the_usual_quantile_and_many_more():
    assert joint_quantile(np.eye(1), level=0.95, rng=rng()) == pytest.approx(1.96, abs=0.03)
    # Sidak for five independent: the quantile of 0.95^(1/5).
    sidak = norm.ppf((1 + 0.95 ** (1 / 5)) / 2)
    assert joint_quantile(np.eye(5), level=0.95, rng=rng()) == pytest.approx(sidak, abs=0.03)
    # Dunnett, three against a control of equal size (rho = 0.5, infinite df): 2.349.
    dunnett = np.full((3, 3), 0.5) + 0.5 * np.eye(3)
    assert joint_quantile(dunnett, level=0.95, rng=rng()) == pytest.approx(2.349, abs=0.03)


def test_without_spread_and_with_a_wrong_level():
    assert joint_quantile(np.zeros((2, 2)), level=0.95, rng=rng()) == pytest.approx(1.96, abs=1e-3)
    with pytest.raises(ValueError, match="level = 0"):
        joint_quantile(np.eye(2), level=0, rng=rng())
    with pytest.raises(ValueError, match="level = 1"):
        not_worse(np.zeros(2), np.eye(2), level=1, rng=rng())
