"""Reduce sent pushes to what their users had received before, and weeks to what a number brings."""

from __future__ import annotations

from datetime import date, timedelta
from math import ceil
from zoneinfo import ZoneInfo

import ibis
import ibis.expr.types as ir
import pandas as pd

from siyu.data.zones import elapsed_us, without_zone
from siyu.studies.push_timing.definition import PushError
from siyu.studies.push_timing.frequency.measures import (
    DRAWN,
    GAP_EDGES,
    MOST_RECEIVED,
    OTHERS,
    SPAN_DAYS,
    SPANS,
    UNKNOWN_WEEK,
    WEEK_EDGES,
    WEEKLY,
    Measures,
    sum_up,
)
from siyu.studies.push_timing.frequency.today import count_today
from siyu.studies.push_timing.pushes import Pushes

MOST_PUSHES = 1_000_000
"""With more than these sent, whole users are sampled for the hazards."""
_HOUR_US, _WEEK_US, _WEEK_DAYS = 3_600_000_000, 7 * 24 * 3_600_000_000, 7
_START = ibis.date("2000-01-01")
_DRAW = {"cap": "int64", "assigned_at": "timestamp"}


def measure(
    pushes: Pushes,
    *,
    cap_experiment: str = "",
    leave_days: int = 7,
    frequency_weeks: int = 8,
    most_pushes: int = MOST_PUSHES,
) -> Measures:
    """Measure what came of each push, by what its user had received, and what numbers bring.

    Args:
        pushes: from `find_pushes`; clicks (or orders) count within its horizon, and so do blocks.
        cap_experiment: in `assignments`, whose arms are pushes a week; "" for none.
        leave_days: days after a push within which leaving counts, at least 1.
        frequency_weeks: weeks after the draw over which all who were drawn are followed, at least
            1.
        most_pushes: with more sent than these, one user in so many counts that about as many are
            left, by their number; at least 1.

    Raises:
        PushError: a number out of range, or an arm that is no number of pushes.
    """
    for name, value in (
        ("leave_days", leave_days),
        ("frequency_weeks", frequency_weeks),
        ("most_pushes", most_pushes),
    ):
        if value < 1:
            raise PushError(f"{name} = {value} must be at least 1")
    drawn = _draws(pushes, cap_experiment)
    n_sent, n_blocks, spans, before, now = _spans(pushes)
    kept_one_in = ceil(n_sent / most_pushes) or 1
    weeks, followed = _weekly(pushes, drawn, frequency_weeks)
    return Measures(
        outcome=pushes.definition.outcome,
        horizon_hours=pushes.definition.horizon_hours,
        source=pushes.source,
        first=pushes.first,
        as_of=pushes.as_of,
        min_users=pushes.min_users,
        leave_days=leave_days,
        frequency_weeks=frequency_weeks,
        experiment=cap_experiment if len(weeks) else "",
        exposures=_exposures(pushes, drawn, leave_days, kept_one_in),
        kept_one_in=kept_one_in,
        weekly=weeks,
        assigned=followed,
        spans=spans,
        segments=pushes.segments,
        crossings=pushes.crossings,
        now=now,
        before=before,
        today=count_today(pushes, spans["sent_now"].sum(), now) if now else None,
        n_sent=n_sent,
        n_blocks=n_blocks,
        has_leaving="left_at" in pushes.pool.table("users").columns,
    )


def _draws(pushes: Pushes, experiment: str) -> ir.Table:
    """Give who was drawn which number when."""
    pool = pushes.pool
    if not experiment or not pool.has("assignments"):
        schema = {"user_id": pool.table("users").user_id.type(), **_DRAW}
        return ibis.memtable(pd.DataFrame(columns=list(schema)), schema=ibis.schema(schema))
    drawn = pool.table("assignments")
    drawn = drawn.filter(drawn.experiment == experiment)
    arms = sorted(drawn.select("arm").distinct().to_pandas()["arm"])
    for arm in arms:
        if not arm.isdecimal() or int(arm) < 1:
            raise PushError(
                f"cap_experiment = {experiment!r}: its arm {arm!r} must be a number of pushes a "
                "week from 1 up; name the experiment in which such numbers were drawn"
            )
    return drawn.select(
        "user_id", cap=drawn.arm.cast("int64"), assigned_at=without_zone(drawn.assigned_at)
    ).cache()


