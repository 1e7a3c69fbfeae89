"""The planted truths of spreading lie in their intervals, all at once, on the sample."""

from __future__ import annotations

import json

import pytest
from siyu.data import open_source
from siyu.studies.referral import Definition, find_invites, spread, trees

from tests.studies.referral.builders import SAMPLE

TRUTHS = {
    "k": "referral.spread.k",
    "k_seeds": "referral.spread.k_seeds",
    "acceptance": "referral.spread.acceptance",
    "invitations": "referral.spread.invitations",
    "dispersion": "referral.spread.dispersion",
    "total_per_seed": "referral.trees.total_per_seed",
    "cycle_days": "referral.trees.cycle_days",
}
NEAR_ONE = "裂变拼团"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def truths():
    document = json.loads((SAMPLE / "truth.json").read_text("utf-8"))
    told = {}
    for one in document["truths"]:
        study, *rest = one["id"].split(".")
        if study == "referral" and rest[1] in TRUTHS:
            told[f"{TRUTHS[rest[1]]}.{rest[0]}"] = one["value"]
    return told


def findings_of(level):
    invites = find_invites(open_source(SAMPLE), Definition())
    people = spread.measure(invites)
    measures, found = trees.measure(invites, people), spread.spread(people, level=level)
    grown = trees.grow(measures, found, level=level, margins_cny={})
    told = [
        *spread.conclude(people, found, level=level),
        *trees.conclude(measures, grown, level=level),
    ]
    return {one.id: one for one in told}


def test_all_planted_truths_lie_in_their_intervals_at_once(truths):
    found = findings_of(0.95 ** (1 / len(truths)))
    known = {name: found[name] for name in truths if found[name].status != "insufficient"}
    refused = sorted(set(truths) - set(known))
    assert refused == [f"referral.trees.total_per_seed.{NEAR_ONE}"]
    for name, one in known.items():
        assert one.ci_lower <= truths[name], name
        assert one.ci_upper is None or truths[name] <= one.ci_upper, name


def test_the_campaign_near_one_is_called_neither_below_nor_above(truths):
    one = findings_of(0.95)[f"referral.spread.k.{NEAR_ONE}"]
    assert one.ci_lower < truths[one.id] < 1 < one.ci_upper
    assert "above or below 1" in one.message
