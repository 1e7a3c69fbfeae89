"""Gamma-Gamma: likelihood by brute force, moments by simulation, invariants, refusals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import gamma, pearsonr
from siyu.stats.gamma_gamma import FEWEST_BUYERS, Fit, FitError, correlation, expected, fit, moments

from tests.simulation.buyers import draw_amounts

SHOP = {"p": 5.0, "q": 4.5, "gamma": 84.0}


def draw(seed: int, n: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    purchases = rng.geometric(0.3, n)
    mean = draw_amounts(rng, purchases, **SHOP)
    return pd.DataFrame({"purchases": purchases, "mean": mean, "n": 1})


@pytest.fixture(scope="module")
def bought():
    return draw(2, 1_500)


@pytest.fixture(scope="module")
def fitted(bought):
    return fit(bought)


def test_the_likelihood_is_that_of_brute_force(bought, fitted):
    some = bought.head(FEWEST_BUYERS)
    found = fit(some)

    node, width = np.polynomial.legendre.leggauss(2_000)
    rate = (1 + node) / 4
    weight = gamma(found.q, scale=1 / found.gamma).pdf(rate) * width / 4
    x, mean = (some[[name]].to_numpy() for name in ("purchases", "mean"))
    each = gamma(found.p * x, scale=1 / (rate * x)).pdf(mean) @ weight
    assert found.log_likelihood == pytest.approx(np.log(each).sum(), abs=1e-6)


def test_moments_of_amounts_are_those_of_a_simulation(fitted):
    """Rates of buyers with 3 purchases of 50 yuan are gamma again; draw from that."""
    rng = np.random.default_rng(4)
    shape, rate = fitted.q + 3 * fitted.p, fitted.gamma + 150
    mean = fitted.p / rng.gamma(shape, 1 / rate, 400_000)
    told = [float(each) for each in moments(fitted, purchases=3, mean=50)]
    assert expected(fitted, purchases=3, mean=50) == told[0]
    assert told == pytest.approx(
        [mean.mean(), (mean**2).mean(), (mean**2).mean() / fitted.p], rel=0.005
    )


def test_of_whom_nothing_is_known_the_mean_over_buyers_is_expected(fitted):
    told = expected(fitted, purchases=[0, 0], mean=[np.nan, 9.0])
    assert told == pytest.approx([fitted.p * fitted.gamma / (fitted.q - 1)] * 2)


def test_fen_or_yuan_make_no_difference_but_to_gamma(bought, fitted):
    found = fit(bought.assign(mean=100 * bought["mean"]))
    assert found.gamma / 100 == pytest.approx(fitted.gamma, rel=1e-6)
    assert (found.p, found.q) == pytest.approx((fitted.p, fitted.q), rel=1e-6)
    assert found.covariance == pytest.approx(fitted.covariance, rel=1e-4)


def test_a_row_of_two_buyers_is_two_rows_and_who_never_bought_says_nothing(bought, fitted):
    nobody = pd.DataFrame({"purchases": [0], "mean": [np.nan], "n": [500]})
    found = fit(pd.concat([bought.assign(n=2), nobody]))
    assert found.logs == pytest.approx(fitted.logs, abs=1e-6)
    assert 2 * found.covariance == pytest.approx(fitted.covariance, rel=1e-4)
    twice = pd.concat([bought, bought])
    assert fit(twice).covariance == pytest.approx(found.covariance, rel=1e-4)


def test_the_correlation_is_pearson_s(bought):
    told, lower, upper = correlation(bought, level=0.95)
    assert told == pytest.approx(pearsonr(bought["purchases"], bought["mean"])[0])
    assert lower < told < upper
    assert correlation(pd.concat([bought, bought]), level=0.95)[0] == pytest.approx(told)
    assert np.isnan(correlation(bought.assign(purchases=2), level=0.95)).all()


@pytest.mark.parametrize(
    ("amounts", "reason"),
    [
        (pd.DataFrame({"purchases": [2], "mean": [30.0], "n": [FEWEST_BUYERS - 1]}), "few"),
        (pd.DataFrame({"purchases": [2], "mean": [30.0], "n": [500]}), "boundary"),
    ],
)
def test_what_no_model_fits_is_refused(amounts, reason):
    with pytest.raises(FitError) as told:
        fit(amounts)
    assert told.value.reason == reason


def test_a_mean_over_buyers_without_an_error_is_refused():
    rng = np.random.default_rng(1)
    purchases = rng.geometric(0.3, 2_000)
    mean = draw_amounts(rng, purchases, p=5.0, q=1.4, gamma=84.0)
    with pytest.raises(FitError, match="no finite error") as told:
        fit(pd.DataFrame({"purchases": purchases, "mean": mean, "n": 1}))
    assert told.value.reason == "heavy"


def test_impossible_amounts_are_refused(bought):
    with pytest.raises(ValueError, match="mean must be above 0"):
        fit(bought.assign(mean=0.0))
    with pytest.raises(ValueError, match=r"purchases = 1.5 must be a whole number"):
        fit(bought.assign(purchases=1.5))
    with pytest.raises(ValueError, match="column 'mean' is missing"):
        fit(bought.drop(columns="mean"))


def test_a_model_can_be_moved():
    found = Fit(p=1, q=1, gamma=1, log_likelihood=0.0, covariance=np.eye(3))
    assert found.moved(np.log([5.0, 4.5, 84.0])).logs == pytest.approx(np.log([5.0, 4.5, 84.0]))
