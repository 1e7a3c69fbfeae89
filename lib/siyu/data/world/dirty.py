"""Soil the tables of a pool with the defects that `siyu check` finds, and say what was planted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from siyu.data.contract import TABLES
from siyu.data.problems import Severity
from siyu.data.world.frame import TIMEZONE, Frame

_ERRORS = (
    ("users", "user_id", "duplicate key"),
    ("users", "user_id", "null"),
    ("contacts", "added_at", "null"),
    ("events", "event", "null"),
    ("orders", "order_id", "duplicate key"),
    ("pushes", "push_id", "null"),
    ("tiers", "user_id, since", "duplicate key"),
    ("tiers", "tier", "null"),
    ("spend", "cost_cny", "null"),
)
_WARNINGS = (
    ("users", "channel", "unknown"),
    ("users", "lure", "unknown"),
    ("users", "staff_id", "blank"),
    ("users", "left_at", "before"),
    ("contacts", "user_id", "stranger"),
    ("contacts", "left_by", "unknown"),
    ("contacts", "left_at", "before"),
    ("events", "user_id", "stranger"),
    ("events", "occurred_at", "outside"),
    ("events", "value_cny", "negative"),
    ("events", "", "duplicate row"),
    ("orders", "user_id", "stranger"),
    ("orders", "paid_at", "outside"),
    ("orders", "refunded_cny", "negative"),
    ("pushes", "medium", "unknown"),
    ("pushes", "propensity", "share"),
    ("pushes", "planned_at", "neither"),
    ("pushes", "planned_at", "outside"),
    ("pushes", "opened_at", "before"),
    ("pushes", "clicked_at", "before"),
    ("pushes", "blocked_at", "before"),
    ("tiers", "basis_cny", "negative"),
    ("groups", "group_id", "blank"),
    ("groups", "created_at", "outside"),
    ("groups", "closed_at", "before"),
    ("spend", "channel", "unknown"),
    ("spend", "clicks", "negative"),
)
"""Each (table, column, kind). Where a column has an error, `siyu check` tells no warning of it."""
_UNREADABLE = (
    ("orders", "amount_cny", "九十九元", "wrong type: not an amount in yuan"),
    ("assignments", "assigned_at", "昨天", "wrong type: not a time"),
    ("assignments", "assigned_at", "2026-01-06 10:00", "time without zone and no declared zone"),
    ("spend", "day", "2026-02-30", "wrong type: not a day"),
)
"""Columns that come as text, and a value there that breaks the rule."""
EMPTIED, TORN = "invites", "group_members"
"""The table that keeps no row, and the one whose file `tear` cuts short."""
_HOLLOW = ("users", "age_band")
_MISTYPED = ("points", "delta")
_CROPPED = ("group_messages", "sent_at")
_STRAY = "order"
_FRESH: Mapping[str, str] = {
    "users": "user_id",
    "contacts": "staff_id",
    "orders": "order_id",
    "pushes": "push_id",
    "tiers": "since",
    "assignments": "experiment",
    "groups": "group_id",
}
"""The column of the key that a planted row gets a value of its own in."""
_VALUES: Mapping[str, object] = {
    "null": None,
    "unknown": "未知",
    "stranger": "nobody",
    "share": 30.0,
}
"""The value of a column with this kind of defect."""
_MOST_ROWS = 3


@dataclass(frozen=True, kw_only=True)
class Planted:
    """One defect; `rows` is what `siyu check` counts, 0 where rows do not apply."""

    table: str
    column: str
    rule: str
    severity: Severity
    rows: int


def soil(
    tables: Mapping[str, pa.Table], frame: Frame, *, seed: int
) -> tuple[dict[str, pa.Table], list[Planted]]:
    """Plant every kind of defect that tables in readable files can have.

    Sound rows stay as they are: a bad row is the copy of a sound one with one thing changed, under
    a key of its own. Four tables suffer as a whole instead: `invites` is emptied, `points` has
    a column of the wrong type, `group_messages` lacks a column, and `group_members` waits to be
    torn by `tear`. A table without a row that could be copied stays as it is.

    Args:
        tables: sound tables of the contract, all or some, with the columns of the simulated pool.
        frame: the observed days, as `source.yaml` declares them. It must not declare a `timezone`
            or `naive_times`: a time without zone would be no defect.
        seed: decides which rows are copied, and how many.

    Returns:
        The tables, with one more that no study asks for (`order`), and what was planted. A missing
        `users` table is not among it: nothing else would be found without it.
    """
    soiled = _Soiled(dict(tables), frame, np.random.default_rng(seed))
    for defect in _ERRORS:
        soiled.plant(*defect, "error")
    for defect in _WARNINGS:
        soiled.plant(*defect, "warning")
    for table, column in dict.fromkeys((table, column) for table, column, *_ in _UNREADABLE):
        soiled.turn_into_text(table, column)
    for table, column, value, rule in _UNREADABLE:
        soiled.plant_text(table, column, value, rule)
    soiled.spoil_whole_tables()
    return soiled.tables, soiled.planted


def tear(path: Path) -> Planted:
    """Cut a file in half, as a transfer that broke off leaves it."""
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    return Planted(table=path.name, column="", rule="unreadable", severity="error", rows=0)


class _Soiled:
    """The tables on their way to being dirty."""

    def __init__(self, tables: dict[str, pa.Table], frame: Frame, rng: np.random.Generator) -> None:
        self.tables = tables
        self.planted: list[Planted] = []
        self._sound = dict(tables)
        self._rng = rng
        self._serial = 0
        midnight = datetime.combine(frame.first_day, time(), tzinfo=ZoneInfo(TIMEZONE))
        self._outside = (midnight - timedelta(days=1), midnight + timedelta(days=frame.days))

    def plant(self, table: str, column: str, kind: str, severity: Severity) -> None:
        """Plant one kind of defect in a few rows."""
        rows = self._pick(table)
        if kind.startswith("duplicate"):
            # Of a key that stands twice, both rows are counted.
            count, rule = len(rows) * (2 if kind == "duplicate key" else 1), kind
        else:
            if column not in self._columns(table):
                return
            count, rule = len(rows), _name_rule(table, column, kind)
            rows = [self._renew(table, row) for row in rows]
            rows = [row | self._change(table, column, kind, row) for row in rows]
        self._append(table, rows)
        self._note(table, column, rule, severity, count)

    def plant_text(self, table: str, column: str, value: str, rule: str) -> None:
        """Plant a text that cannot be read in a column of texts."""
        rows = [self._renew(table, row) | {column: value} for row in self._pick(table)]
        self._append(table, rows)
        self._note(table, column, rule, "error", len(rows))

    def turn_into_text(self, table: str, column: str) -> None:
        """Store a column as text, as the export to a spreadsheet does."""
        for tables in (self._sound, self.tables):
            if table in tables:
                texts = tables[table][column].cast(pa.string())
                tables[table] = _replace(tables[table], column, texts)

    def spoil_whole_tables(self) -> None:
        """Plant what a column or a table can have wrong as a whole."""
        tables = self.tables
        if (name := _HOLLOW[0]) in tables and tables[name]:
            column = tables[name][_HOLLOW[1]]
            tables[name] = _replace(tables[name], _HOLLOW[1], pa.nulls(len(column), column.type))
            self._note(*_HOLLOW, "empty column", "warning", len(column))
        if (name := _MISTYPED[0]) in tables:
            truths = pc.greater(tables[name][_MISTYPED[1]], 0)
            tables[name] = _replace(tables[name], _MISTYPED[1], truths)
            self._note(*_MISTYPED, "wrong type: boolean is no number", "error")
        if (name := _CROPPED[0]) in tables:
            tables[name] = tables[name].drop_columns([_CROPPED[1]])
            self._note(*_CROPPED, "missing column", "error")
        if EMPTIED in tables:
            tables[EMPTIED] = tables[EMPTIED].slice(0, 0)
            self._note(EMPTIED, "", "empty table", "warning")
        tables[_STRAY] = pa.table({"order_id": ["1"]})
        rule = "not read, as no table uses it: 1 of the files or tables there"
        self._note("", "", rule, "warning")

    def _columns(self, table: str) -> list[str]:
        return list(self.tables[table].column_names) if table in self.tables else []

    def _pick(self, table: str) -> list[dict[str, Any]]:
        """Pick a few sound rows in which every time is filled that another must not precede."""
        if table not in self._sound:
            return []
        rows = self._sound[table]
        fit = np.ones(len(rows), dtype=np.bool_)
        for earlier in TABLES[table].after.values():
            fit &= rows[earlier].is_valid().to_numpy()
        count = self._rng.integers(1, _MOST_ROWS + 1)
        picked = self._rng.permutation(np.flatnonzero(fit))[:count]
        return list(rows.take(pa.array(picked)).to_pylist())

    def _renew(self, table: str, row: dict[str, Any]) -> dict[str, Any]:
        """Give a copy of a row a key of its own."""
        column = _FRESH.get(table)
        if column is None:
            return row
        self._serial += 1
        if isinstance(row[column], datetime):
            return row | {column: row[column] + timedelta(microseconds=self._serial)}
        return row | {column: f"dirty-{self._serial:03d}"}

    def _change(self, table: str, column: str, kind: str, row: dict[str, Any]) -> dict[str, Any]:
        """Say which columns of a row take which value, to plant a kind of defect."""
        contract = TABLES[table]
        if kind == "before":
            return {column: row[contract.after[column]] - timedelta(days=1)}
        later = dict.fromkeys((*contract.later, *contract.one_of))
        if kind == "neither":
            return later
        if kind == "outside":
            self._serial += 1
            # What still holds may have begun before the observation.
            early = not contract.lasting and self._serial % 2
            return later | {column: self._outside[0 if early else 1]}
        if kind == "negative":
            return {column: Decimal(-1) if contract.columns[column].kind == "money" else -1}
        return {column: {**_VALUES, "blank": f" {row[column]}"}[kind]}

    def _append(self, table: str, rows: list[dict[str, Any]]) -> None:
        if rows:
            there = self.tables[table]
            added = pa.Table.from_pylist(rows, schema=there.schema)
            self.tables[table] = pa.concat_tables([there, added])

    def _note(
        self, table: str, column: str, rule: str, severity: Severity, rows: int | None = None
    ) -> None:
        """Note a defect, unless it struck no row."""
        if rows != 0:
            self.planted.append(
                Planted(table=table, column=column, rule=rule, severity=severity, rows=rows or 0)
            )


def _name_rule(table: str, column: str, kind: str) -> str:
    """Name the rule of `siyu check` that a kind of defect breaks."""
    contract = TABLES[table]
    if kind == "null":
        return "null key" if column in contract.key else "null in a required column"
    if kind == "negative":
        return "negative amount" if contract.columns[column].kind == "money" else "negative count"
    if kind == "before":
        return f"{column} before {contract.after[column]}"
    return {
        "unknown": f"unknown {column}",
        "stranger": "unknown user",
        "blank": "blank before or after an id",
        "share": "share outside [0, 1]",
        "outside": "time outside the observation window",
        "neither": f"neither {' nor '.join(contract.one_of)}",
    }[kind]


def _replace(rows: pa.Table, column: str, values: pa.Array) -> pa.Table:
    return rows.set_column(rows.column_names.index(column), column, values)
