"""Comparisons with the best and joint intervals: by hand, published, and simulated."""

import numpy as np
import pytest
from scipy.stats import norm
from scipy.stats import t as student
from siyu.stats.best import (
    compare_shares_with_best,
    compare_with_best,
    joint_quantile,
    not_worse,
)
from siyu.stats.intervals import newcombe_difference


def test_of_two_options_it_is_the_one_sided_comparison():
    """With two, d is the one-sided normal quantile: 1.6449 at 95%; s = sqrt(3² + 4²) = 5."""
    found = compare_with_best([10.0, 4.0], [3.0, 4.0], level=0.95)
    d = norm.ppf(0.95) * 5
    assert found["gap"].tolist() == [6.0, -6.0]
    assert found["ci_upper"].tolist() == pytest.approx([6 + d, max(-6 + d, 0)])
    assert found["ci_lower"].tolist() == pytest.approx([6 - d, -6 - d])
    assert found["is_candidate"].tolist() == [True, True]


def test_a_lone_candidate_is_worse_than_nobody():
    found = compare_with_best([30.0, 4.0], [3.0, 4.0], level=0.95)
    assert found["is_candidate"].tolist() == [True, False]
    assert found["ci_lower"].tolist()[0] == 0
    assert found["ci_upper"].tolist()[1] == 0


def test_with_equal_errors_the_critical_value_is_dunnetts():
    """One-sided, three compared with one, correlation 1/2, 95%: 2.062 (Hsu 1996, infinite df)."""
    found = compare_with_best([0.0] * 4, [1.0] * 4, level=0.95)
    assert (found["ci_upper"] / np.sqrt(2)).tolist() == pytest.approx([2.062] * 4, abs=0.001)


@pytest.mark.slow
def test_the_best_is_among_the_candidates_as_often_as_stated_where_the_naive_winner_is_not():
    """Nearly equal options, unequal errors: the largest estimate is often not the best."""
    rng = np.random.default_rng(3)
    truth, errors = np.array([0.5, 0.45, 0.4, 0.3]), np.array([0.3, 0.15, 0.2, 0.4])
    kept, won = [], []
    for _ in range(2_000):
        values = rng.normal(truth, errors)
        kept.append(compare_with_best(values, errors, level=0.95)["is_candidate"].iloc[0])
        won.append(values.argmax() == 0)
    assert np.mean(kept) >= 0.95 - 3 * np.sqrt(0.05 * 0.95 / 2_000)
    assert np.mean(won) < 0.6


@pytest.mark.slow
def test_when_all_are_equal_every_option_is_covered_as_often_as_stated():
    """The least favourable truth: it is exact there, not merely conservative."""
    rng = np.random.default_rng(4)
    errors = np.array([1.0, 2.0, 0.5])
    kept = [
        compare_with_best(rng.normal(0, errors), errors, level=0.95)["is_candidate"].iloc[1]
        for _ in range(2_000)
    ]
    assert 0.935 <= np.mean(kept) <= 0.965


def test_of_two_options_with_estimated_errors_the_critical_value_is_that_of_t():
    found = compare_with_best([1.0, 0.0], [0.3, 0.4], level=0.95, degrees=7)
    assert found["ci_lower"].iloc[1] == pytest.approx(-1 - student.ppf(0.95, 7) * 0.5, abs=1e-6)


def test_of_two_shares_it_is_newcombes_interval_constrained():
    """9 of 10 against 3 of 10: one-sided 95% is two-sided 90%; 0 to the side that cannot be."""
    found = compare_shares_with_best([9, 3], [10, 10], level=0.95)
    gap, lower, upper = map(float, newcombe_difference(9, 10, 3, 10, level=0.9))
    assert lower > 0
    assert found.loc[0, ["gap", "ci_lower", "ci_upper"]].tolist() == pytest.approx([gap, 0, upper])
    assert found.loc[1, ["gap", "ci_lower", "ci_upper"]].tolist() == pytest.approx(
        [-gap, -upper, 0]
    )
    assert found["is_candidate"].tolist() == [True, False]


def test_many_shares_are_those_of_the_normal_bounds_and_order_does_not_matter():
    count, n = np.array([4_400, 3_700, 4_300]), np.array([10_000, 10_000, 9_000])
    found = compare_shares_with_best(count, n, level=0.95)
    share = count / n
    normal = compare_with_best(share, np.sqrt(share * (1 - share) / n), level=0.95)
    columns = ["gap", "ci_lower", "ci_upper"]
    assert found[columns].to_numpy() == pytest.approx(normal[columns].to_numpy(), abs=2e-4)
    again = compare_shares_with_best(count[::-1], n[::-1], level=0.95)
    assert again[columns].to_numpy()[::-1] == pytest.approx(found[columns].to_numpy())


def test_none_and_all_have_bounds_too():
    found = compare_shares_with_best([0, 20, 0], [20, 20, 20], level=0.95)
    assert found["is_candidate"].tolist() == [False, True, False]
    assert found["ci_lower"].between(-1, 0).all()
    assert found.loc[1, "ci_upper"] <= 1
    nobody = compare_shares_with_best([0, 0], [30, 30], level=0.95)
    assert (nobody["ci_lower"] < 0).all()
    assert (nobody["ci_upper"] > 0).all()


def test_shares_that_cannot_be_compared_are_an_error():
    with pytest.raises(ValueError, match="must be above"):
        compare_shares_with_best([1, 2], [9, 9], level=0.4)
    with pytest.raises(ValueError, match="leave out those without"):
        compare_shares_with_best([0, 2], [0, 9], level=0.95)
    with pytest.raises(ValueError, match="at least 2"):
        compare_shares_with_best([2], [9], level=0.95)


def test_what_cannot_be_compared_is_an_error():
    with pytest.raises(ValueError, match="1 option must be at least 2"):
        compare_with_best([1.0], [1.0], level=0.95)
    with pytest.raises(ValueError, match="must all be above 0"):
        compare_with_best([1.0, 2.0], [1.0, 0.0], level=0.95)
    with pytest.raises(ValueError, match="level = 1"):
        compare_with_best([1.0, 2.0], [1.0, 1.0], level=1)


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
