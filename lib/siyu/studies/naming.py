"""Name segments so that no two share a name, and let small groups share one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np
import pandas as pd

from siyu.language import LANGUAGES
from siyu.phrases import wording

EVERYONE = "all"
UNKNOWN = "(unknown)"
SMALL = "(small groups)"
"""All groups under `min_users` together, so that no few persons are shown."""
_OURS = (EVERYONE, SMALL, "mix", "rate")
"""Names that stand for something else in tables and in the ids of findings."""
_LONE = re.compile(r"(?<!\S)×+(?!\S)")


def column_of(name: str, *, before: bool = False) -> str:
    """Name the column that holds a segment column's values, so that it is none of our own."""
    return f"{'before' if before else 'by'} {name}"


@cache
def our_names() -> frozenset[str]:
    """Give the names that are ours, and what they are called in each language of the reports."""
    said = (
        wording(language, "terms").get(name, name)
        for language in LANGUAGES
        for name in (EVERYONE, SMALL, UNKNOWN)
    )
    return frozenset([*_OURS, *map(str, said)]) - {UNKNOWN}


def name_of(by: Sequence[str], values: Sequence[str]) -> str:
    """Name a segment by its values of the columns `by`, joined by " × ".

    Two segments never share a name, and none has one of ours: a value that reads like one ("all",
    or what that is called in a language of the reports) is shown with its column, and a × that
    stands alone in a value is doubled.
    """
    parts = [
        f"{value} ({column})"
        if re.sub(rf"( \({re.escape(column)}\))*$", "", value) in our_names()
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


def crossings_of(
    table: pd.DataFrame, by: Sequence[str], *, before: bool = False
) -> list[tuple[str, ...]]:
    """Give the values of the columns in each row, a missing one as "(unknown)"."""
    if not by:
        return [()] * len(table)
    values = table[[column_of(name, before=before) for name in by]].astype("object")
    return list(values.where(values.notna(), UNKNOWN).itertuples(index=False, name=None))


def names_of(table: pd.DataFrame, by: Sequence[str], *, before: bool = False) -> pd.Series:
    """Name the segment of each row."""
    if not by:
        return pd.Series(EVERYONE, index=table.index, dtype="object")
    columns = [column_of(name, before=before) for name in by]
    alike = table.groupby(columns, dropna=False, sort=False)
    names = [name_of(by, one) for one in crossings_of(alike.head(1), by, before=before)]
    places = alike.ngroup().to_numpy()
    return pd.Series(np.array(names, dtype="object")[places], index=table.index)


def lumped(names: pd.Series, kept: set[str]) -> pd.Series:
    """Let all segments but those kept share one name."""
    return names.where(names.isin(kept) | names.isna(), SMALL)


def segmented(
    tables: Mapping[str, pd.DataFrame],
    by: Sequence[str],
    sizes: pd.DataFrame,
    *,
    min_users: int,
) -> tuple[dict[str, pd.DataFrame], dict[str, dict[str, str]]]:
    """Put one name per segment in the place of its columns; small groups share one.

    Args:
        tables: each with the segment columns, others, and `n` users.
        by: the columns that tell segments apart.
        sizes: as in `large`.
        min_users: as in `large`.

    Returns:
        The tables, by `segment` and their other columns, and the values of each segment shown.
    """
    shown = large(sizes, min_users=min_users) if by else {EVERYONE}
    named, values = {}, {}
    for which, table in tables.items():
        segment = lumped(names_of(table, by), shown)
        own = [name for name in table.columns if not name.startswith("by ") and name != "n"]
        plain = table[[*own, "n"]].assign(segment=segment)
        counts = plain.groupby(["segment", *own], dropna=False)["n"].sum()
        named[which] = counts.reset_index()
        each = table.drop_duplicates([column_of(name) for name in by]) if by else table[:0]
        for one in crossings_of(each, by):
            values[name_of(by, one)] = dict(zip(by, one, strict=True))
    return named, {name: values[name] for name in sorted(shown - {SMALL}) if by}
