"""The questions of retention and of its neighbours: contacts, lures, life cycle, habit."""

from __future__ import annotations

from functools import partial

from siyu.data import Source
from siyu.studies import retention
from siyu.studies.retention import contact, habit, lifecycle, lure, projection

_BACK = ["browse", "cart", "order", "sign_in"]
_PERIOD = {"period_days": 120, "min_users": 5}


def _measure(pool: Source, *, by: tuple[str, ...] = ("channel",), **rules: object) -> object:
    definition = retention.Definition(return_events=_BACK, **rules)
    measures = retention.measure(pool, definition, by=by, **_PERIOD)
    return measures, retention.measure_triangle(pool, measures)


def _contact(pool: Source) -> object:
    asked = ["greet within 1h", "recommend within 24h", "follow_up on day 7"]
    lots = {"experiment": "greet_1h", "experiment_arms": ["within_1h", "later"]}
    lots |= {"experiment_contact": asked[0], "experiment_shares": [0.5, 0.5]}
    adjust = ["channel", "lure", "staff_id"]
    return contact.measure(pool, asked, stay_days=30, adjust=adjust, **_PERIOD, **lots)


def _habit(pool: Source) -> object:
    definition = retention.Definition(return_events=_BACK)
    bought = habit.measure_purchases(pool, repeat_days=60, by=["channel"], **_PERIOD)
    return bought, habit.measure_gaps(pool, definition, **_PERIOD)


QUESTIONS = {
    "from": _measure,
    "on, by month": partial(_measure, kind="on", cohort_unit="month", days=[1, 7, 70]),
    "within, 24h": partial(_measure, kind="within", clock="24h", cohort_unit="day"),
    "connected": partial(_measure, retained_as="connected", by=("lure", "channel")),
    "contact": _contact,
    "lure": lambda pool: lure.measure(pool, **_PERIOD),
    "life cycle": lambda pool: lifecycle.measure(pool, weeks=12, return_events=_BACK, min_users=5),
    "projection": lambda pool: projection.measure_lives(pool, **_PERIOD),
    "habit": _habit,
}
