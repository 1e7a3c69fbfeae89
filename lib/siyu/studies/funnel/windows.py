"""Chains by windows over the rows of a user: n log n, whatever a user does, under every rule."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

import ibis
import ibis.expr.types as ir

from siyu.studies.funnel.definition import Definition

PEER = ibis.interval(microseconds=1)
"""The grain of an instant: one microsecond before a row is before all its ties."""
NEVER = datetime(9999, 12, 31, tzinfo=UTC)


def is_any(rows: ir.Table, names: Iterable[str], definition: Definition) -> ir.BooleanValue:
    """Whether a row is one of these events."""
    return rows.code.isin([definition.events.index(name) for name in sorted(names)])


def keys_of(definition: Definition) -> list[str]:
    """Columns that all rows of a chain share: the user, the held value, the excluded events already
    behind.
    """
    held = ["held"] if definition.hold else []
    return ["user_id", *held, *(["ended"] if definition.exclude else [])]


def columns_of(definition: Definition) -> list[str]:
    """Columns that a row of a chain needs: its keys, its instant, for strict order its rank."""
    return [*keys_of(definition), "at", *(["rank"] if definition.order == "strict" else [])]


def within(definition: Definition) -> ir.IntervalScalar:
    """Give the window of a definition that has one, as the engine counts it."""
    assert definition.window is not None
    return ibis.interval(microseconds=round(definition.window.total_seconds() * 1e6))


def step_by_step(rows: ir.Table, starts: ir.Table, definition: Definition) -> ir.Table:
    """Chains in which no row can serve two steps: each step looks back at the rows that reached the
    one before.

    A live row carries when the window of its latest start ends: reckoned once per start, not once
    per row and step.
    """
    columns = columns_of(definition)
    ends = starts.at if definition.window is None else starts.at + within(definition)
    live = starts.select(*columns, ends=ends)
    reached = []
    for k, names in enumerate(definition.names[1:], start=2):
        arriving = rows.filter(is_any(rows, names, definition)).select(
            *columns, ends=ibis.null(live.ends.type())
        )
        both = live.union(arriving)
        both = both.mutate(latest=_latest_end(both, definition))
        in_time = both.latest.notnull() if definition.window is None else both.at <= both.latest
        live = both.filter(both.ends.isnull(), in_time).select(*columns, ends="latest")
        reached.append(live.select("user_id", "at", step=ibis.literal(k)))
    every = ibis.union(*reached) if len(reached) > 1 else reached[0]
    return every.group_by("user_id").agg(
        **{
            f"reached_{k}_at": every.at.min(where=every.step == k)
            for k in range(2, len(definition.steps) + 1)
        }
    )


def _latest_end(both: ir.Table, definition: Definition) -> ir.TimestampValue:
    """Give each arriving row (`ends` is null) the latest end among the live rows it may follow.

    Where other events may lie between, the row before tells: ends never decrease along the rows of
    a user, so the last live row has the latest. A row right behind another arriving one gets
    nothing, and loses nothing: the earlier one has the same end, and reaches whatever it would.
    """
    strictly_after = definition.ties == "strict"
    if definition.order == "strict":
        over = ibis.range_window(
            preceding=(1, 1 if strictly_after else 0), group_by=keys_of(definition), order_by="rank"
        )
        return both.ends.max().over(over)
    by_ties = both.ends.asc(nulls_first=strictly_after)
    over = ibis.window(group_by=keys_of(definition), order_by=["at", by_ties])
    return both.ends.lag().over(over)


def one_by_one(rows: ir.Table, starts: ir.Table, definition: Definition) -> ir.Table:
    """Chains in which tied rows may serve several steps: go from instant to instant, and count the
    rows of each.

    Within one instant a run of steps a..k can be served by distinct rows exactly when, for every
    set of steps in the run, enough rows carry one of their names (Hall 1935).
    """
    columns = columns_of(definition)
    counted = rows.group_by(columns).agg(
        **{f"n_{i}": (rows.code == i).sum() for i in range(len(definition.events))}
    )
    begun = starts.select(*keys_of(definition), "at").distinct().mutate(start_1=lambda t: t.at)
    here = counted.left_join(begun, [*keys_of(definition), "at"]).select(
        *counted.columns, "start_1"
    )
    if definition.order == "strict":
        before = ibis.range_window(preceding=(1, 1), group_by=keys_of(definition), order_by="rank")
    else:
        before = ibis.window(preceding=(None, 1), group_by=keys_of(definition), order_by="at")
    n_steps = len(definition.steps)
    for k in range(2, n_steps + 1):
        here = here.mutate(**{f"before_{k - 1}": here[f"start_{k - 1}"].max().over(before)})
        options = [
            ibis.ifelse(
                _enough_rows(here, definition, a, k),
                here.start_1 if a == 1 else here[f"before_{a - 1}"],
                ibis.null(here.at.type()),
            )
            for a in range(1, k + 1)
        ]
        start = ibis.greatest(*options)
        here = here.mutate(
            **{
                f"start_{k}": start
                if definition.window is None
                else ibis.ifelse(
                    start >= here.at - within(definition), start, ibis.null(here.at.type())
                )
            }
        )
    return here.group_by("user_id").agg(
        **{
            f"reached_{k}_at": here.at.min(where=here[f"start_{k}"].notnull())
            for k in range(2, n_steps + 1)
        }
    )


def _enough_rows(here: ir.Table, definition: Definition, a: int, k: int) -> ir.BooleanValue:
    """Whether the rows of one instant can serve steps a..k (1-based) with a row of its own for
    each.
    """
    run = definition.names[a - 1 : k]
    unions: set[frozenset[str]] = set()
    for names in run:
        # Unrelated steps cannot compete for a row, so only unions of steps that overlap need a
        # look.
        unions |= {names} | {other | names for other in unions if other & names}
    return ibis.and_(
        *(
            sum(here[f"n_{definition.events.index(name)}"] for name in sorted(union))
            >= sum(names <= union for names in run)
            for union in sorted(unions, key=sorted)
        )
    )


def in_any_order(rows: ir.Table, starts: ir.Table, definition: Definition) -> ir.Table:
    """Steps in any order: from every start, the instants at which its 1st, 2nd, … different step is
    done.
    """
    keys = keys_of(definition)
    kinds = sorted(set(definition.names), key=sorted)
    kind = ibis.cases(*((is_any(rows, names, definition), i) for i, names in enumerate(kinds)))
    rows = rows.select(*keys, "at", kind=kind)
    in_kind = ibis.window(group_by=[*keys, "kind"], order_by="at")
    ahead = ibis.range_window(preceding=0, following=None, group_by=keys, order_by="at")
    never = ibis.literal(NEVER, type=rows.at.type())
    done = []
    for i, names in enumerate(kinds):
        for j in range(definition.names.count(names)):
            # From any row on, the j-th further row of its kind; the earliest such row ahead is the
            # next one's.
            nth = rows.at.lead(j).over(in_kind) if j else rows.at
            rows = rows.mutate(
                **{f"nth_{i}_{j}": ibis.ifelse(rows.kind == i, nth, ibis.null(rows.at.type()))}
            )
            done.append(f"nth_{i}_{j}")
    rows = rows.mutate(**{name: rows[name].min().over(ahead).fill_null(never) for name in done})
    begun = rows.semi_join(starts, [*keys, "at"])
    times = ibis.array([begun[name] for name in done]).sort()
    begun = begun.mutate(**{f"done_{k}": times[k - 1] for k in range(2, len(done) + 1)})
    latest = never - PEER if definition.window is None else begun.at + within(definition)
    return begun.group_by("user_id").agg(
        **{
            f"reached_{k}_at": begun[f"done_{k}"].min(where=begun[f"done_{k}"] <= latest)
            for k in range(2, len(done) + 1)
        }
    )
