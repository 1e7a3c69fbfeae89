"""Who is pushed when: the experiments, the plan of each day, and what becomes of it on the way."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from siyu.data.world.draws import DAY, HOUR, NEVER, Bools, Floats, Ints, pick, pick_each
from siyu.data.world.frame import Frame
from siyu.data.world.people import People
from siyu.data.world.personal import Personal, stretch
from siyu.data.world.push_response import (
    MOST_DELAY,
    SLOTS,
    STAFFED,
    is_active,
    median_delay,
    rate_block,
)
from siyu.data.world.push_settings import MEDIA, PUSH_HOURS, Pushing
from siyu.data.world.staying import Stay

BEGINS = 33
"""Days from the addition to the first day with pushes: the welcome has ended by then."""
STATUSES = ("sent", "not_friend", "capped", "unsent")
SENT, NOT_FRIEND, CAPPED, UNSENT = range(4)
POLICY_EVENING, POLICY_MORNING = (19, 20, 21), (10, 11, 12)
# fmt: off
# What a person's draws of one day are for; none may be used twice.
(
    PLAN, AT_HOUR, AT_SLOT, DELAY, CAP, FORGET, KIND, COPY, MEDIUM, OPEN, CLICK, BLOCK, ORDER,
    OPEN_WAIT, CLICK_WAIT, BLOCK_WAIT, ORDER_WAIT,
) = range(17)
# fmt: on
PURPOSES = 17


@dataclass(frozen=True, kw_only=True)
class Arms:
    """Who takes part in what; one element per person."""

    begins: Ints
    """Day of the assignment to push or none; beyond every day for people gone by then."""
    pushed: Bools
    """Not in the arm "none"."""
    randomised: Bools
    """Hours are drawn by lot."""
    cap: Ints
    """Index into the caps."""
    starts: Ints
    """Day from which the weeks of a person count; in the randomised part the cap holds from it."""


@dataclass(frozen=True, kw_only=True)
class Sent:
    """Planned pushes and what became of them, before anybody has answered."""

    person: Ints
    day: Ints
    hour: Ints
    propensity: Floats
    planned_at: Ints
    sent_at: Ints
    medium: Ints
    status: Ints
    received: Ints


def draw_arms(pushing: Pushing, frame: Frame, stay: Stay, rng: np.random.Generator) -> Arms:
    """Draw who gets no push, whose hours are drawn by lot, and how many a week they get."""
    uniform = rng.random((len(stay.added_at), 3))
    begins = stay.added_at // DAY + BEGINS
    there = (stay.added_at < NEVER) & (stay.left_at > begins * DAY) & (begins < frame.days)
    begins = np.where(there, begins, NEVER // DAY)
    pushed = there & (uniform[:, 0] >= pushing.none_share)
    randomised = pushed & (uniform[:, 1] < pushing.randomised_share)
    return Arms(
        begins=begins,
        pushed=pushed,
        randomised=randomised,
        cap=(uniform[:, 2] * len(pushing.caps)).astype(np.int64),
        starts=np.where(randomised, np.maximum(begins, frame.number(pushing.cap_first)), begins),
    )


def send_pushes(
    pushing: Pushing, frame: Frame, people: People, stay: Stay, arms: Arms, draws: Personal
) -> tuple[Sent, Ints]:
    """Go through the days: plan, send, and let people block.

    Returns:
        The pushes in the order of the plan, and when each person leaves.
    """
    left_at = stay.left_at.copy()
    member = np.flatnonzero(arms.pushed)
    plan = _plan(pushing, people, stay, arms, draws)
    numbers = _Numbers(pushing, people, arms, member)
    week = np.zeros((len(member), 7), dtype=np.int8)
    days = []
    for day in range(frame.days):
        listed = np.flatnonzero(
            (arms.begins[member] <= day)
            & (left_at[member] + int(pushing.list_days * DAY) > day * DAY)
        )
        chosen = numbers.choose(listed, day, draws)
        sent = _send_day(plan, left_at, member[chosen], day, received=week[chosen].sum(axis=1))
        week[:, day % 7] = 0
        week[chosen, day % 7] = sent.status == SENT
        blocked_at = propose_blocks(pushing, draws, sent)
        left_at[sent.person] = np.minimum(left_at[sent.person], blocked_at)
        days.append(sent)
    return _stack(days), left_at


class _Numbers:
    """How many pushes the members still get in their running week."""

    def __init__(self, pushing: Pushing, people: People, arms: Arms, member: Ints) -> None:
        self.member = member
        self.starts = arms.starts[member]
        self.policy = np.where(
            is_active(people)[member], pushing.weekly_active, pushing.weekly_other
        )
        capped = np.array(pushing.caps)[arms.cap[member]]
        self.number = np.where(arms.randomised[member], capped, self.policy)
        self.rest = np.zeros(len(member), dtype=np.int64)

    def choose(self, listed: Ints, day: int, draws: Personal) -> Ints:
        """Pick who of the listed members is pushed on a day: every choice of days is as likely."""
        age = day - self.starts[listed]
        passed = age % 7
        fresh = np.where(age >= 0, self.number[listed], self.policy[listed])
        rest = np.where(passed == 0, fresh, self.rest[listed])
        chosen = draws.uniform(self.member[listed], day, PLAN) * (7 - passed) < rest
        self.rest[listed] = rest - chosen
        return listed[chosen]


def shape_hours(pushing: Pushing) -> Floats:
    """Give the probability of each of PUSH_HOURS.

    Returns:
        Rows: policy for others, policy for active people, randomised others, randomised active.
    """
    evening, morning = np.isin(PUSH_HOURS, POLICY_EVENING), np.isin(PUSH_HOURS, POLICY_MORNING)
    policy = [
        share * evening / evening.sum() + (1 - share) * morning / morning.sum()
        for share in (pushing.policy_evening_other, pushing.policy_evening_active)
    ]
    return np.array([*policy, pushing.hours_other, pushing.hours_active])


@dataclass(frozen=True, kw_only=True)
class _Plan:
    """What sending needs to know every day."""

    pushing: Pushing
    draws: Personal
    randomised: Bools
    shapes: Floats
    """From shape_hours."""
    shape: Ints
    """Per person, row of `shapes`."""
    delay: Floats
    """Per person, median delay of staff."""
    media: list[float]


def _plan(pushing: Pushing, people: People, stay: Stay, arms: Arms, draws: Personal) -> _Plan:
    return _Plan(
        pushing=pushing,
        draws=draws,
        randomised=arms.randomised,
        shapes=shape_hours(pushing),
        shape=2 * arms.randomised + is_active(people),
        delay=median_delay(pushing, stay.staff),
        media=[pushing.media_shares[name] for name in MEDIA],
    )


def _send_day(plan: _Plan, left_at: Ints, person: Ints, day: int, *, received: Ints) -> Sent:
    def uniform(purpose: int) -> Floats:
        return plan.draws.uniform(person, day, purpose)

    pushing = plan.pushing
    shares = plan.shapes[plan.shape[person]]
    hour = pick_each(uniform(AT_HOUR), shares)
    slot = (uniform(AT_SLOT) * SLOTS).astype(np.int64)
    planned_at = day * DAY + (PUSH_HOURS[0] + hour) * HOUR + slot * (HOUR // SLOTS)
    medium = pick(uniform(MEDIUM), plan.media)
    delay = stretch(
        uniform(DELAY), median=plan.delay[person], sigma=pushing.delay_sigma, most=MOST_DELAY
    )
    sent_at = planned_at + np.where(STAFFED[medium], delay, 1)
    fates = {
        NOT_FRIEND: left_at[person] <= sent_at,
        CAPPED: uniform(CAP) < pushing.capped,
        UNSENT: uniform(FORGET) < pushing.unsent,
    }
    status = np.select(list(fates.values()), list(fates), SENT)
    drawn = shares[np.arange(len(person)), hour]
    return Sent(
        person=person,
        day=np.full(len(person), day),
        hour=PUSH_HOURS[0] + hour,
        propensity=np.where(plan.randomised[person], drawn, np.nan),
        planned_at=planned_at,
        sent_at=np.where(status == SENT, sent_at, NEVER),
        medium=medium,
        status=status,
        received=received,
    )


def wait_to_click(draws: Personal, person: Ints, day: Ints | int) -> tuple[Ints, Ints]:
    """Draw the seconds from sending to opening and from there to clicking, if it comes to that."""
    opening = stretch(draws.uniform(person, day, OPEN_WAIT), median=900, sigma=1.4, most=12 * HOUR)
    clicking = stretch(draws.uniform(person, day, CLICK_WAIT), median=40, sigma=1.0, most=HOUR)
    return opening, clicking


def propose_blocks(pushing: Pushing, draws: Personal, sent: Sent) -> Ints:
    """Draw when pushes are answered by blocking; NEVER where they are not.

    It comes after the time of opening and clicking, so that it hinders neither.
    """
    chance = draws.uniform(sent.person, sent.day, BLOCK)
    rows = (sent.status == SENT) & (chance < rate_block(pushing, sent.received))
    person, day = sent.person[rows], sent.day[rows]
    opening, clicking = wait_to_click(draws, person, day)
    more = stretch(draws.uniform(person, day, BLOCK_WAIT), median=60, sigma=1.0, most=HOUR)
    blocked_at = np.full(len(rows), NEVER)
    blocked_at[rows] = sent.sent_at[rows] + opening + clicking + more
    return blocked_at


def _stack(days: list[Sent]) -> Sent:
    order = np.argsort(np.concatenate([day.planned_at for day in days]), kind="stable")
    return Sent(
        **{
            each.name: np.concatenate([getattr(day, each.name) for day in days])[order]
            for each in fields(Sent)
        }
    )
