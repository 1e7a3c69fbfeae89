"""The questions of push timing: everything that is measured of pushes, by clicks and by orders."""

from __future__ import annotations

from functools import partial

from siyu.data import Source
from siyu.studies.push_timing import (
    Definition,
    adjusted,
    delay,
    find_pushes,
    frequency,
    heat,
    margin,
    message,
    policy,
)

from tests.engines.variants import coarsen, strip


def _measure_all(pool: Source, *, period_days: int, by: tuple[str, ...] = ()) -> object:
    pushes = find_pushes(pool, Definition(), period_days=period_days, by=by, min_users=5)
    return (
        pushes,
        pushes.counts,
        policy.measure(pushes),
        heat.measure(pushes),
        adjusted.measure(pushes, holidays_country="CN"),
        delay.measure(pushes, hours="20:00-22:00"),
        message.measure(pushes, marks=["促销"]),
        frequency.measure(pushes, cap_experiment="push_cap_2025h2"),
        margin.measure(pushes, no_push_experiment="no_push_2025"),
    )


def _orders(pool: Source) -> object:
    asked = Definition(outcome="order", horizon_hours=36)
    pushes = find_pushes(pool, asked, period_days=120, min_users=5)
    return (
        pushes.counts,
        policy.measure(pushes),
        heat.measure(pushes),
        adjusted.measure(pushes, holidays_country=""),
        frequency.measure(pushes, most_pushes=500),
        margin.measure(pushes),
    )


def _no_pushes(pool: Source) -> object:
    pushes = find_pushes(pool, Definition(), period_days=1, by=("channel",))
    return (
        policy.measure(pushes),
        adjusted.measure(pushes, holidays_country="CN"),
        frequency.measure(pushes, cap_experiment="push_cap_2025h2"),
    )


def _ties(pool: Source) -> object:
    asked = Definition(horizon_hours=240)
    return frequency.measure(find_pushes(coarsen(pool), asked, period_days=300))


QUESTIONS = {
    "clicks": partial(_measure_all, period_days=300, by=("occupation", "tier")),
    "orders": _orders,
    "bare": lambda pool: _measure_all(strip(pool), period_days=100),
    "no pushes": _no_pushes,
    "ties": _ties,
}
