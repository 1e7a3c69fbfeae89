"""Who arrives, and how far each person gets: the part of the pool that the truths are about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import numpy as np
from numpy.typing import NDArray

from siyu.data.contract import CHANNELS, LURES
from siyu.data.world.settings import TOUCHPOINTS, Settings

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Stream = Callable[[str], np.random.Generator]

DAY = 86_400
NEVER = np.int64(2**60)
"""Seconds of what does not happen: later than anything, and safe to add to."""
MOST_EXPOSURES = 4
PLACES = tuple((channel, touchpoint) for channel in CHANNELS for touchpoint in TOUCHPOINTS[channel])
"""Every (channel, touchpoint); a person's `place` is an index into it."""
# fmt: off
HOURS = np.array([
    1.2, 0.6, 0.3, 0.2, 0.2, 0.4, 1.0, 2.0, 3.0, 4.0, 4.5, 5.0,
    6.5, 5.0, 4.0, 4.0, 4.2, 4.5, 5.0, 6.5, 9.0, 9.5, 7.0, 3.5,
])
# fmt: on
"""Relative activity in each hour of the business day: peaks at lunch and from 20:00 to 22:00."""
WEEKDAYS = np.array([0.95, 0.9, 0.9, 0.95, 1.05, 1.3, 1.25])
"""Relative arrivals from Monday to Sunday."""


