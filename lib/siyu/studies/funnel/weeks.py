"""Follow entry weeks: of those who started in a week, who converted, and does it drift?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import ibis.expr.types as ir
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from siyu.data import Source
from siyu.data.sorted_log import SortedLog, count_us
from siyu.stats.intervals import smoothed_delta
from siyu.studies.funnel.chains import follow
from siyu.studies.funnel.definition import Definition
from siyu.studies.funnel.histories import serves
from siyu.studies.funnel.measures import Measures
from siyu.studies.funnel.rates import FloatArray, hide_few, share
from siyu.studies.funnel.spans import Span, midnight
from siyu.studies.funnel.windows import within

_WEEKLY = ["week", "entered", "converted", "waiting"]
MOST_WEEKS = 62
"""Weeks that the bits of a whole number can tell."""
_CELLS = ["early", "early_converted", "late", "late_converted"]


def follow_weeks(
    pool: Source, definition: Definition, span: Span, *, min_users: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Follow each user from the first start of each week, as if every week were a new user.

    Weeks can then be compared: each has all who started in it, with one chance each. (By the first
    start of the whole period, the early weeks would hold the frequent visitors.)

    Args:
        pool: the source.
        definition: the funnel.
        span: when attempts may begin.
        min_users: a week in which fewer users can be judged is in neither half of the drift, whose
            difference would else tell what `trend` hides.

    Returns:
        `weekly` and `drift` of `Measures`; both empty without a window.
    """
    if definition.window is None:
        return pd.DataFrame(columns=_WEEKLY), pd.DataFrame(columns=[*_CELLS, "n"])
    weeks = span.weeks(pool.timezone)
    log = pool.sorted_log
    if log is not None and serves(definition) and len(weeks) <= MOST_WEEKS:
        return _follow_sorted(log, pool.timezone, definition, span, min_users=min_users)
    begun = _begun(pool, definition, span)
    users = _followed(pool.table("events"), begun, definition, span)
    weekly = _weekly(pool, span, begun, users)
    shown = weekly["week"][_are_shown(weekly, weeks, min_users)]
    return weekly, _drift(users, list(shown.dt.strftime("%Y-%m-%d")))


def trend(measures: Measures, *, level: float) -> pd.DataFrame:
    """Give conversion by entry week: of those who started in it, who converted from that start.

    Every week has all who started in it, with one chance each, so weeks can be compared; a user who
    starts in two weeks is in both.

    Args:
        measures: the reduced tables.
        level: coverage of each interval, between 0 and 1.

    Returns:
        One row per week of the period: `week` (Monday), `state` ("whole"; "cut": the period begins
        inside it; "unfinished": some windows are still open at as_of), `entered` (mature),
        `waiting` (immature), `converted`, `rate` with a Wilson interval. NaN for a week of fewer
        than min_users. Empty without a window.
    """
    weekly = measures.weekly
    if weekly.empty:
        return weekly
    states = [state for _, state in measures.span.weeks(measures.timezone)]
    n, x = weekly["entered"].to_numpy(), weekly["converted"].to_numpy()
    weekly = weekly.assign(state=states, **share("", x, n, level))
    return hide_few(weekly, min_users=measures.min_users)


def late_against_early(measures: Measures, *, level: float) -> pd.DataFrame:
    """Compare the later half of the whole entry weeks that `trend` shows with the earlier half.

    Args:
        measures: the reduced tables.
        level: coverage of the interval, between 0 and 1.

    Returns:
        One row: `difference` of conversion per user and week, later less earlier, with an interval
        in which a user's weeks are one cluster: `smoothed_delta`, with two pseudo-users per half,
        each in as many weeks as its users in the mean, who convert in all of them and in none.
        Empty where fewer than min_users persons started in a half.
    """
    weeks = measures.drift[_CELLS].to_numpy(dtype=np.float64)
    cells = measures.drift["n"].to_numpy(dtype=np.float64)
    started = weeks[:, [0, 2]]
    users = cells @ (started > 0)
    if users.min() < measures.min_users:
        return pd.DataFrame()
    early, late = cells @ started / users
    pseudo = [(early, early, 0, 0), (early, 0, 0, 0), (0, 0, late, late), (0, 0, late, 0)]
    weeks = np.concatenate([weeks, pseudo])

    def later(counts: FloatArray) -> FloatArray:
        early, early_converted, late, late_converted = np.moveaxis(counts @ weeks, -1, 0)
        return np.asarray(late_converted / late - early_converted / early)[..., None]

    value, lower, upper = smoothed_delta(
        later,
        np.append(cells, np.zeros(len(pseudo))),
        added=np.append(np.zeros(len(cells)), np.ones(len(pseudo))),
        level=level,
    )
    lower, upper = np.clip([lower, upper], -1, 1)
    return pd.DataFrame({"difference": value, "ci_lower": lower, "ci_upper": upper})


