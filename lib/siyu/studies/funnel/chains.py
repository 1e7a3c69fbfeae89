"""Find how far each user went in a funnel, and when: one engine for counts, times and trends.

The engine never enumerates chains. It carries, for each row that could be step k, the *latest*
start from which a chain arrives there (or when its window ends, which says the same). A later start
leaves more of the window, so whatever an earlier start could still reach, the latest one reaches
too; keeping one start per row is therefore exact. The plain funnel is followed by lists of instants
per user (`histories`), every other rule by windows over rows (`windows`).
`tests/studies/funnel/test_chains.py` holds both against an enumeration of all subsequences.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import ibis
import ibis.expr.types as ir

from siyu.data.engines import on_duckdb
from siyu.studies.funnel.definition import Definition
from siyu.studies.funnel.histories import follow_by_user, serves
from siyu.studies.funnel.windows import (
    PEER,
    columns_of,
    in_any_order,
    is_any,
    one_by_one,
    step_by_step,
)


def follow(
    events: ir.Table,
    definition: Definition,
    *,
    starts_from: datetime,
    starts_until: datetime,
    at_start: Sequence[str] = (),
) -> ir.Table:
    """Follow every user from the starts in a span of time as far as the funnel goes.

    Args:
        events: rows with `user_id`, `occurred_at` (an instant), `event`, and the columns held or
            asked for.
        definition: the funnel.
        starts_from: first instant at which an attempt may begin (aware).
        starts_until: last instant at which an attempt may begin, inclusive (aware).
        at_start: columns of `events` whose value at the first start is wanted.

    Returns:
        One row per user with a start: `user_id`, `reached_1_at` (the first start), `reached_2_at` …
        (the earliest instant at which a chain is that long; null: never), and the columns
        `at_start`. Of several rows at the first start the smallest values are taken, so that the
        answer does not depend on row order. The rows of the steps stay in the engine as long as
        the answer does, and serve every other definition of the same funnel meanwhile.
    """
    events = events.filter(events.occurred_at >= starts_from)
    given = _given(at_start)
    if on_duckdb(events) and serves(definition):
        answer = follow_by_user(events, definition, starts_until=starts_until, given=given)
    else:
        answer = _follow_by_row(events, definition, starts_until=starts_until, given=given)
    later = [f"reached_{k}_at" for k in range(1, len(definition.steps) + 1)]
    named = {name: answer[ours] for ours, name in given.items()}
    return answer.select("user_id", *later, **named)


def _follow_by_row(
    events: ir.Table, definition: Definition, *, starts_until: datetime, given: Mapping[str, str]
) -> ir.Table:
    """Follow every user by windows over rows; arguments and answer as `follow_by_user`."""
    rows = _kept(events, definition, given)
    starting = definition.events if definition.order == "any" else definition.names[0]
    starts = rows.filter(is_any(rows, starting, definition), rows.at <= starts_until)
    first = _first_starts(starts, given)
    if definition.entry == "first":
        starts = starts.join(
            first, [starts.user_id == first.user_id, starts.at == first.reached_1_at], how="semi"
        )
    if definition.order == "any":
        reached = in_any_order(rows, starts, definition)
    elif definition.shares_events and definition.ties == "either":
        reached = one_by_one(rows, starts, definition)
    else:
        reached = step_by_step(rows, starts, definition)
    return first.left_join(reached, "user_id")


def _given(at_start: Sequence[str]) -> dict[str, str]:
    """Name the columns wanted so that none is one of ours, whatever the source calls it."""
    return {f"given_{i}": name for i, name in enumerate(at_start)}


def _numbered(events: ir.Table, definition: Definition, given: Mapping[str, str]) -> ir.Table:
    """Keep the rows that can be steps, with what a chain must share (`keys_of`), for strict order
    their rank, and the columns wanted: nothing else, so that no column of a source is taken for
    one of ours.
    """
    wanted = {ours: events[name] for ours, name in given.items()}
    held = {"held": events[definition.hold]} if definition.hold else {}
    rows = events.select("user_id", "event", at="occurred_at", **held, **wanted)
    if definition.order == "strict":
        rows = rows.mutate(
            rank=ibis.dense_rank().over(ibis.window(group_by="user_id", order_by="at"))
        )
    if definition.exclude:
        before = ibis.range_window(preceding=(None, PEER), group_by="user_id", order_by="at")
        rows = rows.filter(rows.event.isin([*definition.events, *definition.exclude]))
        ended = rows.event.isin(list(definition.exclude)).cast("int64").sum().over(before)
        rows = rows.mutate(ended=ended.fill_null(0))
    rows = rows.filter(rows.event.isin(list(definition.events)))
    return rows.filter(rows.held.notnull()) if definition.hold else rows


def _kept(events: ir.Table, definition: Definition, given: Mapping[str, str]) -> ir.Table:
    """Keep in the engine what chains are made of: the log is read once, not once per step."""
    rows = _numbered(events, definition, given)
    code = rows.event.cases(*((name, i) for i, name in enumerate(definition.events)))
    return rows.select(*columns_of(definition), *given, code=code).cache()


def _first_starts(starts: ir.Table, given: Mapping[str, str]) -> ir.Table:
    """Find each user's first start, with the columns `given` of its row."""
    names = ["at", *given]
    if on_duckdb(starts):
        # One minimum of (instant, values) is cheaper than one per column, and takes them from one
        # row.
        row = ibis.struct({name: starts[name] for name in names}).min()
        first = starts.group_by("user_id").agg(row=row)
        values = {name: first.row[name] for name in names}
    else:
        # Others compare no rows, or sort nulls first in them.
        over = ibis.window(group_by="user_id", order_by=names)
        ranked = starts.mutate(place=ibis.row_number().over(over))
        first = ranked.filter(ranked.place == 0)
        values = {name: first[name] for name in names}
    return first.select("user_id", reached_1_at=values.pop("at"), **values)
