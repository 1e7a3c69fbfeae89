"""Count pushes by medium, content and copy, and fetch what comparisons within users need."""

from __future__ import annotations

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from siyu.studies.naming import UNKNOWN
from siyu.studies.push_timing.definition import PushError
from siyu.studies.push_timing.message.measures import OTHER, Measures
from siyu.studies.push_timing.pushes import Pushes

MOST_PUSHES = 300_000
"""About so many pushes, of a fixed part of the users, are compared within users."""
_MOST = {"medium": 8, "content": 24, "copy": 6}
"""The most frequent values that keep their name; merchants may write every text anew."""


def measure(pushes: Pushes, *, marks: Sequence[str] = ()) -> Measures:
    """Reduce pushes to counts by what was sent, and to the sent pushes of a part of the users.

    Args:
        pushes: from `find_pushes`.
        marks: texts which, in the name of a content, mark a kind of it that is to be compared with
            all other content, such as "促销" for promotions.

    Raises:
        PushError: a mark is empty.
    """
    if "" in marks:
        raise PushError("marks: '' is in every name; give a text that marks a kind of content")
    table = pushes.rows
    table = table.mutate(**{name: table[name].fill_null(UNKNOWN) for name in _MOST})
    keys = ["segment", *_MOST]
    both = table.is_opened & (table.outcome == 1)
    counts: pd.DataFrame = (
        table.group_by(keys)
        .agg(
            n_planned=table.count(),
            n_sent=table.count(where=table.is_sent),
            answered=table.outcome.sum(where=table.is_sent),
            opened=table.count(where=table.is_sent & table.is_opened),
            opened_answered=table.count(where=table.is_sent & both),
        )
        .to_pandas()
    )
    numbers = counts.columns.drop(keys)
    counts[numbers] = counts[numbers].fillna(0).astype("int64")
    every = max(1, -(-int(counts["n_sent"].sum()) // MOST_PUSHES))
    rows = _fetch(table, every)
    names = np.array(pushes.segments, dtype=object)
    for name, most in _MOST.items():
        frequent = counts.groupby(name)["n_sent"].sum().nlargest(most).index
        for one in (counts, rows):
            one[name] = one[name].where(one[name].isin(frequent), OTHER)
    for one in (counts, rows):
        one["segment"] = names[one["segment"]]
    return Measures(
        definition=pushes.definition,
        source=pushes.source,
        first=pushes.first,
        as_of=pushes.as_of,
        min_users=pushes.min_users,
        segments=pushes.segments,
        crossings=pushes.crossings,
        n_users=pushes.n_users,
        marks=tuple(marks),
        counts=counts.groupby(keys, as_index=False).sum(),
        rows=rows,
        every=every,
        knows_opens=bool(counts["opened"].sum()),
    )


def _fetch(table: ir.Table, every: int) -> pd.DataFrame:
    """Fetch sent pushes with when they were planned: how late they are sent is up to the medium."""
    sent = table.filter(table.is_sent & (table.number % every == 0))
    on = ibis.coalesce(sent.planned_on, sent.sent_on)
    rows: pd.DataFrame = sent.select(
        "segment",
        *_MOST,
        user="number",
        hour=ibis.coalesce(sent.planned_hour, sent.sent_hour),
        weekday=ibis.coalesce(sent.planned_weekday, sent.sent_weekday),
        month=(on.year() * 12 + on.month()).cast("int32"),
        answered="outcome",
    ).to_pandas()
    return rows.sort_values([*rows.columns], ignore_index=True)
