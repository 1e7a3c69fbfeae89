"""The funnel's questions: every rule of a chain, and every table of a measure."""

from __future__ import annotations

import pandas as pd
from siyu.data import Source
from siyu.studies import funnel
from siyu.studies.funnel.chains import follow
from siyu.studies.funnel.spans import entry_span

_STEPS = ["scan", "add", "reply", "order"]


def _measure(pool: Source, *, by: tuple[str, ...], window_days: float | None) -> funnel.Measures:
    definition = funnel.Definition(steps=_STEPS, window_days=window_days)
    return funnel.measure(pool, definition, period_days=84, by=by, min_users=5)


def _variants(pool: Source) -> object:
    asked = funnel.Definition(steps=_STEPS, window_days=14)
    span = entry_span(pool, asked, period_days=84, compare_to_previous=False)
    value = funnel.order_value(pool, asked, span)
    return funnel.sensitivity(pool, asked, period_days=84), pd.Series({"yuan": value})


def follow_all(pool: Source, *rules: dict[str, object]) -> list[pd.DataFrame]:
    """Follow every user by each set of rules: a row per user."""
    first, last = pool.observed_from, pool.as_of_end
    answers = []
    for given in rules:
        definition = funnel.Definition(**given)
        found = follow(
            pool.table("events"),
            definition,
            starts_from=first,
            starts_until=last,
            at_start=["touchpoint", "item"],
        )
        answers.append(found.order_by("user_id").to_pandas())
    return answers


def _chains(pool: Source) -> object:
    plain = {"steps": _STEPS, "window_days": 14}
    return follow_all(
        pool,
        {**plain, "entry": "first", "ties": "strict"},
        {**plain, "steps": ["scan", "add", "order"], "order": "strict"},
        {**plain, "order": "any"},
        {**plain, "exclude": ["consult"]},
        {**plain, "steps": ["browse", "cart"], "hold": "item"},
        {**plain, "steps": [["browse", "cart"], "cart", "cart"]},
    )


QUESTIONS = {
    "by channel, item and tier": lambda pool: _measure(
        pool, by=("channel", "item", "tier"), window_days=14
    ),
    "no window": lambda pool: _measure(pool, by=(), window_days=None),
    "variants": _variants,
    "chains": _chains,
}
