"""The truths against a second simulation: one person after another, in plain Python, written apart.

It shares nothing with the vectorised one but the settings and the names of touchpoints, and it
reads the funnel by trying every scan, addition, reply and order of a person in turn.
"""

from __future__ import annotations

import itertools
import math
import random
from collections import Counter
from datetime import timedelta

import pytest
from siyu.data.world import Settings, compute_truths
from siyu.data.world.settings import STEPS, TOUCHPOINTS

HOUR, DAY = 3600, 86_400
PEOPLE = 40_000
# The daily rhythm, typed again: what is quiet at night peaks at lunch and from 20:00 to 22:00.
NIGHT, MORNING = [1.2, 0.6, 0.3, 0.2, 0.2, 0.4], [1, 2, 3, 4, 4.5, 5]
AFTERNOON, EVENING = [6.5, 5, 4, 4, 4.2, 4.5], [5, 6.5, 9, 9.5, 7, 3.5]
HOURLY = [*NIGHT, *MORNING, *AFTERNOON, *EVENING]

Event = tuple[float, str]


def choose(rng: random.Random, shares: dict[str, float]) -> str:
    return rng.choices(list(shares), list(shares.values()))[0]


def live(settings: Settings, rng: random.Random, second: int) -> tuple[str, list[Event]]:
    """One person who arrives at `second`: the channel, and what happens, in any order."""
    after = second >= (settings.days - settings.period_days) * DAY
    channel = choose(rng, dict(settings.shares_after if after else settings.shares_before))
    touchpoint = choose(rng, dict(TOUCHPOINTS[channel]))
    rates = (settings.rates_after if after else settings.rates_before)[channel]
    hazard = settings.leave_per_day[choose(rng, dict(settings.lure_shares[channel]))]
    sigma = settings.activity_sigma
    activity = rng.lognormvariate(-(sigma**2) / 2, sigma)

    def follows(step: str) -> bool:
        return rng.random() < rates[step] * settings.faults.get(touchpoint, {}).get(step, 1)

    def wait(step: str) -> float:
        median = settings.delay_hours[channel][step] * HOUR
        return rng.lognormvariate(math.log(median), settings.delay_sigma[step])

    events: list[Event] = []
    exposed, exposures = float(second), 1 + min(poisson(rng, settings.repeat_starts * activity), 3)
    for _ in range(exposures):
        if follows("scan"):
            scanned = exposed + wait("scan")
            events.append((scanned, "scan"))
            if follows("add"):
                at_once = rng.random() < settings.tie_share
                events.append((scanned if at_once else scanned + wait("add"), "add"))
        exposed += rng.expovariate(1 / settings.repeat_gap_days) * DAY
    additions = [at for at, name in events if name == "add"]
    events = [(at, name) for at, name in events if name == "scan"]
    if not additions:
        return channel, events
    now = min(additions)
    left = now + rng.expovariate(hazard) * DAY
    events.append((now, "add"))
    for step in STEPS[2:]:
        if not follows(step):
            break
        now += wait(step)
        events.append((now, step))
    return channel, [(at, name) for at, name in events if at <= left]


def poisson(rng: random.Random, mean: float) -> int:
    """Count the arrivals of a unit-rate process before `mean`."""
    count, at = 0, rng.expovariate(1)
    while at <= mean:
        count, at = count + 1, at + rng.expovariate(1)
    return count


def depth_of(events: list[Event], start: float, window: float) -> int:
    """Longest chain of add, reply, order from `start`, trying every combination of events."""
    inside = [(at, name) for at, name in events if start <= at <= start + window]
    for length in (3, 2, 1):
        wanted = ("add", "reply", "order")[:length]
        for chain in itertools.product(inside, repeat=length):
            ats = [at for at, _ in chain]
            if tuple(name for _, name in chain) == wanted and ats == sorted(ats):
                return length
    return 0


@pytest.mark.slow
def test_the_truths_are_those_of_a_simulation_person_by_person() -> None:
    settings, rng = Settings(), random.Random(2)
    weights = [
        (0.95, 0.9, 0.9, 0.95, 1.05, 1.3, 1.25)[day.weekday()]
        * (0.5 if -2 <= (day - settings.festival_day).days <= 6 else 1)
        * (1.4 if day >= settings.change_day else 1)
        for day in (settings.first_day + timedelta(days=n) for n in range(settings.days))
    ]
    opens, closes = 65 * DAY, 107 * DAY
    periods = {"before": (opens - (closes - opens), opens - 1), "after": (opens, closes)}
    entered: Counter[tuple[str, ...]] = Counter()
    reached: Counter[tuple[str, ...]] = Counter()
    for day in rng.choices(range(settings.days), weights, k=PEOPLE):
        hour = rng.choices(range(24), HOURLY)[0]
        second = day * DAY + hour * HOUR + rng.randrange(HOUR)
        channel, events = live(settings, rng, second)
        for period, (first, last) in periods.items():
            starts = sorted(at for at, name in events if name == "scan" and first <= at <= last)
            depths = [depth_of(events, start, 14 * DAY) for start in starts]
            if not depths:
                continue
            for entry, depth in (("best", max(depths)), ("first", depths[0])):
                for segment in (channel, "all"):
                    entered[entry, period, segment] += 1
                    reached[entry, period, segment] += depth == 3

    truths = {truth.id: truth for truth in compute_truths(settings)}
    assert len(entered) == 2 * 2 * 5
    for (entry, period, segment), n in entered.items():
        truth = truths[f"conversion.{entry}.{period}.{segment}"]
        error = math.hypot(math.sqrt(truth.value * (1 - truth.value) / n), truth.standard_error)
        assert abs(reached[entry, period, segment] / n - truth.value) < 3.5 * error, truth.id
