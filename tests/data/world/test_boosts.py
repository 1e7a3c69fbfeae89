"""Boosts bring people once they begin, fade as the settings say, and leave the rest alone."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date
from functools import partial

import numpy as np
import pytest
from siyu.data.world.boosts import Boosts, bring_by_boosts, list_boosts
from siyu.data.world.draws import DAY, HOUR, Bools, Floats, Ints, open_stream
from siyu.data.world.frame import Frame
from siyu.data.world.people import SHORT_VIDEO, Arrivals, People, draw_people

USERS = 200_000
YEAR = Frame(first_day=date(2025, 4, 1), last_day=date(2026, 3, 31), change_day=date(2025, 10, 1))
STREAM = partial(open_stream, 1, 0)
CALENDAR = list_boosts(Boosts(), YEAR)


@pytest.fixture(scope="module")
def people() -> People:
    return draw_people(Arrivals(), YEAR, users=USERS, stream=STREAM)


@pytest.fixture(scope="module")
def unboosted() -> People:
    return draw_people(Arrivals(boosts=Boosts(share=0.0)), YEAR, users=USERS, stream=STREAM)


def published(people: People) -> tuple[Ints, Floats]:
    """Of each person whom a boost brought: number of the boost, and hours since publishing."""
    since = people.arrived_at[people.boosted][:, None] - (CALENDAR.day * DAY + 18 * HOUR + 1800)
    number = np.where(since >= 0, since, 10**9).argmin(axis=1)
    return number, since[np.arange(len(since)), number] / HOUR


def assert_share(here: Bools, expected: float) -> None:
    assert len(here) > 1000
    assert abs(here.mean() - expected) < 4 * math.sqrt(expected * (1 - expected) / len(here))


def test_every_second_friday_has_a_boost_but_for_the_week_of_the_change_and_the_last() -> None:
    days = [YEAR.dates[day] for day in CALENDAR.day]
    assert days[:2] == [date(2025, 4, 4), date(2025, 4, 18)]
    assert date(2025, 9, 19) in days
    assert date(2025, 10, 3) not in days  # the week from Tuesday 2025-09-30
    assert date(2025, 10, 17) in days
    assert days[-1] == date(2026, 3, 20)
    assert list(CALENDAR.late[:6]) == [False, False, True, False, False, True]
    np.testing.assert_array_equal(CALENDAR.factor, np.where(CALENDAR.late, 0.4, 1.0))
    # From Tuesday 2026-03-31 on Friday is in a week that is not observed to its end.
    weekly = list_boosts(Boosts(every_weeks=1), YEAR)
    assert [YEAR.dates[day] for day in weekly.day][-1] == date(2026, 3, 27)
    short = replace(YEAR, last_day=date(2025, 4, 10), change_day=date(2025, 4, 8))
    assert list(list_boosts(Boosts(every_weeks=1), short).day) == [3]


def test_a_boost_brings_its_share_of_the_people_by_short_video_of_its_week(people: People) -> None:
    by_video = people.arrived_at[people.place == SHORT_VIDEO]
    boosted = people.boosted[people.place == SHORT_VIDEO]
    assert boosted.sum() == people.boosted.sum()
    week = np.isin(by_video // DAY // 7, CALENDAR.day // 7)
    late = np.isin(by_video // DAY // 7, CALENDAR.day[CALENDAR.late] // 7)
    assert not boosted[~week].any()
    assert_share(boosted[week & ~late], 0.5)
    assert_share(boosted[late], 0.5 * 0.4)


def test_people_come_from_the_start_on_and_halve_every_two_hours(people: People) -> None:
    number, hours = published(people)
    for late, start in ((False, 0.0), (True, 4.0)):
        since = hours[CALENDAR.late[number] == late] - start
        assert since.min() >= 0
        assert hours.max() < 24
        for half_lives in (0.5, 1, 2, 3):
            # None comes later than a day after publishing: 12 half-lives, or 10.
            gone = (1 - 0.5**half_lives) / (1 - 0.5 ** ((24 - start) / 2))
            assert_share(since < 2 * half_lives, gone)


def test_arrivals_by_short_video_rise_at_once_when_a_boost_begins(people: People) -> None:
    by_video = people.arrived_at[people.place == SHORT_VIDEO]
    opens = CALENDAR.day[~CALENDAR.late] * DAY + 18 * HOUR + 1800
    before, after = (
        sum(((by_video >= first) & (by_video < first + HOUR)).sum() for first in at)
        for at in (opens - HOUR, opens)
    )
    # An hour brings about 6% of a day, a day 1/7 of half the week; the boost brings 29% of the
    # other half in its first hour.
    assert after > 20 * before > 0


def test_a_half_life_and_a_factor_of_ones_own_are_kept() -> None:
    boosts = Boosts(half_life_hours=5.0, late_every=1, late_hours=2.0, late_factor=0.25, share=0.8)
    at = np.full(40_000, 3 * DAY)
    arrived_at, boosted = bring_by_boosts(
        boosts, YEAR, at, np.ones(len(at), dtype=bool), STREAM("boosts")
    )
    assert_share(boosted, 0.2)
    np.testing.assert_array_equal(arrived_at[~boosted], 3 * DAY)
    since = arrived_at[boosted] - (3 * DAY + 20 * HOUR + 1800)
    assert since.min() >= 0
    assert_share(since < 5 * HOUR, 0.5 / (1 - 0.5 ** (22 / 5)))


def test_whoever_does_not_come_by_short_video_comes_when_they_would(
    people: People, unboosted: People
) -> None:
    assert not unboosted.boosted.any()
    times = [each.arrived_at[each.place != SHORT_VIDEO] for each in (people, unboosted)]
    np.testing.assert_array_equal(*times)
    moved = np.setdiff1d(people.arrived_at[~people.boosted], unboosted.arrived_at)
    assert len(moved) == 0
    np.testing.assert_array_equal(people.after, unboosted.after)
    for name in ("activity", "staff", "gender", "age", "occupation", "city", "tag"):
        np.testing.assert_array_equal(getattr(people, name), getattr(unboosted, name))


def test_a_boost_takes_nobody_out_of_the_weeks_in_which_boosts_reach(
    people: People, unboosted: People
) -> None:
    weeks = [np.bincount(each.arrived_at // DAY // 7) for each in (people, unboosted)]
    np.testing.assert_array_equal(*weeks)


def test_later_boosts_leave_whom_earlier_ones_bring(people: People) -> None:
    even = Arrivals(boosts=Boosts(late_factor=1.0))
    changed = draw_people(even, YEAR, users=USERS, stream=STREAM)
    early = people.boosted & (people.arrived_at < (CALENDAR.day[2] - 3) * DAY)
    assert early.sum() > 50
    assert changed.boosted.sum() > people.boosted.sum()
    np.testing.assert_array_equal(
        changed.arrived_at[changed.boosted][: early.sum()], people.arrived_at[early]
    )


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"share": 1.5}, "arrivals.boosts.share = 1.5 must be at least 0 and at most 1"),
        ({"half_life_hours": 0.0}, "arrivals.boosts.half_life_hours = 0.0 must be above 0"),
        ({"late_factor": 0.0}, "arrivals.boosts.late_factor = 0.0 must be above 0 and at most 1"),
        ({"weekday": 7}, "arrivals.boosts.weekday = 7 must lie in [0, 6]; give 4 for Friday"),
        (
            {"every_weeks": 0},
            "arrivals.boosts.every_weeks = 0 must be at least 1; give a whole number",
        ),
        ({"late_every": 0}, "arrivals.boosts.late_every = 0 must be at least 1"),
        (
            {"published_hour": 24.0},
            "arrivals.boosts.published_hour = 24 must lie in [0, 24); give hours, 18.5 for 18:30",
        ),
        ({"late_hours": -1.0}, "arrivals.boosts.late_hours = -1 must lie in [0, 24)"),
    ],
)
def test_a_setting_out_of_range_is_named_with_its_rule_and_remedy(
    wrong: dict[str, float], message: str
) -> None:
    arrivals = Arrivals(boosts=replace(Boosts(), **wrong))
    (problem,) = arrivals.problems()
    assert problem.startswith(message)
