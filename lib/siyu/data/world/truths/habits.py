"""What is true of coming back: by large simulations of the settings, never from the data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from siyu.data.contract import CHANNELS
from siyu.data.world.draws import DAY, Floats, Ints, Stream
from siyu.data.world.habits import HABITS, draw_habits
from siyu.data.world.points import draw_sign_ins
from siyu.data.world.truths.facts import Truth, simulated, truth_stream
from siyu.data.world.truths.unpushed import draw_unpushed

if TYPE_CHECKING:
    from siyu.data.world.settings import Settings

RETURNS = (*HABITS, "sign_in", "order")
"""What counts as coming back."""
_BATCHES, _USERS = 10, 12_000
_FIRST, _FOLLOWED = 7, 7
"""Coming back on one of calendar days 7 to 13 after the day of the addition."""


def state_habits(settings: Settings) -> list[Truth]:
    """State how many members come back, by channel, before any push is sent to them."""
    shares = np.array([_count(settings, truth_stream(batch)) for batch in range(_BATCHES)])
    return [truth for truth in _state(shares) if np.isfinite(truth.value)]


def _state(shares: Floats) -> Iterator[Truth]:
    for channel, values in zip((*CHANNELS, "all"), shares.T, strict=True):
        yield simulated(
            f"retention.active_from_7.{channel}",
            f"share of members ({channel}) who come back on calendar day {_FIRST} to "
            f"{_FIRST + _FOLLOWED - 1} after the day of the addition (day 0), among all who were "
            "added by a scan so early that these days are observed",
            values,
            f"simulated, {_BATCHES * _USERS} people",
            retained_as="active",
            kind="from",
            clock="calendar",
            days=_FIRST,
            follow_days=_FOLLOWED,
            return_events=list(RETURNS),
        )


def _count(settings: Settings, stream: Stream) -> Floats:
    """Share of each channel's members, and of all, who come back in one batch."""
    frame = settings.frame
    core, orders = draw_unpushed(settings, users=_USERS, stream=stream)
    people, stay = core.people, core.stay
    there = {"added_at": stay.added_at, "left_at": stay.left_at}
    habits = draw_habits(settings.habits, frame, people, **there, stream=stream)
    signed, signed_at, _ = draw_sign_ins(settings.points, frame, people, **there, stream=stream)
    back = np.zeros(len(people), dtype=bool)
    for person, at in (
        (habits.person, habits.at),
        (signed, signed_at),
        (orders.person, orders.at),
    ):
        back[person[_comes_back(at, stay.added_at[person])]] = True
    judged = stay.added_at < frame.end - (_FIRST + _FOLLOWED - 1) * DAY
    counts = np.array(
        [
            np.bincount(people.channel[rows], minlength=len(CHANNELS))
            for rows in (judged & back, judged)
        ]
    ).astype(float)
    counts = np.column_stack([counts, counts.sum(axis=1)])
    with np.errstate(invalid="ignore"):
        return np.asarray(counts[0] / counts[1])


def _comes_back(at: Ints, added_at: Ints) -> Ints:
    day = at // DAY - added_at // DAY
    return np.asarray((day >= _FIRST) & (day < _FIRST + _FOLLOWED))
