"""The notebook on referral, run as the weekly report runs it, against the sample's truths."""

import json
from math import inf

import pytest

from tests.notebooks.published import ROOT, findings, report

NAME = "06_referral_fission"
NEAR_ONE = "裂变拼团"
FOUND = {
    "acceptance": "spread.acceptance",
    "invitations": "spread.invitations",
    "dispersion": "spread.dispersion",
    "k": "spread.k",
    "k_seeds": "spread.k_seeds",
    "total_per_seed": "trees.total_per_seed",
    "cycle_days": "trees.cycle_days",
    "left_within_1_day": "reward.left_within_1_day",
    "connected_30": "reward.kept",
    "cost_per_kept": "reward.cost_per_kept",
}
"""The findings in which the truths of a campaign are to be recovered."""
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def truth() -> dict[str, float]:
    document = json.loads((ROOT / "data" / "sample" / "truth.json").read_text("utf-8"))
    told = {}
    for one in document["truths"]:
        study, *rest = one["id"].split(".")
        if study == "referral":
            campaign, what = rest
            told[f"referral.{FOUND[what]}.{campaign}"] = one["value"]
    # What one seed makes in the end is not told of it: K may be above 1.
    del told[f"referral.trees.total_per_seed.{NEAR_ONE}"]
    return told


@pytest.fixture(scope="module")
def found(truth, tmp_path_factory) -> dict[str, dict]:
    """The findings, with intervals that hold for all truths at once (Sidak)."""
    level = 0.95 ** (1 / len(truth))
    return findings(report(NAME, tmp_path_factory.mktemp("joint"), "-p", f"level={level}"))


def test_every_planted_truth_lies_in_its_interval(truth, found):
    assert len(truth) == 28
    # An end that the data do not bound is none.
    ends = {
        name: (found[name]["ci_lower"] or 0.0, found[name]["ci_upper"] or inf) for name in truth
    }
    assert {
        name: value for name, value in truth.items() if not ends[name][0] <= value <= ends[name][1]
    } == {}
    assert sum(upper < inf for _, upper in ends.values()) > 25


def test_the_campaign_near_one_is_called_neither_above_nor_below(found):
    k = found[f"referral.spread.k.{NEAR_ONE}"]
    assert k["ci_lower"] < 1 < k["ci_upper"]
    assert "above or below 1 is not clear" in k["message"]
    total = found[f"referral.trees.total_per_seed.{NEAR_ONE}"]
    assert (total["status"], total["value"]) == ("insufficient", None)


def test_friends_who_take_the_reward_and_leave_are_alerts(found):
    for campaign in ("老带新有礼", NEAR_ONE):
        assert found[f"referral.reward.excess_left.{campaign}"]["status"] == "alert"


def test_no_campaign_is_to_be_continued_that_costs_more_than_elsewhere(found):
    """Two parts of a page must not give two orders."""
    for name, one in found.items():
        if name.startswith("referral.reward.cost_per_kept.") and one["status"] == "alert":
            choice = found[name.replace("reward.cost_per_kept", "trees.choice")]
            assert choice["worth_cny"] is None
            assert "Continue" not in choice["action"]


def test_without_a_draw_of_rewards_the_next_one_is_sized(found):
    sides = found["referral.sides"]
    assert sides["status"] == "insufficient"
    assert "seeds" in sides["action"]
