"""What hours and numbers of pushes are worth, measured on simulated people.

Whether somebody clicks or blocks is not drawn for it: each push has its chance, and chances are
averaged.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from siyu.data.world.draws import DAY, HOUR, NEVER, Floats, Ints
from siyu.data.world.frame import Frame
from siyu.data.world.people import OCCUPATIONS, People
from siyu.data.world.push_delivery import SENT, shape_hours
from siyu.data.world.push_response import (
    OFFICE,
    STAFFED,
    is_active,
    rate_appeal,
    rate_block,
    rate_fatigue,
    rate_hour,
    spread_hours,
)
from siyu.data.world.push_settings import PUSH_HOURS, Pushing
from siyu.data.world.pushing import Pushes
from siyu.data.world.staying import Stay


@dataclass(frozen=True, kw_only=True)
class Measures:
    """What the randomised part of one batch shows."""

    hours: Floats
    """SEGMENTS x hours of planning: chance of a click; the last column: hours as drawn."""
    planned: Floats
    """Planned pushes per segment."""
    caps: Floats
    """Caps x (pushes sent, clicks, blocks) per week of a member."""
    fresh: float
    """Chance of a click of a sent push if none had come on the 7 days before."""
    late: float
    """Share of the sent pushes that are sent more than an hour after the planned time."""


def measure_pushes(
    pushing: Pushing, frame: Frame, people: People, stay: Stay, pushes: Pushes
) -> Measures:
    """Measure on the randomised part what hours and numbers are worth.

    Args:
        pushing: the truths.
        frame: the observed days.
        people: who they are.
        stay: as it would be if nobody pushed.
        pushes: drawn for these people.
    """
    chance = rate_plain(pushing, frame, people, stay, pushes)
    lots = ~np.isnan(pushes.propensity)
    hours = value_hours(pushing, people, pushes, chance)
    shares = shape_hours(pushing)[2 + is_active(people)[pushes.person]]
    hours = np.column_stack([hours, (hours * shares).sum(axis=1)])
    occupation = people.occupation[pushes.person]
    segments = lots & (occupation == OFFICE), lots & (occupation != OFFICE)
    sent = (pushes.status == SENT) & lots
    chance = chance * rate_hour(pushing, occupation, pushes.sent_at % DAY // HOUR) * sent
    late = (pushes.sent_at - pushes.planned_at)[sent] > HOUR
    with np.errstate(invalid="ignore", divide="ignore"):
        return Measures(
            hours=np.stack([hours[rows].sum(axis=0) / rows.sum() for rows in segments]),
            planned=np.array([rows.sum() for rows in segments], dtype=float),
            caps=_measure_caps(pushing, frame, pushes, chance),
            fresh=float((chance / rate_fatigue(pushing, pushes.received)).sum() / sent.sum()),
            late=float(late.sum() / sent.sum()),
        )


def value_hours(pushing: Pushing, people: People, pushes: Pushes, plain: Floats) -> Floats:
    """Give the chance that each planned push is sent and clicked, had it been planned otherwise.

    Args:
        pushing: the truths.
        people: who they are.
        pushes: as they were planned.
        plain: chance of each that it is clicked when sent at a plain hour.

    Returns:
        One row per push, one column per hour of PUSH_HOURS.
    """
    occupations = np.arange(len(OCCUPATIONS))
    table = np.zeros((3, len(OCCUPATIONS), len(PUSH_HOURS)))
    spreads = (
        np.array([1.0, 0.0, 0.0]),
        spread_hours(pushing, slow=False),
        spread_hours(pushing, slow=True),
    )
    for column, hour in enumerate(PUSH_HOURS):
        later = hour + np.arange(3)
        by_hour = rate_hour(pushing, occupations[:, None], later[None, :])
        for way, spread in enumerate(spreads):
            table[way, :, column] = by_hour @ spread
    ways = np.where(STAFFED[pushes.medium], 1 + pushes.slow, 0)
    factors = table[ways, people.occupation[pushes.person]]
    # By half past; who blocks over this very push was there at any hour.
    at = (pushes.planned_at // DAY * DAY)[:, None] + np.array(PUSH_HOURS) * HOUR + HOUR // 2
    stays = np.where(pushes.blocked_at < NEVER, NEVER, pushes.left_at[pushes.person])
    sent = (stays[:, None] > at) * (1 - pushing.capped) * (1 - pushing.unsent)
    return np.asarray(plain[:, None] * factors * sent)


def rate_plain(
    pushing: Pushing, frame: Frame, people: People, stay: Stay, pushes: Pushes
) -> Floats:
    """Give the chance that each push, if sent, is clicked at a plain hour."""
    appeal = rate_appeal(
        pushing,
        frame,
        people,
        person=pushes.person,
        day=pushes.planned_at // DAY,
        added_at=stay.added_at[pushes.person],
        content=pushes.content,
        medium=pushes.medium,
    )
    return np.asarray(appeal * rate_fatigue(pushing, pushes.received))


def count_weeks(frame: Frame, assigned_at: Ints, left_at: Ints) -> Ints:
    """Count the weeks of each member that begin while they are there and end in the observation."""
    whole = (frame.end - assigned_at) // (7 * DAY)
    begun = -((assigned_at - left_at) // (7 * DAY))
    return np.asarray(np.maximum(np.minimum(whole, begun), 0))


def _measure_caps(pushing: Pushing, frame: Frame, pushes: Pushes, chance: Floats) -> Floats:
    test = pushes.assignments[1]
    weeks = np.zeros(len(pushes.left_at), dtype=np.int64)
    arm, opens = weeks.copy(), weeks.copy()
    weeks[test.person] = count_weeks(frame, test.at, pushes.left_at[test.person])
    arm[test.person], opens[test.person] = test.arm, test.at
    passed = pushes.planned_at - opens[pushes.person]
    counts = (pushes.status == SENT) & (passed >= 0) & (passed < weeks[pushes.person] * 7 * DAY)
    which, number = arm[pushes.person[counts]], len(pushing.caps)
    blocks = rate_block(pushing, pushes.received[counts])
    sums = [
        np.bincount(which, weights=weights, minlength=number)
        for weights in (np.ones(len(which)), chance[counts], blocks)
    ]
    all_weeks = np.bincount(arm, weights=weeks, minlength=number)
    return np.asarray(np.column_stack(sums) / all_weeks[:, None])
