"""Tests of lures in the sample: planted truths are recovered, and the lost rows block a reading."""

from __future__ import annotations

import json

import numpy as np
import pytest
from siyu.data import open_source
from siyu.stats.intervals import wilson
from siyu.studies.lures import Definition, find_experiment, ratio, reading

from tests.studies.lures.builders import SAMPLE

LEVEL = 0.95
OUTCOMES = {"conversion": "converted", "connected_7": "retained_7", "connected_30": "retained_30"}


@pytest.fixture(scope="module")
def truths():
    document = json.loads((SAMPLE / "truth.json").read_text("utf-8"))
    return {one["id"]: one["value"] for one in document["truths"]}


@pytest.fixture(scope="module")
def pool():
    return open_source(SAMPLE)


@pytest.fixture(scope="module", params=["lure_2026_01", "lure_pilot_2025_12"])
def experiment(pool, request):
    return find_experiment(pool, Definition(experiment=request.param))


def test_who_joined_and_who_stayed_is_recovered_for_every_arm(experiment, truths):
    """Nine truths, or six: shares of all arms at once (Sidak)."""
    arms, truth = experiment.arms, "lures." + experiment.name
    level = LEVEL ** (1 / (len(arms) * len(OUTCOMES)))
    read = reading.read(experiment, level=level, value_per_retained_cny=20)
    own = read.arms.set_index(["outcome", "arm"])
    for name, outcome in OUTCOMES.items():
        for arm in arms:
            row = own.loc[(outcome, arm)]
            assert row["ci_lower"] <= truths[f"{truth}.{name}.{arm}"] <= row["ci_upper"], name


def test_how_far_arms_lie_behind_the_best_is_recovered(experiment, truths):
    """Two outcomes at once, each by intervals that hold for all arms together.

    Of the best itself the truth says 0; its distance from the second is read instead.
    """
    read = reading.read(experiment, level=LEVEL**0.5, value_per_retained_cny=20)
    for name in ("conversion", "connected_30"):
        rows = read.of(OUTCOMES[name]).set_index("arm")
        truth = {arm: truths[f"lures.{experiment.name}.{name}.{arm}"] for arm in rows.index}
        for arm, row in rows.iterrows():
            behind = truths[f"lures.{experiment.name}.behind_best.{name}.{arm}"]
            others = max(value for other, value in truth.items() if other != arm)
            assert behind == pytest.approx(max(others - truth[arm], 0), abs=2e-6)
            for prefix, gap in (("ci", truth[arm] - others), ("adjusted", truth[arm] - others)):
                assert row[f"{prefix}_lower"] <= gap <= row[f"{prefix}_upper"], (name, arm, prefix)


def test_the_share_of_rows_that_is_left_of_each_arm_is_recovered(pool, truths):
    for name in ("lure_2025_06", "lure_pilot_2025_12", "lure_2026_01"):
        found = ratio.check_ratio(find_experiment(pool, Definition(experiment=name)))
        level = LEVEL ** (1 / len(found.arms))
        lower, upper = wilson(found.arms["n"], int(found.arms["n"].sum()), level=level)
        truth = np.array([truths[f"lures.{name}.rows.{arm}"] for arm in found.arms["arm"]])
        assert (lower <= truth).all()
        assert (truth <= upper).all()


def test_the_test_with_lost_rows_is_refused_since_the_day_they_were_lost_and_others_are_not(pool):
    lost = find_experiment(pool, Definition(experiment="lure_2025_06"))
    found = ratio.check_ratio(lost)
    assert found.is_suspect
    assert str(found.since) == "2025-06-16"
    assert reading.read(lost, level=LEVEL, value_per_retained_cny=20).refused == "ratio"
    for name in ("lure_2026_01", "lure_pilot_2025_12"):
        assert not ratio.find_suspect(find_experiment(pool, Definition(experiment=name)))


def test_the_coupon_joins_most_and_its_people_leave(pool):
    experiment = find_experiment(pool, Definition(experiment="lure_2026_01"))
    read = reading.read(experiment, level=LEVEL, value_per_retained_cny=20)
    joined = read.of("converted").set_index("arm")["is_candidate"]
    assert joined.to_dict() == {"coupon": True, "physical": False, "service": False}
    assert "others have more who were still there" in reading.headline(experiment, read)
    assert read.verdict.worse == ("physical",)
