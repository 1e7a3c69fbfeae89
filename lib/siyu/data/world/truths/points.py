"""What is true about points: who goes on signing in, who never redeems, and what expires."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from siyu.data.world.draws import DAY
from siyu.data.world.frame import Frame
from siyu.data.world.points import EXPIRE, EXPIRY_SECOND, Postings, Programme
from siyu.data.world.pool import draw_pool
from siyu.data.world.truths.facts import Truth, closed_form, simulated, truth_stream

if TYPE_CHECKING:
    from siyu.data.world.draws import Ints
    from siyu.data.world.settings import Settings

BATCHES, BATCH_USERS = 4, 5_000


def state_points(settings: Settings) -> list[Truth]:
    """State how streaks go on, who never redeems, and the breakage.

    Args:
        settings: the truths; `users` and `seed` play no part.

    Returns:
        Closed forms and, where points can expire within the observation, the simulated breakage.
    """
    points = settings.points
    facts = [
        closed_form(
            "points.resume",
            "share of the days with a sign-in that are followed by another one on the next day, "
            "where that day is observed and the member is in the pool at its end",
            points.resume,
            "the setting: a Markov chain",
        ),
        closed_form(
            "points.never_redeem",
            "share who do not redeem on the first members' day at whose beginning they hold at "
            "least the threshold, among the members still in the pool at its end; they never will",
            points.never_redeem,
            "the setting; the others redeem on that day",
            threshold=points.threshold,
            members_day=points.members_day,
        ),
    ]
    run = last_expiry(points, settings.frame)
    return facts if run is None else [*facts, _state_breakage(settings, run)]


def last_expiry(points: Programme, frame: Frame) -> int | None:
    """Return the second of the last expiry to which points of the observation can be too old."""
    days = [number for number, day in enumerate(frame.dates) if day.day == 1]
    runs = [number * DAY + EXPIRY_SECOND for number in days if number > points.valid_days]
    return max(runs, default=None)


def measure_breakage(ledger: Postings, left_at: Ints, *, run: int, valid_days: int) -> float:
    """Divide what has expired by what has been earned and was old enough to expire.

    Args:
        ledger: all postings.
        left_at: per person, the second at which he leaves the pool.
        run: second of the last expiry that counts; only members who are there then count.
        valid_days: points older than this expire.
    """
    there = left_at[ledger.person] > run
    expired = there & (ledger.reason == EXPIRE) & (ledger.at <= run)
    earned = there & (ledger.delta > 0) & (ledger.at < run - valid_days * DAY)
    return float(-ledger.delta[expired].sum() / ledger.delta[earned].sum())


def _state_breakage(settings: Settings, run: int) -> Truth:
    """Simulate a pool where everybody redeems; those who never do lose everything instead."""
    points = settings.points
    redeeming = replace(settings, points=replace(points, never_redeem=0.0))
    shares = np.empty(BATCHES)
    for batch in range(BATCHES):
        pool = draw_pool(redeeming, users=BATCH_USERS, stream=truth_stream(batch))
        shares[batch] = measure_breakage(
            pool.ledger, pool.stay.left_at, run=run, valid_days=points.valid_days
        )
    day = settings.frame.dates[run // DAY]
    return simulated(
        "points.breakage",
        f"points expired up to {day} (03:00), among the points earned more than "
        f"{points.valid_days} days before by members who are in the pool then; the oldest points "
        "are used first",
        points.never_redeem + (1 - points.never_redeem) * shares,
        f"simulated, {BATCHES} batches of {BATCH_USERS} people exposed: everything of those who "
        "never redeem, and what the others do not redeem in time",
        until=day.isoformat(),
        valid_days=points.valid_days,
    )
