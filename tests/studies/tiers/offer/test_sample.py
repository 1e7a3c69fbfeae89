"""Offers in the sample: every planted truth is recovered, and the decisions are the right ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from siyu.data import open_source
from siyu.studies.tiers import Definition, find_members, offer
from siyu.studies.tiers.offer import compare

SAMPLE = Path(__file__).parents[4] / "data" / "sample"
EXPERIMENT = "tier_offer_2026q1"
LEVEL = 0.95


@pytest.fixture(scope="module")
def document():
    return json.loads((SAMPLE / "truth.json").read_text("utf-8"))


def read(min_users):
    found = find_members(open_source(SAMPLE), Definition(), period_days=365, min_users=min_users)
    return offer.measure(found, offer_experiment=EXPERIMENT)


@pytest.mark.parametrize(("outcome", "kept"), [("orders", True), ("margin_cny", False)])
def test_every_planted_effect_lies_in_its_interval(document, monkeypatch, outcome, kept):
    """Sixteen truths: eight arms of tiers for two outcomes, at once (Sidak over the outcomes).

    A truth of orders counts those that are refunded in full too, one in 25 by lot, and we do not:
    ours is what is left of it. A refunded order brings no margin in either. Gold's early access has
    27 members, too few to be told; so the least is lowered here, for the test alone.
    """
    monkeypatch.setattr(compare, "FEWEST", 20)
    truths = {one["id"]: one["value"] for one in document["truths"]}
    left = 1 - document["settings"]["buying"]["refund_share"] if kept else 1
    measures = read(min_users=1)
    found = offer.compare_arms(measures, outcome, level=LEVEL**0.5)
    assert len(found) == 8
    for row in found.itertuples():
        arm, tier = measures.arms[row.arm], measures.tiers[row.tier]
        truth = left * truths[f"tiering.offer.{arm}.{tier}.{outcome.removesuffix('_cny')}"]
        assert row.ci_lower <= truth <= row.ci_upper, (arm, tier)


def test_the_discount_is_rolled_out_for_silver_and_stopped_for_diamond():
    measures = read(min_users=30)
    found = offer.effects(measures, level=LEVEL)
    verdicts = found.table.set_index(["tier", "strategy"])["verdict"]
    assert verdicts["silver", "discount"] == "roll_out"
    assert verdicts["diamond", "discount"] == "stop"
    assert verdicts["ordinary", "early_access"] == "stop"  # it does nothing there, and costs 3 yuan
    assert "roll_out" not in set(verdicts["diamond"])
    assert found.differ.set_index("strategy").loc["discount", "p_opposite"] < 0.001
    assert found.ratios["p_ratio"].min() > 0.001
    hidden = found.table.set_index(["tier", "strategy"]).loc[("gold", "early_access")]
    assert hidden["refused"] == "few"
    assert hidden[["n", "gain_cny", "error"]].isna().all()


def test_no_score_of_the_sample_s_members_is_called_better_than_lots_without_being_so():
    """What tells in the sample is the tier alone; a score may say that, and nothing beyond."""
    found = offer.target(read(min_users=30), level=LEVEL).table
    assert (found["verdict"] != "score").all()
    assert (found["refused"] == "").all()
