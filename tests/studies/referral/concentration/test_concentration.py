"""Concentration among inviters: by hand, against luck, without telling of few persons."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from siyu.data import open_source
from siyu.findings import to_json
from siyu.language import LANGUAGES, speaking
from siyu.studies.referral import Definition, concentration, find_invites

from tests.studies.referral.builders import HOUR, OPENS, SAMPLE, invite, invites_of
from tests.studies.referral.builders import family as family_tables

LEVEL = 0.95
ABOUT = {"notebook": "x", "as_of": "2026-03-31", "source": "shop", "parameters": {}}
pytestmark = pytest.mark.filterwarnings("ignore::siyu.figures.GlyphWarning")


def of(friends, gone=None, *, tree=None, campaigns=("tea",), campaign=0, min_users=30):
    friends = np.asarray(friends)
    gone = np.zeros(len(friends), dtype=int) if gone is None else np.asarray(gone)
    inviters = pd.DataFrame(
        {
            "campaign": campaign,
            "inviter": np.arange(len(friends)),
            "tree": np.arange(len(friends)) if tree is None else tree,
            "friends": friends,
            "followed": friends,
            "gone": gone,
            "lost_cny": 5.0 * gone,
            "reward_cny": 5.0 * friends,
        }
    )
    return concentration.Measures(
        source="shop",
        as_of=dt.date(2026, 3, 31),
        min_users=min_users,
        campaigns=campaigns,
        inviters=inviters,
        has_leaving=True,
    )


def top_of(measures, measure="top_10"):
    table = concentration.concentrate(measures, level=LEVEL).table
    return table.set_index(["campaign", "measure"]).loc[("tea", measure)]


def test_inviters_of_a_family_are_counted_by_hand(tmp_path):
    """a brought d, d brought e, b brought f, y brought x; nobody left within a day."""
    found = concentration.measure(invites_of(tmp_path, family_tables()))
    assert found.inviters["friends"].tolist() == [1, 1, 1, 1]
    assert found.inviters["gone"].sum() == 0
    assert found.inviters.groupby("tree").size().tolist() == [2, 1, 1]


def test_the_best_tenth_of_three_hundred_bring_what_they_bring():
    friends = [5] * 30 + [1] * 70 + [0] * 200
    row = top_of(of(friends))
    assert row["value"] == pytest.approx(150 / 220)
    assert row["ci_lower"] < 150 / 220 < row["ci_upper"]
    assert row["verdict"] == "few"
    assert top_of(of(friends), "top_1")["refused"] == "top"  # three persons


def test_of_equals_the_best_bring_what_luck_makes_and_no_more():
    rng = np.random.default_rng(2)
    alike = [top_of(of(rng.poisson(1.0, 400)))["p"] for _ in range(40)]
    assert np.mean(np.array(alike) < 0.05) < 0.2
    row = top_of(of(rng.poisson(1.0, 4000)))
    assert row["verdict"] == "as_luck"
    assert row["luck"] == pytest.approx(row["value"], abs=0.02)
    assert row["luck"] > 0.25  # far more than a tenth, though all are alike


def test_gini_by_luck_is_that_of_a_poisson_number():
    """For mean 1: the mean distance of two over twice the mean, e^-2 (I0(2) + I1(2)) = .5237."""
    row = top_of(of(np.random.default_rng(3).poisson(1.0, 4000)), "gini")
    assert row["luck"] == pytest.approx(0.5237, abs=0.005)


def test_friends_of_the_best_who_leave_at_once_are_told_and_paid_for():
    rng = np.random.default_rng(4)
    friends = np.r_[np.full(40, 8), np.full(360, 1)]
    gone = rng.binomial(friends, np.where(friends == 8, 0.5, 0.1))
    found = concentration.concentrate(of(friends, gone), level=LEVEL)
    row = found.farming.iloc[0]
    assert (row["inviters_top"], row["least"], row["verdict"]) == (40, 8, "more")
    share = gone[:40].sum() / 320 - gone[40:].sum() / 360
    assert row["difference"] == pytest.approx(share)
    assert row["worth_cny"] == pytest.approx(share * 320 * 5)
    assert row["lost_cny"] == 5 * gone[:40].sum()
    told = concentration.conclude(of(friends, gone), found, level=LEVEL)
    assert [one.status for one in told if "farming" in one.id] == ["alert"]


def test_few_inviters_and_nobody_who_came_are_not_told():
    for friends, refused in (([1] * 20, "few"), ([0] * 400, "none"), ([1] * 10 + [0] * 90, "few")):
        measures = of(friends)
        found = concentration.concentrate(measures, level=LEVEL)
        assert set(found.table["refused"]) == {refused}
        assert found.farming["refused"].tolist() == ["few"]
        told = concentration.conclude(measures, found, level=LEVEL)
        assert {one.status for one in told} == {"insufficient"}
        assert concentration.draw_top(measures, found, level=LEVEL).table.empty


def test_a_log_in_which_nothing_was_accepted_has_inviters_and_no_friends(tmp_path):
    tables = family_tables()
    tables["invites"] = [invite(name, None, OPENS + HOUR) for name in "abc"]
    measures = concentration.measure(invites_of(tmp_path, tables))
    assert measures.inviters["friends"].tolist() == [0, 0, 0]
    found = concentration.concentrate(measures, level=LEVEL)
    assert set(found.table["refused"]) == {"none"}
    assert "no new member came" in concentration.say_top(measures, found, level=LEVEL)


def test_nobody_who_invited_is_refused():
    measures = of([], campaigns=())
    found = concentration.concentrate(measures, level=LEVEL)
    assert found.refused == "none"
    (told,) = concentration.conclude(measures, found, level=LEVEL)
    assert told.status == "insufficient"
    assert concentration.draw_top(measures, found, level=LEVEL).table.empty


def test_a_person_who_invites_in_two_campaigns_counts_once_among_all():
    one = of([3] * 40 + [0] * 40, campaigns=("tea", "cake"))
    two = of([2] * 80, campaigns=("tea", "cake"), campaign=1)
    both = concentration.Measures(
        **{**one.__dict__, "inviters": pd.concat([one.inviters, two.inviters])}
    )
    table = concentration.concentrate(both, level=LEVEL).table
    everyone = table[table["campaign"] == "all"].set_index("measure").loc["gini"]
    assert (everyone["inviters"], everyone["friends"]) == (80, 120 + 160)


def test_the_order_of_inviters_changes_nothing():
    friends = np.random.default_rng(5).poisson(1.5, 300)
    first, second = (
        concentration.concentrate(of(one), level=LEVEL).table for one in (friends, friends[::-1])
    )
    pd.testing.assert_frame_equal(first, second)


def test_the_sample_says_who_carries_what_in_both_languages():
    measures = concentration.measure(find_invites(open_source(SAMPLE), Definition()))
    found = concentration.concentrate(measures, level=LEVEL)
    tops = found.table.query("measure == 'top_10'").set_index("campaign")
    assert tops.loc["好友助力抽奖", "refused"] == "top"  # a tenth of 272 inviters
    assert tops.loc["裂变拼团", "verdict"] == "uneven"
    # Who leaves at once does so by lot in the sample: no inviter has worse friends.
    assert "more" not in set(found.farming["verdict"])
    for language in LANGUAGES:
        with speaking(language):
            assert concentration.say_top_headline(found)
            assert concentration.say_top(measures, found, level=LEVEL)
            assert concentration.say_farming(found, level=LEVEL)
            drawn = concentration.draw_top(measures, found, level=LEVEL)
            assert drawn.table.groupby("campaign")["share"].min().min() >= 30 / 360
            to_json(concentration.conclude(measures, found, level=LEVEL), **ABOUT)
