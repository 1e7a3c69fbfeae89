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

    A segment that was small in either of two spans is compared as one of the small groups, so
    "pairs" may name other segments than the rest.

    Args:
        tables: "counts", "waiting", "times" and "pairs", with the columns `by` and `n` users per
            row; in "pairs" also the columns of the span before (`_before`), and `depth` and
            `depth_before`, null where the users did not enter.
        by: the columns; where there are none, everyone is one segment.
        min_users: smallest segment that is told from the others, at least 1.

    Returns:
        The tables with `segment` (in "pairs" also `segment_before`) instead of the columns, rows
        of one segment summed; and for each segment that keeps its own name, its value of each
        column ("(unknown)" for a missing one).
    """
    counts, pairs = tables["counts"], tables["pairs"]
    was = _names(pairs, by, suffix="_before").where(pairs["depth_before"].notna())
    shown = comparable = {EVERYONE}
    if by:
        entered = counts["n"].groupby(_names(counts, by)).sum()
        shown = large(entered, min_users=min_users)
        comparable = _large_in_both(entered, pairs["n"].groupby(was).sum(), min_users=min_users)
    named = {}
    for which, table in tables.items():
        ends = {"segment": _lumped(_names(table, by), shown)}
        if which == "pairs":
            now = _names(pairs, by).where(pairs["depth"].notna())
            ends = {
                "segment": _lumped(now, comparable),
                "segment_before": _lumped(was, comparable),
            }
        named[which] = _summed(table, by, ends)
    every = (*_crossings(counts, by), *_crossings(pairs, by), *_crossings(pairs, by, "_before"))
    values = {name_of(by, crossing): dict(zip(by, crossing, strict=True)) for crossing in every}
    return named, {name: values[name] for name in sorted(shown | comparable) if by}


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


def large(entered: pd.Series, *, min_users: int) -> set[str]:
    """Choose the segments to be shown by name, so that the rest is no small group either.

    Args:
        entered: users per segment, by name.
        min_users: smallest group that may be told from the others.
    """
    sizes = entered.sort_values(kind="stable")
    small = int((sizes < min_users).sum())
    # What the others leave over can be had by subtraction: it must not be a few persons.
    while 0 < sizes.iloc[:small].sum() < min_users and small < len(sizes):
        small += 1
    return set(sizes.index[small:])


def _large_in_both(now: pd.Series, before: pd.Series, *, min_users: int) -> set[str]:
    """Choose the segments to be compared by name: in each span either nobody, or not few."""
    sizes = pd.concat([now, before], axis=1).fillna(0)
    few = ((sizes > 0) & (sizes < min_users)).any(axis=1)
    return set(sizes.index[~few])


def _crossings(table: pd.DataFrame, by: Sequence[str], suffix: str = "") -> list[tuple[str, ...]]:
    """Give the values of the columns in each row, a missing one as "(unknown)"."""
    if not by:
        return [()] * len(table)
    values = table[[f"{name}{suffix}" for name in by]].astype("object")
    return list(values.where(values.notna(), UNKNOWN).itertuples(index=False, name=None))


def _names(table: pd.DataFrame, by: Sequence[str], *, suffix: str = "") -> pd.Series:
    """Name the segment of each row."""
    crossings = _crossings(table, by, suffix)
    names = {crossing: name_of(by, crossing) for crossing in set(crossings)}
    return pd.Series([names[crossing] for crossing in crossings], index=table.index, dtype="object")


def _lumped(names: pd.Series, kept: set[str]) -> pd.Series:
    return names.where(names.isin(kept) | names.isna(), SMALL)


def _summed(table: pd.DataFrame, by: Sequence[str], ends: Mapping[str, pd.Series]) -> pd.DataFrame:
    """Exchange the columns for the names, and sum the users of rows that are now alike."""
    gone = [*by, *(f"{name}_before" for name in by)]
    table = table.drop(columns=gone, errors="ignore").assign(**ends)
    keys = [*ends, *(column for column in table.columns if column not in (*ends, "n"))]
    return table.groupby(keys, dropna=False)["n"].sum().reset_index()
