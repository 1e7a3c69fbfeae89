"""Customers of CDNOW, January 1997 to June 1998: what others have published of repeat purchases.

Fader, Hardie and Lee (2005), Marketing Science 24(2), 275-284, and Fader and Hardie (2013), note
025 at brucehardie.com: a tenth of the customers who first bought from January to March 1997, in
weeks, orders of one day being one purchase, known up to 30 September 1997.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest
from siyu.stats import bg_nbd, gamma_gamma
from siyu.stats.bg_nbd_forecast import alive, expected, predict

pytestmark = [pytest.mark.peers]

CUT, END = date(1997, 9, 30), date(1998, 6, 30)
PAST = {"repeats": 2, "last": 30.43, "followed": 38.86}


@pytest.fixture(scope="module")
def customers(shared_data):
    """A row per customer, from the log of orders."""
    names = ["id", "number", "day", "discs", "paid"]
    log = pd.read_csv(
        shared_data / "cdnow" / "CDNOW_sample.txt.gz", sep=r"\s+", header=None, names=names
    )
    log["day"] = pd.to_datetime(log["day"].astype(str), format="%Y%m%d")
    days = log.groupby(["number", "day"])["paid"].sum().reset_index()
    first = days.groupby("number")["day"].transform("min")
    days["week"] = (days["day"] - first).dt.days / 7
    days["followed"] = (pd.Timestamp(CUT) - first).dt.days / 7
    known = days["day"] <= pd.Timestamp(CUT)
    again = days[known & (days["week"] > 0)].groupby("number")
    table = days[known].groupby("number").agg(followed=("followed", "first")).assign(n=1)
    table["repeats"] = again.size().reindex(table.index, fill_value=0)
    table["last"] = again["week"].max().reindex(table.index, fill_value=0.0)
    table["mean"] = again["paid"].mean()
    table["later"] = days[~known].groupby("number").size().reindex(table.index, fill_value=0)
    return table.assign(purchases=table["repeats"])


@pytest.fixture(scope="module")
def fitted(customers):
    return bg_nbd.fit(customers)


@pytest.fixture(scope="module")
def amounts(customers):
    return gamma_gamma.fit(customers)


def equal(computed, published, digits):
    np.testing.assert_allclose(computed, published, rtol=0, atol=0.5 * 10.0**-digits + 1e-12)


def test_the_log_gives_the_published_customers(customers):
    assert (len(customers), customers["repeats"].sum()) == (2_357, 2_457)
    told = customers[["repeats", "last", "followed"]]
    equal(told.mean(), (1.042, 6.846, 32.716), 3)
    equal(told.std(), (2.190, 10.731, 3.327), 3)
    again = customers.loc[customers["repeats"] > 0, "mean"]
    assert len(again) == 946
    equal(again.mean(), 35.08, 2)


def test_the_parameters_and_the_likelihood_are_those_published(fitted):
    equal((fitted.r, fitted.alpha, fitted.a, fitted.b), (0.243, 4.414, 0.793, 2.426), 3)
    equal(fitted.log_likelihood, -9582.4, 1)


def test_expected_purchases_of_new_customers_are_those_published(fitted):
    """After 78 weeks 1.8576 is published, of an optimum of three digits: 1.858 at the best one."""
    weeks = [1 / 7, 1, 3, 31 + 6 / 7, 32]
    equal(expected(fitted, weeks), (0.0078, 0.0532, 0.1506, 1.0405, 1.0437), 4)
    equal(expected(fitted, 78), 1.8576, 3)


def test_what_is_expected_of_one_customer_is_what_is_published(fitted):
    equal(expected(fitted, 39, **PAST), 1.226, 3)
    equal(alive(fitted, *PAST.values()), 0.7266, 4)


def test_the_next_39_weeks_bring_more_than_the_model_expects(customers, fitted):
    """1,653 expected, 1,882 observed: 12% short, just beyond the range of 95%."""
    value, _, upper = predict(fitted, customers, 39, level=0.95)
    assert (round(value), customers["later"].sum()) == (1_653, 1_882)
    assert 0 < 1_882 - upper < 20


def test_the_parameters_of_amounts_are_those_published(amounts):
    equal((amounts.p, amounts.q, amounts.gamma), (6.25, 3.74, 15.44), 2)
    equal(amounts.log_likelihood, -4055.92, 2)


def test_expected_amounts_are_those_published(amounts):
    """Of 2 purchases of 22.35 on the mean, 24.65 is published, 24.66 is at the best parameters."""
    equal(expected_amounts(amounts, 1, 11.77), 18.91, 2)
    equal(expected_amounts(amounts, 0, np.nan), 35.17, 2)
    equal(expected_amounts(amounts, 2, 22.35), 24.65, 1)


def expected_amounts(amounts, purchases, mean):
    return gamma_gamma.expected(amounts, purchases=purchases, mean=mean)


def test_frequency_and_amount_hang_together_a_little(customers):
    """The correlation of .114 that the note has too; its usual interval is too narrow."""
    told, lower, upper = gamma_gamma.correlation(customers, level=0.95)
    equal(told, 0.11, 2)
    assert lower < 0 < upper < 0.25
