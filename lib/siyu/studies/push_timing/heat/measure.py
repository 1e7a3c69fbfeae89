"""Count sent pushes and their answers by hour, weekday and segment, in one pass."""

from __future__ import annotations

import ibis
import pandas as pd

from siyu.studies.push_timing.heat.measures import Measures
from siyu.studies.push_timing.pushes import Pushes

MOST_PERSONS = 20_000
"""So many users, a fixed part of all, tell how alike the pushes of one user are: enough to know the
design effect to within a few percent, and few enough for a small table."""


def measure(pushes: Pushes) -> Measures:
    """Count the pushes that were sent, by when, to whom, and by lot or not."""
    every = max(1, -(-sum(pushes.n_users.values()) // MOST_PERSONS))
    sent = pushes.rows.filter(pushes.rows.is_sent)
    is_person = sent.number % every == 0
    sent = sent.mutate(
        weekday=sent.sent_weekday,
        hour=sent.sent_hour,
        person=ibis.ifelse(is_person, sent.number, ibis.literal(-1, "int32")),
    )
    keys = ["segment", "weekday", "hour", "is_drawn", "person"]
    counts: pd.DataFrame = (
        sent.group_by(keys)
        .agg(n_pushes=sent.count(), answered=sent.outcome.sum())
        .to_pandas()
        .astype({"weekday": "int64", "hour": "int64", "n_pushes": "int64", "answered": "int64"})
    )
    return Measures(
        definition=pushes.definition,
        source=pushes.source,
        first=pushes.first,
        as_of=pushes.as_of,
        min_users=pushes.min_users,
        segments=pushes.segments,
        crossings=pushes.crossings,
        n_users=pushes.n_users,
        counts=counts.sort_values(keys, ignore_index=True),
        every=every,
    )
