"""The same source with gaps and ties, in which engines could differ more."""

from __future__ import annotations

from dataclasses import replace

import ibis
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


def coarsen(pool: Source) -> Source:
    """Put orders at one instant of their quarters, and pushes at the beginning of their weeks."""
    orders, pushes = pool.table("orders"), pool.table("pushes")
    coarse = {
        "orders": orders.mutate(paid_at=orders.paid_at.truncate("Q") + ibis.interval(days=60)),
        "pushes": pushes.mutate(sent_at=pushes.sent_at.truncate("W")),
    }
    return replace(pool, _tables={**pool._tables, **coarse})
