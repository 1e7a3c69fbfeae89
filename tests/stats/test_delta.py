import numpy as np
import pytest
from siyu.stats.delta import positive_range, slopes, variances


def test_slopes_are_those_of_calculus():
    found = slopes(lambda at: [at[0] * at[1], np.exp(at[1])], [2.0, 3.0])
    assert found == pytest.approx(np.array([[3.0, 2.0], [0.0, np.exp(3)]]), rel=1e-7)


def test_the_variance_of_a_sum_counts_how_its_parts_hang_together():
    covariance = np.array([[1.0, 0.5], [0.5, 4.0]])
    assert variances(np.array([1.0, 1.0]), covariance) == 6.0
    assert variances(np.array([[1.0, 0.0], [1.0, -1.0]]), covariance).tolist() == [1.0, 4.0]


def test_a_positive_range_is_normal_on_the_log_scale_and_never_about_nothing():
    """100 with a standard error of 10: 100 exp(-+1.96 x .1)."""
    lower, upper = positive_range([100.0, 0.0], [100.0, 4.0], level=0.95)
    assert (lower[0], upper[0]) == pytest.approx((82.2015, 121.6522), abs=1e-4)
    assert np.isnan([lower[1], upper[1]]).all()
