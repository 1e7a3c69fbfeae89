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
import numpy as np
import pandas as pd

from siyu.data import Source
from siyu.studies.funnel import segments
from siyu.studies.funnel.chains import follow
from siyu.studies.funnel.definition import Definition, Entry, FunnelError, Ties
from siyu.studies.funnel.spans import INSTANT, Span, entry_span


@dataclass(frozen=True, kw_only=True)
class Measures:
    """The funnel of one pool, reduced.

    Segments are named in the column `segment` by the values of the columns `by` that users had on
    entering; groups under `min_users` share one name.

    counts: per segment, entry week, half and depth: `n` users with an eligible start. `week` is the
    Monday of the
        first start, `half` tells starts in the first half of a minute from the others (a placebo),
        `depth` is the number of steps reached.
    first: the same by week and depth with entry = "first", so that each week had one attempt per
    user.
    waiting: per segment and week: `n` immature users, who have started but whose window is still
    open.
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
    first: pd.DataFrame
    waiting: pd.DataFrame
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
    eligible = _follow(events, definition, span.entry_from, span.eligible_until, breakdown)
    breakdown = breakdown.without(*breakdown.learnt_later(eligible))
    eligible = breakdown.attach(eligible)
    everyone = eligible
    if definition.window is not None:
        last = span.as_of_end - INSTANT
        everyone = breakdown.attach(_follow(events, definition, span.entry_from, last, breakdown))
    once = replace(definition, entry="first")
    measures = Measures(
        definition=definition,
        span=span,
        source=pool.name,
        timezone=pool.timezone,
        min_users=min_users,
        by=breakdown.by,
        refused=breakdown.refused,
        counts=_counts(pool, eligible, [*breakdown.by, "week", "half", "depth"]),
        first=_counts(
            pool, _follow(events, once, span.entry_from, span.eligible_until), ["week", "depth"]
        ),
        waiting=_counts(
            pool,
            everyone.filter(everyone.reached_1_at > span.eligible_until),
            [*breakdown.by, "week"],
        ),
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


@dataclass(frozen=True, kw_only=True)
class OrderValue:
    """What an order earned: mean and its standard error in yuan, over `n_orders` orders."""

    mean_cny: float
    se_cny: float
    n_orders: int


def order_value(pool: Source, span: Span) -> OrderValue | None:
    """Give what an order of the period earned: margin where the source has it, else amount less
    refund.

    Returns:
        The value, orders taken as independent; None where the source has fewer than two orders paid
        in the period.
    """
    if not pool.has("orders"):
        return None
    orders = pool.table("orders")
    earned = orders.amount_cny
    if "refunded_cny" in orders.columns:
        earned = earned - orders.refunded_cny.fill_null(0)
    if "margin_cny" in orders.columns:
        earned = orders.margin_cny
    paid = orders.filter(orders.paid_at >= span.entry_from).select(earned=earned.cast("float64"))
    found = paid.agg(mean=paid.earned.mean(), sd=paid.earned.std(), n=paid.earned.count())
    mean, sd, n = found.to_pandas().iloc[0]
    if n < 2:
        return None
    return OrderValue(mean_cny=float(mean), se_cny=float(sd / np.sqrt(n)), n_orders=int(n))


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
    breakdown: segments.Breakdown | None = None,
) -> ir.Table:
    """Follow all starts in a span, and count the steps each user reached (`depth`)."""
    users = follow(
        events,
        definition,
        starts_from=starts_from,
        starts_until=starts_until,
        at_start=breakdown.at_start if breakdown else (),
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
    by = measures.by
    pairs = measures.pairs
    was = segments.names_of(pairs, by, suffix="_before").where(pairs["depth_before"].notna())
    now = segments.names_of(pairs, by).where(pairs["depth"].notna())
    entered = measures.counts["n"].groupby(segments.names_of(measures.counts, by)).sum()
    entered_before = pairs["n"].groupby(was).sum()
    large = {
        *entered.index[entered >= measures.min_users],
        *entered_before.index[entered_before >= measures.min_users],
    }

    def rename(names: pd.Series) -> pd.Series:
        return names.where(names.isin(large) | names.isna(), segments.SMALL) if by else names

    def named(table: pd.DataFrame) -> pd.DataFrame:
        table = table.assign(segment=rename(segments.names_of(table, by))).drop(columns=list(by))
        keys = ["segment", *(column for column in table.columns if column not in ("segment", "n"))]
        return table.groupby(keys, dropna=False)["n"].sum().reset_index()

    gone = [*by, *(f"{name}_before" for name in by)]
    return replace(
        measures,
        counts=named(measures.counts),
        waiting=named(measures.waiting),
        times=named(measures.times),
        pairs=pairs.assign(segment=rename(now), segment_before=rename(was)).drop(columns=gone),
    )


def _counts(pool: Source, users: ir.Table, columns: Sequence[str]) -> pd.DataFrame:
    start = users.reached_1_at
    users = users.mutate(
        week=pool.day(start).truncate("W"),
        half=ibis.ifelse(pool.local(start).second() < 30, "first", "second"),
    )
    counts: pd.DataFrame = users.group_by(list(columns)).agg(n=users.count()).to_pandas()
    return counts.sort_values(list(columns), ignore_index=True)


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
        _follow(events, definition, span.previous_from, span.entry_from - INSTANT, breakdown)
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
    rows = events.filter(events.occurred_at >= span.entry_from).semi_join(eligible, "user_id")
    found = rows.agg(
        **{
            f"step_{k}": rows.user_id.nunique(where=rows.event.isin(list(names)))
            for k, names in enumerate(definition.names, start=1)
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
