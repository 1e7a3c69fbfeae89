"""What the sample does not hold, read by the notebooks: amounts of a coupon, and rewards, by lot.

The truths of a small pool lie in intervals that hold for all of them at once (Sidak).
"""

import json
from dataclasses import asdict
from typing import Any

import pytest

from tests.notebooks.drawn import AMOUNTS, GIFT_CNY, truths, write_pool
from tests.notebooks.published import ROOT

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


def run_cells(name: str, **asked: Any) -> dict[str, Any]:
    """Run the code of a notebook in this process, which takes half of what a kernel does."""
    notebook = json.loads((ROOT / "notebooks" / f"{name}.ipynb").read_text("utf-8"))
    names: dict[str, Any] = {}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), name, "exec"), names)
        if "parameters" in cell["metadata"].get("tags", ()):
            assert asked.keys() <= names.keys()
            names |= asked
    return names


@pytest.fixture(scope="module")
def found(tmp_path_factory) -> dict[str, dict]:
    folder = tmp_path_factory.mktemp("pool")
    write_pool(folder, seed=20261128)
    told = [
        one
        for name, asked in ASKED.items()
        for one in run_cells(name, source=f"{folder}", level=LEVEL, **asked)["found"]
    ]
    return {one.id: asdict(one) for one in told}


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
