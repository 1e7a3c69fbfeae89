"""What people in the pool do again and again, beside the path to the first order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from siyu.data.contract import CHANNELS
from siyu.data.world.draws import DAY, NEVER, Bools, Ints, Stream, draw_seconds, pick
from siyu.data.world.frame import Frame
from siyu.data.world.people import People
from siyu.data.world.rules import each_outside, not_shares, outside

HABITS = ("browse", "compare", "cart", "moments_like", "moments_comment")
SHOPPING = ("browse", "compare", "cart")
"""Habits that are about an item."""


@dataclass(frozen=True, kw_only=True)
class Habits:
    """The truths about what is no step of the path."""

    per_day: Mapping[str, float] = field(
        default_factory=lambda: dict(zip(CHANNELS, (0.16, 0.085, 0.036, 0.011), strict=True))
    )
    """Times a day that a person of mean activity does something, by channel; 0 or more."""
    mix: Mapping[str, float] = field(
        default_factory=lambda: dict(zip(HABITS, (0.5, 0.1, 0.12, 0.22, 0.06), strict=True))
    )
    """Share of each habit; sums to 1."""
    receive_days: float = 2.5
    """Mean days from an order to receiving the goods; above 0."""
    review_share: float = 0.15
    """Share of received orders that are reviewed."""

    def problems(self) -> Iterable[str]:
        """Yield each broken rule as one sentence."""
        yield from each_outside("habits.per_day", self.per_day, CHANNELS)
        yield from not_shares("habits.mix", self.mix, HABITS)
        yield from outside("habits.receive_days", self.receive_days, above=0)
        yield from outside("habits.review_share", self.review_share, most=1)


@dataclass(frozen=True, kw_only=True)
class Habit:
    """What people did out of habit; element i of each array is one event."""

    person: Ints
    at: Ints
    kind: Ints
    """Index into HABITS."""


def draw_habits(
    habits: Habits, frame: Frame, people: People, *, added_at: Ints, left_at: Ints, stream: Stream
) -> Habit:
    """Draw what people do while they are in the pool, in the rhythm of days and hours.

    Drawn at the busiest day's rate, then thinned to each day's rate (Lewis and Shedler 1979).

    Returns:
        `kind` is an index into HABITS.
    """
    since, until = np.minimum(added_at, frame.end), np.minimum(left_at, frame.end - 1)
    days = np.maximum(until - since, 0) / DAY
    rate = np.array([habits.per_day[name] for name in CHANNELS])[people.channel] * people.activity
    peak = frame.rhythm.max()
    rng = stream("habits")
    person = np.repeat(np.arange(len(people)), rng.poisson(rate * days * peak))
    day = (since[person] + rng.random(len(person)) * days[person] * DAY).astype(np.int64) // DAY
    at = day * DAY + draw_seconds(rng, len(person))
    kept = rng.random(len(person)) * peak < frame.rhythm[day]
    kept &= (at >= since[person]) & (at <= until[person])
    kind = pick(rng.random(len(person)), [habits.mix[name] for name in HABITS])
    return Habit(person=person[kept], at=at[kept], kind=kind[kept])


def draw_deliveries(
    habits: Habits, ordered: tuple[Ints, Ints], left_at: Ints, *, stream: Stream
) -> tuple[Ints, Ints]:
    """Draw when each order is received and reviewed; NEVER where not, or after the person left.

    Args:
        habits: the truths.
        ordered: person and second of each order.
        left_at: per person.
        stream: opens the random stream of a name.
    """
    person, at = ordered
    rng = stream("deliveries")
    uniform = rng.random((len(at), 3))
    # Half the time is packing and transport, which no parcel is spared.
    days = habits.receive_days * (0.5 - 0.5 * np.log1p(-uniform[:, 0]))
    received_at = at + np.ceil(days * DAY).astype(np.int64)
    later = np.ceil(-np.log1p(-uniform[:, 1]) * 3 * DAY).astype(np.int64)
    reviews: Bools = uniform[:, 2] < habits.review_share
    reviewed_at = np.where(reviews, received_at + later, NEVER)
    return (
        np.where(received_at <= left_at[person], received_at, NEVER),
        np.where(reviewed_at <= left_at[person], reviewed_at, NEVER),
    )
