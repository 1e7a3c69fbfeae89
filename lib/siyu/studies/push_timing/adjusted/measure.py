"""Reduce sent pushes, in the engine, to counts of those that are alike."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
import pandas as pd

from siyu.studies.calendar import find_kinds
from siyu.studies.push_timing.adjusted.measures import Measures
from siyu.studies.push_timing.pushes import Pushes

MOST_PUSHES = 1_500_000
"""Above as many sent pushes, whole users are drawn: more say little that is new, and take long."""
MOST_CONTENTS = 200
"""So many contents have an effect of their own; pushes of the others cannot be made alike."""


def measure(pushes: Pushes, *, holidays_country: str) -> Measures:
    """Count sent pushes by user, hour of sending, content and kind of day.

    Content is the campaign where a push has no content.

    Args:
        pushes: from `find_pushes`.
        holidays_country: two-letter code of the country whose holidays count; "" for none.

    Raises:
        CalendarError: the holidays of that country are not known.
    """
    rows = pushes.rows
    sent = rows.filter(rows.is_sent)
    sent = sent.mutate(subject=ibis.coalesce(sent.content, sent.campaign, ""))
    seen = sent.agg(n=sent.count(), first=sent.sent_on.min(), last=sent.sent_on.max()).to_pandas()
    (n_sent, first, last) = seen.iloc[0]
    first, last = (
        pushes.as_of if pd.isna(day) else pd.Timestamp(day).date() for day in (first, last)
    )
    calendar = find_kinds(first, last, country=holidays_country)
    every = -(-int(n_sent) // MOST_PUSHES) or 1
    if every > 1:
        sent = sent.filter(sent.number % every == 0)
    contents = sent.group_by("subject").agg(n=sent.count()).to_pandas()
    contents = contents.sort_values(["n", "subject"], ascending=[False, True], ignore_index=True)
    kept = contents.head(MOST_CONTENTS)
    return Measures(
        outcome=pushes.definition.outcome,
        horizon_hours=pushes.definition.horizon_hours,
        source=pushes.source,
        first=pushes.first,
        as_of=pushes.as_of,
        min_users=pushes.min_users,
        segments=pushes.segments,
        crossings=pushes.crossings,
        rows=_count(sent, kept, calendar.days),
        n_contents=len(kept),
        n_sent=int(n_sent),
        every=every,
        n_rare=int(contents["n"].sum() - kept["n"].sum()),
        country=holidays_country,
        unsure=calendar.unsure,
    )


def _count(sent: ir.Table, contents: pd.DataFrame, days: pd.DataFrame) -> pd.DataFrame:
    codes = contents[["subject"]].assign(code=contents.index.astype("int16"))
    coded = sent.join(_table(codes, subject="string"), "subject")
    known = _table(days, on="date")
    coded = coded.join(known, coded.sent_on == known.on)
    keys = ["number", "segment", "hour", "content", "kind", "is_drawn"]
    coded = coded.select(
        "number", "segment", "kind", "is_drawn", "outcome", hour="sent_hour", content="code"
    )
    counts = coded.group_by(keys).agg(
        n=coded.count().cast("int32"), k=coded.outcome.sum().cast("int32")
    )
    found: pd.DataFrame = counts.to_pandas()
    return found.sort_values(keys, ignore_index=True)


def _table(rows: pd.DataFrame, **types: str) -> ir.Table:
    """Hand a small table to the engine, with columns whose types it cannot tell from values."""
    table = ibis.memtable(rows)
    return table.mutate(**{name: table[name].cast(kind) for name, kind in types.items()})
