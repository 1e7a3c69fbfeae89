"""Comparison with the best: by hand for two, against simulation for many."""

import numpy as np
import pytest
from scipy.stats import norm
from siyu.stats.best import compare_with_best


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


def test_what_cannot_be_compared_is_an_error():
    with pytest.raises(ValueError, match="1 option must be at least 2"):
        compare_with_best([1.0], [1.0], level=0.95)
    with pytest.raises(ValueError, match="must all be above 0"):
        compare_with_best([1.0, 2.0], [1.0, 0.0], level=0.95)
    with pytest.raises(ValueError, match="level = 1"):
        compare_with_best([1.0, 2.0], [1.0, 1.0], level=1)