def open_stream(seed: int, name: str) -> np.random.Generator:
    """Open the random stream `name` of `seed`, independent of its streams of other names."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=tuple(name.encode())))


@dataclass(frozen=True, kw_only=True)
class People:
    """Who arrives; element i of each array is person i, in the order of arrival."""

    arrived_at: Ints
    """Seconds from the first midnight of the observation (business time) to the first exposure."""
    place: Ints
    """Index into PLACES."""
    after: NDArray[np.bool_]
    """Arrived on `change_day` or later."""
    lure: Ints
    """Index into LURES: what the person is offered."""
    activity: Floats
    """Personal factor on everything that is done repeatedly; mean 1, lognormal."""


@dataclass(frozen=True, kw_only=True)
class Paths:
    """How far each person gets; seconds as in People, NEVER for what does not happen."""

    exposed_at: Ints
    """One column per exposure, the first is the arrival."""
    scanned_at: Ints
    """One column per exposure."""
    added_at: Ints
    greeted_at: Ints
    replied_at: Ints
    consulted_at: Ints
    ordered_at: Ints
    """The first order."""
    left_at: Ints


def draw_seconds(rng: np.random.Generator, size: int) -> Ints:
    """Draw seconds after midnight in the rhythm of HOURS."""
    hour = rng.choice(24, size=size, p=HOURS / HOURS.sum())
    return np.asarray(hour * 3600 + rng.integers(3600, size=size), dtype=np.int64)


def weigh_days(settings: Settings) -> Floats:
    """Weigh the observed days: weekday, festival, growth from `change_day` on; sums to 1."""
    days = [settings.first_day + timedelta(days=number) for number in range(settings.days)]
    weight = np.array([WEEKDAYS[day.weekday()] for day in days])
    festive = [-2 <= (day - settings.festival_day).days <= 6 for day in days]
    weight[festive] *= settings.festival_arrivals
    weight[[day >= settings.change_day for day in days]] *= settings.arrivals_after
    return np.asarray(weight / weight.sum())


def draw_people(settings: Settings, *, users: int, stream: Stream) -> People:
    """Draw who arrives, when, where and with which lure on offer.

    Args:
        settings: the truths.
        users: how many people, at least 1.
        stream: opens the random stream of a name.

    Returns:
        One element per person. Traits other than these play no part in what a person does.
    """
    rng = stream("arrivals")
    day = rng.choice(settings.days, size=users, p=weigh_days(settings))
    arrived_at = np.sort(day * DAY + draw_seconds(rng, users))
    after = arrived_at >= (settings.change_day - settings.first_day).days * DAY
    where, lure = stream("places").random(users), stream("lures").random(users)
    place = np.empty(users, dtype=np.int64)
    for later, shares in ((False, settings.shares_before), (True, settings.shares_after)):
        share = [shares[channel] * TOUCHPOINTS[channel][touch] for channel, touch in PLACES]
        place[after == later] = pick(where[after == later], share)
    offered = np.empty(users, dtype=np.int64)
    for channel in CHANNELS:
        here = np.isin(place, [i for i, (name, _) in enumerate(PLACES) if name == channel])
        offered[here] = pick(lure[here], [settings.lure_shares[channel][name] for name in LURES])
    sigma = settings.activity_sigma
    activity = np.exp(sigma * stream("activity").standard_normal(users) - sigma**2 / 2)
    return People(arrived_at=arrived_at, place=place, after=after, lure=offered, activity=activity)


def pick(uniform: Floats, shares: list[float]) -> Ints:
    """Turn uniform draws into indices that occur with the given shares."""
    edges = np.cumsum(shares)
    return np.asarray(np.searchsorted(edges[:-1], uniform * edges[-1], side="right"))


def draw_paths(settings: Settings, people: People, *, stream: Stream) -> Paths:
    """Draw how far each person gets, and when.

    Every exposure is a fresh chance to scan and to add; the earliest addition counts. Greeting,
    reply, consultation and first order follow it one from another. Whoever leaves does nothing any
    more. The same number of draws is made whatever the settings, so that two settings can be
    compared on common random numbers.

    Args:
        settings: the truths.
        people: who arrives.
        stream: opens the random stream of a name.

    Returns:
        One element (or row) per person, also beyond the last observed day.
    """
    follow = partial(_follow, settings, people, stream)
    exposed_at = _expose(settings, people, stream("exposures"))
    scanned_at = follow("scan", exposed_at)
    tied = stream("ties").random(scanned_at.shape) < settings.tie_share
    candidates = follow("add", scanned_at, at_once=tied)
    added_at = candidates.min(axis=1)
    greeted_at = follow("greet", added_at)
    replied_at = follow("reply", greeted_at)
    consulted_at = follow("consult", replied_at)
    ordered_at = follow("order", consulted_at)

    hazard = np.array([settings.leave_per_day[lure] for lure in LURES])[people.lure]
    life = stream("leaving").standard_exponential(len(hazard))
    with np.errstate(divide="ignore"):
        stay = np.ceil(np.minimum(life / hazard * DAY, float(NEVER))).astype(np.int64)
    left_at = np.minimum(added_at + stay, NEVER)

    def stop(at: Ints) -> Ints:
        limit = left_at if at.ndim == 1 else left_at[:, None]
        return np.where(at <= limit, at, NEVER)

    return Paths(
        exposed_at=stop(exposed_at),
        scanned_at=stop(scanned_at),
        added_at=added_at,
        greeted_at=stop(greeted_at),
        replied_at=stop(replied_at),
        consulted_at=stop(consulted_at),
        ordered_at=stop(ordered_at),
        left_at=left_at,
    )


def _expose(settings: Settings, people: People, rng: np.random.Generator) -> Ints:
    """Exposures of each person: the arrival, and further ones for active people."""
    users = len(people.arrived_at)
    gaps = rng.standard_exponential((users, MOST_EXPOSURES - 1)) * settings.repeat_gap_days * DAY
    further = rng.poisson(settings.repeat_starts * people.activity)
    later = people.arrived_at[:, None] + np.cumsum(np.ceil(gaps), axis=1).astype(np.int64)
    later[np.arange(MOST_EXPOSURES - 1) >= further[:, None]] = NEVER
    return np.column_stack([people.arrived_at, later])


def _follow(
    settings: Settings,
    people: People,
    stream: Stream,
    step: str,
    at: Ints,
    *,
    at_once: NDArray[np.bool_] | None = None,
) -> Ints:
    """Seconds at which `step` follows what happened `at`; NEVER where it does not."""
    before, after = (
        np.array(
            [
                rates[channel][step] * settings.faults.get(touchpoint, {}).get(step, 1.0)
                for channel, touchpoint in PLACES
            ]
        )[people.place]
        for rates in (settings.rates_before, settings.rates_after)
    )
    rate = np.where(people.after, after, before)
    median = np.array([settings.delay_hours[channel][step] for channel, _ in PLACES])
    scale = median[people.place] * 3600
    if at.ndim == 2:
        rate, scale = rate[:, None], scale[:, None]
    rng = stream(f"step {step}")
    happens = (rng.random(at.shape) < rate) & (at < NEVER)
    spread = settings.delay_sigma[step] * rng.standard_normal(at.shape)
    delay = np.maximum(np.rint(scale * np.exp(spread)), 1).astype(np.int64)
    if at_once is not None:
        delay[at_once] = 0
    return np.where(happens, at + delay, NEVER)
