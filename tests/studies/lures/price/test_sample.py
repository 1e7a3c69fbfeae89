"""Prices of lures in the sample: every planted truth is recovered, with joint intervals."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from siyu.data import open_source
from siyu.stats.amounts import skewed_mean
from siyu.stats.clusters import joint_means
from siyu.stats.fieller import ratio_of_differences, skewed_ratio_of_means
from siyu.studies.lures import Definition, find_experiment, price, value_people

SAMPLE = Path(__file__).parents[4] / "data" / "sample"
TESTS = ("lure_2026_01", "lure_pilot_2025_12")
LEVEL = 0.95
JOINT = LEVEL ** (1 / 18)
"""Eighteen truths at once: cost, redeemed and price of five arms, and what one more costs in three;
those that are 0 for sure (a gift has no coupon to redeem) are counted as well."""


@pytest.fixture(scope="module")
def truths():
    document = json.loads((SAMPLE / "truth.json").read_text("utf-8"))
    return {one["id"]: one["value"] for one in document["truths"]}


@pytest.fixture(scope="module")
def experiments():
    pool = open_source(SAMPLE)
    return {name: find_experiment(pool, Definition(experiment=name)) for name in TESTS}


@pytest.mark.parametrize("test", TESTS)
def test_what_arms_cost_and_what_one_who_stays_costs_lie_in_their_intervals(
    truths, experiments, test
):
    one = experiments[test]
    people = value_people(one, value_per_retained_cny=60)
    spent, read = {}, {}
    for code, arm in enumerate(one.arms):
        own = people[people["arm"] == code]
        for column in ("cost", "redeemed"):
            truth = truths[f"lures.{test}.{column}.{arm}"]
            _, lower, upper = skewed_mean(own[f"{column}_cny"], level=JOINT)
            assert lower <= truth <= upper, (column, arm)
        total = own["cost_cny"] + own["redeemed_cny"]
        found = skewed_ratio_of_means(total, own["retained_30"], level=JOINT)
        assert found.holds(truths[f"lures.{test}.cost_per_connected.{arm}"]), arm
        read[arm] = joint_means(own.assign(total=total)[["total", "retained_30"]].astype("float64"))
        spent[arm] = sum(truths[f"lures.{test}.{part}.{arm}"] for part in ("cost", "redeemed"))
    reference = price.price(one, value_per_retained_cny=60, level=LEVEL).reference
    for arm in set(one.arms) - {reference}:
        stays = [truths[f"lures.{test}.connected_30.{each}"] for each in (arm, reference)]
        truth = (spent[arm] - spent[reference]) / (stays[0] - stays[1])
        found = ratio_of_differences(read[arm], read[reference], level=JOINT)
        assert found.holds(truth), arm


def test_the_report_s_own_intervals_hold_the_prices_and_the_order_of_prices(truths, experiments):
    one = experiments["lure_2026_01"]
    found = price.price(one, value_per_retained_cny=60, level=LEVEL)
    assert (found.refused, found.reference, found.immature) == ("", "coupon", 0)
    planted = {arm: truths[f"lures.lure_2026_01.cost_per_connected.{arm}"] for arm in one.arms}
    for row in found.arms.itertuples():
        assert row.price_lower <= planted[row.arm] <= row.price_upper
    order = found.arms.sort_values("price_cny")["arm"].tolist()
    assert order == sorted(planted, key=planted.get) == ["coupon", "service", "physical"]
    assert found.extra["verdict"].tolist() == ["floor", "floor"]


def test_a_test_whose_rows_were_lost_is_not_priced():
    one = find_experiment(open_source(SAMPLE), Definition(experiment="lure_2025_06"))
    assert price.price(one, value_per_retained_cny=60, level=LEVEL).refused == "ratio"
