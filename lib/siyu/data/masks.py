"""What a past day could have known: later rows left out, later values blanked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from zoneinfo import ZoneInfo

import ibis
import ibis.expr.types as ir

from siyu.data.contract import PERSONS, TABLES
from siyu.data.zones import start_of_day


def known_at(name: str, table: ir.Table) -> ir.Value:
    """Return the instant (or day) from which on each row of a table with `known_at` is known."""
    contract = TABLES[name]
    assert contract.known_at is not None
    present = [
        column
        for column in dict.fromkeys((contract.known_at, *contract.one_of))
        if column in table.columns
    ]
    return ibis.coalesce(*(table[column] for column in present))


def is_before(value: ir.Value, day: date, zone: ZoneInfo) -> ir.BooleanValue:
    """Say whether an instant, or a day, lies before the first instant of a calendar day."""
    limit = day if value.type().is_date() else start_of_day(day, zone)
    return value < ibis.literal(limit)


def find_unknown(users: ir.Table, others: Iterable[ir.Table], *, end: datetime) -> ir.Table:
    """Find the users of whom nothing is known yet: their ids.

    They were added at `end` or later, and no other table shows them earlier. Users without a time
    of adding are not among them: since when they are known is not said.

    Args:
        users: typed, before masking.
        others: the other tables, masked to what was known before `end`.
        end: aware, the first instant that is not known yet.
    """
    unknown = users.filter(users.added_at >= ibis.literal(end)).select("user_id")
    for table in others:
        for column in PERSONS:
            if column in table.columns:
                unknown = unknown.anti_join(table, [("user_id", column)])
    return unknown


def mask(
    name: str,
    table: ir.Table,
    *,
    zone: ZoneInfo,
    from_day: date | None,
    until_day: date,
    known_from: Mapping[str, str],
) -> ir.Table:
    """Show a table as it was known at the start of a day.

    A row is out when it became known on `until_day` or later, or, unless it is a lasting state,
    before `from_day`. An instant inside a row that lies on `until_day` or later is blanked, and
    with it the columns known from it on. Refunds carry no time and stay as they are.

    Args:
        name: which table of the contract.
        table: its typed rows.
        zone: the business time zone.
        from_day: the first observed day; None: from the beginning.
        until_day: the first day that is not known yet.
        known_from: further columns, each with the instant from which on it is known.
    """
    contract = TABLES[name]
    if contract.known_at:
        since = known_at(name, table)
        table = table.filter(is_before(since, until_day, zone))
        if from_day and not contract.lasting:
            table = table.filter(~is_before(known_at(name, table), from_day, zone))
    shown_from = {column: column for column in (*contract.later, *known_from.values())}
    shown_from |= {
        column: spec.known_from for column, spec in contract.columns.items() if spec.known_from
    }
    hidden = {
        column: ~is_before(table[since], until_day, zone)
        for column, since in shown_from.items()
        if column in table.columns and since in table.columns
    }
    # Where it is not said since when, the value may have become known later: it is not shown.
    hidden |= {
        column: table[since].isnull() | hidden[since] for column, since in known_from.items()
    }
    blanked = {
        column: later.ifelse(ibis.null(table[column].type()), table[column])
        for column, later in hidden.items()
    }
    return table.mutate(**blanked) if blanked else table
