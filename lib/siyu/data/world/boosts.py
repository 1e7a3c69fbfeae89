"""Paid boosts of short videos: whom they bring, and how fast that fades."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from siyu.data.world.draws import DAY, HOUR, Bools, Floats, Ints
from siyu.data.world.frame import Frame
from siyu.data.world.rules import outside

FADED_HOURS = 24
"""Hours after publishing from which on a boost brings nobody."""


@dataclass(frozen=True, kw_only=True)
class Boosts:
    """The truths about paid boosts: people whom a week brings come soon after publishing instead.

    A boost lifts a short video as soon as it is published, or late: then it costs as much, brings
    fewer, and the others come as they would have come.
    """

    share: float = 0.5
    """Share of a week's people by short video whom a boost brings if started at once; at most 1,
    and 0 for no boosts."""
    weekday: int = 4
    """Day of publishing, 0 (Monday) to 6."""
    every_weeks: int = 2
    """Weeks from one boost to the next; at least 1."""
    published_hour: float = 18.5
    """Hours after midnight at which the video is published; below 24."""
    half_life_hours: float = 2.0
    """Hours in which the number of people per hour halves once the boost has begun; above 0."""
    late_every: int = 3
    """Every so many-th boost starts late; at least 1 (all)."""
    late_hours: float = 4.0
    """Hours after publishing at which it starts then; below 24."""
    late_factor: float = 0.4
    """People brought by a boost that starts late, relative to one at once; above 0, at most 1."""

    def problems(self) -> Iterable[str]:
        """Yield each broken rule as one sentence."""
        name = "arrivals.boosts"
        yield from outside(f"{name}.share", self.share, most=1)
        yield from outside(f"{name}.half_life_hours", self.half_life_hours, above=0)
        yield from outside(f"{name}.late_factor", self.late_factor, above=0, most=1)
        if not 0 <= self.weekday <= 6:
            yield f"{name}.weekday = {self.weekday} must lie in [0, 6]; give 4 for Friday"
        for each in ("every_weeks", "late_every"):
            number = getattr(self, each)
            if number < 1:
                yield f"{name}.{each} = {number} must be at least 1; give a whole number"
        for each in ("published_hour", "late_hours"):
            hours = getattr(self, each)
            if not 0 <= hours < 24:
                yield f"{name}.{each} = {hours:g} must lie in [0, 24); give hours, 18.5 for 18:30"


@dataclass(frozen=True, kw_only=True)
class Calendar:
    """The boosts of an observation; element i of each array is one boost, in time order."""

    day: Ints
    """Number of the day of publishing."""
    late: Bools
    factor: Floats
    """People brought, relative to a boost at once."""


def list_boosts(boosts: Boosts, frame: Frame) -> Calendar:
    """List the boosts of an observation.

    Weeks count from the first day of the observation. Without a boost is a week of which some days
    lie before the change and some not, or that is not observed to the day after the boost.
    """
    day = np.flatnonzero(frame.weekday == boosts.weekday)[:: boosts.every_weeks]
    first = day // 7 * 7
    last = np.maximum(first + 6, day + 1)
    change = frame.number(frame.change_day)
    day = day[(last < frame.days) & ((first >= change) | (last < change))]
    late = np.arange(1, len(day) + 1) % boosts.late_every == 0
    return Calendar(day=day, late=late, factor=np.where(late, boosts.late_factor, 1.0))


def bring_by_boosts(
    boosts: Boosts, frame: Frame, arrived_at: Ints, reached: Bools, rng: np.random.Generator
) -> tuple[Ints, Bools]:
    """Draw whom boosts bring, and when.

    After its start a boost brings people at a rate that falls exponentially, until FADED_HOURS
    after publishing.

    Args:
        boosts: the truths.
        frame: the observed days.
        arrived_at: second at which each person arrives in a week without a boost.
        reached: who comes by short video.
        rng: source of random numbers.

    Returns:
        Second of each arrival, and who was brought by a boost.
    """
    uniform = rng.random((len(arrived_at), 2))
    calendar = list_boosts(boosts, frame)
    week = arrived_at // (7 * DAY)
    number = np.full(frame.days // 7 + 1, -1)
    number[calendar.day // 7] = np.arange(len(calendar.day))
    boost = number[week]
    # A last element for the weeks without a boost, at index -1.
    share = np.append(boosts.share * calendar.factor, 0.0)[boost]
    wait = np.append(np.where(calendar.late, boosts.late_hours, 0.0), 0.0)[boost]
    day = np.append(calendar.day, 0)[boost]
    brought: Bools = reached & (uniform[:, 0] < share)
    fading = 1 - 0.5 ** ((FADED_HOURS - wait) / boosts.half_life_hours)
    since = -boosts.half_life_hours * np.log2(1 - uniform[:, 1] * fading)
    hours = boosts.published_hour + wait + since
    boosted_at = day * DAY + np.floor(hours * HOUR).astype(np.int64)
    return np.where(brought, boosted_at, arrived_at), brought
