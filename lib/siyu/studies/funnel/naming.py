"""Put one name per segment in the place of the columns that tell segments apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from siyu.studies.naming import (
    EVERYONE,
    column_of,
    crossings_of,
    large,
    lumped,
    name_of,
    names_of,
)


def name_segments(
    tables: Mapping[str, pd.DataFrame], by: Sequence[str], *, min_users: int
) -> tuple[dict[str, pd.DataFrame], dict[str, dict[str, str]]]:
    """Put one name per segment in the place of the columns that tell segments apart.

    All tables have the same partition, so that none tells what another hides: see `large`.

    Args:
        tables: "counts", "waiting", "times" and "pairs", with a column per name in `by`
            (`column_of`) and `n` users per row; in "pairs" also the columns of the span before, and
            `depth` and `depth_before`, null where the users did not enter.
        by: the columns; where there are none, everyone is one segment.
        min_users: smallest segment that is told from the others, at least 1.

    Returns:
        The tables with `segment` (in "pairs" also `segment_before`) instead of the columns, rows
        of one segment summed; and for each segment that keeps its own name, its value of each
        column ("(unknown)" for a missing one).
    """
    counts, waiting, pairs = (tables[name] for name in ("counts", "waiting", "pairs"))
    was = names_of(pairs, by, before=True).where(pairs["depth_before"].notna())
    now = names_of(pairs, by).where(pairs["depth"].notna())
    entered = counts["n"].groupby(names_of(counts, by)).sum()
    young = waiting["n"].groupby(names_of(waiting, by)).sum()
    sizes = {
        "entered": entered,
        "before": pairs["n"].groupby(was).sum(),
        "followed": entered.add(young, fill_value=0),
    }
    shown = large(pd.DataFrame(sizes).fillna(0), min_users=min_users) if by else {EVERYONE}
    named = {}
    for which, table in tables.items():
        ends = {"segment": lumped(now if which == "pairs" else names_of(table, by), shown)}
        if which == "pairs":
            ends["segment_before"] = lumped(was, shown)
        named[which] = _summed(table, by, ends)
    every = {
        *crossings_of(counts, by),
        *crossings_of(waiting, by),
        *crossings_of(pairs, by),
        *crossings_of(pairs, by, before=True),
    }
    values = {name_of(by, crossing): dict(zip(by, crossing, strict=True)) for crossing in every}
    return named, {name: values[name] for name in sorted(shown) if by}


def _summed(table: pd.DataFrame, by: Sequence[str], ends: Mapping[str, pd.Series]) -> pd.DataFrame:
    """Exchange the columns for the names, and sum the users of rows that are now alike."""
    gone = [column_of(name, before=before) for name in by for before in (False, True)]
    table = table.drop(columns=gone, errors="ignore").assign(**ends)
    keys = [*ends, *(column for column in table.columns if column not in (*ends, "n"))]
    return table.groupby(keys, dropna=False)["n"].sum().reset_index()
