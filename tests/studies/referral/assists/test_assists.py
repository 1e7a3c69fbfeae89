"""Games of assists: lives and active days by hand, differences in differences, refusals."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from siyu.data import open_source
from siyu.data.world.referral import Referral
from siyu.findings import to_json
from siyu.language import LANGUAGES, speaking
from siyu.studies.referral import Definition, ReferralError, assists, find_invites

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
GAME = "好友助力抽奖"
EVENTS = ["browse", "order", "reply", "sign_in", "moments_like", "consult", "cart"]
pytestmark = pytest.mark.filterwarnings("ignore::siyu.figures.GlyphWarning")


def tables():
    """a plays two lives on 16 January, b three at once; c, d do not; e came a week before."""
    at = START + 15 * DAY + 9 * HOUR
    users = [user(name, START) for name in "abcd"] + [user("e", at - 6 * DAY), user("f", at + HOUR)]
    rows = [
        invite("a", "f", at, at + HOUR, campaign="game"),
        invite("a", "c", at, at + HOUR, campaign="game", reward=0.0),
        *[invite("b", None, at, campaign="game")] * 3,
        invite("e", None, at, campaign="game"),
    ]
    days = {
        "a": (-10, -3, -3, 2, 5),  # one day, one, then two
        "b": (0, 8),  # the day of play, and one too late
        "c": (-14, 1, 7),
        "d": (-15, -1),
        "e": (-2, 1),
    }
    events = [
        {"user_id": name, "occurred_at": at + day * DAY, "event": "browse"}
        for name, each in days.items()
        for day in each
    ]
    events.append({"user_id": "a", "occurred_at": at + DAY, "event": "greet"})
    for one in events:
        one["occurred_at"] = pd.Timestamp(one["occurred_at"]).tz_convert("UTC")
    return {"users": users, "invites": rows, "events": events}


def measured(folder, given=None, *, lives=None, events=("browse",), **asked):
    found = invites_of(folder, given or tables(), **asked)
    return assists.measure(found, lives=lives or {"game": 3}, return_events=events)


def test_players_and_their_lives_are_counted_by_hand(tmp_path):
    found = measured(tmp_path)
    assert found.players[["sent", "helped", "friends"]].to_numpy().tolist() == [
        [1, 0, 0],
        [2, 2, 1],
        [3, 0, 0],
    ]
    row = assists.assists(found, level=LEVEL).play.iloc[0]
    assert row["used"] == pytest.approx(6 / 9)
    assert row["all_used"] == pytest.approx(1 / 3)
    assert row["helped"] == pytest.approx(2 / 3)
    assert row["friends"] == pytest.approx(1 / 3)
    assert row["one_more"] == pytest.approx(1 / 6)


def test_active_days_around_the_day_of_play_are_counted_by_hand(tmp_path):
    found = measured(tmp_path)
    weeks = ["before_2", "before_1", "after_1"]
    assert found.activity[weeks].to_numpy().tolist() == [[0, 0, 0], [1, 1, 2]]
    assert found.left_out == (1,)  # e, a member for six days
    # c: one day in the second week before, none, two; d: none, one, none.
    others = found.others.iloc[0]
    assert (others["n"], others["change"], others["change_squared"]) == (2, 2 - 1, 4 + 1)
    assert (others["earlier"], others["earlier_squared"]) == (-1 + 1, 2)


def of(activity=None, others=None, *, players=None, lives=3, immature=0):
    nothing = pd.DataFrame({"campaign": [], "n": [], "on": []})
    if players is None:
        sent = np.resize([1, 2, 3, 3], 120)
        players = pd.DataFrame({"campaign": 0, "tree": range(120), "branch": range(120)})
        players = players.assign(sent=sent, helped=sent // 2, friends=sent // 3)
    return assists.Measures(
        source="shop",
        as_of=dt.date(2026, 3, 31),
        min_users=30,
        games=("game",),
        lives=(lives,),
        play_days=14,
        players=players,
        immature=(immature,),
        activity=nothing if activity is None else activity,
        others=nothing if others is None else others,
        left_out=(0,),
        has_events=activity is not None,
    )


def worlds(rng, *, effect=0.0, earlier=0.0, players=200, members=3_000):
    """Members differ in how active they are, days differ, and players are the more active ones."""
    on = rng.integers(1, 4, players)
    habit = {True: rng.beta(2, 6, players), False: rng.beta(1, 6, members)}
    swing = 0.3 * rng.standard_normal((4, 3))
    rows = {"before_2": -earlier, "before_1": 0.0, "after_1": effect}
    activity = pd.DataFrame({"campaign": 0, "tree": range(players), "branch": range(players)})
    activity["on"] = on
    others = []
    for week, (name, more) in enumerate(rows.items()):
        level = 7 * habit[True] + swing[on, week] + more
        activity[name] = rng.binomial(7, np.clip(level / 7, 0, 1))
    for day in (1, 2, 3):
        weeks = [
            rng.binomial(7, np.clip((7 * habit[False] + swing[day, week]) / 7, 0, 1))
            for week in range(3)
        ]
        change, before = weeks[2] - weeks[1], weeks[1] - weeks[0]
        others.append((0, day, members, change.sum(), change @ change, before.sum(),
                       before @ before))  # fmt: skip
    names = ["campaign", "on", "n", "change", "change_squared", "earlier", "earlier_squared"]
    return activity, pd.DataFrame(others, columns=names)


@pytest.mark.parametrize(
    ("given", "verdict"),
    [
        ({"effect": 0.8}, "more"),
        ({"effect": -0.8}, "less"),
        ({}, "unclear"),
        ({"effect": 0.8, "earlier": 0.8}, "doubted"),
    ],
)
def test_playing_is_told_to_make_active_only_where_nothing_changed_before(given, verdict):
    activity, others = worlds(np.random.default_rng(1), **given)
    measures = of(activity, others)
    found = assists.assists(measures, level=LEVEL)
    row = found.activity.iloc[0]
    assert row["verdict"] == verdict
    assert row["change"] == pytest.approx(given.get("effect", 0.0), abs=0.3)
    for language in LANGUAGES:
        with speaking(language):
            assert assists.say_active(measures, found, level=LEVEL)
            to_json(assists.conclude(measures, found, level=LEVEL), **ABOUT)
    assert assists.draw_assists(measures, found, level=LEVEL).png


@pytest.mark.parametrize(
    ("sent", "verdict"), [((3, 3, 3, 1), "bind"), ((1, 1, 2, 3), "slack"), ((3, 1), "unclear")]
)
def test_lives_bind_where_clearly_more_than_half_use_all(sent, verdict):
    players = of().players.assign(sent=np.resize(sent, 120))
    measures = of(players=players, immature=40)
    found = assists.assists(measures, level=LEVEL)
    assert found.play.iloc[0]["verdict"] == verdict
    for language in LANGUAGES:
        with speaking(language):
            assert assists.say_play_headline(measures, found)
            assert "40" in assists.say_play(measures, found, level=LEVEL)
            to_json(assists.conclude(measures, found, level=LEVEL), **ABOUT)


def test_more_invitations_than_lives_are_told_and_use_no_more_than_all():
    measures = of(players=of().players.assign(sent=np.resize([5, 1], 120)))
    found = assists.assists(measures, level=LEVEL)
    row = found.play.iloc[0]
    assert (row["over"], row["used"]) == (60, pytest.approx((3 + 1) / 6))
    assert "60 players sent more" in assists.say_play(measures, found, level=LEVEL)


def test_few_players_and_those_not_followed_are_refused(tmp_path):
    few = of(players=of().players[:20])
    assert assists.assists(few, level=LEVEL).play.iloc[0]["refused"] == "few"
    late = replace(few, immature=(40,))
    found = assists.assists(late, level=LEVEL)
    assert found.play.iloc[0]["refused"] == "immature"
    assert found.activity.iloc[0]["refused"] == "events"
    told = assists.conclude(late, found, level=LEVEL)
    assert {one.status for one in told} == {"insufficient"}
    assert assists.say_play(late, found, level=LEVEL)
    assert assists.draw_assists(late, found, level=LEVEL).table.empty
    none = assists.measure(invites_of(tmp_path, tables()))
    found = assists.assists(none, level=LEVEL)
    assert found.refused == "none"
    assert [one.status for one in assists.conclude(none, found, level=LEVEL)] == ["insufficient"]


def test_players_on_days_on_which_nobody_else_was_there_are_not_compared():
    activity, others = worlds(np.random.default_rng(2))
    found = assists.assists(of(activity, others.assign(n=0)), level=LEVEL)
    assert found.activity.iloc[0]["refused"] == "alone"


def test_a_game_of_another_period_is_no_error_but_told(tmp_path):
    measures = measured(tmp_path, lives={"x": 3})
    found = assists.assists(measures, level=LEVEL)
    assert (measures.games, found.refused) == ((), "none")
    assert "No campaign of this period" in assists.say_play(measures, found, level=LEVEL)


@pytest.mark.parametrize(
    ("lives", "events", "told"),
    [({"game": 0}, (), "lives"), ({"game": 3}, ("brows",), "browse")],
)
def test_what_cannot_be_asked_is_an_error(tmp_path, lives, events, told):
    with pytest.raises(ReferralError, match=told):
        measured(tmp_path, lives=lives, events=events)


def test_invitations_after_the_days_of_play_do_not_count(tmp_path):
    given = tables()
    given["invites"].append(invite("a", None, OPENS + 40 * DAY, campaign="game"))
    assert measured(tmp_path, given).players["sent"].max() == 3


def test_the_sample_s_lives_are_those_that_were_planted():
    """Three lives; given one, the invitations are a negative binomial number cut at three."""
    found = find_invites(open_source(SAMPLE), Definition())
    measures = assists.measure(found, lives={GAME: 3}, return_events=EVENTS)
    row = assists.assists(measures, level=LEVEL**0.5).play.iloc[0]
    below = Referral().campaigns[GAME].weigh_invitations()
    some = 1 - below[0]
    assert row["all_used_lower"] <= (1 - below[2]) / some <= row["all_used_upper"]
    mean = (1 - below).sum() / some
    assert row["used_lower"] <= mean / 3 <= row["used_upper"]
    assert row["over"] == 0


def test_playing_changes_nothing_in_the_sample_and_nothing_is_told():
    found = find_invites(open_source(SAMPLE), Definition())
    measures = assists.measure(found, lives={GAME: 3}, return_events=EVENTS)
    row = assists.assists(measures, level=LEVEL).activity.iloc[0]
    assert row["verdict"] == "unclear"
    assert row["ci_lower"] < 0 < row["ci_upper"]
