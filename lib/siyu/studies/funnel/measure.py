"""Reduce a pool's log to the small tables from which every number of the study is computed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import ibis
import ibis.expr.types as ir
import pandas as pd

from siyu.data import Source
from siyu.data.zones import elapsed_us
from siyu.studies.breakdown import Breakdown, resolve
from siyu.studies.events import known_events
from siyu.studies.funnel.chains import follow
from siyu.studies.funnel.definition import Definition, FunnelError
from siyu.studies.funnel.histories import serves
from siyu.studies.funnel.leaks import leak
from siyu.studies.funnel.measures import Measures
from siyu.studies.funnel.naming import name_segments
from siyu.studies.funnel.spans import INSTANT, Span, entry_span
from siyu.studies.funnel.weeks import follow_weeks
from siyu.studies.naming import column_of


def measure(
    pool: Source,
    definition: Definition,
    *,
    period_days: int,
    by: Sequence[str] = (),
    compare_to_previous: bool = True,
    min_users: int = 30,
) -> Measures:
    """Measure a funnel: who entered, how far they got, when, and what is not known yet.

    Args:
        pool: the source, masked at its `as_of`.
        definition: the funnel.
        period_days: length of the entry period, in days up to and including `as_of`; at least 1.
        by: columns of `users`, `tiers` or `events` to tell segments apart, each read at the first
            start.
        compare_to_previous: also measure an equally long span of starts just before.
        min_users: smallest segment that is told apart, at least 1.

    Returns:
        The reduced tables; all counts are of users.

    Raises:
        FunnelError: an event the log has never seen, an unknown held column, a period that cannot
            be.
        SourceError: the pool has no events.
    """
    if min_users < 1:
        raise FunnelError(
            f"min_users = {min_users} must be at least 1; use 30 to hide small groups"
        )
    events = pool.table("events")
    _require_column(events, definition.hold)
    definition.require_known(known_events(pool, (*definition.events, *definition.exclude)))
    span = entry_span(
        pool, definition, period_days=period_days, compare_to_previous=compare_to_previous
    )
    breakdown = resolve(pool, by)
    eligible = _follow(pool, definition, span.entry_from, span.eligible_until, breakdown)
    breakdown = breakdown.without(breakdown.learnt_later(eligible))
    eligible = everyone = breakdown.attach(eligible)
    counts = _counts(pool, eligible, [*breakdown.columns, "half", "depth"])
    leaks = {
        name: leak(counts, name, definition.labels, dated=breakdown.is_dated(name))
        for name in breakdown.by
    }
    leaks = {name: reason for name, reason in leaks.items() if reason}
    breakdown = breakdown.without(leaks)
    if definition.window is not None:
        last = span.as_of_end - INSTANT
        everyone = breakdown.attach(_follow(pool, definition, span.entry_from, last, breakdown))
    young = everyone.filter(everyone.reached_1_at > span.eligible_until)
    tables = {
        "counts": counts.drop(columns=[column_of(name) for name in leaks]),
        "waiting": _counts(pool, young, [*breakdown.columns, "half"]),
        "times": _times(pool, everyone, definition, span, breakdown.columns),
        "pairs": _pairs(pool, definition, span, breakdown, eligible),
    }
    named, values = name_segments(tables, breakdown.by, min_users=min_users)
    done, tied_share = _tally(pool, eligible, definition, span)
    weekly, drift = follow_weeks(pool, definition, span, min_users=min_users)
    return Measures(
        definition=definition,
        span=span,
        source=pool.name,
        timezone=pool.timezone,
        min_users=min_users,
        by=breakdown.by,
        refused=breakdown.refused,
        segments=values,
        weekly=weekly,
        drift=drift,
        done=done,
        tied_share=tied_share,
        **named,
    )


def _require_column(events: ir.Table, hold: str | None) -> None:
    if hold is not None and hold not in events.columns:
        raise FunnelError(
            f"hold = {hold!r}: events has no such column; it has {', '.join(events.columns)}"
        )


def _follow(
    pool: Source,
    definition: Definition,
    starts_from: datetime,
    starts_until: datetime,
    breakdown: Breakdown,
) -> ir.Table:
    """Follow all starts in a span, and count the steps each user reached (`depth`).

    The answer, a row per user, stays in the engine: several tables are counted from it.
    """
    at_start = {column_of(name): name for name in breakdown.at_start}
    between = {"starts_from": starts_from, "starts_until": starts_until}
    log = pool.sorted_log
    if log is not None and serves(definition) and log.columns.keys() >= {*at_start.values()}:
        from siyu.studies.funnel.passes import follow_sorted

        return pool.keep(follow_sorted(log, definition, **between, at_start=at_start))
    events = breakdown.mark(pool.table("events"))
    users = follow(events, definition, **between, at_start=[*at_start])
    steps = range(1, len(definition.steps) + 1)
    depth = sum(users[f"reached_{k}_at"].notnull().cast("int64") for k in steps)
    return users.mutate(depth=depth).cache()


def _counts(pool: Source, users: ir.Table, columns: Sequence[str]) -> pd.DataFrame:
    start = users.reached_1_at
    users = users.mutate(half=ibis.ifelse(pool.local(start).second() < 30, "first", "second"))
    counts: pd.DataFrame = users.group_by(list(columns)).agg(n=users.count()).to_pandas()
    return counts.sort_values(list(columns), ignore_index=True)


def _pairs(
    pool: Source,
    definition: Definition,
    span: Span,
    breakdown: Breakdown,
    eligible: ir.Table,
) -> pd.DataFrame:
    columns = [*breakdown.columns, "depth"]
    earlier = [*(column_of(name, before=True) for name in breakdown.by), "depth_before"]
    both = [*columns, *earlier]
    if span.previous_from is None:
        return pd.DataFrame(columns=[*both, "n"])
    before = breakdown.attach(
        _follow(pool, definition, span.previous_from, span.entry_from - INSTANT, breakdown)
    )
    before = before.select("user_id", **dict(zip(earlier, columns, strict=True)))
    joined = eligible.select("user_id", *columns).outer_join(before, "user_id")
    pairs: pd.DataFrame = joined.group_by(both).agg(n=joined.count()).to_pandas()
    return pairs.sort_values(both, ignore_index=True)


def _times(
    pool: Source, users: ir.Table, definition: Definition, span: Span, columns: Sequence[str]
) -> pd.DataFrame:
    start, converted = users.reached_1_at, users[f"reached_{len(definition.steps)}_at"]
    left = ibis.null(start.type())
    if pool.has("users") and "left_at" in pool.table("users").columns:
        leaving = pool.table("users").select(leaver_id="user_id", left_at="left_at")
        users = users.left_join(leaving, users.user_id == leaving.leaver_id)
        # A leaving before the first start belongs to an earlier stay.
        left = ibis.ifelse(users.left_at > users.reached_1_at, users.left_at, left)
        start, converted = users.reached_1_at, users[f"reached_{len(definition.steps)}_at"]
    end = ibis.literal(span.as_of_end, type=start.type())
    gone = left.fill_null(end)
    outcome = ibis.cases(
        (converted.notnull() & (converted <= gone), 1), (left.notnull(), 2), else_=0
    )
    ended = ibis.ifelse(outcome == 1, converted, gone)
    users = users.mutate(outcome=outcome, minutes=elapsed_us(start, ended) // 60_000_000)
    keys = [*columns, "minutes", "outcome"]
    times: pd.DataFrame = users.group_by(keys).agg(n=users.count()).to_pandas()
    return times.sort_values(keys, ignore_index=True)


def _tally(
    pool: Source, eligible: ir.Table, definition: Definition, span: Span
) -> tuple[pd.Series, float]:
    """Count who did each step in whatever order, and how many of the rows of steps are tied."""
    log, events = pool.sorted_log, pool.table("events")
    if log is None:
        done = _done(events, eligible, definition, span)
        return done, _tied_share(events, eligible, definition, span)
    from siyu.studies.funnel.passes import tally_sorted

    users = eligible.select("user_id").to_pyarrow()["user_id"].to_numpy()
    counts, tied, n_rows = tally_sorted(log, definition, users, since=span.entry_from)
    done = pd.Series(counts, index=definition.labels, name="done")
    return done, tied / n_rows if n_rows else 0.0


def _done(events: ir.Table, eligible: ir.Table, definition: Definition, span: Span) -> pd.Series:
    """Count the entered users who did each step in whatever order; a repeat needs as many rows."""
    rows = events.filter(events.occurred_at >= span.entry_from).semi_join(eligible, "user_id")
    each = rows.group_by("user_id").agg(
        **{
            f"n_{k}": rows.event.isin(list(names)).cast("int64").sum()
            for k, names in enumerate(definition.names, start=1)
        }
    )
    needed = [definition.names[:k].count(names) for k, names in enumerate(definition.names, 1)]
    found = each.agg(
        **{
            f"step_{k}": (each[f"n_{k}"] >= rows_needed).cast("int64").sum().fill_null(0)
            for k, rows_needed in enumerate(needed, start=1)
        }
    ).to_pandas()
    return pd.Series(found.iloc[0].to_numpy(dtype=int), index=definition.labels, name="done")


def _tied_share(events: ir.Table, eligible: ir.Table, definition: Definition, span: Span) -> float:
    rows = events.filter(
        events.occurred_at >= span.entry_from, events.event.isin(list(definition.events))
    ).semi_join(eligible, "user_id")
    instants = rows.group_by(["user_id", "occurred_at"]).agg(n=rows.count())
    found = instants.agg(
        tied=instants.n.sum(where=instants.n > 1).fill_null(0), rows=instants.n.sum().fill_null(0)
    ).to_pandas()
    tied, n_rows = found.iloc[0]
    return float(tied / n_rows) if n_rows else 0.0
