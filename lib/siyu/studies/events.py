"""Names of events that a study is asked for, held against those that a log has."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable
from datetime import timedelta

import ibis

from siyu.data import Source

_LATELY, _FIRST_ROWS = timedelta(days=28), 100_000


def known_events(pool: Source, asked: Collection[str]) -> set[str]:
    """List the names of events in a pool's log.

    Mostly a few rows of the last days have all that were asked for, and no others are read; where
    one is missing, the names are those of the whole log.
    """
    events = pool.table("events")
    lately = events.filter(events.occurred_at >= ibis.literal(pool.as_of_end - _LATELY))
    known: set[str] = set()
    for rows in (lately.limit(_FIRST_ROWS), events):
        known = set(rows.select("event").distinct().to_pandas()["event"].dropna())
        if known.issuperset(asked):
            break
    return known


def find_unknown(asked: Iterable[str], known: Iterable[str]) -> str:
    """Say which event asked for a log has never seen; "" where it has seen them all.

    Args:
        asked: names of events.
        known: all names in the log.

    Returns:
        A sentence with the event, the nearest known name, and all known names.
    """
    names = sorted(known)
    for one in asked:
        if one not in names:
            near = difflib.get_close_matches(one, names, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else "."
            return f"events has no event {one!r}{hint} It has: {', '.join(names) or 'no events'}"
    return ""
