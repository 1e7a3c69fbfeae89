"""Names of events that a study is asked for, held against those that a log has."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


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
