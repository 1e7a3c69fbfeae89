"""Who arrives is as the settings say, and traits go together as stated."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date
from functools import partial

import numpy as np
import pytest
from siyu.data.contract import CHANNELS, LURES
from siyu.data.world.boosts import Boosts
from siyu.data.world.draws import DAY, open_stream
from siyu.data.world.frame import Frame
from siyu.data.world.people import (
    AGE_BANDS,
    GENDERS,
    OCCUPATIONS,
    PLACES,
    TOUCHPOINTS,
    Arrivals,
    People,
    draw_people,
)

USERS = 80_000
YEAR = Frame(first_day=date(2025, 4, 1), last_day=date(2026, 3, 31), change_day=date(2025, 10, 1))


WITHOUT_BOOSTS = Arrivals(boosts=Boosts(share=0.0))


@pytest.fixture(scope="module")
def people() -> People:
    return draw_people(Arrivals(), YEAR, users=USERS, stream=partial(open_stream, 1, 0))


@pytest.fixture(scope="module")
def unboosted() -> People:
    return draw_people(WITHOUT_BOOSTS, YEAR, users=USERS, stream=partial(open_stream, 1, 0))


def assert_share(count: float, n: float, expected: float) -> None:
    """A binomial share lies within four standard errors of what is expected."""
    assert n > 100
    assert abs(count / n - expected) <= 4 * math.sqrt(expected * (1 - expected) / n)


def test_people_stand_in_the_order_of_arrival_within_the_observation(people: People) -> None:
    assert (np.diff(people.arrived_at) >= 0).all()
    assert people.arrived_at[0] >= 0
    assert people.arrived_at[-1] < YEAR.end
    change = YEAR.second(YEAR.change_day)
    np.testing.assert_array_equal(people.after, people.arrived_at >= change)


def test_the_mix_of_channels_touchpoints_and_lures_is_that_of_the_settings(people: People) -> None:
    arrivals = Arrivals()
    for after, shares in ((False, arrivals.shares_before), (True, arrivals.shares_after)):
        here = people.after == after
        for index, (channel, touchpoint) in enumerate(PLACES):
            expected = shares[channel] * TOUCHPOINTS[channel][touchpoint]
            assert_share((people.place[here] == index).sum(), here.sum(), expected)
    for code, channel in enumerate(CHANNELS):
        here = people.channel == code
        for index, lure in enumerate(LURES):
            expected = arrivals.lure_shares[channel][lure]
            assert_share((people.lure[here] == index).sum(), here.sum(), expected)


def test_fewer_arrive_at_the_festival_and_more_at_weekends_and_after_the_change(
    unboosted: People,
) -> None:
    days = np.bincount(unboosted.arrived_at // DAY, minlength=365)

    def compare(one: date, other: date, ratio: float) -> None:
        first, second = days[YEAR.number(one)], days[YEAR.number(other)]
        assert_share(first, first + second, ratio / (1 + ratio))

    # Wednesday 2026-02-25 against Wednesday 2026-02-18, in the festival: a holiday at half.
    compare(date(2026, 2, 18), date(2026, 2, 25), 0.5 * 1.3 / 0.9)
    compare(date(2025, 12, 13), date(2025, 12, 16), 1.3 / 0.9)  # Saturday, Tuesday
    compare(date(2025, 10, 14), date(2025, 9, 23), 1.3)  # Tuesdays after and before the change
    compare(date(2025, 11, 11), date(2025, 11, 18), math.sqrt(3.2))  # 双11


def test_occupation_goes_with_age_activity_with_occupation_and_gender_with_nothing(
    people: People,
) -> None:
    young, old = people.age == AGE_BANDS.index("18-24"), people.age == AGE_BANDS.index("45+")
    student = people.occupation == OCCUPATIONS.index("student")
    assert_share(student[young].sum(), young.sum(), 0.62)
    assert student[old].sum() == 0
    home = people.occupation == OCCUPATIONS.index("homemaker")
    office = people.occupation == OCCUPATIONS.index("office")
    assert people.activity[home].mean() > 1.25 * people.activity[office].mean()
    female = people.gender == GENDERS.index("female")
    assert_share(female.sum(), USERS, 0.72)
    for code in range(len(CHANNELS)):
        assert_share(
            (female & (people.channel == code)).sum(), (people.channel == code).sum(), 0.72
        )


def test_activity_is_heavy_tailed_with_its_sigma(people: People) -> None:
    office = people.activity[people.occupation == OCCUPATIONS.index("office")]
    assert abs(np.log(office).std() - 1) < 0.02
    top = np.sort(people.activity)[-USERS // 10 :]
    assert top.sum() > 0.35 * people.activity.sum()


def test_changing_the_mix_leaves_times_and_traits_alone(unboosted: People) -> None:
    even = dict.fromkeys(CHANNELS, 0.25)
    changed = draw_people(
        replace(WITHOUT_BOOSTS, shares_before=even, shares_after=even),
        YEAR,
        users=USERS,
        stream=partial(open_stream, 1, 0),
    )
    for name in ("arrived_at", "after", "activity", "staff", "gender", "age", "occupation"):
        np.testing.assert_array_equal(getattr(changed, name), getattr(unboosted, name))
    assert (changed.place != unboosted.place).mean() > 0.2


def test_changing_the_lures_or_activity_leaves_boosts_alone(people: People) -> None:
    coupon = {"physical": 0.0, "virtual": 0.0, "coupon": 1.0, "service": 0.0}
    changed = draw_people(
        Arrivals(activity_sigma=0.0, lure_shares=dict.fromkeys(CHANNELS, coupon)),
        YEAR,
        users=USERS,
        stream=partial(open_stream, 1, 0),
    )
    for name in ("arrived_at", "place", "boosted", "staff", "tag"):
        np.testing.assert_array_equal(getattr(changed, name), getattr(people, name))
    assert (changed.lure == LURES.index("coupon")).all()


def test_others_are_put_behind(people: People) -> None:
    both = people.join(people)
    assert len(both) == 2 * USERS
    np.testing.assert_array_equal(both.tag[USERS:], people.tag)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"growth": 0.0}, "arrivals.growth = 0.0 must be above 0; give a positive number"),
        (
            {"shares_after": dict.fromkeys(CHANNELS, 0.5)},
            "arrivals.shares_after sums to 2 and must sum to 1; divide each share by 2",
        ),
        (
            {"shares_before": {"social": 1.0}},
            "arrivals.shares_before has social; give exactly social, online, offline, commercial",
        ),
        ({"lure_shares": {}}, "arrivals.lure_shares has nothing; give exactly social, online,"),
        ({"unknown": {"gender": 30}}, "arrivals.unknown.gender = 30 must be at least 0 and at "),
    ],
)
def test_a_setting_out_of_range_is_named_with_its_rule_and_remedy(
    wrong: dict[str, object], message: str
) -> None:
    assert next(iter(replace(Arrivals(), **wrong).problems())).startswith(message)
