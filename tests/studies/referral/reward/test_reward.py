"""Rewards: friends, others and money counted by hand, what is judged, said, and refused."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from siyu.data import open_source
from siyu.findings import to_json
from siyu.language import LANGUAGES, speaking
from siyu.stats.cluster_ratios import ratio_by_cluster
from siyu.studies.referral import Definition, ReferralError, find_invites, reward

from tests.studies.referral.builders import (
    DAY,
    HOUR,
    OPENS,
    SAMPLE,
    START,
    invite,
    invites_of,
    user,
)

LEVEL = 0.95
ABOUT = {"notebook": "x", "as_of": "2026-03-31", "source": "shop", "parameters": {}}
pytestmark = pytest.mark.filterwarnings("ignore::siyu.figures.GlyphWarning")


def tables():
    """Seeds a and b bring three and two friends; o and p come on the same day, q on another."""
    at = OPENS + 9 * HOUR
    stays = {"c": None, "d": 5 * HOUR, "e": 3 * DAY, "f": None, "g": 40 * DAY}
    users = [user("a", START), user("b", START)]
    users += [
        user(name, at + HOUR, None if stay is None else at + HOUR + stay)
        for name, stay in stays.items()
    ]
    users += [
        user("o", at),
        user("p", at, at + HOUR),
        user("q", at + 5 * DAY, at + 5 * DAY + HOUR),
    ]
    for one in users:
        one["touchpoint"] = "poster" if one["user_id"] in "opq" else "referral"
    rows = [invite("a" if name in "cde" else "b", name, at, at + HOUR) for name in stays]
    rows.append(invite("a", "b", at, at + HOUR, reward=2.0))  # a member already, and rewarded
    rows.append(invite("b", None, at))
    return {"users": users, "invites": rows}


def with_spend(found):
    """Seven yuan a day for the poster, and three for where friends come by."""
    found["spend"] = [
        {
            "day": (START + i * DAY).date(),
            "channel": "offline",
            "touchpoint": name,
            "cost_cny": cost,
        }
        for i in range(90)
        for name, cost in (("poster", 7.0), ("referral", 3.0))
    ]
    return found


def measured(folder, found=None, **asked):
    return reward.measure(invites_of(folder, found or tables()), **asked)


def test_five_friends_are_counted_by_hand(tmp_path):
    found = measured(tmp_path)
    assert len(found.friends) == 5
    assert sorted(found.friends["days_there"]) == [5 / 24, 3, 40, np.inf, np.inf]
    assert found.friends.groupby("tree").size().tolist() == [3, 2]
    assert found.other_rewards["reward_cny"].tolist() == [2]
    # On the day on which friends came: o and p, of whom one left at once.
    assert found.others[["n", "gone", "n_later", "gone_later"]].to_numpy().tolist() == [
        [2, 1, 1, 0]
    ]


def test_a_friend_who_stays_costs_all_rewards_over_who_stayed(tmp_path):
    """27 yuan, the member who was there already included, for c, f and g, who stayed 30 days."""
    found = reward.costs(measured(tmp_path), level=LEVEL)
    row = found.table.iloc[0]
    assert row["cost_per_kept"] == pytest.approx(27 / 3)
    assert row["kept_share"] == pytest.approx(3 / 5)
    assert row["units"] == "branch"
    assert row["reward_cny"] == pytest.approx(27 / 5)
    expected = ratio_by_cluster([17, 10], [1, 2], level=LEVEL)
    assert row["ci_upper"] == (expected.ci_upper if expected.kind == "bounded" else np.inf)
    assert np.isnan(row["difference"])  # nothing is known of others
    assert row["verdict"] == ""


def test_gifts_and_what_a_campaign_cost_are_added(tmp_path):
    given = with_spend(tables())
    given["spend"] = [{**one, "campaign": None} for one in given["spend"]]
    given["spend"].append({**given["spend"][0], "cost_cny": 10.0, "campaign": "tea"})
    found = measured(tmp_path, given, lure_cost_cny={"tea": 1.0})
    assert found.campaign_cost_cny == (10.0,)
    assert reward.costs(found, level=LEVEL).table.iloc[0]["cost_per_kept"] == (27 + 5 + 10) / 3


def test_a_later_reward_saves_those_of_friends_gone_before(tmp_path):
    """d and e left within seven days: 10 of 25 yuan; d alone within one."""
    for days, saved in ((7, 10.0), (1, 5.0)):
        held = reward.costs(measured(tmp_path, hold_days=days), level=LEVEL).held.iloc[0]
        assert held["saved_cny"] == saved
        assert held["saved_share"] == saved / 25


def test_friends_are_compared_with_others_as_if_they_had_come_on_the_same_days():
    """Half of the friends on a day when 1 of 10 others left, half on one when 4 of 10 did."""
    friends = pd.DataFrame(
        {
            "campaign": 0,
            "tree": range(40),
            "branch": range(40),
            "on": np.repeat([1, 2], 20),
            "reward_cny": 5.0,
            "days_followed": 50.0,
            "days_there": np.where(np.arange(40) % 2, 0.5, 40),
        }
    )
    others = pd.DataFrame(
        {"on": [1, 2, 3], "n": [10, 10, 999], "gone": [1, 4, 999], "n_later": 10, "gone_later": 0}
    )
    row = reward.leaving(of(friends, others), level=LEVEL).table.iloc[0]
    assert row["share"] == 0.5
    assert row["others"] == pytest.approx(0.25)
    assert row["difference"] == pytest.approx(0.25)
    assert row["n_others"] == 20
    assert row["verdict"] == "unclear"  # of so few others


def of(friends, others=None, **changed):
    """Measures of one campaign made by hand."""
    made = {
        "source": "shop",
        "as_of": dt.date(2026, 3, 31),
        "min_users": 5,
        "campaigns": ("tea",),
        "kept_days": 30,
        "hold_days": 7,
        "lure_cost_cny": {},
        "friends": friends,
        "other_rewards": pd.DataFrame(
            {"campaign": [], "tree": [], "branch": [], "reward_cny": [], "days_followed": []}
        ),
        "others": others if others is not None else pd.DataFrame({"on": [], "n": [], "gone": [],
                                                                  "n_later": [], "gone_later": []}),
        "touchpoints": pd.DataFrame(
            {"touchpoint": "poster", "week": range(20), "cost_cny": 80.0 + np.arange(20) % 3,
             "n": 12, "kept": 8.0 + np.arange(20) % 2}
        ),
        "own_touchpoints": (),
        "campaign_cost_cny": (0.0,),
        "has_rewards": True,
        "has_leaving": True,
        "has_spend": True,
    }  # fmt: skip
    return reward.Measures(**made | changed)


def friends_of(reward_cny, *, kept=0.6, n=200):
    rng = np.random.default_rng(1)
    there = np.where(rng.random(n) < kept, 40.0, 0.5)
    return pd.DataFrame(
        {"campaign": 0, "tree": range(n), "branch": range(n), "on": 1, "reward_cny": reward_cny,
         "days_followed": 50.0, "days_there": there}
    )  # fmt: skip


@pytest.mark.parametrize(
    ("reward_cny", "verdict"), [(2.0, "continue"), (9.0, "stop"), (5.7, "unclear")]
)
def test_a_campaign_is_judged_by_what_members_from_elsewhere_cost(reward_cny, verdict):
    """9.5 yuan there; 60% of friends stay; dearer than the one touchpoint is dearer than all."""
    measures = of(friends_of(reward_cny))
    found = reward.costs(measures, level=LEVEL)
    row = found.table.iloc[0]
    assert row["verdict"] == verdict
    assert row["most_reward"] == pytest.approx(found.elsewhere[0] * row["kept_share"])
    worth = abs(row["cost_per_kept"] - found.elsewhere[0]) * row["kept_share"] * 200
    assert row["worth_cny"] == pytest.approx(worth)


@pytest.mark.parametrize("reward_cny", [2.0, 5.7])
def test_a_friend_who_is_cheap_but_worth_less_is_no_campaign_to_continue(reward_cny):
    """60% of friends stay, worth 2 yuan each: 1.2 yuan a friend, for 2 or 5.7; 9.5 elsewhere."""
    measures = of(friends_of(reward_cny))
    found = reward.costs(measures, level=LEVEL, value_kept_cny=2.0)
    row = found.table.iloc[0]
    assert row["verdict"] == "lose"
    assert row["most_reward"] == pytest.approx(2 * row["kept_share"])
    told = reward.conclude(measures, reward.leaving(measures, level=LEVEL), found, level=LEVEL)
    (cost,) = [one for one in told if "cost_per_kept" in one.id]
    assert (cost.status, cost.threshold, cost.worth_cny) == ("alert", 2.0, None)
    assert "clearly more than the 2.00 yuan" in cost.message


def test_no_campaign_is_to_be_continued_by_one_part_and_ended_by_the_other():
    """What the choice among campaigns goes by (the margin) and the verdict never contradict."""
    for reward_cny in np.linspace(0.5, 8, 6):
        for value in (1.0, 3.0, 6.0, 30.0):
            measures = of(friends_of(reward_cny))
            found = reward.costs(measures, level=LEVEL, value_kept_cny=value)
            verdict, (_, lower, upper) = found.table["verdict"][0], reward.margins(found)["tea"]
            assert not (verdict == "continue" and upper <= 0)
            assert not (verdict in ("lose", "change", "stop") and lower > 0)


def test_dearer_than_most_but_not_than_the_dearest_is_a_reward_to_change():
    base = of(friends_of(9.0))
    dear = base.touchpoints.assign(touchpoint="feed", cost_cny=900.0, kept=6.0, n=6)
    mixed = replace(base, touchpoints=pd.concat([base.touchpoints.assign(kept=80.0), dear]))
    found = reward.costs(mixed, level=LEVEL)
    assert found.table.iloc[0]["verdict"] == "change"
    assert "“feed”" in reward.say_costs(mixed, found, level=LEVEL)


def test_a_cheap_campaign_may_lose_as_many_friends_as_the_later_reward_pays_for():
    """Per friend: saved s, and k b - r + s left after it; f of the friends may stay away."""
    measures = of(friends_of(2.0))
    found = reward.costs(measures, level=LEVEL)
    row, held = found.table.iloc[0], found.held.iloc[0]
    saved = held["saved_cny"] / 200
    left = row["kept_share"] * found.elsewhere[0] - 2.0 + saved
    assert held["break_even"] == pytest.approx(saved / left)
    assert (1 - held["break_even"]) * left == pytest.approx(left - saved)


def test_the_order_of_rows_changes_nothing():
    measures = of(friends_of(3.0))
    turned = replace(measures, friends=measures.friends[::-1].reset_index(drop=True))
    for found in (reward.costs, reward.leaving):
        first, second = (found(one, level=LEVEL).table for one in (measures, turned))
        pd.testing.assert_frame_equal(first, second)


def without(found, table, column):
    found[table] = [{k: v for k, v in row.items() if k != column} for row in found[table]]
    return found


def test_what_the_data_do_not_tell_is_refused(tmp_path):
    cases = {
        "rewards": without(tables(), "invites", "reward_cny"),
        "leaving": without(tables(), "users", "left_at"),
        "none": {**tables(), "invites": [invite("a", None, OPENS + HOUR)]},
    }
    for refused, given in cases.items():
        (tmp_path / refused).mkdir()
        measures = measured(tmp_path / refused, given)
        found = reward.costs(measures, level=LEVEL)
        assert found.refused == refused
        left = reward.leaving(measures, level=LEVEL)
        told = reward.conclude(measures, left, found, level=LEVEL)
        assert any(one.status == "insufficient" for one in told)
        assert not any("cost_per_kept" in one.id and one.value is not None for one in told)
        to_json(told, **ABOUT)
        assert reward.draw_costs(measures, found, level=LEVEL).table.empty


def test_nobody_who_stays_has_no_cost_and_nobody_followed_none_yet():
    gone = friends_of(3.0).assign(days_there=2.0)
    found = reward.costs(of(gone), level=LEVEL).table.iloc[0]
    assert (found["refused"], found["kept_share"]) == ("nobody", 0)
    early = friends_of(3.0).assign(days_followed=20.0)
    assert reward.costs(of(early), level=LEVEL).table.iloc[0]["refused"] == "immature"
    few = friends_of(3.0, n=4)
    assert reward.costs(of(few), level=LEVEL).table.iloc[0]["refused"] == "few"
    assert reward.leaving(of(few), level=LEVEL).table["refused"].tolist() == ["few"] * 2


def test_all_that_is_said_and_drawn_is_so_in_both_languages():
    early = friends_of(2.0).assign(days_followed=3.0)  # nobody yet of whom the week is over
    for friends in (friends_of(2.0), friends_of(9.0), friends_of(3.0, n=4), early):
        measures = of(friends)
        left, cost = (one(measures, level=LEVEL) for one in (reward.leaving, reward.costs))
        for language in LANGUAGES:
            with speaking(language):
                assert reward.say_left_headline(left)
                assert reward.say_leaving(measures, left, level=LEVEL)
                assert reward.say_cost_headline(cost)
                assert reward.say_costs(measures, cost, level=LEVEL)
                assert reward.say_hold_headline(measures, cost)
                assert reward.say_hold(measures, cost, level=LEVEL)
                assert reward.draw_leaving(measures, left, level=LEVEL).png
                assert reward.draw_costs(measures, cost, level=LEVEL).png
                to_json(reward.conclude(measures, left, cost, level=LEVEL), **ABOUT)


@pytest.mark.parametrize(
    "asked", [{"hold_days": 0}, {"lure_cost_cny": {"x": 1}}, {"lure_cost_cny": {"tea": -1}}]
)
def test_a_number_out_of_range_and_an_unknown_campaign_are_errors(tmp_path, asked):
    with pytest.raises(ReferralError, match="|".join(asked)):
        measured(tmp_path, **asked)


def test_spend_is_read_by_week_and_the_touchpoint_of_friends_left_out(tmp_path):
    measures = measured(tmp_path, with_spend(tables()))
    poster = measures.touchpoints[measures.touchpoints["touchpoint"] == "poster"]
    assert poster["cost_cny"].eq(49).all()
    assert len(poster) == 60 // 7  # whole weeks to thirty days before the last
    assert poster[["n", "kept"]].sum().tolist() == [3, 1]
    assert measures.own_touchpoints == ("referral",)
    found = reward.costs(measures, level=LEVEL)
    assert found.touchpoints[["touchpoint", "cost_per_kept"]].to_numpy().tolist() == [
        ["poster", 49 * 8]
    ]
    # Of one who stayed nobody can tell how many do, nor by how much friends are dearer.
    assert np.isnan(found.elsewhere).all()
    assert found.table["difference"].isna().all()


def test_spend_that_names_no_touchpoint_says_nothing_of_any(tmp_path):
    given = with_spend(tables())
    for one in given["spend"]:
        del one["touchpoint"]
    assert measured(tmp_path, given).touchpoints.empty


@pytest.fixture(scope="module")
def sample():
    return reward.measure(find_invites(open_source(SAMPLE), Definition()))


def test_every_planted_truth_lies_in_its_interval(sample):
    """Nine truths, at once (Sidak)."""
    document = json.loads((SAMPLE / "truth.json").read_text("utf-8"))
    truths = {one["id"]: one["value"] for one in document["truths"]}
    level = LEVEL ** (1 / 9)
    left = reward.leaving(sample, level=level).table.query("window == 'first'")
    cost = reward.costs(sample, level=level).table
    for table, name, ends in (
        (left, "left_within_1_day", ("ci_lower", "ci_upper")),
        (cost, "connected_30", ("kept_share_lower", "kept_share_upper")),
        (cost, "cost_per_kept", ("ci_lower", "ci_upper")),
    ):
        for row in table.to_dict("records"):
            truth = truths[f"referral.{row['campaign']}.{name}"]
            assert row[ends[0]] <= truth <= row[ends[1]], (row["campaign"], name)
            assert row[ends[1]] < 2 * truth  # an interval that says something


@pytest.mark.parametrize(
    ("value", "worth"), [(1e6, "elsewhere"), (2.0, 2.0), (np.inf, "elsewhere")]
)
def test_a_friend_is_worth_no_more_than_a_member_from_elsewhere_costs(value, worth):
    measures = of(friends_of(3.0))
    found = reward.costs(measures, level=LEVEL, value_kept_cny=value)
    row = found.table.iloc[0]
    each = found.elsewhere[0] if worth == "elsewhere" else worth
    # What is paid for a friend is the cost of one who stays times the share who do.
    expected = row["kept_share"] * (each - row["cost_per_kept"])
    margin, lower, upper = reward.margins(found)[row["campaign"]]
    assert margin == pytest.approx(expected)
    assert lower < margin < upper


def test_where_nothing_says_what_a_friend_is_worth_there_is_no_margin():
    measures = replace(of(friends_of(3.0)), touchpoints=of(friends_of(3.0)).touchpoints.iloc[:0])
    assert reward.margins(reward.costs(measures, level=LEVEL)) == {}
    found = reward.costs(measures, level=LEVEL, value_kept_cny=9.0)
    assert np.isfinite(list(reward.margins(found).values())).all()
    assert reward.draw_costs(measures, found, level=LEVEL).png  # of a merchant without spend


@pytest.mark.slow
def test_the_margin_covers_as_stated_where_that_of_independent_friends_does_not():
    """Half of the friends stay, alike within trees; elsewhere one who stays costs 8 yuan."""
    rng, hits, naive = np.random.default_rng(3), 0, 0
    base, truth, z = of(friends_of(4.0)), 0.5 * 8.0 - 4.0, 1.96
    for _ in range(500):
        kept = rng.binomial(100, 0.5, 20)
        weeks = pd.DataFrame({"touchpoint": "poster", "week": range(20), "n": 100, "kept": kept})
        weeks["cost_cny"] = 8.0 * kept + rng.normal(0, 60, 20)
        trees = np.repeat(np.arange(80), rng.integers(1, 6, 80))
        stays = rng.random(len(trees)) < rng.beta(0.5, 0.5, 80)[trees]
        friends = friends_of(4.0, n=len(trees)).assign(
            tree=trees, branch=trees, days_there=np.where(stays, 40.0, 0.5)
        )
        found = reward.costs(replace(base, touchpoints=weeks, friends=friends), level=LEVEL)
        ((_, lower, upper),) = reward.margins(found).values()
        hits += lower <= truth <= upper
        alone = 8.0 * stays - 4.0
        naive += abs(alone.mean() - truth) < z * alone.std() / np.sqrt(len(trees))
    assert 0.93 <= hits / 500 <= 0.97
    assert naive / 500 < 0.93


def test_the_sample_s_campaigns_are_told_apart(sample):
    cost = reward.costs(sample, level=LEVEL)
    verdicts = cost.table.set_index("campaign")["verdict"].to_dict()
    assert verdicts == {"老带新有礼": "change", "裂变拼团": "change", "好友助力抽奖": "continue"}
    units = cost.table.set_index("campaign")["units"]
    assert units["裂变拼团"] == "branch"  # one tree holds five of six friends
    first = reward.leaving(sample, level=LEVEL).table.query("window == 'first'")
    assert (first.set_index("campaign").loc[["老带新有礼", "裂变拼团"], "verdict"] == "more").all()
