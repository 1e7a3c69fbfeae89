"""The way to the first order goes at the rates and delays of the settings."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from functools import partial

import numpy as np
import pytest
from siyu.data.contract import CHANNELS, LURES
from siyu.data.world.draws import DAY, NEVER, Ints, open_stream
from siyu.data.world.frame import Frame
from siyu.data.world.funnel import (
    STEPS,
    Additions,
    Conversions,
    Funnel,
    draw_additions,
    draw_conversions,
    draw_exposures,
    locate_periods,
)
from siyu.data.world.lures import Lures, draw_offers
from siyu.data.world.people import PLACES, Arrivals, People, draw_people
from siyu.data.world.staying import Staying, draw_stay

USERS = 60_000
YEAR = Frame(first_day=date(2025, 4, 1), last_day=date(2026, 3, 31), change_day=date(2025, 10, 1))
STREAM = partial(open_stream, 1, 0)
FOREVER = Staying(leave_per_day=dict.fromkeys(LURES, 0.0), leave_at_once=dict.fromkeys(LURES, 0.0))
INDIFFERENT = Lures(
    adding=dict.fromkeys(LURES, 1.0), slowness=dict.fromkeys(LURES, 1.0), refused=1.0
)
ONCE = Funnel(faults={}, tie_share=0.0, repeat_starts=0.0)


@pytest.fixture(scope="module")
def people() -> People:
    return draw_people(Arrivals(), YEAR, users=USERS, stream=STREAM)


def walk(
    funnel: Funnel, people: People, staying: Staying = FOREVER, lures: Lures = INDIFFERENT
) -> tuple[Ints, Additions, Ints, Conversions]:
    """Exposures, additions, greetings and conversions."""
    exposed = draw_exposures(funnel, people, stream=STREAM)
    offers = draw_offers(lures, YEAR, people, exposed, STREAM)
    added = draw_additions(funnel, people, exposed, offers, stream=STREAM)
    stay = draw_stay(staying, YEAR, people, lure=added.lure, added_at=added.added_at, stream=STREAM)
    return exposed, added, stay.greeted_at, draw_conversions(funnel, people, stay, stream=STREAM)


def assert_share(count: float, n: float, expected: float, *, errors: float = 4.0) -> None:
    """A binomial share lies within so many standard errors of what is expected."""
    assert n > 20
    assert abs(count / n - expected) <= errors * math.sqrt(expected * (1 - expected) / n)


def chain(exposed: Ints, added: Additions, greeted: Ints, after: Conversions) -> Mapping[str, Ints]:
    """What each step follows, and the step."""
    return {
        "expose": exposed[:, 0],
        "scan": added.scanned_at[:, 0],
        "add": added.added_at,
        "greet": greeted,
        "reply": after.replied_at,
        "consult": after.consulted_at,
        "order": after.ordered_at,
    }


BEFORE = {"scan": "expose", "add": "scan", "reply": "greet", "consult": "reply", "order": "consult"}


def test_each_step_happens_at_its_rate_and_after_its_delay(people: People) -> None:
    at = chain(*walk(ONCE, people))
    for after, rates in ((False, ONCE.rates_before), (True, ONCE.rates_after)):
        for code, channel in enumerate(CHANNELS):
            here = (people.after == after) & (people.channel == code)
            for step in STEPS:
                asked = here & (at[BEFORE[step]] < NEVER)
                done = asked & (at[step] < NEVER)
                assert_share(done.sum(), asked.sum(), rates[channel][step])
                hours = (at[step] - at[BEFORE[step]])[done] / 3600
                # Delays are whole seconds, the shortest medians three minutes.
                below = (hours <= ONCE.delay_hours[channel][step]).sum()
                assert_share(below, done.sum(), 0.5, errors=4.5)


def test_a_lure_multiplies_the_chance_of_adding_and_slows_it(people: People) -> None:
    eager = replace(INDIFFERENT, adding=dict.fromkeys(LURES, 0.5), tests={})
    slow = replace(INDIFFERENT, slowness=dict.fromkeys(LURES, 3.0), tests={})
    plain = walk(ONCE, people)[1].added_at
    half, later = (walk(ONCE, people, lures=each)[1].added_at for each in (eager, slow))
    kept = half < NEVER
    np.testing.assert_array_equal(half[kept], plain[kept])
    assert_share(kept.sum(), (plain < NEVER).sum(), 0.5)
    assert ((later < NEVER) == (plain < NEVER)).all()
    assert (later >= plain).all()


def test_whoever_is_exposed_again_gets_a_fresh_chance_and_the_earliest_addition_counts(
    people: People,
) -> None:
    often = replace(ONCE, repeat_starts=0.4)
    exposed, added, *_ = walk(often, people)
    exposures = (exposed < NEVER).sum(axis=1)
    assert exposures.max() == 4
    poisson = np.exp(-0.4 * people.activity)
    assert_share((exposures == 1).sum(), USERS, poisson.mean())
    assert (np.diff(exposed, axis=1)[exposed[:, 1:] < NEVER] > 0).all()
    # Two chances instead of one, in one channel before the change.
    here = (exposures == 2) & (people.channel == 0) & ~people.after
    chance = ONCE.rates_before["social"]["scan"] * ONCE.rates_before["social"]["add"]
    assert_share((added.added_at[here] < NEVER).sum(), here.sum(), 1 - (1 - chance) ** 2)
    scanned = added.scanned_at.min(axis=1)
    assert (scanned <= added.added_at).all()


def test_some_additions_tie_with_their_scan(people: People) -> None:
    tied = replace(ONCE, tie_share=0.1)
    _, added, *_ = walk(tied, people)
    known = added.added_at < NEVER
    same = (added.added_at == added.scanned_at[:, 0])[known]
    assert_share(same.sum(), known.sum(), 0.1)


def test_a_fault_touches_only_its_own_touchpoint_and_the_steps_from_there_on(
    people: People,
) -> None:
    broken = replace(ONCE, faults={"store_poster": {"reply": 0.5}})
    one, other = chain(*walk(ONCE, people)), chain(*walk(broken, people))
    poster = people.place == PLACES.index(("offline", "store_poster"))
    for step in ("scan", "add", "greet"):
        np.testing.assert_array_equal(one[step], other[step])
    for step in ("reply", "consult", "order"):
        np.testing.assert_array_equal(one[step][~poster], other[step][~poster])
    replied = poster & (other["reply"] < NEVER)
    np.testing.assert_array_equal(one["reply"][replied], other["reply"][replied])
    assert_share(replied.sum(), (one["reply"][poster] < NEVER).sum(), 0.5)


def test_nothing_follows_after_leaving(people: People) -> None:
    hasty = Staying(leave_per_day=dict.fromkeys(LURES, 0.5))
    exposed = draw_exposures(ONCE, people, stream=STREAM)
    offers = draw_offers(INDIFFERENT, YEAR, people, exposed, STREAM)
    added = draw_additions(ONCE, people, exposed, offers, stream=STREAM)
    stay = draw_stay(hasty, YEAR, people, lure=added.lure, added_at=added.added_at, stream=STREAM)
    found = draw_conversions(ONCE, people, stay, stream=STREAM)
    for at in (found.replied_at, found.consulted_at, found.ordered_at):
        assert ((at <= stay.left_at) | (at == NEVER)).all()
    whole = walk(ONCE, people)[3].ordered_at
    assert (found.ordered_at < NEVER).sum() < 0.7 * (whole < NEVER).sum()


def test_the_periods_are_equally_long_and_end_where_windows_still_close() -> None:
    periods = locate_periods(Funnel(), YEAR)
    # Starts until the midnight that begins 2026-03-18 (day 351) are followed for 14 days.
    change = 183 * DAY
    assert periods == {"before": (15 * DAY, change - 1), "after": (change, 351 * DAY - 1)}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"repeat_starts": math.nan}, "funnel.repeat_starts = nan must be at least 0; give a pos"),
        ({"repeat_gap_days": 0.0}, "funnel.repeat_gap_days = 0.0 must be above 0; give a positi"),
        ({"tie_share": 2}, "funnel.tie_share = 2 must be at least 0 and at most 1; give a fract"),
        (
            {"faults": {"store_postr": {"reply": 0.5}}},
            "funnel.faults.store_postr names no touchpoint; use one of moments, referral,",
        ),
        (
            {"faults": {"kol": {"replies": 0.5}}},
            "funnel.faults.kol.replies names no step; use one of scan, add, reply, consult, order",
        ),
        (
            {"faults": {"kol": {"reply": 1.5}}},
            "funnel.faults.kol.reply = 1.5 must be at least 0 and at most 1; give a fraction",
        ),
        (
            {"rates_after": {**Funnel().rates_after, "social": dict.fromkeys(STEPS, 1.4)}},
            "funnel.rates_after.social.scan = 1.4 must be at least 0 and at most 1; give a frac",
        ),
        (
            {"delay_hours": {**Funnel().delay_hours, "online": dict.fromkeys(STEPS, 0)}},
            "funnel.delay_hours.online.scan = 0 must be above 0; give a positive number",
        ),
        ({"delay_sigma": {}}, "funnel.delay_sigma has nothing; give exactly scan, add, reply,"),
    ],
)
def test_a_setting_out_of_range_is_named_with_its_rule_and_remedy(
    wrong: dict[str, object], message: str
) -> None:
    assert next(iter(replace(Funnel(), **wrong).problems())).startswith(message)
