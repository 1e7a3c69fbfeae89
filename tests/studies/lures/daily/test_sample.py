"""Planted effects in the sample: found at any look, and steady, as the sample has no novelty."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from siyu.data import open_source
from siyu.stats.multiplicity import bonferroni_level
from siyu.studies.lures import Definition, find_experiment
from siyu.studies.lures.daily import follow, watch

SAMPLE = Path(__file__).parents[4] / "data" / "sample"
NAMES = ("lure_2026_01", "lure_pilot_2025_12")


@pytest.fixture(scope="module")
def experiments():
    pool = open_source(str(SAMPLE))
    return {name: find_experiment(pool, Definition(experiment=name)) for name in NAMES}


@pytest.fixture(scope="module")
def truths():
    facts = json.loads((SAMPLE / "truth.json").read_text(encoding="utf-8"))["truths"]
    return {fact["id"]: fact["value"] for fact in facts}


@pytest.mark.parametrize("name", NAMES)
def test_planted_differences_lie_in_the_intervals_of_looks_and_of_days(experiments, truths, name):
    # The joint level of each table is shared by the two experiments.
    level = bonferroni_level(0.95, len(NAMES))
    looks, courses = watch(experiments[name], level=level), follow(experiments[name], level=level)
    for row, course in zip(looks.pairs.itertuples(), courses.pairs.itertuples(), strict=True):
        a, b = (truths[f"lures.{name}.conversion.{arm}"] for arm in (row.arm, row.against))
        assert row.ci_lower <= a - b <= row.ci_upper
        assert course.all_lower <= a - b <= course.all_upper
        assert course.change_lower <= 0 <= course.change_upper
        assert course.verdict == "steady"


def test_nothing_clear_is_called_the_wrong_way(experiments, truths):
    for name, experiment in experiments.items():
        for row in watch(experiment, level=0.95).pairs.itertuples():
            a, b = (truths[f"lures.{name}.conversion.{arm}"] for arm in (row.arm, row.against))
            assert row.verdict in ("unclear", "better" if a > b else "worse")


def test_the_test_with_lost_rows_is_not_looked_at():
    pool = open_source(str(SAMPLE))
    lost = find_experiment(pool, Definition(experiment="lure_2025_06"))
    assert watch(lost, level=0.95).refused == follow(lost, level=0.95).refused == "suspect"
