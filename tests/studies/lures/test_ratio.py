"""Whether arms are as large as planned: by hand, and what blocks a reading."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chisquare
from siyu.language import speaking
from siyu.studies.lures import ratio, reading

from tests.studies.lures.builders import experiment, people


def drawn(sizes, *, days=20, **other):
    return experiment(people(arm=np.repeat(range(len(sizes)), sizes), days=days), **other)


def uneven():
    """Three arms alike for ten days; from the eleventh on, most rows of the first are lost."""
    rng = np.random.default_rng(1)
    day = np.repeat(np.arange(20), 60)
    arm = np.tile([0, 1, 2], 400)
    kept = (arm != 0) | (day < 10) | (rng.random(1_200) < 0.1)
    return experiment(people(arm=arm[kept], day=day[kept]))


def test_of_all_it_is_the_chi_square_of_who_was_drawn():
    found = ratio.check_ratio(drawn([300, 340, 290]))
    p = found.table.set_index("kind").loc["all", "p"]
    assert p == pytest.approx(chisquare([300, 340, 290]).pvalue)
    assert found.arms["share"].tolist() == pytest.approx([300 / 930, 340 / 930, 290 / 930])
    assert not found.is_suspect


def test_planned_shares_need_not_be_equal():
    assert not ratio.find_suspect(drawn([100, 300], arms=("a", "b"), shares=(0.25, 0.75)))
    assert ratio.find_suspect(drawn([100, 300], arms=("a", "b")))


def test_rows_lost_from_a_day_on_block_the_reading_and_the_day_is_found():
    lost = uneven()
    found = ratio.check_ratio(lost)
    assert found.is_suspect
    assert found.since == dt.date(2026, 1, 11)
    days = found.table[found.table["kind"] == "days"]
    odd = days[days["p_holm"] < 0.05]
    assert odd["segment"].min() >= "2026-01-11"
    assert reading.read(lost, level=0.95, value_per_retained_cny=20).refused == "ratio"
    (one,) = ratio.conclude(lost, found)
    assert (one.status, one.threshold, one.n) == ("alert", 0.001, len(lost.people))
    assert "11 Jan 2026" in one.message
    assert one.action


def test_days_are_joined_until_none_holds_few_people():
    found = ratio.check_ratio(drawn([60, 60, 60], days=18))
    days = found.table[found.table["kind"] == "days"]
    assert days["n"].sum() == 180
    assert days["n"].min() >= 30


def test_who_is_left_out_by_arm_is_checked_too():
    """As many drawn in each arm; but of one, far more are left out as having been members."""
    whole = drawn([400, 400], arms=("a", "b"))
    left = pd.DataFrame({"reason": ["member", "member"], "arm": [0, 1], "n": [10, 150]})
    found = ratio.check_ratio(replace(whole, left_out=left))
    p = found.table.set_index("kind")["p"]
    assert p["all"] == 1
    assert p["read"] == pytest.approx(chisquare([390, 250]).pvalue)
    assert found.is_suspect


def test_channels_known_of_some_only_are_no_part_of_the_check():
    table = people(
        arm=np.repeat([0, 1], 200), channel=np.r_[np.zeros(200), np.ones(200)].astype(int)
    )
    assert set(ratio.check_ratio(experiment(table, arms=("a", "b"))).table["kind"]) == {
        *("all", "days", "channel"),
    }
    table["channel"] = np.where(table.index % 2, 0, -1)
    found = ratio.check_ratio(experiment(table, arms=("a", "b")))
    assert "channel" not in set(found.table["kind"])


def test_of_clusters_it_counts_clusters():
    """Twelve and twelve staff, but those of one arm meet three times as many people."""
    cluster = np.r_[np.repeat(np.arange(12), 10), np.repeat(np.arange(12, 24), 30)]
    table = people(arm=(cluster >= 12).astype(int), cluster=cluster)
    found = ratio.check_ratio(experiment(table, arms=("a", "b")))
    assert found.arms["n"].tolist() == [12, 12]
    assert not found.is_suspect
    assert set(found.table["kind"]) == {"all"}
    assert "Clusters as drawn" in ratio.say_ratio(experiment(table, arms=("a", "b")), found)


def test_too_few_to_check_is_said():
    few = drawn([4, 3, 2])
    found = ratio.check_ratio(few)
    assert (found.refused, found.is_suspect) == ("few", False)
    (one,) = ratio.conclude(few, found)
    assert one.status == "insufficient"
    assert "cannot be checked" in one.message
    assert ratio.draw_ratio(few, found).table.empty


def test_a_single_day_and_one_channel_can_be_drawn():
    one = drawn([40, 40, 40], days=1)
    assert len(ratio.draw_ratio(one, ratio.check_ratio(one)).table) == len(one.arms)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_all_is_said_and_drawn_in_both_languages(language):
    with speaking(language):
        for one in (uneven(), drawn([300, 340, 290])):
            found = ratio.check_ratio(one)
            assert ratio.say_ratio(one, found)
            assert ratio.draw_ratio(one, found).undrawn == ""
