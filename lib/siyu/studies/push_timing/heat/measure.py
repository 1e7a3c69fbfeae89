"""Count sent pushes and their answers by hour, weekday and segment, in one pass."""

from __future__ import annotations

import ibis.expr.types as ir
import pandas as pd

from siyu.studies.push_timing.heat.measures import HOURS, Measures
from siyu.studies.push_timing.pushes import Pushes

MOST_PERSONS = 20_000
"""So many users, a fixed part of all, tell how alike the pushes of one user are: enough to know the
design effect to within a few percent, and few enough for a small table."""


_KEYS = ["segment", "weekday", "hour", "is_drawn", "person"]
_CELL = ["segment", "week_hour", "is_drawn"]
_SUMS = ["n_pushes", "answered"]


def measure(pushes: Pushes) -> Measures:
    """Count the pushes that were sent, by when, to whom, and by lot or not."""
    every = max(1, -(-sum(pushes.n_users.values()) // MOST_PERSONS))
    sent = pushes.brief.filter(pushes.brief.sent_week_hour.notnull())
    persons = _count(sent.filter(sent.number % every == 0), "number")
    # To take the persons from all takes less than to tell them apart in one pass.
    everyone = _count(sent).set_index(_CELL)
    others = everyone.sub(persons.groupby(_CELL)[_SUMS].sum(), fill_value=0).astype("int64")
    others = others[others["n_pushes"] > 0].reset_index().assign(number=-1)
    counts = pd.concat([others, persons.astype({"number": "int64"})], ignore_index=True)
    weekday, hour = counts["week_hour"] // HOURS, counts["week_hour"] % HOURS
    counts = counts.rename(columns={"number": "person"}).assign(weekday=weekday, hour=hour)
    return Measures(
        definition=pushes.definition,
        source=pushes.source,
        first=pushes.first,
        as_of=pushes.as_of,
        min_users=pushes.min_users,
        segments=pushes.segments,
        crossings=pushes.crossings,
        n_users=pushes.n_users,
        counts=counts[_KEYS + _SUMS].sort_values(_KEYS, ignore_index=True),
        every=every,
    )


def _count(sent: ir.Table, *keys: str) -> pd.DataFrame:
    """Count pushes and answers by segment, hour of the week, by lot or not, and further keys."""
    sent = sent.rename(week_hour="sent_week_hour")
    answered = sent.count(where=sent.outcome == 1)
    counts = sent.group_by([*_CELL, *keys]).agg(n_pushes=sent.count(), answered=answered)
    found: pd.DataFrame = counts.to_pandas()
    return found.astype({"week_hour": "int64"})
