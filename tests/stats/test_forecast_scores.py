"""Pinball loss and skill, by hand and by simulation."""

import numpy as np
import pytest
from scipy.stats import norm, t
from siyu.stats.forecast_scores import pinball, skill


def test_pinball_loss_is_the_weighted_distance():
    # 10 came; the 20% quantile was 12 (2 too high), the 80% quantile 8 (2 too low).
    assert pinball(10, [12, 8], at=[0.2, 0.8]) == pytest.approx((0.8 * 2 + 0.8 * 2) / 2)
    assert pinball(10, [8, 12], at=[0.2, 0.8]) == pytest.approx((0.2 * 2 + 0.2 * 2) / 2)
    assert pinball([5.0, 7.0], [[5.0], [9.0]], at=[0.5]) == pytest.approx([0, 1])


def test_pinball_loss_over_many_quantiles_is_half_the_ranked_probability_score():
    """Of the standard normal at 0: (sqrt(2) - 1) / sqrt(pi) (Gneiting and Raftery 2007)."""
    at = (np.arange(20_000) + 0.5) / 20_000
    score = 2 * pinball(0.0, norm.ppf(at), at=at)
    assert score == pytest.approx((np.sqrt(2) - 1) / np.sqrt(np.pi), rel=1e-3)


def test_skill_without_overlap_is_the_delta_method_of_paired_ratios():
    loss, other = np.array([1.0, 2.0, 1.5, 2.5, 1.0]), np.array([2.0, 2.5, 2.0, 3.0, 2.5])
    found = skill(loss, other, overlap=1, level=0.95)
    ratio = loss.mean() / other.mean()
    error = np.std(loss - ratio * other, ddof=1) / other.mean() / np.sqrt(5)
    assert found.value == pytest.approx(1 - ratio)
    assert found.ci_upper - found.value == pytest.approx(t.ppf(0.975, 4) * error)
    assert found.n == 5


def test_the_same_losses_have_no_skill_and_no_spread():
    found = skill([1, 2, 3, 4], [1, 2, 3, 4], overlap=1, level=0.95)
    assert (found.value, found.ci_lower, found.ci_upper) == pytest.approx((0, 0, 0))


def test_fewer_than_three_forecasts_that_do_not_overlap_have_no_interval():
    found = skill([1, 2, 3, 4, 5], [2, 2, 3, 4, 6], overlap=2, level=0.95)
    assert np.isfinite(found.value)
    assert np.isnan(found.ci_lower)
    assert np.isnan(skill([], [], overlap=1, level=0.95).value)
    assert np.isnan(skill([1.0], [0.0], overlap=1, level=0.95).value)


def test_the_interval_knows_that_neighbours_share_their_days():
    """No skill, losses over 4 weeks at 60 origins a week apart: pairs are dependent.

    With neighbours as independent, the interval leaves out the truth in every third world.
    """
    rng, worlds, overlap = np.random.default_rng(5), 1_000, 4
    covered = {1: 0, overlap: 0}
    for _ in range(worlds):
        weeks = rng.exponential(1, (2, 60 + overlap - 1))
        loss, other = (np.convolve(one, np.ones(overlap), "valid") for one in weeks)
        for lags in covered:
            found = skill(loss, other, overlap=lags, level=0.95)
            covered[lags] += found.ci_lower <= 0 <= found.ci_upper
    assert 0.93 <= covered[overlap] / worlds <= 0.975
    assert covered[1] / worlds < 0.75
