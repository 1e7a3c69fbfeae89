"""Ask the same question under every defensible definition: how much of the answer is the rule?"""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import get_args

import pandas as pd

from siyu.data import Source
from siyu.studies.funnel.chains import follow
from siyu.studies.funnel.definition import Definition, Entry, Ties
from siyu.studies.funnel.rates import hide_few, share
from siyu.studies.funnel.spans import entry_span


def sensitivity(pool: Source, definition: Definition, *, period_days: int) -> pd.DataFrame:
    """Measure the same funnel under every defensible definition.

    Args:
        pool: the source.
        definition: the funnel asked for.
        period_days: length of the entry period, in days.

    Returns:
        One row per combination of entry (best, first), ties (either, strict) and window (x 0.5, 1,
        2; none stays none): `entry`, `ties`, `window_days`, `entered`, `converted` (users), `asked`
        (the one asked for). Each definition has its own mature users.
    """
    asked = definition.window_days
    windows = [None] if asked is None else [asked * factor for factor in (0.5, 1, 2)]
    rows = []
    for entry, ties, window_days in product(get_args(Entry), get_args(Ties), windows):
        variant = replace(definition, entry=entry, ties=ties, window_days=window_days)
        span = entry_span(pool, variant, period_days=period_days, compare_to_previous=False)
        users = follow(
            pool.table("events"),
            variant,
            starts_from=span.entry_from,
            starts_until=span.eligible_until,
        )
        last = users[f"reached_{len(variant.steps)}_at"]
        found = users.agg(entered=users.count(), converted=last.count()).to_pandas().iloc[0]
        rows.append(
            {
                "entry": entry,
                "ties": ties,
                "window_days": window_days,
                "entered": int(found["entered"]),
                "converted": int(found["converted"]),
                "asked": variant == definition,
            }
        )
    return pd.DataFrame(rows)


def with_intervals(definitions: pd.DataFrame, *, level: float, min_users: int) -> pd.DataFrame:
    """Add `rate` and its Wilson interval to the rows of `sensitivity`.

    Args:
        definitions: from `sensitivity`.
        level: coverage of each interval, between 0 and 1.
        min_users: a definition under which fewer users can be judged has no numbers.
    """
    n, x = definitions["entered"].to_numpy(), definitions["converted"].to_numpy()
    return hide_few(definitions.assign(**share("", x, n, level)), min_users=min_users)
