"""How people answer a push: the chances of a click and of a block, and when it reaches them.

The chance of a click is a product of factors, so every stated ratio holds for each person.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from siyu.data.world.campaigns import KINDS
from siyu.data.world.draws import HOUR, Bools, Floats, Ints
from siyu.data.world.frame import Frame
from siyu.data.world.people import OCCUPATIONS, STAFF, People
from siyu.data.world.push_settings import MEDIA, MOST_ACTIVITY, Pushing

EVENING, LUNCH = (20, 21), (12, 13)
SLOTS = 6
"""Pushes are planned at six times of an hour: on the hour, ten past, and so on."""
MOST_DELAY = 2 * HOUR
"""What is not sent by then is not sent at all; so every push is sent on its planned day."""
STAFFED = np.array([True, True, True, False, False])
"""Per medium, whether a person has to press the button; the others are sent at once."""
OFFICE, HOMEMAKER = OCCUPATIONS.index("office"), OCCUPATIONS.index("homemaker")


def rate_appeal(
    pushing: Pushing, frame: Frame, people: People, *, person: Ints, day: Ints, added_at: Ints,
    content: Ints, medium: Ints,
) -> Floats:  # fmt: skip
    """Give the chance of a click at a plain hour, when nothing came in the 7 days before.

    Args:
        pushing: the truths.
        frame: the observed days.
        people: who they are.
        person: index into people of each push.
        day: day of each push.
        added_at: second of the addition of each push's person.
        content: index into CONTENTS.
        medium: index into MEDIA.

    Returns:
        The base times the factors of activity, content, recency, weekday and medium.
    """
    tag, kind = content // len(KINDS), content % len(KINDS)
    days_known = (day * 24 * HOUR - added_at) / (24 * HOUR)
    chance = pushing.click_base * rate_activity(pushing, people.activity[person])
    chance *= np.where(kind == 1, pushing.promotion, 1.0)
    chance *= np.where(tag == people.tag[person], pushing.match, 1.0)
    chance *= 1 + pushing.recency * np.exp(-days_known / pushing.recency_days)
    chance *= np.array(pushing.weekdays)[count_as_weekday(frame)[day]]
    chance *= np.array([pushing.media_factors[name] for name in MEDIA])[medium]
    return np.asarray(chance)


def rate_activity(pushing: Pushing, activity: Floats) -> Floats:
    """Give the factor of a person's activity, at most MOST_ACTIVITY."""
    return np.minimum(activity**pushing.activity_power, MOST_ACTIVITY)


def count_as_weekday(frame: Frame) -> Ints:
    """Give for each day the weekday as which it counts, 0 for Monday.

    Holidays count as Sundays, made-up workdays as Fridays.
    """
    free = ~frame.works & (frame.weekday < 5)
    made_up = frame.works & (frame.weekday >= 5)
    return np.where(free, 6, np.where(made_up, 4, frame.weekday))


def rate_hour(pushing: Pushing, occupation: Ints, hour: Ints) -> Floats:
    """Give the factor of the hour in which a push is sent (0 to 23)."""
    office = (occupation == OFFICE) & np.isin(hour, EVENING)
    lunch = (occupation != OFFICE) & (occupation != HOMEMAKER) & np.isin(hour, LUNCH)
    return np.where(office, pushing.office_evening, np.where(lunch, pushing.others_lunch, 1.0))


def rate_fatigue(pushing: Pushing, received: Ints) -> Floats:
    """Give the factor on clicks of the pushes received in the 7 days before (0 to 7)."""
    return np.asarray(np.exp(-pushing.click_fatigue * received))


def rate_block(pushing: Pushing, received: Ints) -> Floats:
    """Give the chance that a sent push is answered by blocking, the same for everybody."""
    return np.asarray(pushing.block_base * np.exp(pushing.block_rise * received))


def median_delay(pushing: Pushing, staff: Ints) -> Floats:
    """Give the median of staff's delay in seconds, before it is cut off at MOST_DELAY."""
    slow = is_slow(pushing, staff)
    return np.where(slow, pushing.slow_delay_minutes, pushing.delay_minutes) * 60.0


def is_slow(pushing: Pushing, staff: Ints) -> Bools:
    """Tell which staff (indices into STAFF) send late."""
    return np.asarray(np.isin(STAFF, pushing.slow_staff)[staff])


def spread_hours(pushing: Pushing, *, slow: bool) -> Floats:
    """Give the chance that what staff send leaves in the planned hour, the next, the one after.

    Averaged over the slots of an hour.
    """
    median = (pushing.slow_delay_minutes if slow else pushing.delay_minutes) * 60.0
    left = HOUR - np.arange(SLOTS) * (HOUR // SLOTS)
    edges = np.minimum(left[:, None] + np.arange(3) * HOUR, MOST_DELAY)
    with np.errstate(divide="ignore"):
        below = ndtr(np.log(edges / median) / pushing.delay_sigma)
    below /= ndtr(np.log(MOST_DELAY / median) / pushing.delay_sigma)
    return np.asarray(np.diff(below, axis=1, prepend=0.0).mean(axis=0))


def is_active(people: People) -> Bools:
    """Tell who is more active than the middle of the pool: whom the policy treats differently."""
    return people.activity > 1
