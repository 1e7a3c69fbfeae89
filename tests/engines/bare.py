"""A source without what a merchant need not have: a study then puts other values in its place."""

from __future__ import annotations

from dataclasses import replace

from siyu.data import Source
from siyu.data.contract import TABLES

_KEPT = {
    "users": ("added_at",),
    "pushes": ("planned_at",),
    "invites": ("invitee_id", "accepted_at", "campaign"),
}
"""Columns without which there is nothing to be asked of a table."""


def strip(pool: Source, *absent: str) -> Source:
    """Leave out some tables, and of the others every column that may be left out."""
    tables = {}
    for name, table in pool._tables.items():
        columns = TABLES[name].columns
        needed = [one for one, column in columns.items() if column.required]
        if name not in absent:
            tables[name] = table.select(*needed, *_KEPT.get(name, ()))
    return replace(pool, _tables=tables)
