"""Find how far each user went in a funnel, and when: one engine for counts, times and trends.

The engine never enumerates chains. It carries, for each row that could be step k, the *latest*
start from which a chain arrives there (or when its window ends, which says the same). A later start
leaves more of the window, so whatever an earlier start could still reach, the latest one reaches
too; keeping one start per row is therefore exact. `tests/studies/funnel/test_chains.py` holds it
against an enumeration of all subsequences.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import ibis
import ibis.expr.types as ir

from siyu.studies.funnel.definition import Definition

_PEER = ibis.interval(microseconds=1)
"""The grain of an instant: one microsecond before a row is before all its ties."""


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
    rows = _kept(events.filter(events.occurred_at >= starts_from), definition, at_start)
    given = _given(at_start)
    starting = definition.events if definition.order == "any" else definition.names[0]
    starts = rows.filter(_is_any(rows, starting, definition), rows.at <= starts_until)
    first = _first_starts(starts, list(given))
    if definition.entry == "first":
        starts = starts.join(
            first, [starts.user_id == first.user_id, starts.at == first.reached_1_at], how="semi"
        )
    if definition.order == "any":
        reached = _in_any_order(rows, starts, definition)
    elif definition.shares_events and definition.ties == "either":
        reached = _one_by_one(rows, starts, definition)
    else:
        reached = _step_by_step(rows, starts, definition)
    later = [f"reached_{k}_at" for k in range(2, len(definition.steps) + 1)]
    answer = first.left_join(reached, "user_id").select("user_id", "reached_1_at", *later, *given)
    return answer.rename({name: ours for ours, name in given.items()})


def _given(at_start: Sequence[str]) -> dict[str, str]:
    """Name the columns wanted so that none is one of ours, whatever the source calls it."""
    return {f"given_{i}": name for i, name in enumerate(at_start)}


def _numbered(events: ir.Table, definition: Definition, at_start: Sequence[str]) -> ir.Table:
    """Keep the rows that can be steps, with what a chain must share (`_keys`), for strict order
    their rank, and the columns wanted: nothing else, so that no column of a source is taken for
    one of ours.
    """
    wanted = {ours: events[name] for ours, name in _given(at_start).items()}
    held = {"held": events[definition.hold]} if definition.hold else {}
    rows = events.select("user_id", "event", at="occurred_at", **held, **wanted)
    if definition.order == "strict":
        rows = rows.mutate(
            rank=ibis.dense_rank().over(ibis.window(group_by="user_id", order_by="at"))
        )
    if definition.exclude:
        before = ibis.range_window(preceding=(None, _PEER), group_by="user_id", order_by="at")
        rows = rows.filter(rows.event.isin([*definition.events, *definition.exclude]))
        ended = rows.event.isin(list(definition.exclude)).cast("int64").sum().over(before)
        rows = rows.mutate(ended=ended.fill_null(0))
    rows = rows.filter(rows.event.isin(list(definition.events)))
    return rows.filter(rows.held.notnull()) if definition.hold else rows


def _kept(events: ir.Table, definition: Definition, at_start: Sequence[str]) -> ir.Table:
    """Keep in the engine what chains are made of: the log is read once, not once per step."""
    rows = _numbered(events, definition, at_start)
    code = rows.event.cases(*((name, i) for i, name in enumerate(definition.events)))
    return rows.select(*_columns(definition), *_given(at_start), code=code).cache()


def _first_starts(starts: ir.Table, at_start: Sequence[str]) -> ir.Table:
    """Find each user's first start, with the columns `at_start` of its row."""
    if not at_start:
        return starts.group_by("user_id").agg(reached_1_at=starts.at.min())
    # One minimum of (instant, values) is cheaper than one per column, and takes them from one row.
    row = ibis.struct({name: starts[name] for name in ("at", *at_start)}).min()
    first = starts.group_by("user_id").agg(row=row)
    values = {name: first.row[name] for name in at_start}
    return first.select("user_id", reached_1_at=first.row["at"], **values)


