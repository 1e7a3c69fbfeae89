"""Widened by how it erred before, a forecast that is too sure covers nearly as stated.

Forecasts of four weeks, made every week: neighbours share three of them. 37 are tested, and one
that overlaps with none of these is judged.
"""

import numpy as np
import pytest
from scipy.stats import norm
from siyu.stats.forecast_scores import spread_factor, widen

REPLICATIONS, TESTED, OVERLAP, SPREAD, MEDIAN = 4_000, 37, 4, 0.1, 20_000.0


def errors_of(rng, scale, jumps):
    """Give errors of forecasts, on the logarithm, `scale` times as large as they claim to be."""
    weekly = rng.normal(size=(REPLICATIONS, TESTED + 2 * OVERLAP - 1))
    weekly += (rng.random(weekly.shape) < jumps) * rng.normal(0, 6, weekly.shape)
    sums = np.lib.stride_tricks.sliding_window_view(weekly, OVERLAP, axis=1).sum(axis=2)
    off = scale * SPREAD * sums / np.sqrt(OVERLAP)
    return off[:, :TESTED], off[:, TESTED + OVERLAP - 1]


def covered(scale, level, *, widened, jumps=0.0):
    off, last = errors_of(np.random.default_rng(20261127), scale, jumps)
    reach = np.exp(norm.ppf(0.975) * SPREAD)
    ends = (MEDIAN, MEDIAN / reach, MEDIAN * reach)
    held = 0
    for own, error in zip(off, last, strict=True):
        factor = spread_factor(MEDIAN * np.exp(own), *ends, level=0.95) if widened else 1.0
        held += abs(error) <= norm.ppf((1 + level) / 2) * SPREAD * factor
    return held / REPLICATIONS


@pytest.mark.parametrize("level", [0.8, 0.95])
@pytest.mark.parametrize("scale", [1.3, 1.6, 2.0])
def test_a_forecast_that_is_too_sure_is_put_right_within_three_points(scale, level):
    assert level - 0.04 <= covered(scale, level, widened=True) <= level + 0.01
    assert covered(scale, level, widened=False) < level - 0.06


@pytest.mark.parametrize("level", [0.8, 0.95])
def test_a_right_forecast_is_made_no_more_than_a_little_unsure(level):
    assert level <= covered(1.0, level, widened=True) <= level + 0.04


def test_rare_jumps_make_a_forecast_no_less_sure_than_they_should():
    """Of weeks, one in fifty jumps by six times what is usual."""
    assert 0.79 <= covered(1.0, 0.8, widened=True, jumps=0.02) <= 0.84


def test_a_single_jump_does_not_carry_the_factor():
    came = np.append(np.full(36, 100.0), 1_000.0)
    assert spread_factor(came, 100.0, 80.0, 125.0, level=0.95) == 1
    assert spread_factor([], [], [], [], level=0.95) == 1


def test_widened_draws_lie_as_many_times_as_far_from_the_same_median():
    drawn = np.random.default_rng(1).lognormal(6, 0.2, 9_999)
    wide = drawn * widen(drawn, 1.5)
    assert np.median(wide) == pytest.approx(np.median(drawn), rel=1e-3)
    assert np.log(wide).std() == pytest.approx(1.5 * np.log(drawn).std(), rel=0.01)
    assert (widen(drawn, 1.0) == 1).all()
