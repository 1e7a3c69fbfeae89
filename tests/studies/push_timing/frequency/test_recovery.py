"""The sample's planted truths about how often to push lie inside simultaneous intervals."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from siyu.data import open_source
from siyu.studies.push_timing import frequency
from siyu.studies.push_timing.definition import Definition
from siyu.studies.push_timing.pushes import find_pushes

pytestmark = pytest.mark.slow

SAMPLE = Path(__file__).parents[4] / "data" / "sample"
CAPS, SHOWN = (1, 2, 3, 4, 5, 7), range(8)
RATES = {
    "sent": "sent_per_week",
    "clicks": "clicks_per_week",
    "blocks": "blocks_per_week",
    "value": "weekly_value",
}
READ = 2 + 2 * len(SHOWN) + len(CAPS) * len(RATES)
LEVEL = 0.95 ** (1 / READ)
"""Sidak: so many truths are read that all intervals together cover with 95%."""


@pytest.fixture(scope="module")
def truths():
    document = json.loads((SAMPLE / "truth.json").read_text("utf-8"))
    return {one["id"]: one["value"] for one in document["truths"]}


@pytest.fixture(scope="module")
def measures():
    pushes = find_pushes(
        open_source(SAMPLE), Definition(), period_days=365, by=["occupation"], min_users=30
    )
    return frequency.measure(pushes, cap_experiment="push_cap_2025h2")


def test_fatigue_and_aversion_are_recovered_where_numbers_were_drawn(measures, truths):
    table = frequency.slopes(measures, level=LEVEL)
    found = table[table["population"] == "drawn"].set_index("outcome")
    for outcome, name in (("click", "fatigue"), ("block", "aversion")):
        row, truth = found.loc[outcome], truths[f"pushes.{name}.log_per_push"]
        assert row.ci_lower <= truth <= row.ci_upper
        assert row.verdict == ("falls" if truth < 0 else "rises")


def test_where_no_number_was_drawn_clicks_seem_to_rise(measures):
    """The trap: the active are pushed more. Tiring makes the chance fall; here it seems to rise."""
    table = frequency.slopes(measures, level=0.95)
    others = table[table["population"] == "others"].set_index("outcome")
    assert others.loc["click"].ci_lower > 0


def test_each_chance_is_recovered_by_what_was_received(measures, truths):
    found = frequency.curves(measures, level=LEVEL)
    found = found[(found["population"] == "drawn") & (found["by"] == "received")]
    for outcome in ("click", "block"):
        rows = found[found["outcome"] == outcome].set_index("at")
        for received in SHOWN:
            truth = truths[f"pushes.{outcome}.received_{received}"]
            assert rows.loc[received, "ci_lower"] <= truth <= rows.loc[received, "ci_upper"]


def test_what_each_number_brings_is_recovered_and_the_best_is_a_candidate(measures, truths):
    found = frequency.frontier(measures, level=LEVEL)
    rows = found.table[found.table["kind"] == "weeks"].set_index("cap")
    assert tuple(rows.index) == CAPS
    for name, column in RATES.items():
        for cap in CAPS:
            truth = truths[f"pushes.weekly.{name}.cap_{cap}"]
            assert rows.loc[cap, f"{column}_lower"] <= truth <= rows.loc[cap, f"{column}_upper"], (
                name
            )
    best = frequency.frontier(measures, level=0.95)
    assert truths["pushes.best_cap"] in best.candidates["weeks"]
    assert {1, 7}.isdisjoint(best.candidates["weeks"])


def test_without_an_experiment_the_frontier_is_a_description(measures):
    pushes = find_pushes(open_source(SAMPLE), Definition(), period_days=365)
    found = frequency.frontier(frequency.measure(pushes), level=0.95)
    assert not found.is_drawn
    assert set(found.best) == {"model"}
    assert found.n_users["model"] < found.table["n"].sum()
