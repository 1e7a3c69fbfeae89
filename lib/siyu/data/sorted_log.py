"""The events of a prepared source as arrays, sorted by person and time, for compiled passes."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

FEWEST_ROWS = 1_000_000
"""Rows from which a compiled pass pays by the second question: to load it takes half a second."""
_MOST_VALUES = 2**16 - 1
_BATCH_ROWS = 1_000_000
T = TypeVar("T")
_EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)


@dataclass(frozen=True, kw_only=True)
class Coded:
    """A column of text: per row the index of its value in `values`, which are sorted.

    The index after the last stands for null.
    """

    codes: NDArray[np.uint16]
    values: tuple[str, ...]


class Rows(NamedTuple):
    """The rows of a log as a compiled pass takes them.

    first, at, from_us, until_us: as in `SortedLog`. event: per row the code of its event. marks:
    per code, as bits, in which of the asked sets of names it is, the first set lowest.
    """

    first: NDArray[np.int64]
    at: NDArray[np.int64]
    event: NDArray[np.uint16]
    marks: NDArray[np.uint16]
    from_us: int
    until_us: int


@dataclass(frozen=True, kw_only=True)
class SortedLog:
    """Events row by row, those of person `p` from `first[p]` to before `first[p + 1]`, by time.

    at: microseconds since 1970. columns: `event`, and the further columns of text that have no more
    values than a code can tell. from_us, until_us: rows from the one to before the other are known.
    """

    first: NDArray[np.int64]
    at: NDArray[np.int64]
    columns: Mapping[str, Coded]
    from_us: int = np.iinfo(np.int64).min
    until_us: int = np.iinfo(np.int64).max

    def known(self, since: datetime, until: datetime) -> SortedLog:
        """Leave only what happened from one instant (aware) to before another."""
        return replace(self, from_us=count_us(since), until_us=count_us(until))

    def rows(self, sets: Sequence[Iterable[str]]) -> Rows:
        """Give the rows with marks for up to 16 sets of names of events."""
        event = self.columns["event"]
        marks = np.zeros(len(event.values), dtype=np.uint16)
        for place, names in enumerate(sets):
            marks[np.isin(event.values, list(names))] |= np.uint16(1 << place)
        return Rows(self.first, self.at, event.codes, marks, self.from_us, self.until_us)


def count_us(at: datetime) -> int:
    """Count the microseconds from 1970 to an aware instant."""
    return (at - _EPOCH) // _MICROSECOND


def side_by_side(run: Callable[[slice], T], n_persons: int) -> list[T]:
    """Run over parts of all persons, one per processor, at once; give what each found."""
    n_parts = os.cpu_count() or 1
    ends = [n_persons * part // n_parts for part in range(n_parts + 1)]
    with ThreadPoolExecutor(n_parts) as threads:
        return list(threads.map(run, itertools.starmap(slice, itertools.pairwise(ends))))


def write_log(events: ir.Table, n_persons: int, folder: Path) -> dict[str, list[str]]:
    """Write the arrays of a log into a folder.

    Args:
        events: with codes of persons; its rows lie by person and time, and are read in that order.
        n_persons: one more than the greatest code.
        folder: where to write.

    Returns:
        The values of each column, by name, to be kept for `open_log`; none of a log whose events
        have too many names.
    """
    texts = [name for name, dtype in events.schema().items() if dtype.is_string()]
    counts = events.aggregate(**{name: events[name].nunique() for name in texts}).to_pyarrow()
    texts = [name for name in texts if counts[name][0].as_py() <= _MOST_VALUES]
    if "event" not in texts:
        return {}
    values = {name: _values_of(events[name]) for name in texts}
    first = _first_rows(events, n_persons)
    at = _create(folder / "at.npy", np.int64, first[-1])
    columns = [_create(_column(folder, place), np.uint16, first[-1]) for place in range(len(texts))]
    rows = events.select("user_id", "occurred_at", *texts)
    begins = 0
    while begins < n_persons:
        ends = int(np.searchsorted(first, first[begins] + _BATCH_ROWS, side="right"))
        ends = min(max(ends - 1, begins + 1), n_persons)
        found = rows.filter(rows.user_id >= begins, rows.user_id < ends).to_pyarrow()
        user, when, *text = found.columns
        assert np.all(np.diff(user.to_numpy()) >= 0), "rows were not read in their order"
        part = slice(first[begins], first[ends])
        at[part] = when.cast(pa.int64()).to_numpy()
        for codes, column, known in zip(columns, text, values.values(), strict=True):
            place = pc.index_in(column, value_set=pa.array(known, pa.string()))
            codes[part] = place.fill_null(len(known)).to_numpy()
        begins = ends
    for array in (at, *columns):
        array.flush()
    np.save(folder / "first.npy", first)
    return values


def open_log(folder: Path, values: Mapping[str, Sequence[str]]) -> SortedLog | None:
    """Open a log; its arrays stay in their files, and in memory only as long as there is room.

    Args:
        folder: where they were written.
        values: from `write_log`.

    Returns:
        None where a compiled pass does not pay, or nothing is there that compiles it.
    """
    if not values or find_spec("numba") is None:
        return None
    at = _open(folder / "at.npy")
    if len(at) < FEWEST_ROWS:
        return None
    return SortedLog(
        first=_open(folder / "first.npy"),
        at=at,
        columns={
            name: Coded(codes=_open(_column(folder, place)), values=tuple(known))
            for place, (name, known) in enumerate(values.items())
        },
    )


def _first_rows(events: ir.Table, n_persons: int) -> NDArray[np.int64]:
    counts = events.group_by("user_id").aggregate(n=events.count()).to_pyarrow()
    first = np.zeros(n_persons + 1, dtype=np.int64)
    first[1 + counts["user_id"].to_numpy()] = counts["n"].to_numpy()
    return first.cumsum()


def _values_of(column: ir.StringColumn) -> list[str]:
    distinct = column.name("value").as_table().distinct()
    filled = distinct.filter(distinct.value.notnull()).order_by("value")
    found: list[str] = filled.to_pyarrow()["value"].to_pylist()
    return found


def _column(folder: Path, place: int) -> Path:
    return folder / f"column_{place}.npy"


def _create(file: Path, kind: type[np.generic], n_rows: int) -> np.memmap:
    return np.lib.format.open_memmap(file, "w+", dtype=kind, shape=(int(n_rows),))


def _open(file: Path) -> NDArray[Any]:
    array: NDArray[Any] = np.load(file, mmap_mode="r").view(np.ndarray)
    return array
