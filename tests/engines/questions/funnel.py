"""The funnel's questions: every rule of a chain, and every table of a measure."""

from __future__ import annotations

from functools import partial

import pandas as pd
from siyu.data import Source
from siyu.studies import funnel

_STEPS = ["scan", "add", "reply", "order"]


def _measure(pool: Source, *, by: tuple[str, ...] = (), **rules: object) -> object:
    definition = funnel.Definition(**{"steps": _STEPS, "window_days": 14, **rules})
    return funnel.measure(pool, definition, period_days=84, by=by, min_users=5)


def _variants(pool: Source) -> object:
    definition = funnel.Definition(steps=_STEPS, window_days=14)
    return funnel.sensitivity(pool, definition, period_days=84)


def _value(pool: Source) -> object:
    definition = funnel.Definition(steps=_STEPS, window_days=14)
    measures = funnel.measure(pool, definition, period_days=84, min_users=5)
    return pd.Series({"yuan": funnel.order_value(pool, definition, measures.span)})


QUESTIONS = {
    "plain": _measure,
    "by channel, item and tier": partial(_measure, by=("channel", "item", "tier")),
    "first start": partial(_measure, entry="first", ties="strict"),
    "strict order": partial(_measure, steps=["scan", "add", "order"], order="strict"),
    "any order": partial(_measure, order="any"),
    "excluded": partial(_measure, exclude=["consult"]),
    "held": partial(_measure, steps=["browse", "cart"], hold="item"),
    "shared events": partial(_measure, steps=[["browse", "cart"], "cart", "cart"]),
    "no window": partial(_measure, window_days=None),
    "variants": _variants,
    "order value": _value,
}
