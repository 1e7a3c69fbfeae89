"""Staff greet, recommend and follow up as often, and as late, as the settings say."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from datetime import date
from functools import partial

import numpy as np
import pytest
from siyu.data.contract import LURES
from siyu.data.world.draws import DAY, HOUR, NEVER, Bools, Ints, open_stream
from siyu.data.world.frame import Frame
from siyu.data.world.people import STAFF, Arrivals, People, draw_people
from siyu.data.world.staying import Staying
from siyu.data.world.welcome import FOLLOW_UPS, Plan, assign_staff, draw_plan

YEAR = Frame(first_day=date(2025, 4, 1), last_day=date(2026, 3, 31), change_day=date(2025, 10, 1))
STREAM = partial(open_stream, 1, 0)
STAYING = Staying()


@pytest.fixture(scope="module")
def people() -> People:
    return draw_people(Arrivals(), YEAR, users=60_000, stream=STREAM)


@pytest.fixture(scope="module")
def added_at(people: People) -> Ints:
    """Two in three are added, after up to a day."""
    rng = np.random.default_rng(2)
    at = people.arrived_at + rng.integers(1, DAY, len(people))
    return np.where(rng.random(len(people)) < 2 / 3, at, NEVER)


def draw(people: People, added_at: Ints, staying: Staying = STAYING) -> Plan:
    return draw_plan(staying, YEAR, people, lure=people.lure, added_at=added_at, stream=STREAM)


@pytest.fixture(scope="module")
def plan(people: People, added_at: Ints) -> Plan:
    return draw(people, added_at)


def assert_share(happens: Bools, expected: float) -> None:
    """A binomial share lies within four standard errors of what is expected."""
    assert len(happens) > 100
    error = math.sqrt(expected * (1 - expected) / len(happens))
    assert abs(happens.mean() - expected) <= 4 * error


def is_on_shift(at: Ints) -> Bools:
    return (at % DAY >= 9 * HOUR) & (at % DAY < 22 * HOUR)


@pytest.mark.parametrize(
    ("slow", "night", "share"),
    [(False, False, 0.8), (True, False, 0.48), (False, True, 0.24), (True, True, 0.144)],
)
def test_who_is_greeted_within_an_hour_depends_on_staff_and_hour(
    plan: Plan, slow: bool, night: bool, share: float
) -> None:
    usual = (plan.added_at < NEVER) & (plan.arm < 0)
    assert_share(plan.greeted[usual & (plan.slow == slow) & (plan.night == night)], share)


def test_night_is_from_ten_to_eight(people: People) -> None:
    hours = np.arange(len(people)) % 24
    night = draw(people, hours * HOUR).night
    assert sorted(set(hours[night])) == [0, 1, 2, 3, 4, 5, 6, 7, 22, 23]


def test_in_the_days_of_the_test_a_coin_decides_and_most_adhere(plan: Plan) -> None:
    opens, closes = YEAR.second(date(2025, 11, 1)), YEAR.second(date(2025, 12, 1))
    within = (plan.added_at >= opens) & (plan.added_at < closes)
    assert ((plan.arm >= 0) == within).all()
    assert_share(plan.arm[within] == 0, 0.5)
    quick_by_day = within & ~plan.slow & ~plan.night
    assert_share(plan.greeted[quick_by_day & (plan.arm == 0)], 0.92 + 0.08 * 0.8)
    assert_share(plan.greeted[quick_by_day & (plan.arm == 1)], 0.08 * 0.8)


def test_a_greeting_in_time_comes_within_the_hour_and_a_later_one_on_shift(plan: Plan) -> None:
    member = plan.added_at < NEVER
    delay = plan.greeted_at - plan.added_at
    soon, later = member & plan.greeted, member & ~plan.greeted
    assert delay[soon].min() >= 1
    assert delay[soon].max() <= HOUR
    assert_share(plan.greeted_at[later] == NEVER, STAYING.never_greeted)
    later &= plan.greeted_at < NEVER
    assert delay[later].min() > HOUR
    assert is_on_shift(plan.greeted_at[later]).all()
    assert 2 < np.median(delay[later]) / HOUR < 14


def test_a_later_greeting_by_day_takes_a_median_of_two_and_a_half_hours_of_work(
    plan: Plan,
) -> None:
    at = plan.added_at % DAY
    early = (at >= 9 * HOUR) & (at < 12 * HOUR) & ~plan.greeted & (plan.greeted_at < NEVER)
    # From noon at the latest there are ten hours on shift: the median never meets the night.
    median = np.median((plan.greeted_at - plan.added_at)[early]) / HOUR
    assert median == pytest.approx(1 + 2.5, rel=0.1)


@pytest.mark.parametrize("lure", LURES)
def test_who_is_recommended_to_within_a_day_depends_on_lure_and_staff(
    plan: Plan, lure: str
) -> None:
    those = (plan.added_at < NEVER) & (plan.lure == LURES.index(lure))
    share = STAYING.recommend_share[lure]
    assert_share(plan.recommended[those & ~plan.slow], share)
    assert_share(plan.recommended[those & plan.slow], share * 0.6)


def test_recommendations_come_on_shift_within_the_day_or_clearly_after(plan: Plan) -> None:
    member = plan.added_at < NEVER
    delay = plan.recommended_at - plan.added_at
    soon = member & plan.recommended
    assert delay[soon].min() >= HOUR
    assert delay[soon].max() <= DAY
    later = member & ~plan.recommended & (plan.recommended_at < NEVER)
    assert delay[later].min() > DAY
    assert is_on_shift(plan.recommended_at[soon | later]).all()
    assert_share(later[member & ~plan.recommended], 0.3)


@pytest.mark.parametrize("number", range(4))
def test_follow_ups_come_on_their_calendar_day_on_shift(plan: Plan, number: int) -> None:
    name, day = list(FOLLOW_UPS.items())[number]
    member = plan.added_at < NEVER
    followed, at = plan.followed[:, number], plan.followed_at[:, number]
    assert_share(followed[member & ~plan.slow], STAYING.follow_up_share[name])
    assert_share(followed[member & plan.slow], STAYING.follow_up_share[name] * 0.6)
    shown = member & followed
    assert (at[shown] // DAY - plan.added_at[shown] // DAY == day).all()
    assert is_on_shift(at[shown]).all()
    assert (at[~shown] == NEVER).all()


def test_the_booklet_goes_by_lot(plan: Plan) -> None:
    assert_share(plan.booklet, 0.5)
    assert_share(plan.booklet[plan.slow], 0.5)


def test_midnights_count_from_the_addition(people: People) -> None:
    plan = draw(people, np.full(len(people), 5 * DAY + 22 * HOUR))
    assert set(plan.midnight(1)) == {2 * HOUR}
    assert set(plan.midnight(3)) == {2 * DAY + 2 * HOUR}


def test_colleagues_share_out_whom_the_one_who_resigned_would_look_after() -> None:
    five = STAFF.index("005")
    leaves = YEAR.second(date(2025, 12, 15))
    staff = np.array([five] * 22 + [0, 11])
    assert (assign_staff(STAYING, YEAR, staff, np.full(24, leaves - 1)) == staff).all()
    after = assign_staff(STAYING, YEAR, staff, np.full(24, leaves))
    assert np.bincount(after[:22], minlength=12).tolist() == [2] * five + [0] + [2] * (11 - five)
    assert after[22:].tolist() == [0, 11]


def test_people_behind_leave_the_plans_of_the_others_alone(
    people: People, added_at: Ints, plan: Plan
) -> None:
    first = People(**{each.name: getattr(people, each.name)[:1000] for each in fields(people)})
    alone = draw(first, added_at[:1000])
    for each in fields(plan):
        np.testing.assert_array_equal(
            getattr(alone, each.name), getattr(plan, each.name)[:1000], err_msg=each.name
        )


@pytest.mark.parametrize(
    ("changed", "touched"),
    [
        ({"greet_share": 0.2}, {"greeted", "greeted_at"}),
        ({"never_greeted": 0.5}, {"greeted_at"}),
        (
            {"recommend_share": dict.fromkeys(LURES, 0.2)},
            {"recommended", "recommended_at"},
        ),
        ({"follow_up_share": dict.fromkeys(FOLLOW_UPS, 0.1)}, {"followed", "followed_at"}),
        ({"booklet_share": 0.1}, {"booklet"}),
        ({"adherence": 0.0}, {"greeted", "greeted_at"}),
        ({"leave_per_day": dict.fromkeys(LURES, 1.0)}, set()),
    ],
)
def test_a_setting_changes_only_what_it_is_about(
    people: People, added_at: Ints, plan: Plan, changed: dict[str, object], touched: set[str]
) -> None:
    other = draw(people, added_at, replace(STAYING, **changed))
    differs = {
        each.name
        for each in fields(plan)
        if not np.array_equal(getattr(plan, each.name), getattr(other, each.name))
    }
    assert differs == touched
