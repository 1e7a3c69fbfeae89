"""A public e-mail experiment through the study of offers with nothing but a `source.yaml`.

Hillstrom (2008), MineThatData E-Mail Analytics Challenge: 64,000 customers, two mails and none. Its
seven segments of last year's spend stand for tiers.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from siyu.data import open_source
from siyu.stats.uplift import qini_curve
from siyu.studies.tiers import Definition, find_members, offer

HERE = Path(__file__).parent / "hillstrom"
MENS, WOMENS, NONE = "Mens E-Mail", "Womens E-Mail", "No E-Mail"

pytestmark = [pytest.mark.peers, pytest.mark.slow, pytest.mark.usefixtures("shared_data")]


@pytest.fixture(scope="module")
def measures(shared_data):
    members = find_members(open_source(HERE), Definition(), period_days=31)
    return offer.measure(members, offer_experiment="e_mail", control_arm=NONE, offer_days=14)


@pytest.fixture(scope="module")
def everybody(measures):
    """All customers as one tier, whose aim is that more of them buy."""
    return replace(
        measures,
        members=measures.members.assign(tier=0),
        tiers=("all",),
        objectives=("orders",),
        today=(len(measures.members),),
    )


def test_the_three_arms_are_those_published_and_as_large_as_drawn(measures, everybody):
    sizes = np.bincount(measures.members["arm"])
    assert dict(zip(measures.arms, sizes.tolist(), strict=True)) == {
        NONE: 21_306, MENS: 21_307, WOMENS: 21_387,
    }  # fmt: skip
    found = offer.effects(everybody, level=0.95)
    assert round(found.ratios["p_ratio"].iloc[0], 3) == 0.904


def test_mails_bring_the_known_conversions_and_spend(everybody):
    """Conversions +.6805 and +.3111 pp, spend +.7698 and +.4244 dollars.

    Everybody has one order before (last year's spend), so that nothing is there to adjust buyers
    for; and that spend says next to nothing of the two weeks after.
    """
    rows = offer.effects(everybody, level=0.95).table.set_index("strategy").loc[[MENS, WOMENS]]
    assert rows["effect"].tolist() == pytest.approx([0.006805, 0.003111], abs=5e-7)
    assert rows["gain_cny"].tolist() == pytest.approx([0.7698, 0.4244], abs=0.003)
    assert (rows["verdict"] == "roll_out").all()
    # By the error of Welch's t, 5.300 and 3.256; joint intervals are wider than those of one.
    assert (rows["gain_cny"] / rows["error"]).tolist() == pytest.approx([5.300, 3.256], rel=0.01)
    assert (rows["ci_lower"] < [0.4851, 0.1690]).all()
    assert (rows["ci_lower"] > 0).all()


def test_by_segments_of_last_year_s_spend_the_parts_make_up_the_whole(measures, everybody):
    assert [tier[0] for tier in measures.tiers] == list("1234567")
    found = offer.effects(measures, level=0.95)
    whole = offer.effects(everybody, level=0.95).table.set_index("strategy")
    for arm, own in found.table.groupby("strategy"):
        share = own["n"] + own["n_control"]
        average = np.average(own["gain_cny"], weights=share)
        assert average == pytest.approx(whole.loc[arm, "gain_cny"], abs=0.01)
    # No segment of last year's spend is known to answer in another way.
    assert (found.differ["p"] > 0.05).all()


def test_the_uplift_of_the_first_three_tenths_is_the_one_published(shared_data):
    """By women's goods bought before, the last of equal customers first: scikit-uplift 0.5.1."""
    customers = pd.read_csv(shared_data / "hillstrom" / "hillstrom.csv.gz")
    customers = customers[customers["segment"] != MENS].reset_index(drop=True)
    treated, came = (customers["segment"] == WOMENS).astype(int), customers["visit"]
    score = customers["womens"] + np.arange(len(customers)) / 1e6
    first = int(0.3 * len(customers))
    gain, n_treated = (qini_curve(score, treated, outcome)[1][first] for outcome in (came, treated))
    assert round(gain / n_treated, 6) == 0.071600
