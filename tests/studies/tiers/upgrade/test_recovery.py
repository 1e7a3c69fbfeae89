"""The truths of the sample: what gold brings, what silver does not, and who aims at diamond."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.stats import norm
from siyu.data import open_source
from siyu.studies.tiers import Definition, find_members, upgrade
from siyu.studies.tiers.upgrade.estimate import FEWEST

from tests.studies.tiers.upgrade.builders import SAMPLE

OFFERS = ["tier_offer_2026q1"]
TRUTHS = ["silver.orders", "silver.spend", "gold.orders", "gold.spend"]
SIDAK = 0.95 ** (1 / len(TRUTHS))


@pytest.fixture(scope="module")
def members():
    return find_members(open_source(SAMPLE), Definition(), period_days=365)


@pytest.fixture(scope="module")
def measures(members):
    return upgrade.measure(members, experiments=OFFERS)


@pytest.fixture(scope="module")
def found(measures):
    return upgrade.estimate(measures, level=SIDAK)


@pytest.fixture(scope="module")
def truths():
    told = json.loads((SAMPLE / "truth.json").read_text("utf-8"))["truths"]
    return {truth["id"]: truth["value"] for truth in told}


def effect(found, kind, target, measure):
    return found.effects.set_index(["kind", "target", "measure"]).loc[(kind, target, measure)]


@pytest.mark.parametrize("name", TRUTHS)
def test_what_a_tier_brings_lies_in_its_simultaneous_interval(found, measures, truths, name):
    tier, outcome = name.split(".")
    measure = {"orders": "orders", "spend": "amount"}[outcome]
    row = effect(found, "up", measures.tiers.index(tier), measure)
    # The truth counts what will be refunded, one order in twenty-five; orders here do not.
    truth = truths[f"tiering.jump.{name}"] * (1 - truths["buying.refunded"])
    assert row["ci_lower"] < truth < row["ci_upper"]


def test_losing_gold_costs_what_coming_to_it_brings(measures, truths):
    row = effect(upgrade.estimate(measures, level=0.95), "down", 2, "orders")
    assert row["ci_lower"] < -truths["tiering.jump.gold.orders"] < row["ci_upper"] < 0


def test_gold_pays_silver_is_unclear_and_diamond_is_aimed_at(measures):
    found = upgrade.estimate(measures, level=0.95)
    assert found.verdicts == {1: "unclear", 2: "pays", 3: "bunched"}
    assert (found.checks["p_holm"] > 0.05).all()


def test_before_and_after_miss_what_gold_brings(measures, truths):
    naive = upgrade.estimate(measures, level=0.95).naive.set_index("target").loc[2]
    upper = naive["after"] - naive["before"] + naive["reach"]
    assert upper < truths["tiering.jump.gold.orders"] / 2
    assert naive["change"] < 0


def test_with_their_past_left_out_silver_would_seem_to_pay(measures):
    rows = measures.rows[(measures.rows["kind"] == "up") & (measures.rows["target"] == 1)]
    own = rows[rows["exposed"]]["margin_+1"].dropna()
    others = rows[~rows["exposed"]]["margin_+1"].dropna()
    error = np.sqrt(own.var() / len(own) + others.var() / len(others))
    assert (own.mean() - others.mean()) / error > norm.ppf(0.999)
    assert effect(upgrade.estimate(measures, level=0.95), "up", 1, "margin")["p"] > 0.05


def test_engine_and_a_count_person_by_person_agree(members, measures):
    reviews, orders = (table.to_pandas() for table in (members.reviews, members.orders))
    reviews = reviews.sort_values(["number", "since"])
    best = reviews.groupby("number")["tier"].cummax().groupby(reviews["number"]).shift()
    gold = reviews[
        (reviews["tier"] == 2)
        & (best.fillna(-1) < 2)
        & (reviews["basis_cny"] < 1.5 * measures.thresholds[1])
    ]
    bought = gold.merge(orders, on="number")
    days = (bought["paid_at"] - bought["since"]).dt.total_seconds() / 86_400
    counted = measures.rows[
        (measures.rows["kind"] == "up") & (measures.rows["target"] == 2) & measures.rows["exposed"]
    ]
    assert len(counted) == len(gold)
    for block, begin in ((-3, -90), (-2, -60), (-1, -30)):
        inside = bought[(days >= begin) & (days < begin + 30)]
        assert counted[f"orders_{block}"].sum() == len(inside)
    inside = bought[(days >= -90) & (days < 0)]
    assert counted["spend"].sum() == pytest.approx(inside["amount_cny"].sum())
    assert FEWEST <= counted["orders_+1"].notna().sum() < len(gold)
