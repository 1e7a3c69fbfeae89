"""Reduce pushes whose hour was drawn by lot to sums per user and hour."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from siyu.data.zones import without_zone
from siyu.stats.off_policy import Logged
from siyu.studies.push_timing.bands import DAY_HOURS
from siyu.studies.push_timing.definition import PushError
from siyu.studies.push_timing.policy.measures import Ints, Measures
from siyu.studies.push_timing.pushes import Pushes

FOLDS = 5
"""Hours are chosen for a fifth of the users on the fifths before it."""
RECENT_DAYS = 28
"""What is planned now: four whole weeks, as far back as the period goes."""
STAFF_EVENTS = ("greet", "recommend", "follow_up")
"""What staff do to users is no habit of theirs."""
_STREAM = 20_260_401
"""Of the draw of folds: the same users fall into the same fold, run after run."""


def measure(pushes: Pushes, *, clip_at: float = 20.0) -> Measures:
    """Measure the planned pushes whose hour was drawn, all of them: not sent is not answered.

    Args:
        pushes: from `find_pushes`.
        clip_at: weight above which a push counts as heavy in the report on clipping, above 1: 20
            for hours drawn with a chance of less than 5%.

    Raises:
        PushError: clip_at is not above 1.
    """
    if not clip_at > 1:
        raise PushError(f"clip_at = {clip_at} must be above 1; use 20")
    rows = pushes.rows
    drawn = rows.filter(rows.is_drawn)
    split = _median(drawn)
    cut = drawn.planned_at > ibis.literal(split, "timestamp")
    found = drawn.group_by("number").agg(segment=drawn.segment.max()).to_pandas()
    users = found.set_index("number")["segment"].sort_index()
    hours = tuple(sorted(map(int, drawn.select("planned_hour").distinct().to_pandas().iloc[:, 0])))
    habits = _habits(pushes, drawn, split, hours, users.index)
    since, until = _recent(pushes)
    return Measures(
        source=pushes.source,
        first=pushes.first,
        as_of=pushes.as_of,
        outcome=pushes.definition.outcome,
        horizon_hours=pushes.definition.horizon_hours,
        min_users=pushes.min_users,
        segments=pushes.segments,
        crossings=pushes.crossings,
        n_users=pushes.n_users,
        hours=hours,
        segment=users.to_numpy(dtype=np.int64),
        fold=np.random.default_rng(_STREAM).permutation(len(users)) % FOLDS,
        earlier=_sum(drawn.filter(~cut), users.index, hours, clip_at=clip_at),
        later=_sum(drawn.filter(cut), users.index, hours, clip_at=clip_at),
        clip_at=clip_at,
        split_at=split,
        habits=habits,
        no_habits="" if (habits >= 0).any() else "no_events",
        planned=_count_planned(rows, pushes.segments, since, until),
        recent_weeks=((until - since).days + 1) / 7,
        weeks=((pushes.as_of - pushes.first).days + 1) / 7,
        counts=pushes.counts,
    )


def _median(drawn: ir.Table) -> datetime | None:
    """Give the instant up to which half of the drawn pushes were planned."""
    seconds = drawn.planned_at.epoch_seconds().median().to_pandas()
    if pd.isna(seconds):
        return None
    return datetime.fromtimestamp(int(seconds), tz=UTC).replace(tzinfo=None)


def _sum(drawn: ir.Table, numbers: pd.Index, hours: tuple[int, ...], *, clip_at: float) -> Logged:
    """Sum up per user and hour, and lay the sums out as users x hours."""
    weight = 1 / drawn.propensity
    rows = drawn.select(
        "number",
        hour="planned_hour",
        y=drawn.planned_outcome.cast("float64"),
        weight=weight,
        clipped=ibis.least(weight, clip_at),
        heavy=(weight > clip_at).cast("float64"),
    )
    sums = {
        "n": rows.count().cast("float64"),
        "answered": rows.y.sum(),
        "weight": rows.weight.sum(),
        "answered_weight": (rows.y * rows.weight).sum(),
        "squared_weight": (rows.weight**2).sum(),
        "squared_answered_weight": (rows.y * rows.weight**2).sum(),
        "above": rows.heavy.sum(),
        "clipped_weight": rows.clipped.sum(),
        "clipped_answered_weight": (rows.y * rows.clipped).sum(),
    }
    found = rows.group_by("number", "hour").agg(**sums).to_pandas()
    users, arms = np.searchsorted(numbers, found["number"]), np.searchsorted(hours, found["hour"])
    laid = {name: np.zeros((len(numbers), len(hours))) for name in sums}
    for name, values in laid.items():
        values[users, arms] = found[name]
    return Logged(**laid)


def _habits(
    pushes: Pushes,
    drawn: ir.Table,
    split: datetime | None,
    hours: tuple[int, ...],
    numbers: pd.Index,
) -> Ints:
    """Find the hour in which each user with a drawn push did most; of several the earliest."""
    habits = np.full(len(numbers), -1)
    if not pushes.pool.has("events"):
        return habits
    events = pushes.pool.table("events")
    own = events.filter(~events.event.isin(STAFF_EVENTS))
    own = own.select("user_id", at=without_zone(own.occurred_at))
    own = own.filter(own.at <= ibis.literal(split, "timestamp"))
    own = own.join(pushes.users, "user_id")
    own = own.select("number", hour=pushes.pool.local(own.at).hour().cast("int64"))
    own = own.filter(own.hour.isin(hours))
    own = own.semi_join(drawn.select("number"), "number")
    counts = own.group_by("number", "hour").agg(n=own.count())
    earliest = counts.hour.argmax(counts.n * DAY_HOURS - counts.hour)
    most = counts.group_by("number").agg(hour=earliest).to_pandas()
    habits[np.searchsorted(numbers, most["number"])] = np.searchsorted(hours, most["hour"])
    return habits


def _recent(pushes: Pushes) -> tuple[date, date]:
    """Give the first and the last of the latest days whose pushes were all followed."""
    until = pushes.as_of - timedelta(days=-(-pushes.definition.horizon_hours // 24))
    until = max(until, pushes.first)
    return max(pushes.first, until - timedelta(days=RECENT_DAYS - 1)), until


def _count_planned(
    rows: ir.Table, segments: tuple[str, ...], since: date, until: date
) -> pd.DataFrame:
    planned = rows.filter(rows.planned_hour.notnull())
    recent = planned.planned_on.between(since, until)
    counts: pd.DataFrame = (
        planned.group_by("segment", hour="planned_hour")
        .agg(
            n=planned.count(),
            answered=planned.planned_outcome.sum(),
            n_by_hand=planned.count(where=~planned.is_drawn),
            n_recent=planned.count(where=recent),
            n_recent_by_hand=planned.count(where=recent & ~planned.is_drawn),
        )
        .to_pandas()
    )
    counts["segment"] = counts["segment"].map(dict(enumerate(segments)))
    return counts.sort_values(["segment", "hour"], ignore_index=True)
