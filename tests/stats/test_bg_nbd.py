"""BG/NBD: likelihood by brute force, moments by other routes, invariants, refusals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from scipy.special import hyp2f1
from scipy.stats import beta, gamma
from siyu.stats import bg_nbd
from siyu.stats.bg_nbd import FEWEST_REPEAT_BUYERS, Fit, FitError, fit
from siyu.stats.bg_nbd_forecast import alive, expected, predict, variance

from tests.simulation.buyers import draw_buyers

COLUMNS = ["repeats", "last", "followed", "n"]
SHOP = {"r": 1.1, "alpha": 16.0, "a": 1.2, "b": 6.0}


def model(*, r, alpha, a, b):
    return Fit(
        r=r,
        alpha=alpha,
        stops=a / (a + b),
        differing=1 / (1 + a + b),
        log_likelihood=0.0,
        covariance=np.zeros((4, 4)),
    )


@pytest.fixture(scope="module")
def buyers():
    rng = np.random.default_rng(11)
    drawn = draw_buyers(rng, rng.uniform(0, 200, 1_500), **SHOP, ahead=0)
    return drawn.assign(last=drawn["last"].round(), followed=drawn["followed"].round())


@pytest.fixture(scope="module")
def fitted(buyers):
    return fit(buyers)


def by_brute_force(found: Fit, x: int, last: float, followed: float) -> float:
    """Average what one buyer does over a fine grid of rates and probabilities to stop."""
    stops, weight = over(lambda u: beta(found.a, found.b).pdf(u), 1.0)
    rate, density = over(lambda u: gamma(found.r, scale=1 / found.alpha).pdf(u), 40 / found.alpha)
    stops, weight = stops[:, None], weight[:, None]
    stays = (1 - stops) ** x * rate**x * np.exp(-rate * followed)
    gone = stops * (1 - stops) ** (x - 1) * rate**x * np.exp(-rate * last) if x else 0
    return float(((stays + gone) * weight * density).sum())


def over(density, end):
    """Points from 0 to an end, and the weights that integrate what a density is multiplied by."""
    node, width = np.polynomial.legendre.leggauss(400)
    node = (1 + node) / 2
    # Squared, so that points lie close where the density may have its pole.
    return end * node**2, density(end * node**2) * width * node * end


@pytest.mark.parametrize(
    ("x", "last", "followed"), [(0, 0, 30), (1, 12, 40), (4, 30, 31), (3, 20, 150)]
)
def test_the_likelihood_is_that_of_brute_force(x, last, followed):
    found = model(r=1.6, alpha=14.0, a=2.2, b=5.0)
    one = pd.DataFrame([[x, last, followed, 1]], columns=COLUMNS)
    table, scale = bg_nbd._Table.of(one)
    value, _ = table.likelihood(found.theta - [0, np.log(scale), 0, 0])
    told = value - x * np.log(scale)
    assert told == pytest.approx(np.log(by_brute_force(found, x, last, followed)), abs=1e-7)


def test_the_slopes_of_the_likelihood_are_its_differences(buyers):
    table, _ = bg_nbd._Table.of(buyers)
    at = np.array([0.1, -1.2, -1.6, 0.15])
    steps = 1e-6 * np.eye(4)
    sides = [table.likelihood(at + s)[0] - table.likelihood(at - s)[0] for s in steps]
    assert table.likelihood(at)[1] == pytest.approx(np.array(sides) / 2e-6, rel=1e-5)


@pytest.mark.parametrize("a", [0.3, 0.999, 1.001, 3.0])
@pytest.mark.parametrize("time", [0.5, 30.0, 500.0])
def test_expected_purchases_are_those_of_the_published_formula(a, time):
    """Equations 9 and 10; at a = 1 they divide by 0."""
    found = model(r=0.7, alpha=9.0, a=a, b=2.4)
    x, last, followed = np.array([0, 1, 6]), np.array([0, 8, 50]), np.array([20, 40, 60])
    share = (found.alpha + followed) / (found.alpha + followed + time)
    series = hyp2f1(0.7 + x, 2.4 + x, a + 2.4 + x - 1, 1 - share)
    formula = (a + 2.4 + x - 1) / (a - 1) * (1 - share ** (0.7 + x) * series)
    stopped = (x > 0) * a / (2.4 + np.maximum(x, 1) - 1)
    stopped = stopped * ((9 + followed) / (9 + last)) ** (0.7 + x)
    told = expected(found, time, repeats=x, last=last, followed=followed)
    assert told == pytest.approx(formula / (1 + stopped), rel=1e-8)


@pytest.mark.parametrize(("x", "time"), [(0, 1e4), (2, 1e3), (300, 100.0), (2_000, 90.0)])
def test_expected_purchases_hold_at_a_of_1_in_the_far_future_and_for_the_keenest(x, time):
    found = model(r=0.7, alpha=9.0, a=1.0, b=2.4)

    def over_stopping(stops: float) -> float:
        mean = -np.expm1(-(0.7 + x) * np.log1p(stops * time / (9 + 100))) / stops
        return float(beta(1.0, 2.4 + x).pdf(stops) * mean)

    points = [1e-5, 1e-4, 1e-3, 1e-2, 1e-1]
    brute, _ = quad(over_stopping, 0, 1, points=points, limit=500, epsabs=0)
    told = expected(found, time, repeats=x, last=100 * (x > 0), followed=100)
    assert told / alive(found, x, 100 * (x > 0), 100) == pytest.approx(brute, rel=1e-8)


def test_mean_and_variance_of_the_future_are_those_of_a_simulation():
    """Of 1,000,000 buyers, those with 2 repeats, the last about day 30, after 50 days."""
    rng = np.random.default_rng(3)
    drawn = draw_buyers(rng, np.full(1_000_000, 50.0), **SHOP, ahead=60)
    later = drawn.loc[(drawn["repeats"] == 2) & drawn["last"].between(29, 31), "later"]
    past = {"repeats": 2, "last": 30, "followed": 50}
    found = model(**SHOP)
    error = np.sqrt(later.var() / len(later))
    assert abs(later.mean() - expected(found, 60, **past)) < 4 * error
    squares = (later - later.mean()) ** 2
    assert abs(later.var() - variance(found, 60, **past)) < 4 * squares.std() / len(later) ** 0.5


def test_who_never_bought_again_cannot_have_stopped_and_silence_makes_it_likelier():
    found = model(**SHOP)
    told = alive(found, [0, 3, 3, 30], [0, 40, 40, 40], [500, 41, 200, 200])
    assert told[0] == 1
    assert told[1] > told[2] > told[3]


def test_where_buyers_do_not_differ_in_stopping_the_limit_is_taken(fitted):
    alike = fitted.moved([*fitted.theta[:3], 0.0])
    nearly = fitted.moved([*fitted.theta[:3], 2e-6])
    past = {"repeats": [0, 2, 9], "last": [0, 20, 90], "followed": [5, 60, 100]}
    assert np.isinf([alike.a, alike.b]).all()
    for told in (expected, variance):
        assert told(alike, 50, **past) == pytest.approx(told(nearly, 50, **past), rel=1e-3)


def test_a_row_of_two_buyers_is_two_rows_and_their_order_says_nothing(buyers, fitted):
    grouped = buyers.groupby(COLUMNS[:3], as_index=False)["n"].sum()
    mixed = grouped.sample(frac=1, random_state=1)
    for other in (fit(grouped), fit(mixed)):
        assert other.theta == pytest.approx(fitted.theta, abs=1e-6)
        assert other.log_likelihood == pytest.approx(fitted.log_likelihood, abs=1e-6)


def test_weeks_or_days_make_no_difference_but_to_alpha(buyers, fitted):
    weeks = buyers.assign(last=buyers["last"] / 7, followed=buyers["followed"] / 7)
    found = fit(weeks)
    assert 7 * found.alpha == pytest.approx(fitted.alpha, rel=1e-6)
    assert (found.r, found.a, found.b) == pytest.approx((fitted.r, fitted.a, fitted.b), rel=1e-5)
    assert found.covariance == pytest.approx(fitted.covariance, rel=1e-4, abs=1e-8)
    assert predict(found, weeks, 8, level=0.95) == pytest.approx(
        predict(fitted, buyers, 56, level=0.95), rel=1e-5
    )


def test_twice_as_many_buyers_halve_the_variance(buyers, fitted):
    twice = fit(buyers.assign(n=2))
    assert 2 * twice.covariance == pytest.approx(fitted.covariance, rel=1e-4, abs=1e-9)


def test_the_parts_of_a_forecast_sum_to_the_whole(buyers, fitted):
    parts = [predict(fitted, part, 30, level=0.9)[0] for _, part in buyers.groupby("repeats")]
    assert sum(parts) == pytest.approx(predict(fitted, buyers, 30, level=0.9)[0], rel=1e-12)
    assert predict(fitted, buyers, 0, level=0.9)[0] == 0


def test_where_none_stops_the_model_without_stopping_is_fitted():
    rng = np.random.default_rng(5)
    drawn = draw_buyers(rng, np.full(800, 150.0), r=1.5, alpha=20.0, a=np.nan, b=0.0, ahead=0)
    found = fit(drawn)
    assert found.stops < 2e-4
    assert abs(np.log(found.r / 1.5)) < 3 * found.covariance[0, 0] ** 0.5


def test_what_no_model_fits_is_refused(buyers):
    few = buyers[buyers["repeats"] > 0].head(FEWEST_REPEAT_BUYERS - 1)
    with pytest.raises(FitError, match="bought again") as told:
        fit(few)
    assert (told.value.reason, told.value.repeat_buyers) == ("few_repeat", len(few))
    clockwork = pd.DataFrame([[10, 100.0, 105.0, 500]], columns=COLUMNS)
    with pytest.raises(FitError, match="no model fits best") as told:
        fit(clockwork)
    assert told.value.reason == "boundary"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"repeats": 1.5}, "repeats = 1.5 must be a whole number"),
        ({"n": -1}, "n = -1 must be a whole number"),
        ({"last": 500.0}, "last must lie from 0 to followed"),
        ({"followed": np.nan}, "last must lie from 0 to followed"),
        ({"repeats": 0}, "last must be 0 where there is no repeat purchase"),
    ],
)
def test_impossible_buyers_are_refused(changed, said):
    row = pd.DataFrame([[2, 30.0, 60.0, 1]], columns=COLUMNS).assign(**changed)
    with pytest.raises(ValueError, match=said):
        fit(row)
    with pytest.raises(ValueError, match="column 'n' is missing"):
        fit(row.drop(columns="n"))
