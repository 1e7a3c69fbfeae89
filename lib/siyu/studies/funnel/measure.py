"""Reduce a pool's log to the small tables from which every number of the funnel study is "
"computed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import product
from typing import get_args
from zoneinfo import ZoneInfo

import ibis
import ibis.expr.types as ir
import pandas as pd

from siyu.data import Source
from siyu.studies.funnel import segments
from siyu.studies.funnel.chains import follow, within
from siyu.studies.funnel.definition import Definition, Entry, FunnelError, Ties
from siyu.studies.funnel.spans import INSTANT, Span, entry_span


@dataclass(frozen=True, kw_only=True)
class Measures:
    """The funnel of one pool, reduced.

    Segments are named in the column `segment` by the values of the columns `by` that users had on
    entering; groups under `min_users` share one name.

    counts: per segment, half and depth: `n` users with an eligible start. `half` tells starts in
        the first half of a minute from the others (a placebo), `depth` counts the steps reached.
    waiting: per segment and half: `n` immature users, whose window is still open.
    weekly: per entry week (`week`, its Monday): users with a start in it that can be judged
        (`entered`), those of them who converted from their first start of the week, and those too
        recent (`waiting`). A user counts once in each week with a start. Empty without a window.
    drift: users by the weeks they started in and converted from, among the whole weeks: `early`,
        `early_converted`, `late`, `late_converted` (weeks) and `n` users.
    pairs: per segment and depth now and before (`_before`; null: not entered then): `n` users.
    Empty without
        a comparison.
    times: per segment, whole minutes since the first start and outcome (0 still waiting, 1
    converted, 2 left):
        `n` users, mature and immature.
    done: per step, users of the pool that entered and did one of its events since the period began,
    in whatever order.
    by: the columns of the segments. refused: why a breakdown that was asked for is not made.
    tied_share: share of the entered users' step rows that stand at the instant of another of their
    step rows.
    """

    definition: Definition
    span: Span
    source: str
    timezone: str
    min_users: int
    by: tuple[str, ...]
    refused: tuple[str, ...]
    counts: pd.DataFrame
    waiting: pd.DataFrame
    weekly: pd.DataFrame
    drift: pd.DataFrame
    pairs: pd.DataFrame
    times: pd.DataFrame
    done: pd.Series
    tied_share: float

    @property
    def n_entered(self) -> int:
        """Users with an eligible start."""
        return int(self.counts["n"].sum())

    @property
    def tz(self) -> ZoneInfo:
        """The business time zone."""
        return ZoneInfo(self.timezone)

    @property
    def n_waiting(self) -> int:
        """Immature users: started, but the window is still open."""
        return int(self.waiting["n"].sum())


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
    definition.require_known(events.select("event").distinct().to_pandas()["event"].dropna())
    span = entry_span(
        pool, definition, period_days=period_days, compare_to_previous=compare_to_previous
    )
    breakdown = segments.resolve(pool, by)
    eligible = _follow(events, definition, span.entry_from, span.eligible_until, breakdown.at_start)
    breakdown = breakdown.without(*breakdown.learnt_later(eligible))
    eligible = breakdown.attach(eligible)
    everyone = eligible
    if definition.window is not None:
        last = span.as_of_end - INSTANT
        everyone = breakdown.attach(
            _follow(events, definition, span.entry_from, last, breakdown.at_start)
        )
    weekly, drift = _weeks(pool, definition, span)
    measures = Measures(
        definition=definition,
        span=span,
        source=pool.name,
        timezone=pool.timezone,
        min_users=min_users,
        by=breakdown.by,
        refused=breakdown.refused,
        counts=_counts(pool, eligible, [*breakdown.by, "half", "depth"]),
        waiting=_counts(
            pool,
            everyone.filter(everyone.reached_1_at > span.eligible_until),
            [*breakdown.by, "half"],
        ),
        weekly=weekly,
        drift=drift,
        pairs=_pairs(events, definition, span, breakdown, eligible),
        times=_times(pool, everyone, definition, span, breakdown.by),
        done=_done(events, eligible, definition, span),
        tied_share=_tied_share(events, eligible, definition, span),
    )
    for name in breakdown.by:
        if reason := segments.leak(measures.counts, name, definition.labels):
            measures = _without(measures, name, reason)
    return _with_segments(measures)


def sensitivity(pool: Source, definition: Definition, *, period_days: int) -> pd.DataFrame:
    """Measure the same funnel under every defensible definition.

    Args:
        pool: the source.
        definition: the funnel asked for.
        period_days: length of the entry period, in days.

    Returns:
        One row per combination of entry (best, first), ties (either, strict) and window (x 0.5, 1,
        2; none stays none): `entry`, `ties`, `window_days`, `entered`, `converted` (users), `asked`
        (the one asked for). Each definition has its own mature users.
    """
    asked = definition.window_days
    windows = [None] if asked is None else [asked * factor for factor in (0.5, 1, 2)]
    rows = []
    for entry, ties, window_days in product(get_args(Entry), get_args(Ties), windows):
        variant = replace(definition, entry=entry, ties=ties, window_days=window_days)
        span = entry_span(pool, variant, period_days=period_days, compare_to_previous=False)
        users = _follow(pool.table("events"), variant, span.entry_from, span.eligible_until)
        last = users[f"reached_{len(variant.steps)}_at"]
        found = users.agg(entered=users.count(), converted=last.count()).to_pandas().iloc[0]
        rows.append(
            {
                "entry": entry,
                "ties": ties,
                "window_days": window_days,
                "entered": int(found["entered"]),
                "converted": int(found["converted"]),
                "asked": variant == definition,
            }
        )
    return pd.DataFrame(rows)


def order_value(pool: Source, definition: Definition, span: Span) -> float | None:
    """Give what an order of the period earned: margin where the source has it, else amount less
    refund.

    Returns:
        Mean in yuan per order; None where the last step is no order, or no order was paid.
    """
    if "order" not in definition.names[-1] or not pool.has("orders"):
        return None
    orders = pool.table("orders")
    earned = orders.amount_cny
    if "refunded_cny" in orders.columns:
        earned = earned - orders.refunded_cny.fill_null(0)
    if "margin_cny" in orders.columns:
        earned = orders.margin_cny
    paid = orders.filter(orders.paid_at >= span.entry_from).select(earned=earned.cast("float64"))
    mean = paid.earned.mean().to_pandas()
    return None if pd.isna(mean) else float(mean)


def _require_column(events: ir.Table, hold: str | None) -> None:
    if hold is not None and hold not in events.columns:
        raise FunnelError(
            f"hold = {hold!r}: events has no such column; it has {', '.join(events.columns)}"
        )


def _follow(
    events: ir.Table,
    definition: Definition,
    starts_from: datetime,
    starts_until: datetime,
    at_start: Sequence[str] = (),
) -> ir.Table:
    """Follow all starts in a span, and count the steps each user reached (`depth`)."""
    users = follow(
        events,
        definition,
        starts_from=starts_from,
        starts_until=starts_until,
        at_start=at_start,
    )
    steps = range(1, len(definition.steps) + 1)
    return users.mutate(depth=sum(users[f"reached_{k}_at"].notnull().cast("int64") for k in steps))


def _without(measures: Measures, name: str, reason: str) -> Measures:
    """Take a segment column out again; the totals stay as they are."""
    gone = (name, f"{name}_before")

    def collapse(table: pd.DataFrame) -> pd.DataFrame:
        keys = [column for column in table.columns if column not in (*gone, "n")]
        return table.groupby(keys, dropna=False)["n"].sum().reset_index()

    return replace(
        measures,
        by=tuple(column for column in measures.by if column != name),
        refused=(*measures.refused, reason),
        counts=collapse(measures.counts),
        waiting=collapse(measures.waiting),
        pairs=collapse(measures.pairs),
        times=collapse(measures.times),
    )


def _with_segments(measures: Measures) -> Measures:
    """Replace the segment columns by one name per segment, and let small groups share one."""
    by, pairs = measures.by, measures.pairs
    if not by:
        return _named(measures, {segments.EVERYONE}, {segments.EVERYONE})
    entered = measures.counts["n"].groupby(segments.names_of(measures.counts, by)).sum()
    was = segments.names_of(pairs, by, suffix="_before").where(pairs["depth_before"].notna())
    before = pairs["n"].groupby(was).sum()
    before = before.reindex(entered.index.union(before.index), fill_value=0)
    now = entered.reindex(before.index, fill_value=0)
    few = now.between(1, measures.min_users - 1) | before.between(1, measures.min_users - 1)
    return _named(
        measures,
        segments.large(entered, min_users=measures.min_users),
        set(before.index[~few]) if len(pairs) else set(),
    )


def _named(measures: Measures, large: set[str], comparable: set[str]) -> Measures:
    by, pairs = measures.by, measures.pairs

    def rename(names: pd.Series, kept: set[str]) -> pd.Series:
        return names.where(names.isin(kept) | names.isna(), segments.SMALL)

    def named(table: pd.DataFrame) -> pd.DataFrame:
        names = rename(segments.names_of(table, by), large)
        table = table.assign(segment=names).drop(columns=list(by))
        keys = ["segment", *(column for column in table.columns if column not in ("segment", "n"))]
        return table.groupby(keys, dropna=False)["n"].sum().reset_index()

    was = segments.names_of(pairs, by, suffix="_before").where(pairs["depth_before"].notna())
    now = segments.names_of(pairs, by).where(pairs["depth"].notna())
    ends = {"segment": rename(now, comparable), "segment_before": rename(was, comparable)}
    gone = [*by, *(f"{name}_before" for name in by)]
    return replace(
        measures,
        counts=named(measures.counts),
        waiting=named(measures.waiting),
        times=named(measures.times),
        pairs=pairs.assign(**ends).drop(columns=gone),
    )


def _counts(pool: Source, users: ir.Table, columns: Sequence[str]) -> pd.DataFrame:
    start = users.reached_1_at
    users = users.mutate(half=ibis.ifelse(pool.local(start).second() < 30, "first", "second"))
    counts: pd.DataFrame = users.group_by(list(columns)).agg(n=users.count()).to_pandas()
    return counts.sort_values(list(columns), ignore_index=True)


def _weeks(pool: Source, definition: Definition, span: Span) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Follow each user from the first start of each week, as if every week were a new user.

    Weeks can then be compared: each has all who started in it, with one chance each. (By the first
    start of the whole period, the early weeks would hold the frequent visitors.)
    """
    columns = ["week", "entered", "converted", "waiting"]
    cells = ["early", "early_converted", "late", "late_converted"]
    if definition.window is None:
        return pd.DataFrame(columns=columns), pd.DataFrame(columns=[*cells, "n"])
    events = pool.table("events")
    starting = definition.events if definition.order == "any" else definition.names[0]
    starts = events.filter(events.event.isin(list(starting)), events.occurred_at >= span.entry_from)
    if definition.hold:
        starts = starts.filter(starts[definition.hold].notnull())
    starts = starts.mutate(week=pool.day(starts.occurred_at).truncate("W").strftime("%Y-%m-%d"))
    begun = starts.group_by(["user_id", "week"]).agg(begun=starts.occurred_at.min())
    begun = begun.rename(person="user_id").cache()
    log = events.join(
        begun.filter(begun.begun <= span.eligible_until),
        [
            events.user_id == begun.person,
            events.occurred_at >= begun.begun,
            events.occurred_at - within(definition) <= begun.begun,
        ],
    )
    log = log.mutate(user_id=log.person + " " + log.week)
    users = _follow(
        log,
        replace(definition, entry="first"),
        span.entry_from,
        span.eligible_until,
        at_start=["person", "week"],
    )
    users = users.mutate(done=(users.depth == len(definition.steps)).cast("int64"))
    judged = users.group_by("week").agg(entered=users.count(), converted=users.done.sum())
    recent = begun.filter(begun.begun > span.eligible_until).group_by("week")
    weeks = span.weeks(pool.timezone)
    weekly = (
        pd.DataFrame({"week": [week.isoformat() for week, _ in weeks]})
        .merge(judged.to_pandas(), how="left")
        .merge(recent.agg(waiting=lambda t: t.count()).to_pandas(), how="left")
        .fillna(0)
        .astype(dict.fromkeys(columns[1:], "int64"))
    )
    whole = [week.isoformat() for week, state in weeks if state == "whole"]
    half = len(whole) // 2
    early, late = (
        users.week.isin(ends or [""]) for ends in (whole[:half], whole[-half:] if half else [])
    )
    drift = (
        users.group_by("person")
        .agg(
            early=early.cast("int64").sum(),
            early_converted=(early.cast("int64") * users.done).sum(),
            late=late.cast("int64").sum(),
            late_converted=(late.cast("int64") * users.done).sum(),
        )
        .group_by(cells)
        .agg(n=lambda t: t.count())
        .to_pandas()
        .sort_values(cells, ignore_index=True)
    )
    return weekly.assign(week=pd.to_datetime(weekly["week"])), drift


