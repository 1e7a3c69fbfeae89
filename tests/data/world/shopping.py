"""Members with first orders, for the tests of what follows from them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from functools import partial

import numpy as np
from siyu.data.world.buying import Buying, Sales, draw_sales
from siyu.data.world.draws import DAY, NEVER, Ints, Stream, open_stream
from siyu.data.world.frame import Frame
from siyu.data.world.people import Arrivals, People, draw_people
from siyu.data.world.staying import Stay, Staying, draw_stay
from siyu.data.world.tiering import Tiering

YEAR = Frame(first_day=date(2025, 4, 1), last_day=date(2026, 3, 31), change_day=date(2025, 10, 1))
NOBODY = (np.array([], dtype=np.int64), np.array([], dtype=np.int64))


@dataclass(frozen=True, kw_only=True)
class Members:
    """People, their stays, their first orders, and orders that pushes brought."""

    people: People
    stay: Stay
    ordered_at: Ints
    extra: tuple[Ints, Ints]

    def shop(
        self, buying: Buying, tiering: Tiering, *, stream: Stream, frame: Frame = YEAR
    ) -> Sales:
        return draw_sales(
            buying,
            tiering,
            frame,
            self.people,
            self.stay,
            ordered_at=self.ordered_at,
            extra=self.extra,
            stream=stream,
        )

    def forever(self) -> Members:
        """The same people, had nobody ever left."""
        stay = replace(self.stay, left_at=np.full_like(self.stay.left_at, NEVER))
        return replace(self, stay=stay)


def draws(seed: int) -> Stream:
    return partial(open_stream, seed, 0)


def recruit(users: int, *, stream: Stream) -> Members:
    """Six in ten are added within a day; half of those order about three days later."""
    people = draw_people(Arrivals(), YEAR, users=users, stream=stream)
    chance = stream("test members").random((users, 4))
    added = np.where(chance[:, 0] < 0.6, people.arrived_at + 60 + (chance[:, 1] * DAY), NEVER)
    added_at = added.astype(np.int64)
    stay = draw_stay(Staying(), YEAR, people, lure=people.lure, added_at=added_at, stream=stream)
    first = added_at + (-np.log1p(-chance[:, 3]) * 3 * DAY).astype(np.int64) + 1
    orders = (chance[:, 2] < 0.5) & (first < np.minimum(stay.left_at, YEAR.end))
    tenth = np.flatnonzero((added_at < YEAR.end) & (np.arange(users) % 10 == 0))
    twice = np.concatenate([tenth, tenth])
    return Members(
        people=people,
        stay=stay,
        ordered_at=np.where(orders, first, NEVER),
        extra=(twice, added_at[twice] + np.repeat([40, 50], len(tenth)) * DAY),
    )
