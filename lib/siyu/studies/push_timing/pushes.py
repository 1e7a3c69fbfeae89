"""Bring pushes into the shape in which they are studied: who, when, by lot or not, answered or not.

Nothing is computed here but what is small: who was pushed in which segment, and how many pushes of
which kind there are. The rows stay in the engine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

import ibis
import ibis.expr.types as ir
import pandas as pd

from siyu.data import Source
from siyu.data.zones import count_microseconds, without_zone
from siyu.studies.breakdown import Breakdown, resolve
from siyu.studies.naming import (
    EVERYONE,
    UNKNOWN,
    column_of,
    crossings_of,
    large,
    lumped,
    name_of,
    names_of,
)
from siyu.studies.push_timing.definition import Definition, PushError

_TEXTS = ("medium", "campaign", "content", "copy", "status")
_TIMES = ("planned_at", "sent_at", "opened_at", "clicked_at", "blocked_at")


@dataclass(frozen=True, kw_only=True)
class Pushes:
    """Pushes from `first` to `as_of`, all followed for the whole horizon.

    rows: lazy, one row per push: `number` (of the user, in the order of ids, from 0), `segment`
        (index into `segments`), `planned_at` and `sent_at` (UTC, without a zone; null if not
        planned, not sent), of either `…_on` (business day), `…_hour` (0 to 23) and `…_weekday` (0
        for Monday), `is_sent`, `is_opened` (ever), `is_drawn` (by lot, with a usable propensity),
        `propensity` (null unless drawn), `outcome` (1 if it came within the horizon from the
        sending on) and `planned_outcome` (from the planned time on), `blocked_at`, `medium`,
        `campaign`, `content`, `copy`, `status`.
    history: the same of all that was known at `as_of`, whatever the period and the horizon, without
        outcomes.
    segments: their names, the largest first; groups under `min_users` share one. crossings: the
        values of each segment that has a name of its own. n_users: who was pushed, per segment.
    refused: why columns asked for tell no segments apart.
    counts: how many pushes there are `planned`, `sent`, `drawn`, `immature` (not followed so long:
        in no row), with a `wrong_propensity`, `clicked_early` (before they were sent: no answer),
        of `strangers` (not in users: in no row), and in the rows at all (`n`).
    """

    definition: Definition
    source: str
    first: date
    as_of: date
    min_users: int
    by: tuple[str, ...]
    refused: tuple[str, ...]
    segments: tuple[str, ...]
    crossings: Mapping[str, Mapping[str, str]]
    n_users: Mapping[str, int]
    rows: ir.Table
    history: ir.Table
    pool: Source

    @cached_property
    def cached(self) -> ir.Table:
        """`rows`, computed once and kept in the engine: for studies that go through them again."""
        return self.rows.cache()

    @cached_property
    def counts(self) -> Mapping[str, int]:
        """Count the pushes of each kind, in one pass."""
        inside = self.history.filter(self.history.is_inside)
        kinds = {
            "n": inside.is_mature,
            "planned": inside.is_mature & inside.planned_at.notnull(),
            "sent": inside.is_mature & inside.is_sent,
            "drawn": inside.is_mature & inside.is_drawn,
            "immature": ~inside.is_mature,
            "wrong_propensity": inside.is_mature & inside.is_wrong,
            "clicked_early": inside.is_mature & inside.is_early,
        }
        found = inside.agg(**{kind: inside.count(where=which) for kind, which in kinds.items()})
        told = {kind: int(n) for kind, n in found.to_pandas().iloc[0].items()}
        pushes = self.pool.table("pushes")
        strangers = pushes.anti_join(self.pool.table("users"), "user_id").count()
        return told | {"strangers": int(strangers.to_pandas())}


def find_pushes(
    pool: Source,
    definition: Definition,
    *,
    period_days: int,
    by: Sequence[str] = (),
    min_users: int = 30,
) -> Pushes:
    """Find the pushes of a period, with what each was to bring.

    Args:
        pool: the source, masked at its `as_of`.
        definition: what counts as an answer, and within how long.
        period_days: pushes count that were planned (where that is unknown: sent) on these days, up
            to and including `as_of`; at least 1.
        by: columns of `users` (and "tier") to tell segments apart, as known at the user's first
            push of the period.
        min_users: smallest segment that is told apart, at least 1.

    Raises:
        PushError: a number that cannot be; "order" is asked for and there are no orders.
        SourceError: there are no pushes.
    """
    for name, value in (("period_days", period_days), ("min_users", min_users)):
        if value < 1:
            raise PushError(f"{name} = {value} must be at least 1")
    if definition.outcome == "order" and not pool.has("orders"):
        raise PushError("outcome = 'order' needs the table orders; add it, or use 'click'")
    begins = pool.observed_from.astimezone(ZoneInfo(pool.timezone)).date()
    first = max(pool.as_of - timedelta(days=period_days - 1), begins)
    shaped = _shape(pool, definition, first)
    breakdown = resolve(pool, by, from_events=False)
    users, breakdown = _users(pool, shaped.filter(shaped.is_inside & shaped.is_mature), breakdown)
    known, crossings, n_users = _segments(users, breakdown.by, min_users=min_users)
    codes = _code(users, breakdown.columns, known)
    joined = shaped.join(codes, shaped.user_id == codes.coded_id).drop("user_id", "coded_id")
    rows = joined.filter(joined.is_inside & joined.is_mature)
    return Pushes(
        definition=definition,
        source=pool.name,
        first=first,
        as_of=pool.as_of,
        min_users=min_users,
        by=breakdown.by,
        refused=breakdown.refused,
        segments=tuple(n_users),
        crossings=crossings,
        n_users=n_users,
        rows=rows.drop("is_inside", "is_mature", "is_wrong", "is_early"),
        history=joined,
        pool=pool,
    )


def _shape(pool: Source, definition: Definition, first: date) -> ir.Table:
    """Give every push its hours, its answer, and whether it can be counted."""
    pushes = _complete(pool.table("pushes"))
    horizon = timedelta(hours=definition.horizon_hours)
    begun = ibis.coalesce(pushes.planned_at, pushes.sent_at)
    usable = (pushes.propensity > 0) & (pushes.propensity <= 1)
    is_drawn = pushes.propensity.notnull() & usable & pushes.planned_at.notnull()
    planned, sent = pool.local(pushes.planned_at), pool.local(pushes.sent_at)
    latest = ibis.literal(pool.as_of_end.replace(tzinfo=None) - horizon)
    rows = pushes.mutate(
        planned_on=planned.date(),
        planned_hour=planned.hour().cast("int8"),
        planned_weekday=planned.date().day_of_week.index().cast("int8"),
        sent_on=sent.date(),
        sent_hour=sent.hour().cast("int8"),
        sent_weekday=sent.date().day_of_week.index().cast("int8"),
        is_opened=pushes.opened_at.notnull(),
        is_drawn=is_drawn,
        is_wrong=pushes.propensity.notnull() & ~usable,
        is_early=(pushes.clicked_at < pushes.sent_at).fill_null(False),
        is_inside=pool.day(begun) >= first,
        is_mature=(begun <= latest) & (pushes.sent_at <= latest).fill_null(True),
        propensity=ibis.ifelse(is_drawn, pushes.propensity, None),
    )
    answer = _click if definition.outcome == "click" else _order
    return answer(pool, rows, horizon).drop("clicked_at", "opened_at")


def _complete(pushes: ir.Table) -> ir.Table:
    """Add columns that the source does not have, and say of each push whether it was sent.

    Instants lose their zone, which is UTC: DuckDB reckons with them many times faster then.
    """
    missing = dict.fromkeys(_TEXTS, "string") | dict.fromkeys(_TIMES, "timestamp('UTC')")
    missing |= {"propensity": "float64"}
    known_sending = "sent_at" in pushes.columns
    pushes = pushes.mutate(
        **{name: ibis.null(kind) for name, kind in missing.items() if name not in pushes.columns}
    )
    # Where a source says only what was planned, and what of it was sent, that is the time.
    sent_at = without_zone(pushes.sent_at if known_sending else pushes.planned_at)
    is_sent = (pushes.status.fill_null("sent") == "sent") & sent_at.notnull()
    return pushes.select(
        "push_id",
        "user_id",
        *_TEXTS,
        "propensity",
        is_sent=is_sent,
        sent_at=ibis.ifelse(is_sent, sent_at, None),
        **{name: without_zone(pushes[name]) for name in _TIMES if name != "sent_at"},
    )


def _click(pool: Source, rows: ir.Table, horizon: timedelta) -> ir.Table:
    """Count a click after the sending and within the horizon; before it, it is no answer."""
    clicked = rows.is_sent & (rows.clicked_at >= rows.sent_at)
    return rows.mutate(
        outcome=_flag(clicked & _within(rows.sent_at, rows.clicked_at, horizon)),
        planned_outcome=_flag(clicked & _within(rows.planned_at, rows.clicked_at, horizon)),
    ).drop("push_id")


def _order(pool: Source, rows: ir.Table, horizon: timedelta) -> ir.Table:
    """Count an order within the horizon, whether or not the push was sent: it might come anyway."""
    orders = pool.table("orders")
    orders = orders.select(buyer_id="user_id", paid_at=without_zone(orders.paid_at))
    pairs = rows.join(orders, rows.user_id == orders.buyer_id)
    found = {
        name: _flag((pairs.paid_at >= start) & _within(start, pairs.paid_at, horizon)).max()
        for name, start in (("outcome", pairs.sent_at), ("planned_outcome", pairs.planned_at))
    }
    answered = pairs.group_by(answered_id="push_id").agg(**found)
    rows = rows.left_join(answered, rows.push_id == answered.answered_id)
    rows = rows.mutate(**{name: rows[name].fill_null(0).cast("int8") for name in found})
    return rows.drop("push_id", "answered_id")


def _within(start: ir.TimestampValue, at: ir.TimestampValue, horizon: timedelta) -> ir.BooleanValue:
    waited = count_microseconds(at) - count_microseconds(start)
    return waited <= int(horizon.total_seconds() * 1_000_000)


def _flag(condition: ir.BooleanValue) -> ir.IntegerValue:
    return condition.fill_null(False).cast("int8")


def _users(pool: Source, pushed: ir.Table, breakdown: Breakdown) -> tuple[ir.Table, Breakdown]:
    """Give who was pushed, numbered, with the columns of the segments."""
    users = pool.table("users").select("user_id")
    if any(breakdown.is_dated(name) for name in breakdown.by):
        first = ibis.coalesce(pushed.planned_at, pushed.sent_at).min()
        users = users.join(pushed.group_by("user_id").agg(reached_1_at=first), "user_id")
        breakdown = breakdown.without(breakdown.learnt_later(users))
    else:
        users = users.semi_join(pushed, "user_id")
        users = users.mutate(reached_1_at=ibis.literal(pool.as_of_end))
    users = breakdown.attach(users)
    number = (ibis.row_number().over(order_by="user_id")).cast("int32")
    filled = {column: users[column].fill_null(UNKNOWN) for column in breakdown.columns}
    return users.select("user_id", number=number, **filled).cache(), breakdown


def _segments(
    users: ir.Table, by: Sequence[str], *, min_users: int
) -> tuple[pd.DataFrame, dict[str, dict[str, str]], dict[str, int]]:
    """Name the segments.

    Returns:
        The values of the columns, with the index of their `segment`; the values of each segment
        that has a name of its own; and who is in each segment, the largest first.
    """
    columns = [column_of(name) for name in by]
    sizes = users.group_by(columns) if columns else users
    found: pd.DataFrame = sizes.agg(n=users.count()).to_pandas()
    own = names_of(found, by)
    totals = found.groupby(own)[["n"]].sum()
    shown = large(totals, min_users=min_users) if by else {EVERYONE}
    name = lumped(own, shown)
    ordered = found.groupby(name)["n"].sum().sort_values(ascending=False, kind="stable")
    n_users = {str(one): int(n) for one, n in ordered.items() if n}
    code = {one: place for place, one in enumerate(n_users)}
    values = {name_of(by, one): dict(zip(by, one, strict=True)) for one in crossings_of(found, by)}
    known = found[columns].assign(segment=name.map(code))
    return known, {one: values[one] for one in n_users if by and one in values}, n_users


def _code(users: ir.Table, columns: Sequence[str], known: pd.DataFrame) -> ir.Table:
    """Give each user the index of their segment."""
    if not columns:
        return users.select(coded_id="user_id", number="number", segment=ibis.literal(0, "int8"))
    codes = ibis.memtable(known.astype({"segment": "int8"}))
    coded = users.join(codes, list(columns))
    return coded.select(coded_id="user_id", number="number", segment="segment").cache()
