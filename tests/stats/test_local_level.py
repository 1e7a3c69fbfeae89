"""A level that drifts beneath noise, against the Kalman filter of statsmodels."""

import numpy as np
import pytest
from siyu.stats.local_level import RATIOS, fit_local_level
from statsmodels.tsa.statespace.structural import UnobservedComponents

VALUES = np.array([3.1, 3.0, 3.4, 3.3, 3.7, 3.5, 3.9, 3.6, 4.0, 4.2])


@pytest.mark.parametrize("place", range(1, len(RATIOS)))
def test_level_and_its_error_are_those_of_the_kalman_filter(place):
    found = fit_local_level(VALUES, floor=1e-9)
    model = UnobservedComponents(VALUES, "llevel", use_exact_diffuse=True)
    kalman = model.smooth([1.0, RATIOS[place]])  # variances of noise and of steps
    assert found.level[place] == pytest.approx(kalman.level["filtered"][-1], rel=1e-6)
    assert found.spread[place] == pytest.approx(kalman.level["filtered_cov"][-1], rel=1e-6)


def test_ratios_are_weighed_as_by_the_likelihood_of_the_kalman_filter():
    """Flat in level and in the logarithm of the noise, which is integrated out in closed form."""
    found = fit_local_level(VALUES, floor=1e-9)
    noise = np.exp(np.linspace(np.log(1e-4), np.log(10), 1500))
    logs = []
    for ratio in RATIOS[1:]:
        model = UnobservedComponents(VALUES, "llevel", use_exact_diffuse=True)
        model.ssm.filter_univariate = True
        # The likelihood in the noise is known up to its scale: of one, all others follow.
        one = model.loglike([1.0, ratio])
        squares = found.squares[list(RATIOS).index(ratio)]
        n = len(VALUES) - 1
        each = one + squares / 2 - n / 2 * np.log(noise) - squares / 2 / noise
        logs.append(np.log(np.exp(each - each.max()).sum()) + each.max())
    weights = np.exp(np.array(logs) - max(logs))
    assert found.weights[1:] / found.weights[1:].sum() == pytest.approx(
        weights / weights.sum(), rel=1e-4
    )


def test_without_drift_the_level_is_the_mean():
    found = fit_local_level(VALUES, floor=1e-9)
    assert found.level[0] == pytest.approx(VALUES.mean())
    assert found.spread[0] == pytest.approx(1 / len(VALUES))
    assert found.squares[0] == pytest.approx(((VALUES - VALUES.mean()) ** 2).sum())


def test_draws_have_the_mean_and_the_spread_they_should():
    """Two periods, no drift: Student's t about the mean, the spread of a new value."""
    rng = np.random.default_rng(1)
    found = fit_local_level(np.tile([1.0, 2.0], 20), floor=1e-9)
    only = type(found)(**{**found.__dict__, "weights": np.eye(len(RATIOS))[0]})
    drawn = only.draw(rng, sizes=[1.0, 0.25], draws=200_000)
    sigma = found.squares[0] / (39 - 2)
    assert drawn.mean(axis=0) == pytest.approx([1.5, 1.5], abs=0.01)
    # A quarter of a period is four times as noisy; the level is known from 40.
    expected = sigma * np.array([1 + 1 / 40, 4 + 1 / 40])
    assert drawn.var(axis=0) == pytest.approx(expected, rel=0.02)


def test_the_noise_is_never_less_than_the_floor():
    found = fit_local_level(np.full(12, 5.0), floor=0.04)
    drawn = found.draw(np.random.default_rng(2), sizes=[1.0], draws=20_000)
    assert drawn.std() > 0.2


def test_too_few_periods_are_refused():
    with pytest.raises(ValueError, match="3 values given"):
        fit_local_level([1.0, 2.0, 3.0], floor=0.1)
