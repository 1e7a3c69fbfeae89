"""Count sent pushes and their answers by hour, weekday and segment, in one pass."""

from __future__ import annotations

import ibis.expr.types as ir
import pandas as pd

from siyu.studies.push_timing.heat.measures import Measures
from siyu.studies.push_timing.pushes import Pushes

MOST_PERSONS = 20_000
"""So many users, a fixed part of all, tell how alike the pushes of one user are: enough to know the
design effect to within a few percent, and few enough for a small table."""


_KEYS = ("segment", "weekday", "hour", "is_drawn", "person")
_SUMS = ["n_pushes", "answered"]


def measure(pushes: Pushes) -> Measures:
    """Count the pushes that were sent, by when, to whom, and by lot or not."""
    every = max(1, -(-sum(pushes.n_users.values()) // MOST_PERSONS))
    sent = pushes.brief.filter(pushes.brief.sent_hour.notnull())
    sent = sent.rename(weekday="sent_weekday", hour="sent_hour")
    persons = _count(sent.filter(sent.number % every == 0).rename(person="number"), *_KEYS)
    # All of them and the persons among them, which takes less than to tell them apart at once.
    cells = [*_KEYS[:-1]]
    others = _count(sent, *cells).set_index(cells)
    others = others.sub(persons.groupby(cells)[_SUMS].sum(), fill_value=0).astype("int64")
    others = others[others["n_pushes"] > 0].reset_index().assign(person=-1)
    counts = pd.concat([others, persons], ignore_index=True)[[*_KEYS, *_SUMS]]
    return Measures(
        definition=pushes.definition,
        source=pushes.source,
        first=pushes.first,
        as_of=pushes.as_of,
        min_users=pushes.min_users,
        segments=pushes.segments,
        crossings=pushes.crossings,
        n_users=pushes.n_users,
        counts=counts.sort_values([*_KEYS], ignore_index=True),
        every=every,
    )


def _count(sent: ir.Table, *keys: str) -> pd.DataFrame:
    answered = sent.count(where=sent.outcome == 1)
    counts: pd.DataFrame = (
        sent.group_by(keys).agg(n_pushes=sent.count(), answered=answered).to_pandas()
    )
    return counts.astype(dict.fromkeys(("weekday", "hour"), "int64"))
