"""Name segments so that no two share a name, and let small groups share one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import pandas as pd

EVERYONE = "all"
UNKNOWN = "(unknown)"
SMALL = "(small groups)"
"""All groups under `min_users` together, so that no few persons are shown."""
_OURS = "|".join(map(re.escape, (EVERYONE, SMALL, "mix", "rate")))
"""Names that stand for something else in tables and in the ids of findings."""
_LONE = re.compile(r"(?<!\S)×+(?!\S)")


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
    was = _names(pairs, by, before=True).where(pairs["depth_before"].notna())
    now = _names(pairs, by).where(pairs["depth"].notna())
    entered = counts["n"].groupby(_names(counts, by)).sum()
    young = waiting["n"].groupby(_names(waiting, by)).sum()
    sizes = {
        "entered": entered,
        "before": pairs["n"].groupby(was).sum(),
        "followed": entered.add(young, fill_value=0),
    }
    shown = large(pd.DataFrame(sizes).fillna(0), min_users=min_users) if by else {EVERYONE}
    named = {}
    for which, table in tables.items():
        ends = {"segment": _lumped(now if which == "pairs" else _names(table, by), shown)}
        if which == "pairs":
            ends["segment_before"] = _lumped(was, shown)
        named[which] = _summed(table, by, ends)
    every = {
        *_crossings(counts, by),
        *_crossings(waiting, by),
        *_crossings(pairs, by),
        *_crossings(pairs, by, before=True),
    }
    values = {name_of(by, crossing): dict(zip(by, crossing, strict=True)) for crossing in every}
    return named, {name: values[name] for name in sorted(shown) if by}


def column_of(name: str, *, before: bool = False) -> str:
    """Name the column that holds a segment column's values, so that it is none of our own."""
    return f"{'before' if before else 'by'} {name}"


def name_of(by: Sequence[str], values: Sequence[str]) -> str:
    """Name a segment by its values of the columns `by`, joined by " × ".

    Two segments never share a name, and none has one of ours: a value that reads like one ("all")
    is shown with its column, and a × that stands alone in a value is doubled.
    """
    parts = [
        f"{value} ({column})"
        if re.fullmatch(rf"({_OURS})( \({re.escape(column)}\))*", value)
        else value
        for column, value in zip(by, values, strict=True)
    ]
    if len(parts) == 1:
        return parts[0]
    return " × ".join(_LONE.sub(r"\g<0>×", part) for part in parts) or EVERYONE


def large(sizes: pd.DataFrame, *, min_users: int) -> set[str]:
    """Choose the segments to be shown by name, so that the rest is no small group either.

    What the shown ones leave over can be had by subtraction from the total: it must not be a few
    persons, in none of the counts. So the segments that are few in any count share one name, and
    the next smallest join them until that group, too, has nobody or enough in each.

    Args:
        sizes: one row per segment, by name, and one column per count of users that is published.
        min_users: smallest group that may be told from the others; nobody is no group.
    """
    least = sizes.where(sizes > 0).min(axis=1).sort_values(kind="stable")
    sizes = sizes.loc[least.index]
    small = int((least < min_users).sum())
    while small < len(sizes):
        left = sizes.iloc[:small].sum()
        if not ((left > 0) & (left < min_users)).any():
            break
        small += 1
    return set(sizes.index[small:])


def _crossings(
    table: pd.DataFrame, by: Sequence[str], *, before: bool = False
) -> list[tuple[str, ...]]:
    """Give the values of the columns in each row, a missing one as "(unknown)"."""
    if not by:
        return [()] * len(table)
    values = table[[column_of(name, before=before) for name in by]].astype("object")
    return list(values.where(values.notna(), UNKNOWN).itertuples(index=False, name=None))


def _names(table: pd.DataFrame, by: Sequence[str], *, before: bool = False) -> pd.Series:
    """Name the segment of each row."""
    crossings = _crossings(table, by, before=before)
    names = {crossing: name_of(by, crossing) for crossing in set(crossings)}
    return pd.Series([names[crossing] for crossing in crossings], index=table.index, dtype="object")


def _lumped(names: pd.Series, kept: set[str]) -> pd.Series:
    return names.where(names.isin(kept) | names.isna(), SMALL)


def _summed(table: pd.DataFrame, by: Sequence[str], ends: Mapping[str, pd.Series]) -> pd.DataFrame:
    """Exchange the columns for the names, and sum the users of rows that are now alike."""
    gone = [column_of(name, before=before) for name in by for before in (False, True)]
    table = table.drop(columns=gone, errors="ignore").assign(**ends)
    keys = [*ends, *(column for column in table.columns if column not in (*ends, "n"))]
    return table.groupby(keys, dropna=False)["n"].sum().reset_index()
