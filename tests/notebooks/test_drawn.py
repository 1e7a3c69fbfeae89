"""What the sample does not hold, read by the notebooks: amounts of a coupon, and rewards, by lot.

The truths of a small pool lie in intervals that hold for all of them at once (Sidak).
"""

import json

import pytest

from tests.notebooks.drawn import AMOUNTS, GIFT_CNY, truths, write_pool
from tests.notebooks.published import findings, report

LEVEL = 0.95 ** (1 / len(truths()))
ASKED = {
    "05_lure_experiments": {
        "experiment": "amounts",
        "coupon_arms": list(AMOUNTS),
        "doses_cny": AMOUNTS,
    },
    "06_referral_fission": {
        "reward_experiment": "rewards",
        "reward_control": "one_sided",
        "gift_cny": {"two_sided": GIFT_CNY},
    },
}
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def found(tmp_path_factory) -> dict[str, dict]:
    folder = tmp_path_factory.mktemp("pool")
    write_pool(folder, seed=20261128)
    told = {}
    for name, asked in ASKED.items():
        given = ["--source", f"{folder}", "-p", f"level={LEVEL}"]
        for parameter, value in asked.items():
            text = value if isinstance(value, str) else json.dumps(value)
            given += ["-p", f"{parameter}={text}"]
        told |= findings(report(name, tmp_path_factory.mktemp(name), *given))
    return told


def test_every_planted_truth_lies_in_its_interval(found):
    ends = {name: (found[name]["ci_lower"], found[name]["ci_upper"]) for name in truths()}
    outside = {
        name: value
        for name, value in truths().items()
        if not ends[name][0] <= value <= ends[name][1]
    }
    assert outside == {}
    assert all(lower > 0 for lower, _ in ends.values())  # and each says which way


def test_a_larger_coupon_brings_more_and_the_best_amount_is_named_with_what_to_do(found):
    assert found["lures.dose.trend"]["evidence"] == "randomised"
    choice = found["lures.dose.choice"]
    assert choice["segment"]["dose_cny"] in {f"{amount:g}" for amount in AMOUNTS.values()}
    assert choice["action"]


def test_the_reward_that_makes_trees_grow_and_pays_is_rolled_out(found):
    net = found["referral.sides.net_cny.two_sided"]
    assert (net["status"], net["evidence"]) == ("ok", "randomised")
    assert "two_sided" in net["action"]
    assert net["worth_cny"] > 0
