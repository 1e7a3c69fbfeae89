"""Give every push its hours, its answer, and whether it can be counted."""

from __future__ import annotations

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import ibis
import ibis.expr.types as ir

from siyu.data import Source
from siyu.data.zones import elapsed_us, hour_of_week, start_of_day, without_zone
from siyu.studies.push_timing.bands import DAY_HOURS
from siyu.studies.push_timing.definition import Definition

_TEXTS = ("medium", "campaign", "content", "copy", "status")
_TIMES = ("planned_at", "sent_at", "opened_at", "clicked_at", "blocked_at")


def shape(pool: Source, definition: Definition, first: date) -> ir.Table:
    """Give every push its hours, its answer, and whether it can be counted.

    Args:
        pool: the source.
        definition: what counts as an answer, and within how long.
        first: first day of the period.

    Returns:
        Lazy, one row per push, by `user_id`: the columns of `Pushes.rows` that do not depend on the
        user, `begun_at` (planned, where that is unknown sent), and whether it `is_inside` the
        period, `is_mature` (followed for the whole horizon), `is_wrong` (its propensity is no
        chance) and `is_early` (clicked, but not after the sending).
    """
    pushes = _complete(pool.table("pushes"))
    horizon = timedelta(hours=definition.horizon_hours)
    begun = ibis.coalesce(pushes.planned_at, pushes.sent_at)
    usable = (pushes.propensity > 0) & (pushes.propensity <= 1)
    is_drawn = (usable & pushes.planned_at.notnull()).fill_null(False)
    planned, sent = pool.local(pushes.planned_at), pool.local(pushes.sent_at)
    start = start_of_day(first, ZoneInfo(pool.timezone)).replace(tzinfo=None)
    latest = ibis.literal(pool.as_of_end.replace(tzinfo=None) - horizon)
    rows = pushes.mutate(
        begun_at=begun,
        planned_on=planned.date(),
        planned_week_hour=hour_of_week(planned),
        sent_on=sent.date(),
        sent_week_hour=hour_of_week(sent),
        is_sent=pushes.sent_at.notnull(),
        is_opened=pushes.opened_at.notnull(),
        is_drawn=is_drawn,
        is_wrong=pushes.propensity.notnull() & ~usable,
        is_early=pushes.clicked_at.notnull()
        & ~(pushes.clicked_at >= pushes.sent_at).fill_null(False),
        is_inside=begun >= ibis.literal(start),
        is_mature=(begun <= latest) & (pushes.sent_at <= latest).fill_null(True),
        propensity=ibis.ifelse(is_drawn, pushes.propensity, None),
    )
    for name in ("planned", "sent"):
        week_hour = rows[f"{name}_week_hour"]
        weekday, hour = week_hour // DAY_HOURS, week_hour % DAY_HOURS
        rows = rows.mutate(
            **{f"{name}_hour": hour.cast("int8"), f"{name}_weekday": weekday.cast("int8")}
        )
    answer = _click if definition.outcome == "click" else _order
    return answer(pool, rows, horizon).drop("push_id", "clicked_at", "opened_at")


def _complete(pushes: ir.Table) -> ir.Table:
    """Add columns that the source does not have; the time of sending only of what was sent.

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
    is_sent = (pushes.status == "sent").fill_null(True)
    return pushes.select(
        "push_id",
        "user_id",
        *_TEXTS[:-1],
        "propensity",
        sent_at=ibis.ifelse(is_sent, sent_at, None),
        **{name: without_zone(pushes[name]) for name in _TIMES if name != "sent_at"},
    )


def _click(_: Source, rows: ir.Table, horizon: timedelta) -> ir.Table:
    """Count a click after the sending and within the horizon; before it, it is no answer."""
    waited = elapsed_us(rows.sent_at, rows.clicked_at)
    return rows.mutate(
        outcome=_flag(waited.between(0, _to_us(horizon))),
        planned_outcome=_flag((waited >= 0) & _within(rows.planned_at, rows.clicked_at, horizon)),
    )


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
    rows = rows.left_join(answered, rows.push_id == answered.answered_id).drop("answered_id")
    return rows.mutate(**{name: rows[name].fill_null(0).cast("int8") for name in found})


def _within(start: ir.TimestampValue, at: ir.TimestampValue, horizon: timedelta) -> ir.BooleanValue:
    return elapsed_us(start, at) <= _to_us(horizon)


def _to_us(horizon: timedelta) -> int:
    return int(horizon.total_seconds() * 1_000_000)


def _flag(condition: ir.BooleanValue) -> ir.IntegerValue:
    return condition.fill_null(False).cast("int8")
