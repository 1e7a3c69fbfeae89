"""Effects that lean on each other: limits known in closed form, invariants, refusals."""

import numpy as np
import pytest
from scipy.integrate import quad
from siyu.stats.shrunk_effects import shrink_effects

VALUE = np.array([3.0, 60.0, -5.0, 40.0])
ERROR = np.array([2.0, 12.0, 40.0, 45.0])
UNIT = np.array([30.0, 60.0, 130.0, 220.0])


def shrunk(value=VALUE, error=ERROR, unit=UNIT):
    return shrink_effects(value, np.diag(np.square(error)), unit)


def test_effects_known_well_stay_and_effects_hardly_known_take_the_common_mean():
    known = shrunk(error=ERROR / 1000)
    np.testing.assert_allclose(known.value, VALUE, rtol=1e-3)
    np.testing.assert_allclose(np.sqrt(np.diag(known.covariance)), ERROR / 1000, rtol=1e-2)
    three = np.array([0.1, 0.2, 0.3])
    last = shrink_effects([*three, 5], np.diag([1e-8, 1e-8, 1e-8, 1e6]), np.ones(4))
    assert last.value[3] == pytest.approx(0.2, abs=0.01)


def test_one_effect_is_the_posterior_mean_by_numerical_integration():
    """Normal around 0 with variance 11 t², t² = r² / (1 - r²), r uniform."""

    def tau2(r):
        return 11 * r**2 / (1 - r**2)

    def weight(r):
        return np.exp(-0.5 * 0.2**2 / (0.1**2 + tau2(r))) / np.sqrt(0.1**2 + tau2(r))

    def mean(r):
        return 0.2 * tau2(r) / (0.1**2 + tau2(r))

    total = quad(weight, 0, 1)[0]
    expected = quad(lambda r: weight(r) * mean(r), 0, 1)[0] / total
    found = shrink_effects([0.2], [[0.01]], [1.0])
    assert found.value[0] == pytest.approx(expected, rel=0.03)


def test_the_order_and_the_currency_of_effects_do_not_matter():
    order = [2, 0, 3, 1]
    mixed = shrunk(VALUE[order], ERROR[order], UNIT[order])
    np.testing.assert_allclose(mixed.value, shrunk().value[order])
    fen = shrunk(100 * VALUE, 100 * ERROR, 100 * UNIT)
    np.testing.assert_allclose(fen.value, 100 * shrunk().value)
    np.testing.assert_allclose(fen.covariance, 1e4 * shrunk().covariance)


def test_effects_that_differ_by_chance_alone_are_drawn_together_and_their_errors_fall():
    value, error = np.array([1.0, -1.2, 0.3, 0.8, -0.6, -0.2]), np.ones(6)
    found = shrink_effects(value, np.eye(6), 5 * error)
    assert np.ptp(found.value) < 0.45 * np.ptp(value)
    assert (np.sqrt(np.diag(found.covariance)) < 0.75).all()
    assert np.linalg.eigvalsh(found.covariance).min() > 0


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (([], np.zeros((0, 0)), []), "0 effects need"),
        (([1.0], [[1.0]], [1.0, 1.0]), "1 effects need"),
        (([np.nan], [[1.0]], [1.0]), "must be finite"),
        (([1.0], [[1.0]], [0.0]), "must all be finite and above 0"),
    ],
)
def test_what_cannot_be_is_an_error(given, message):
    with pytest.raises(ValueError, match=message):
        shrink_effects(*given)