def _is_any(rows: ir.Table, names: Iterable[str], definition: Definition) -> ir.BooleanValue:
    return rows.code.isin([definition.events.index(name) for name in sorted(names)])


def _keys(definition: Definition) -> list[str]:
    """Columns that all rows of a chain share: the user, the held value, the excluded events already
    behind.
    """
    held = ["held"] if definition.hold else []
    return ["user_id", *held, *(["ended"] if definition.exclude else [])]


def _columns(definition: Definition) -> list[str]:
    return [*_keys(definition), "at", *(["rank"] if definition.order == "strict" else [])]


def within(definition: Definition) -> ir.IntervalScalar:
    """Give the window of a definition that has one, as the engine counts it."""
    assert definition.window is not None
    return ibis.interval(microseconds=round(definition.window.total_seconds() * 1e6))


def _step_by_step(rows: ir.Table, starts: ir.Table, definition: Definition) -> ir.Table:
    """Chains in which no row can serve two steps: each step looks back at the rows that reached the
    one before.

    A live row carries when the window of its latest start ends: reckoned once per start, not once
    per row and step.
    """
    columns = _columns(definition)
    ends = starts.at if definition.window is None else starts.at + within(definition)
    live = starts.select(*columns, ends=ends)
    reached = []
    for k, names in enumerate(definition.names[1:], start=2):
        arriving = rows.filter(_is_any(rows, names, definition)).select(
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
            preceding=(1, 1 if strictly_after else 0), group_by=_keys(definition), order_by="rank"
        )
        return both.ends.max().over(over)
    by_ties = both.ends.asc(nulls_first=strictly_after)
    over = ibis.window(group_by=_keys(definition), order_by=["at", by_ties])
    return both.ends.lag().over(over)


def _one_by_one(rows: ir.Table, starts: ir.Table, definition: Definition) -> ir.Table:
    """Chains in which tied rows may serve several steps: go from instant to instant, and count the
    rows of each.

    Within one instant a run of steps a..k can be served by distinct rows exactly when, for every
    set of steps in the run, enough rows carry one of their names (Hall 1935).
    """
    columns = _columns(definition)
    counted = rows.group_by(columns).agg(
        **{f"n_{i}": (rows.code == i).sum() for i in range(len(definition.events))}
    )
    begun = starts.select(*_keys(definition), "at").distinct().mutate(start_1=lambda t: t.at)
    here = counted.left_join(begun, [*_keys(definition), "at"]).select(*counted.columns, "start_1")
    if definition.order == "strict":
        before = ibis.range_window(preceding=(1, 1), group_by=_keys(definition), order_by="rank")
    else:
        before = ibis.window(preceding=(None, 1), group_by=_keys(definition), order_by="at")
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


def _in_any_order(rows: ir.Table, starts: ir.Table, definition: Definition) -> ir.Table:
    """Steps in any order: from every start, the instants at which its 1st, 2nd, … different step is
    done.
    """
    keys = _keys(definition)
    kinds = sorted(set(definition.names), key=sorted)
    kind = ibis.cases(*((_is_any(rows, names, definition), i) for i, names in enumerate(kinds)))
    rows = rows.select(*keys, "at", kind=kind)
    in_kind = ibis.window(group_by=[*keys, "kind"], order_by="at")
    ahead = ibis.range_window(preceding=0, following=None, group_by=keys, order_by="at")
    never = ibis.literal(datetime(9999, 12, 31, tzinfo=UTC), type=rows.at.type())
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
    latest = never - _PEER if definition.window is None else begun.at + within(definition)
    return begun.group_by("user_id").agg(
        **{
            f"reached_{k}_at": begun[f"done_{k}"].min(where=begun[f"done_{k}"] <= latest)
            for k in range(2, len(done) + 1)
        }
    )
