"""What staff mean to do for each member, should the member still be there at the time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from siyu.data.contract import LURES
from siyu.data.world.draws import DAY, HOUR, NEVER, Bools, Floats, Ints, Stream
from siyu.data.world.frame import Frame
from siyu.data.world.people import STAFF, People

if TYPE_CHECKING:
    from siyu.data.world.staying import Staying

GREETING_TEST = "greet_1h"
FOLLOW_UPS: Mapping[str, int] = {"day_2": 2, "day_7": 7, "day_15": 15, "day_30": 30}
"""Days after the day of the addition on which staff follow up."""
_OPENS, _SHIFT = 9 * HOUR, 13 * HOUR
"""Staff recommend and follow up from 9:00 to 22:00; so do they greet when not at once."""
_LATER_HOURS, _LATER_SIGMA = 2.5, 1.1
"""Median and spread of the hours on shift until a later greeting."""
_RECOMMENDED_LATER = 0.3
"""Share recommended to later, among those not recommended to within 24 hours."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is meant to happen; element i of each array is person i."""

    added_at: Ints
    lure: Ints
    staff: Ints
    """Index into STAFF: who looks after the person at the addition."""
    slow: Bools
    """That staff is slow."""
    night: Bools
    """Added from 22:00 to 8:00."""
    booklet: Bools
    arm: Ints
    """0: to be greeted within one hour, 1: later; -1: not in the test."""
    greeted: Bools
    """Greeted within one hour."""
    greeted_at: Ints
    recommended: Bools
    """Recommended to within 24 hours."""
    recommended_at: Ints
    followed: Bools
    """People x 4: followed up on days 2, 7, 15 and 30."""
    followed_at: Ints

    def midnight(self, day: int) -> Ints:
        """Seconds from each addition to the beginning of the day `day` days after its own."""
        return day * DAY - self.added_at % DAY


def draw_plan(
    staying: Staying, frame: Frame, people: People, *, lure: Ints, added_at: Ints, stream: Stream
) -> Plan:
    """Draw what staff mean to do; arguments as of `draw_stay`."""
    staff = assign_staff(staying, frame, people.staff, added_at)
    slow = np.isin(staff, [STAFF.index(each) for each in staying.slow_staff])
    hour = added_at % DAY // HOUR
    night = (hour >= 22) | (hour < 8)
    effort = np.where(slow, staying.slow_effort, 1.0)
    arm, greeted = _draw_greeting(
        staying,
        frame,
        added_at,
        share=staying.greet_share * effort * np.where(night, staying.night_effort, 1.0),
        rng=stream("greeting"),
    )
    share = np.array([staying.recommend_share[each] for each in LURES])[lure] * effort
    recommended, recommended_at = _draw_recommendation(added_at, share, stream("recommendation"))
    followed, followed_at = _draw_follow_ups(staying, added_at, effort, stream("follow-ups"))
    return Plan(
        added_at=added_at,
        lure=lure,
        staff=staff,
        slow=slow,
        night=night,
        booklet=stream("booklet").random(len(people)) < staying.booklet_share,
        arm=arm,
        greeted=greeted,
        greeted_at=_time_greeting(staying, added_at, greeted, stream),
        recommended=recommended,
        recommended_at=recommended_at,
        followed=followed,
        followed_at=followed_at,
    )


def assign_staff(staying: Staying, frame: Frame, staff: Ints, at: Ints) -> Ints:
    """Give who looks after each person at a time: the colleagues of the one who has resigned.

    His members are handed out evenly, in the order of the people.
    """
    resigned = STAFF.index(staying.resigned)
    colleague = (resigned + 1 + np.arange(len(staff)) % (len(STAFF) - 1)) % len(STAFF)
    gone = (staff == resigned) & (at >= frame.second(staying.resigned_on))
    return np.where(gone, colleague, staff)


def _draw_greeting(
    staying: Staying, frame: Frame, added_at: Ints, *, share: Floats, rng: np.random.Generator
) -> tuple[Ints, Bools]:
    """Draw the arm of the test, and who is greeted within one hour."""
    uniform = rng.random((len(added_at), 3))
    first, last = staying.test_first_day, staying.test_last_day
    tested = (added_at >= frame.second(first)) & (added_at < frame.second(last) + DAY)
    arm = np.where(tested, (uniform[:, 0] >= 0.5).astype(np.int64), -1)
    drawn = tested & (uniform[:, 1] < staying.adherence)
    return arm, np.where(drawn, arm == 0, uniform[:, 2] < share)


def _time_greeting(staying: Staying, added_at: Ints, greeted: Bools, stream: Stream) -> Ints:
    uniform = stream("greeting times").random((len(added_at), 2))
    soon = np.ceil((1 - uniform[:, 0]) ** 2 * HOUR).astype(np.int64)
    spread = _LATER_SIGMA * stream("later greetings").standard_normal(len(added_at))
    later = _work(added_at + HOUR, np.ceil(_LATER_HOURS * HOUR * np.exp(spread)).astype(np.int64))
    later = np.where(uniform[:, 1] < staying.never_greeted, NEVER, later)
    return np.minimum(np.where(greeted, added_at + soon, later), NEVER)


def _draw_recommendation(
    added_at: Ints, share: Floats, rng: np.random.Generator
) -> tuple[Bools, Ints]:
    """Draw who is recommended to within 24 hours, and when anybody is: while staff are at work."""
    uniform = rng.random((len(share), 3))
    recommended = uniform[:, 0] < share
    room = _shifts(added_at + DAY) - _shifts(added_at + HOUR)
    soon = _work(added_at + HOUR, np.ceil(uniform[:, 1] ** 2 * (room - 1)).astype(np.int64))
    later = _work(added_at + DAY, np.ceil(uniform[:, 1] * 10 * _SHIFT).astype(np.int64) + 1)
    later = np.where(uniform[:, 2] < _RECOMMENDED_LATER, later, NEVER)
    return recommended, np.minimum(np.where(recommended, soon, later), NEVER)


def _draw_follow_ups(
    staying: Staying, added_at: Ints, effort: Floats, rng: np.random.Generator
) -> tuple[Bools, Ints]:
    uniform = rng.random((len(effort), len(FOLLOW_UPS), 2))
    share = np.array([staying.follow_up_share[each] for each in FOLLOW_UPS])
    followed = uniform[..., 0] < share * effort[:, None]
    midnight = (added_at // DAY * DAY)[:, None] + np.array([*FOLLOW_UPS.values()]) * DAY
    at = midnight + _OPENS + (uniform[..., 1] * _SHIFT).astype(np.int64)
    return followed, np.where(followed, np.minimum(at, NEVER), NEVER)


def _shifts(at: Ints) -> Ints:
    """Seconds that staff have been at work since the first midnight."""
    return at // DAY * _SHIFT + np.clip(at % DAY - _OPENS, 0, _SHIFT)


def _work(since: Ints, seconds: Ints) -> Ints:
    """Give the time when staff have been at work for so many seconds since a time."""
    days, rest = np.divmod(_shifts(since) + seconds, _SHIFT)
    return np.asarray(days * DAY + _OPENS + rest)
