"""Members leave at the hazards of the settings, and nothing happens to them afterwards."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from datetime import date
from functools import partial

import numpy as np
import pytest
from scipy.stats import kstest
from siyu.data.contract import LURES, TABLES
from siyu.data.world.assignments import Assignments
from siyu.data.world.columns import Columns
from siyu.data.world.draws import DAY, HOUR, NEVER, Ints, open_stream
from siyu.data.world.frame import Frame
from siyu.data.world.people import STAFF, Arrivals, People, draw_people
from siyu.data.world.staying import Stay, Staying, draw_stay, plan_lives, tabulate_contacts
from siyu.data.world.welcome import FOLLOW_UPS, Plan, draw_plan

YEAR = Frame(first_day=date(2025, 4, 1), last_day=date(2026, 3, 31), change_day=date(2025, 10, 1))
STREAM = partial(open_stream, 1, 0)
STAYING = Staying()
LASTING = replace(STAYING, leave_at_once=dict.fromkeys(LURES, 0.0))


@pytest.fixture(scope="module")
def people() -> People:
    return draw_people(Arrivals(), YEAR, users=40_000, stream=STREAM)


@pytest.fixture(scope="module")
def added_at(people: People) -> Ints:
    rng = np.random.default_rng(2)
    at = people.arrived_at + rng.integers(1, DAY, len(people))
    return np.where(rng.random(len(people)) < 2 / 3, at, NEVER)


def draw(people: People, added_at: Ints, staying: Staying = STAYING) -> Stay:
    return draw_stay(staying, YEAR, people, lure=people.lure, added_at=added_at, stream=STREAM)


def plan_for(people: People, added_at: Ints, staying: Staying = STAYING) -> Plan:
    return draw_plan(staying, YEAR, people, lure=people.lure, added_at=added_at, stream=STREAM)


@pytest.fixture(scope="module")
def stay(people: People, added_at: Ints) -> Stay:
    return draw(people, added_at)


def live_by_hand(staying: Staying, people: People, plan: Plan, i: int, seconds: int) -> float:
    """Probability that person i is there after so many seconds: one piece of time after another."""
    lure = LURES[plan.lure[i]]
    spells = [
        (staying.settle_days * DAY, math.inf, staying.settled_factor),
        (0, math.inf, people.activity[i] ** -staying.activity_power),
    ]
    if STAFF[plan.staff[i]] in staying.slow_staff:
        spells.append((0, math.inf, staying.slow_factor))
    if not 8 <= plan.added_at[i] % DAY / HOUR < 22:
        spells.append((0, math.inf, staying.night_factor))
    if plan.booklet[i]:
        spells.append((0, 30 * DAY, staying.booklet_factor))
    if plan.greeted[i]:
        spells.append((HOUR, 30 * DAY + HOUR, staying.greeting_factor))
    if plan.recommended[i]:
        spells.append((DAY, 31 * DAY, staying.recommendation_factor))
    for number, day in enumerate((2, 7, 15, 30)):
        if plan.followed[i, number]:
            next_midnight = (plan.added_at[i] // DAY + day + 1) * DAY - plan.added_at[i]
            spells.append((next_midnight, next_midnight + 7 * DAY, staying.follow_up_factor))
    times = {0, seconds} | {t for spell in spells for t in spell[:2] if t < seconds}
    risk = 0.0
    for begins, ends in zip(sorted(times), sorted(times)[1:], strict=False):
        factors = [factor for first, last, factor in spells if first <= begins < last]
        risk += staying.leave_per_day[lure] * math.prod(factors) * (ends - begins) / DAY
    return math.exp(-risk)


@pytest.mark.parametrize("day", [0.5, 9, 30.5, 33, 45])
def test_survival_is_as_reckoned_by_hand_person_by_person(
    people: People, added_at: Ints, day: float
) -> None:
    plan = plan_for(people, added_at)
    stays = plan_lives(STAYING, people, plan).survive(int(day * DAY))
    for i in np.flatnonzero(added_at < NEVER)[:400]:
        assert stays[i] == pytest.approx(live_by_hand(STAYING, people, plan, i, int(day * DAY)))


def test_stays_end_as_often_as_the_hazards_say(people: People, added_at: Ints) -> None:
    stay, plan = draw(people, added_at, LASTING), plan_for(people, added_at)
    lasts = np.where(added_at < NEVER, stay.left_at - added_at, DAY)
    reached = plan_lives(LASTING, people, plan).survive(lasts)[added_at < NEVER]
    assert kstest(reached, "uniform").pvalue > 0.001


@pytest.mark.parametrize("lure", LURES)
def test_some_take_what_is_offered_and_leave_within_the_hour(
    people: People, added_at: Ints, stay: Stay, lure: str
) -> None:
    those = (added_at < NEVER) & (people.lure == LURES.index(lure))
    share = STAYING.leave_at_once[lure]
    more = draw(people, added_at, LASTING)
    at_once = stay.left_at[those] < more.left_at[those]
    assert ((stay.left_at - added_at)[those][at_once] <= HOUR).all()
    error = math.sqrt(share * (1 - share) / those.sum())
    assert abs(at_once.mean() - share) <= 4 * error


def test_nothing_happens_after_leaving_or_to_those_who_are_not_added(stay: Stay) -> None:
    member = stay.added_at < NEVER
    assert (stay.left_at[member] > stay.added_at[member]).all()
    for at in (stay.greeted_at, stay.recommended_at, *stay.followed_at.T):
        happens = at < NEVER
        assert not happens[~member].any()
        assert (at[happens] >= stay.added_at[happens]).all()
        assert (at[happens] <= stay.left_at[happens]).all()
        assert at.max() == NEVER
    assert (stay.left_at[~member] == NEVER).all()


def test_care_is_as_planned_while_the_member_is_there(
    people: People, added_at: Ints, stay: Stay
) -> None:
    plan = plan_for(people, added_at)
    there = plan.greeted_at <= stay.left_at
    assert (stay.greeted_at[there] == plan.greeted_at[there]).all()
    np.testing.assert_array_equal(stay.staff, plan.staff)
    np.testing.assert_array_equal(stay.booklet, plan.booklet)


def test_whoever_is_added_in_the_test_is_assigned_at_the_addition(stay: Stay) -> None:
    test = stay.assignments
    month = (stay.added_at >= YEAR.second(date(2025, 11, 1))) & (
        stay.added_at < YEAR.second(date(2025, 12, 1))
    )
    assert test.experiment == "greet_1h"
    assert test.arms == ("within_1h", "later")
    np.testing.assert_array_equal(test.person, np.flatnonzero(month))
    np.testing.assert_array_equal(test.at, stay.added_at[month])
    assert set(test.arm) == {0, 1}


@pytest.mark.parametrize(
    ("effect", "field"),
    [
        ("greeting_factor", "greeted"),
        ("recommendation_factor", "recommended"),
        ("booklet_factor", "booklet"),
        ("slow_factor", "slow"),
        ("night_factor", "night"),
    ],
)
def test_an_effect_prolongs_or_shortens_only_the_stays_it_concerns(
    people: People, added_at: Ints, stay: Stay, effect: str, field: str
) -> None:
    weaker = replace(STAYING, **{effect: getattr(STAYING, effect) / 2})
    concerned = getattr(plan_for(people, added_at), field)
    longer = draw(people, added_at, weaker).left_at - stay.left_at
    assert (longer >= 0).all()
    assert (longer[concerned] > 0).mean() > 0.1
    assert (longer[~concerned] == 0).all()


def test_settling_touches_only_stays_beyond_its_day(
    people: People, added_at: Ints, stay: Stay
) -> None:
    never_settled = draw(people, added_at, replace(STAYING, settled_factor=1.0))
    changed = never_settled.left_at != stay.left_at
    assert changed.any()
    assert ((stay.left_at - added_at)[changed] > 30 * DAY).all()


def test_people_behind_leave_the_stays_of_the_others_alone(
    people: People, added_at: Ints, stay: Stay
) -> None:
    first = People(**{each.name: getattr(people, each.name)[:1000] for each in fields(people)})
    alone = draw(first, added_at[:1000])
    for each in fields(stay):
        if each.name != "assignments":
            np.testing.assert_array_equal(
                getattr(alone, each.name), getattr(stay, each.name)[:1000], err_msg=each.name
            )


def test_stays_join_and_the_persons_of_the_test_are_counted_on(stay: Stay) -> None:
    both = stay.join(stay)
    people, tested = len(stay.added_at), len(stay.assignments.person)
    for each in fields(stay):
        if each.name != "assignments":
            twice = getattr(both, each.name)
            np.testing.assert_array_equal(twice[:people], getattr(stay, each.name))
            np.testing.assert_array_equal(twice[people:], getattr(stay, each.name))
    np.testing.assert_array_equal(
        both.assignments.person[tested:], stay.assignments.person + people
    )
    np.testing.assert_array_equal(both.added_at[both.assignments.person], both.assignments.at)
    np.testing.assert_array_equal(both.assignments.arm[tested:], stay.assignments.arm)


def test_contacts_by_hand() -> None:
    """Staff 005 resigns at midnight of 2025-12-15: whoever is there then goes to a colleague."""
    five, two = STAFF.index("005"), STAFF.index("002")
    handed_over = YEAR.second(date(2025, 12, 15))
    added = [DAY, DAY, DAY, handed_over + HOUR, NEVER, DAY, YEAR.end]
    left = [NEVER, 2 * DAY, handed_over + DAY, NEVER, NEVER, NEVER, NEVER]
    staff = [five, five, five, two, five, two, two]
    n = len(added)
    never = np.full(n, NEVER)
    stay = Stay(
        added_at=np.array(added),
        left_at=never,
        greeted_at=never,
        recommended_at=never,
        followed_at=np.full((n, 4), NEVER),
        booklet=np.zeros(n, dtype=bool),
        lure=np.zeros(n, dtype=np.int64),
        staff=np.array(staff),
        assignments=Assignments(
            experiment="greet_1h",
            arms=("within_1h", "later"),
            person=np.array([], dtype=np.int64),
            arm=np.array([], dtype=np.int64),
            at=np.array([], dtype=np.int64),
        ),
    )
    table = tabulate_contacts(Columns(frame=YEAR), STAYING, stay, np.array(left))
    assert table.column_names == list(TABLES["contacts"].columns)
    rows = table.to_pylist()
    shown = [
        (row["user_id"], row["staff_id"], row["left_by"], row["left_at"] is None) for row in rows
    ]
    assert shown == [
        ("000001", "005", "staff", False),
        ("000001", "006", None, True),
        ("000002", "005", "user", False),
        ("000003", "005", "staff", False),
        ("000003", "008", "user", False),
        ("000004", "002", None, True),
        ("000006", "002", None, True),
    ]
    midnight = "2025-12-14T16:00:00+00:00"
    assert rows[0]["left_at"].isoformat() == rows[1]["added_at"].isoformat() == midnight
    assert rows[4]["left_at"].isoformat() == "2025-12-15T16:00:00+00:00"
    assert rows[5]["added_at"].isoformat() == "2025-12-14T17:00:00+00:00"


@pytest.mark.parametrize("day", [date(2025, 3, 1), date(2026, 4, 1)])
def test_who_resigns_outside_the_observation_hands_nobody_over(stay: Stay, day: date) -> None:
    resigned = replace(STAYING, resigned_on=day)
    table = tabulate_contacts(Columns(frame=YEAR), resigned, stay, stay.left_at)
    assert table.num_rows == (stay.added_at < YEAR.end).sum()
    assert set(table["left_by"].to_pylist()) == {"user", None}


def test_the_settings_as_they_are_keep_all_rules() -> None:
    assert list(STAYING.problems()) == []


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        (
            {"booklet_factor": -1.0},
            "staying.booklet_factor = -1.0 must be at least 0; give a positive number",
        ),
        (
            {"adherence": 1.2},
            "staying.adherence = 1.2 must be at least 0 and at most 1; give a fraction, 0.3 for "
            "30%",
        ),
        (
            {"leave_per_day": {"coupon": 0.1}},
            "staying.leave_per_day has coupon; give exactly physical, virtual, coupon, service",
        ),
        (
            {"leave_at_once": dict.fromkeys(LURES, 2.0) | {"virtual": 0.0}},
            "staying.leave_at_once.physical = 2.0 must be at least 0 and at most 1; give a "
            "fraction, 0.3 for 30%",
        ),
        (
            {"follow_up_share": dict.fromkeys(FOLLOW_UPS, 0.5) | {"day_7": 7.0}},
            "staying.follow_up_share.day_7 = 7.0 must be at least 0 and at most 1; give a "
            "fraction, 0.3 for 30%",
        ),
        (
            {"slow_staff": ("001", "13")},
            f"staying.slow_staff = 13 is nobody; use one of {', '.join(STAFF)}",
        ),
        (
            {"resigned": "5"},
            f"staying.resigned = 5 is nobody; use one of {', '.join(STAFF)}",
        ),
        (
            {"test_last_day": date(2025, 10, 1)},
            "staying.test_last_day = 2025-10-01 must not be before test_first_day = 2025-11-01; "
            "use the same day for a test of one day",
        ),
    ],
)
def test_a_broken_rule_is_told_with_its_remedy(changed: dict[str, object], problem: str) -> None:
    assert next(iter(replace(STAYING, **changed).problems())) == problem
