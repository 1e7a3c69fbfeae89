"""Chains by users: one row per user, with the instants of each event as a list.

Windows sort every row of every user once per step; here one pass gathers them, and what is left are
short lists. But the work is quadratic in a user's rows, so whoever has many is followed by windows.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import ibis
import ibis.expr.types as ir

from siyu.studies.funnel.definition import Definition
from siyu.studies.funnel.windows import NEVER, step_by_step, within

MOST_ROWS = 200
"""Rows of steps up to which lists serve: they are faster than windows up to 300 or so."""


def serves(definition: Definition) -> bool:
    """Whether lists of instants say all that the rules of a funnel ask for."""
    plain = definition.order == "ordered" and not definition.exclude and definition.hold is None
    return plain and not (definition.shares_events and definition.ties == "either")


def follow_by_user(
    events: ir.Table,
    definition: Definition,
    *,
    starts_until: datetime,
    given: Mapping[str, str],
) -> ir.Table:
    """Follow every user of a plain funnel from the first row on.

    Args:
        events: rows from the first instant on at which an attempt may begin.
        definition: a funnel that `serves`.
        starts_until: last instant at which an attempt may begin, inclusive (aware).
        given: columns of `events` whose value at the first start is wanted, by the name to give.

    Returns:
        One row per user with a start: `user_id`, `reached_1_at`, …, and the columns `given`.
    """
    users = _histories(events, definition, given)
    users = users.filter(users.first["at"] <= starts_until)
    few = users.filter(users.n_rows <= MOST_ROWS)
    answer = _by_lists(few, definition, starts_until, given)
    most: int = users.n_rows.max().fill_null(0).to_pyarrow().as_py()
    if most <= MOST_ROWS:
        return answer
    many = users.filter(users.n_rows > MOST_ROWS)
    return answer.union(_by_windows(many, definition, starts_until, given))


def _histories(events: ir.Table, definition: Definition, given: Mapping[str, str]) -> ir.Table:
    """Gather each user's rows: their number, the first start with what is given there, and the
    instants of each event that can be a step.

    It stays in the engine as long as the answer does, and serves every other definition of the same
    funnel meanwhile.
    """
    rows = events.filter(events.event.isin(list(definition.events)), events.user_id.notnull())
    start = rows.event.isin(sorted(definition.names[0]))
    row = {"at": rows.occurred_at, **{ours: rows[name] for ours, name in given.items()}}
    # One minimum of (instant, values) takes all values from one row.
    first = ibis.struct(row).min(where=start)
    return (
        rows.group_by("user_id")
        .agg(
            n_rows=rows.count(),
            first=first,
            **{
                f"at_{i}": rows.occurred_at.collect(where=rows.event == name)
                for i, name in enumerate(definition.events)
            },
        )
        .cache()
    )


def _result(users: ir.Table, definition: Definition, given: Mapping[str, str]) -> ir.Table:
    later = [f"reached_{k}_at" for k in range(2, len(definition.steps) + 1)]
    values = {name: users.first[name] for name in given}
    return users.select("user_id", *later, reached_1_at=users.first["at"], **values)


def _by_lists(
    users: ir.Table, definition: Definition, starts_until: datetime, given: Mapping[str, str]
) -> ir.Table:
    """Carry a list of the rows alive from step to step: when, and when their window ends."""
    latest_start = users.first["at"] if definition.entry == "first" else ibis.literal(starts_until)
    never = ibis.literal(NEVER, type=users.first["at"].type())

    def begin(at: ir.TimestampValue) -> ir.StructValue:
        return _alive(at, never if definition.window is None else at + within(definition))

    starts = _instants(users, definition, 1).filter(lambda at: at <= latest_start)
    users = users.mutate(alive_1=starts.map(begin))
    for k in range(2, len(definition.steps) + 1):
        before = users[f"alive_{k - 1}"]

        def arrive(at: ir.TimestampValue, before: ir.ArrayValue = before) -> ir.StructValue:
            def end(row: ir.StructValue) -> ir.TimestampValue:
                behind = row["at"] < at if definition.ties == "strict" else row["at"] <= at
                return ibis.ifelse(behind, row["ends"], ibis.null(never.type()))

            return _alive(at, before.map(end).maxs())

        arrived = _instants(users, definition, k).map(arrive)
        users = users.mutate(**{f"alive_{k}": arrived.filter(lambda row: row["at"] <= row["ends"])})
    users = users.mutate(
        **{
            f"reached_{k}_at": users[f"alive_{k}"].map(lambda row: row["at"]).mins()
            for k in range(2, len(definition.steps) + 1)
        }
    )
    return _result(users, definition, given)


def _alive(at: ir.TimestampValue, ends: ir.TimestampValue) -> ir.StructValue:
    return ibis.struct({"at": at, "ends": ends})


def _instants(users: ir.Table, definition: Definition, k: int) -> ir.ArrayValue:
    """Give the instants of all events that can be step k."""
    lists = [
        users[f"at_{definition.events.index(name)}"] for name in sorted(definition.names[k - 1])
    ]
    if len(lists) == 1:
        return lists[0]
    # What was never done is no list, and would take the others with it.
    none = ibis.literal([], type=lists[0].type())
    return ibis.array([each.fill_null(none) for each in lists]).flatten()


def _by_windows(
    users: ir.Table, definition: Definition, starts_until: datetime, given: Mapping[str, str]
) -> ir.Table:
    """Lay the lists out as rows again, and follow those."""
    rows = ibis.union(
        *(
            users.select("user_id", "first", at=users[f"at_{i}"].unnest(), code=ibis.literal(i))
            for i in range(len(definition.events))
        )
    )
    latest_start = rows.first["at"] if definition.entry == "first" else starts_until
    starting = [definition.events.index(name) for name in sorted(definition.names[0])]
    starts = rows.filter(rows.code.isin(starting), rows.at <= latest_start)
    reached = step_by_step(rows, starts, definition)
    return _result(users.left_join(reached, "user_id"), definition, given)