def _people(pushes: Pushes) -> ir.Table:
    """Give the times at which everybody was added and left, null where they are not known."""
    users = pushes.pool.table("users")
    return users.select(
        "user_id",
        **{
            name: without_zone(users[name]) if name in users.columns else ibis.null("timestamp")
            for name in ("added_at", "left_at")
        },
    )


def _exposures(pushes: Pushes, drawn: ir.Table, leave_days: int, kept_one_in: int) -> pd.DataFrame:
    """Count sent pushes by what their users had received before."""
    zone = ZoneInfo(pushes.pool.timezone)
    # Of the first days nobody knows what had been sent before.
    known_from = pushes.pool.observed_from.astimezone(zone).date() + timedelta(days=_WEEK_DAYS)
    history = pushes.history
    sent = history.filter(history.is_sent & (history.number % kept_one_in == 0))
    sent = sent.select(
        "number",
        "sent_at",
        "sent_on",
        day=sent.sent_on.delta(_START, unit="day").cast("int32"),
        click=sent.outcome.cast("int32"),
        block=_blocked(pushes, sent).cast("int32"),
        counts=sent.is_inside & sent.is_mature & (sent.sent_on >= known_from),
    )
    days = ibis.range_window(group_by="number", order_by="day", preceding=_WEEK_DAYS, following=0)
    today = ibis.range_window(group_by="number", order_by="day", preceding=0, following=0)
    # Of what was sent at one instant any order is as good, but not another on each run.
    in_turn = ibis.window(group_by="number", order_by=["sent_at", "counts", "click", "block"])
    sent = sent.mutate(
        received=sent.count().over(days) - sent.count().over(today),
        waited=elapsed_us(sent.sent_at.lag().over(in_turn), sent.sent_at),
        next_at=sent.sent_at.lead().over(in_turn),
    )
    sent = sent.filter(sent.counts).drop("counts")
    people = pushes.users.left_join(_people(pushes), "user_id")
    people = people.select("number", "user_id", "added_at", "left_at")
    draws = drawn.select(drawn_id="user_id", drawn_at="assigned_at")
    people = people.left_join(draws, people.user_id == draws.drawn_id)
    people = people.select("added_at", "left_at", "drawn_at", own="number").cache()
    sent = sent.join(people, sent.number == people.own)
    since = elapsed_us(
        ibis.ifelse(sent.sent_at >= sent.drawn_at, sent.drawn_at, sent.added_at), sent.sent_at
    )
    by_lot = (sent.sent_at >= sent.drawn_at).fill_null(False)
    latest = ibis.literal(pushes.pool.as_of_end.replace(tzinfo=None) - timedelta(days=leave_days))
    stayed = elapsed_us(sent.sent_at, sent.left_at)
    followed = sent.sent_at <= latest
    # Counted for every push of the days before it, one leaving would rise with their number.
    is_last = sent.next_at.isnull() | (sent.next_at > sent.left_at)
    left = (stayed >= 0) & (stayed < leave_days * 24 * _HOUR_US) & is_last
    counted = sent.select(
        "number",
        "click",
        "block",
        population=ibis.ifelse(by_lot, DRAWN, OTHERS),
        # For a week after the draw the old number is still in what was received.
        settled=~by_lot | (since >= _WEEK_US),
        received=ibis.least(sent.received, MOST_RECEIVED).cast("int8"),
        gap=_band(sent.waited // _HOUR_US, GAP_EDGES, missing=len(GAP_EDGES) - 1),
        band=_band(since // _WEEK_US, WEEK_EDGES, missing=UNKNOWN_WEEK),
        followed=followed.cast("int32"),
        leave=(followed & left).fill_null(False).cast("int32"),
    )
    counted = counted.filter(counted.settled)
    keys = ["number", "population", "received", "gap", "band"]
    sums = {name: counted[name].sum() for name in ("click", "block", "followed", "leave")}
    found: pd.DataFrame = counted.group_by(keys).agg(n=counted.count(), **sums).to_pandas()
    return found.sort_values(keys, ignore_index=True)


def _band(value: ir.NumericValue, edges: tuple[int, ...], *, missing: int) -> ir.IntegerValue:
    """Give the index of the last edge that is not above a value."""
    branches = [
        (value >= edge, ibis.literal(place, "int8"))
        for place, edge in reversed(list(enumerate(edges)))
    ]
    return ibis.cases(*branches, else_=ibis.literal(missing, "int8"))


def _blocked(pushes: Pushes, rows: ir.Table) -> ir.BooleanValue:
    """Whether a sent push was answered by blocking, within the horizon."""
    waited = elapsed_us(rows.sent_at, rows.blocked_at)
    within = waited <= pushes.definition.horizon_hours * _HOUR_US
    return ((waited >= 0) & within).fill_null(False)


def _weekly(
    pushes: Pushes, drawn: ir.Table, frequency_weeks: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Sum up weeks per drawn number: those begun while users were there, and the first of all."""
    if not int(drawn.count().to_pandas()):
        return pd.DataFrame({"cap": []}), pd.DataFrame({"cap": []})
    horizon = timedelta(hours=pushes.definition.horizon_hours)
    latest = ibis.literal(pushes.pool.as_of_end.replace(tzinfo=None) - horizon)
    users = drawn.join(_people(pushes).drop("added_at"), "user_id")
    over = elapsed_us(users.assigned_at, latest) // _WEEK_US
    stayed = elapsed_us(users.assigned_at, users.left_at)
    begun = (stayed + _WEEK_US - 1) // _WEEK_US
    users = users.mutate(over=over, weeks=ibis.least(over, begun.fill_null(over)))
    known = pushes.known
    known = known.filter(known.is_sent).select(
        sent_by="number",
        sent_at="sent_at",
        clicks="outcome",
        blocks=_blocked(pushes, known).cast("int8"),
    )
    numbers = users.join(pushes.users, "user_id").select(
        "user_id", "number", "assigned_at", "weeks"
    )
    both = numbers.join(known, numbers.number == known.sent_by)
    week = elapsed_us(both.assigned_at, both.sent_at) // _WEEK_US
    both = both.mutate(week=week).filter(week >= 0)
    spans = {"": both.week < both.weeks, "first_": both.week < frequency_weeks}
    sums = both.group_by(summed_id="user_id").agg(
        **{f"{span}sent": both.count(where=inside) for span, inside in spans.items()},
        **{
            f"{span}{name}": both[name].sum(where=inside)
            for span, inside in spans.items()
            for name in ("clicks", "blocks")
        },
    )
    users = users.left_join(sums, users.user_id == sums.summed_id).cache()
    counts = [f"{span}{name}" for span in spans for name in WEEKLY[1:]]
    users = users.mutate(**{name: users[name].fill_null(0) for name in counts})
    first = users.filter(users.over >= frequency_weeks).select(
        "cap",
        weeks=ibis.literal(frequency_weeks),
        **{name: ibis._[f"first_{name}"] for name in WEEKLY[1:]},
    )
    return sum_up(users.filter(users.weeks >= 1), "cap", WEEKLY), sum_up(first, "cap", WEEKLY)


def _spans(
    pushes: Pushes,
) -> tuple[int, int, pd.DataFrame, tuple[date, date] | None, tuple[date, date] | None]:
    """Count pushes and blocks, and sum them up per segment in the last 28 days and the 28 before.

    Everything in one pass over the pushes.
    """
    # The last day of which every push was followed for the horizon.
    last = pushes.as_of - timedelta(days=ceil(pushes.definition.horizon_hours / 24))
    turn = last - timedelta(days=SPAN_DAYS)
    start, day = turn - timedelta(days=SPAN_DAYS), timedelta(days=1)
    rows = pushes.rows.filter(pushes.rows.is_sent)
    blocked = _blocked(pushes, rows)
    now = (rows.sent_on > turn) & (rows.sent_on <= last)
    before = (rows.sent_on > start) & (rows.sent_on <= turn)
    users = rows.group_by("segment", "number").agg(
        sent=rows.count(),
        blocks=blocked.sum(),
        sent_before=before.sum(),
        blocks_before=(before & blocked).sum(),
        sent_now=now.sum(),
        blocks_now=(now & blocked).sum(),
    )
    users = users.cache()
    totals = users.agg(sent=users.sent.sum(), blocks=users.blocks.sum()).to_pandas()
    n_sent, n_blocks = (int(x) if pd.notna(x) else 0 for x in totals.iloc[0])
    if pushes.first > start + day:
        return n_sent, n_blocks, pd.DataFrame({"segment": []}), None, None
    users = users.filter(users.sent_before + users.sent_now > 0)
    spans = sum_up(users, "segment", SPANS)
    pushed = users.group_by("segment").agg(
        n_before=users.count(where=users.sent_before > 0),
        n_now=users.count(where=users.sent_now > 0),
    )
    spans = spans.merge(pushed.to_pandas(), on="segment")
    return n_sent, n_blocks, spans, (start + day, turn), (turn + day, last)
