"""Prices, earlier offers and members by lure on real files: what they tell, and what they cannot.

Hillstrom's mails have no cost and nobody can leave, so there is no price; who visits is told by
arm. The grocery chain sent coupons to households of its choice, none by lot, and has no lures.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from siyu.data import open_source
from siyu.stats.clusters import joint_means
from siyu.stats.fieller import (
    ratio_of_differences,
    ratio_of_means,
    skewed_ratio_of_means,
)
from siyu.studies.lures import Definition, before, dose, find_experiment, observed, price

SOURCES = Path(__file__).parent
LEVEL = 0.95
MAILED = {"Mens E-Mail": 21_307, "No E-Mail": 21_306, "Womens E-Mail": 21_387}
pytestmark = [pytest.mark.peers, pytest.mark.slow, pytest.mark.usefixtures("shared_data")]


@pytest.fixture(scope="module")
def mails(shared_data):
    asked = Definition(
        experiment="e_mail", control_arm="No E-Mail", conversion="visit", conversion_days=14
    )
    return find_experiment(open_source(SOURCES / "hillstrom"), asked)


def test_mails_without_costs_and_members_have_no_price_and_no_dose(mails):
    assert price.price(mails, value_per_retained_cny=10, level=LEVEL).refused == "stay"
    doses = {"No E-Mail": 0.0}
    found = dose.read_doses(mails, doses_cny=doses, value_per_retained_cny=10, level=LEVEL)
    assert found.refused == "stay"
    members = observed.count_members(mails, stay_days=14)
    assert observed.compare_observed(mails, members, level=LEVEL).refused == "lure"


def test_nobody_mailed_is_known_to_have_had_a_lure_before_and_visits_are_the_published_ones(mails):
    """18.276, 10.617 and 15.140% visit (Hillstrom 2008, by counts)."""
    found = before.compare_before(mails, level=LEVEL)
    assert found.ratios["refused"].tolist() == ["none", "none"]
    table = found.arms.set_index("arm")
    assert table["n"].to_dict() == MAILED
    shares = table["conversion"].round(5).to_dict()
    assert shares == {"Mens E-Mail": 0.18276, "No E-Mail": 0.10617, "Womens E-Mail": 0.1514}
    assert table.index[table["is_candidate"]].tolist() == ["Mens E-Mail"]


def test_spend_per_visit_agrees_with_the_bootstrap_though_one_in_a_hundred_buys(shared_data):
    """Two routes on real amounts; what follows their skewness reaches further up."""
    table = pd.read_csv(shared_data / "hillstrom" / "hillstrom.csv.gz")
    sides = [
        table.loc[table["segment"] == name, ["spend", "visit"]].to_numpy(dtype=float)
        for name in ("Mens E-Mail", "No E-Mail")
    ]
    rng, draws = np.random.default_rng(51), 600
    drawn = [
        np.array([side[rng.integers(0, len(side), len(side))].mean(axis=0) for _ in range(draws)])
        for side in sides
    ]
    own = joint_means(sides[0]), drawn[0][:, 0] / drawn[0][:, 1]
    apart = drawn[0] - drawn[1]
    found = ratio_of_means(own[0], level=LEVEL)
    extra = ratio_of_differences(*map(joint_means, sides), level=LEVEL)
    for ours, values in ((found, own[1]), (extra, apart[:, 0] / apart[:, 1])):
        ends = np.quantile(values, [0.025, 0.975])
        assert ours.kind == "bounded"
        assert [ours.ci_lower, ours.ci_upper] == pytest.approx(ends.tolist(), abs=values.std() / 3)
    skewed = skewed_ratio_of_means(*sides[0].T, level=LEVEL)
    assert skewed.ci_lower > found.ci_lower
    assert skewed.ci_upper > found.ci_upper


def test_a_chain_without_lots_and_lures_is_told_why_nothing_is_priced():
    one = find_experiment(open_source(SOURCES / "completejourney"), Definition())
    found = price.price(one, value_per_retained_cny=10, level=LEVEL)
    assert found.refused == "none"
    assert price.headline(one, found).startswith("No experiment of lures is named")
    members = observed.count_members(one, stay_days=30)
    assert observed.compare_observed(one, members, level=LEVEL).refused == "lure"