def _pairs(
    events: ir.Table,
    definition: Definition,
    span: Span,
    breakdown: segments.Breakdown,
    eligible: ir.Table,
) -> pd.DataFrame:
    columns = [*breakdown.by, "depth"]
    both = [*columns, *(f"{name}_before" for name in columns)]
    if span.previous_from is None:
        return pd.DataFrame(columns=[*both, "n"])
    before = breakdown.attach(
        _follow(
            events, definition, span.previous_from, span.entry_from - INSTANT, breakdown.at_start
        )
    )
    before = before.select("user_id", **{f"{name}_before": before[name] for name in columns})
    joined = eligible.select("user_id", *columns).outer_join(before, "user_id")
    pairs: pd.DataFrame = joined.group_by(both).agg(n=joined.count()).to_pandas()
    return pairs.sort_values(both, ignore_index=True)


def _times(
    pool: Source, users: ir.Table, definition: Definition, span: Span, by: Sequence[str]
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
    users = users.mutate(
        outcome=outcome, minutes=ended.delta(start, unit="microsecond") // 60_000_000
    )
    columns = [*by, "minutes", "outcome"]
    times: pd.DataFrame = users.group_by(columns).agg(n=users.count()).to_pandas()
    return times.sort_values(columns, ignore_index=True)


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