def _are_shown(
    weekly: pd.DataFrame, weeks: Sequence[tuple[date, str]], min_users: int
) -> NDArray[np.bool_]:
    whole = np.array([state for _, state in weeks]) == "whole"
    return np.asarray((weekly["entered"] >= min_users) & whole)


def _follow_sorted(
    log: SortedLog, timezone: str, definition: Definition, span: Span, *, min_users: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Do the same in one compiled pass, with the weeks of each person as bits."""
    from siyu.studies.funnel.passes import follow_weeks_sorted

    weeks = span.weeks(timezone)
    ends = [monday for monday, _ in weeks] + [weeks[-1][0] + timedelta(days=7)]
    mondays = np.array([count_us(midnight(monday, timezone)) for monday in ends])
    bits = follow_weeks_sorted(log, definition, span, mondays)
    counts = {
        name: [int((of >> place & 1).sum()) for place in range(len(weeks))]
        for name, of in zip(_WEEKLY[1:], bits, strict=True)
    }
    weekly = pd.DataFrame({"week": pd.to_datetime([str(monday) for monday, _ in weeks]), **counts})
    (shown,) = _are_shown(weekly, weeks, min_users).nonzero()
    half = len(shown) // 2
    started, converted = (of[bits[0] > 0] for of in bits[:2])
    cells = pd.DataFrame(index=range(len(started)))
    for name, own in (("early", shown[:half]), ("late", shown[len(shown) - half :])):
        within_half = sum(1 << int(place) for place in own)
        cells[name] = np.bitwise_count(started & within_half).astype(np.int64)
        cells[f"{name}_converted"] = np.bitwise_count(converted & within_half).astype(np.int64)
    drift = cells.groupby(_CELLS, as_index=False).size().rename(columns={"size": "n"})
    return weekly, drift


def _begun(pool: Source, definition: Definition, span: Span) -> ir.Table:
    """Find each user's first start of each week: `person`, `week`, `begun`."""
    events = pool.table("events")
    starting = definition.events if definition.order == "any" else definition.names[0]
    starts = events.filter(events.event.isin(list(starting)), events.occurred_at >= span.entry_from)
    if definition.hold:
        starts = starts.filter(starts[definition.hold].notnull())
    starts = starts.mutate(week=pool.day(starts.occurred_at).truncate("W").strftime("%Y-%m-%d"))
    begun = starts.group_by(["user_id", "week"]).agg(begun=starts.occurred_at.min())
    return begun.rename(person="user_id").cache()


def _followed(events: ir.Table, begun: ir.Table, definition: Definition, span: Span) -> ir.Table:
    """Follow every user and week whose window has closed: `person`, `week`, `done` (0 or 1)."""
    # Only what is needed: a source may have columns called `week` and `person` itself.
    held = {"held": events[definition.hold]} if definition.hold else {}
    rows = events.select("user_id", "occurred_at", "event", **held)
    log = rows.join(
        begun.filter(begun.begun <= span.eligible_until),
        [
            rows.user_id == begun.person,
            rows.occurred_at >= begun.begun,
            rows.occurred_at - within(definition) <= begun.begun,
        ],
    )
    users = follow(
        log.mutate(user_id=log.person.cast("string") + " " + log.week),
        replace(definition, entry="first", hold="held" if held else None),
        starts_from=span.entry_from,
        starts_until=span.eligible_until,
        at_start=["person", "week"],
    )
    converted = users[f"reached_{len(definition.steps)}_at"].notnull()
    return users.select("person", "week", done=converted.cast("int64")).cache()


def _weekly(pool: Source, span: Span, begun: ir.Table, users: ir.Table) -> pd.DataFrame:
    judged = users.group_by("week").agg(entered=users.count(), converted=users.done.sum())
    recent = begun.filter(begun.begun > span.eligible_until).group_by("week")
    weeks = [week.isoformat() for week, _ in span.weeks(pool.timezone)]
    weekly = (
        pd.DataFrame({"week": weeks})
        .merge(judged.to_pandas(), how="left")
        .merge(recent.agg(waiting=lambda t: t.count()).to_pandas(), how="left")
        .fillna(0)
        .astype(dict.fromkeys(_WEEKLY[1:], "int64"))
    )
    return weekly.assign(week=pd.to_datetime(weekly["week"]))


def _drift(users: ir.Table, weeks: Sequence[str]) -> pd.DataFrame:
    """Count users by the early and the late weeks they started in and converted from."""
    half = len(weeks) // 2
    ends = {"early": weeks[:half], "late": weeks[len(weeks) - half :]}
    counted: dict[str, ir.Value] = {}
    for name, within_half in ends.items():
        started = users.week.isin(within_half or [""]).cast("int64")
        counted |= {name: started.sum(), f"{name}_converted": (started * users.done).sum()}
    drift: pd.DataFrame = (
        users.group_by("person")
        .agg(**counted)
        .group_by(_CELLS)
        .agg(n=lambda t: t.count())
        .to_pandas()
    )
    return drift.sort_values(_CELLS, ignore_index=True)
