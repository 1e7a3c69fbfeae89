"""The questions of push timing: everything that is measured of pushes, by clicks and by orders."""

from __future__ import annotations

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


def _clicks(pool: Source) -> object:
    by = ("occupation", "tier")
    pushes = find_pushes(pool, Definition(), period_days=300, by=by, min_users=5)
    arms = {"no_push_experiment": "no_push_2025", "no_push_arms": ["push", "none"]}
    return (
        pushes,
        policy.measure(pushes),
        heat.measure(pushes),
        adjusted.measure(pushes, holidays_country="CN"),
        delay.measure(pushes, hours="20:00-22:00"),
        message.measure(pushes, marks=["促销"]),
        frequency.measure(pushes, cap_experiment="push_cap_2025h2"),
        margin.measure(pushes, **arms),
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


def _bare(pool: Source) -> object:
    pushes = find_pushes(strip(pool), Definition(), period_days=100, min_users=5)
    return (
        pushes.counts,
        policy.measure(pushes),
        heat.measure(pushes),
        adjusted.measure(pushes, holidays_country="CN"),
        delay.measure(pushes, hours="9:00-12:00"),
        message.measure(pushes),
        frequency.measure(pushes, cap_experiment="push_cap_2025h2"),
        margin.measure(pushes, no_push_experiment="no_push_2025"),
    )


def _ties(pool: Source) -> object:
    asked = Definition(horizon_hours=240)
    return frequency.measure(find_pushes(coarsen(pool), asked, period_days=300))


QUESTIONS = {"clicks": _clicks, "orders": _orders, "bare": _bare, "ties": _ties}
