"""Reduce planned and sent pushes, in the engine, to small tables."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
import pandas as pd

from siyu.data.zones import elapsed_us
from siyu.studies.push_timing.bands import read_bands
from siyu.studies.push_timing.delay.measures import (
    AT_ONCE,
    LATE_MINUTES,
    MINUTES,
    MOVED,
    Measures,
)
from siyu.studies.push_timing.pushes import Pushes

_MINUTE_US = 60_000_000
UNNAMED = "(unknown)"


def measure(pushes: Pushes, *, hours: str) -> Measures:
    """Count how long staff and media take from the planned time to the sending.

    Args:
        pushes: from `find_pushes`.
        hours: the band for which plan and sending are compared, such as "20:00-22:00".

    Raises:
        PushError: `hours` is no band.
    """
    (band,) = read_bands([hours])
    rows = pushes.rows
    both = rows.filter(rows.is_sent & rows.planned_at.notnull())
    staff = _staff(pushes)
    timed = both.mutate(
        waited=elapsed_us(both.planned_at, both.sent_at),
        medium=both.medium.fill_null(UNNAMED),
        by_hand=~both.medium.isin(AT_ONCE).fill_null(False),
        moved=(both.sent_hour != both.planned_hour) | (both.sent_on != both.planned_on),
    )
    known = timed.filter(timed.waited >= 0)
    return Measures(
        outcome=pushes.definition.outcome,
        horizon_hours=pushes.definition.horizon_hours,
        source=pushes.source,
        first=pushes.first,
        as_of=pushes.as_of,
        min_users=pushes.min_users,
        segments=pushes.segments,
        crossings=pushes.crossings,
        by_staff=_count(known, staff, "by_hand"),
        by_medium=_count(known, staff, "medium"),
        by_lot=_count(known, staff, "is_drawn"),
        by_day=_by_day(known, staff),
        band=band,
        drawn=_weigh(rows, band.hours),
        strayed=_stray(known, staff, band.hours),
        n_early=int(timed.filter(timed.waited < 0).count().to_pandas()),
    )


def _staff(pushes: Pushes) -> ir.Table:
    """Give who looks after each user, by number."""
    users = pushes.pool.table("users")
    staff = users.staff_id if "staff_id" in users.columns else ibis.null("string")
    numbers = pushes.users.select("number", "user_id")
    named = users.select("user_id", staff=staff.fill_null(UNNAMED))
    return numbers.join(named, "user_id").drop("user_id").cache()


def _count(known: ir.Table, staff: ir.Table, kind: str) -> pd.DataFrame:
    """Sum up over users how many of their pushes have left after so many minutes."""
    marks = {f"after_{minutes}": known.waited <= minutes * _MINUTE_US for minutes in MINUTES}
    marks[f"after_{MOVED}"] = known.moved
    # Sums of flags are huge integers in DuckDB, which multiply slowly: counts are not.
    per_user = known.group_by([kind, "number"]).agg(
        n=known.count().cast("float64"),
        **{mark: known.count(where=which).cast("float64") for mark, which in marks.items()},
    )
    # Only here, where there are far fewer rows than pushes, is it told who looks after whom.
    per_user = per_user.join(staff, "number")
    sums = {"clusters": per_user.count(), "n": per_user.n.sum(), "nn": (per_user.n**2).sum()}
    for mark in marks:
        sums |= {
            f"{mark}_count": per_user[mark].sum(),
            f"{mark}_squared": (per_user[mark] ** 2).sum(),
            f"{mark}_both": (per_user[mark] * per_user.n).sum(),
        }
    wide = per_user.group_by(["staff", kind]).agg(**sums).to_pandas()
    parts = [
        pd.DataFrame(
            {
                "staff": wide["staff"],
                kind: wide[kind],
                "minutes": minutes,
                "clusters": wide["clusters"],
                "n": wide["n"],
                "count": wide[f"after_{minutes}_count"],
                "n_squared": wide["nn"],
                "count_squared": wide[f"after_{minutes}_squared"],
                "both": wide[f"after_{minutes}_both"],
            }
        )
        for minutes in (MOVED, *MINUTES)
    ]
    table = pd.concat(parts, ignore_index=True)
    return table.sort_values(["staff", kind, "minutes"], ignore_index=True)


def _by_day(known: ir.Table, staff: ir.Table) -> pd.DataFrame:
    """Count pushes by hand, and the late among them, by account and day of the plan."""
    own = known.filter(known.by_hand)
    late = own.waited > LATE_MINUTES * _MINUTE_US
    per_user = own.group_by("number", day="planned_on").agg(
        n=own.count(), late=own.count(where=late)
    )
    per_user = per_user.join(staff, "number")
    sums = {name: per_user[name].sum().cast("int64") for name in ("n", "late")}
    counts: pd.DataFrame = per_user.group_by("staff", "day").agg(**sums).to_pandas()
    return counts.sort_values(["staff", "day"], ignore_index=True)


def _weigh(rows: ir.Table, hours: tuple[int, ...]) -> pd.DataFrame:
    """Sum up weights and answers of pushes drawn by lot, by planned hour and by hour of sending."""
    drawn = rows.filter(rows.is_drawn)
    weight = 1 / drawn.propensity
    sides = {
        "planned_in": drawn.planned_hour.isin(hours),
        "planned_out": ~drawn.planned_hour.isin(hours),
        "sent_in": drawn.is_sent & drawn.sent_hour.isin(hours),
        "sent_out": drawn.is_sent & ~drawn.sent_hour.isin(hours),
    }
    sums: dict[str, ir.Value] = {}
    for side, which in sides.items():
        outcome = drawn.planned_outcome if side.startswith("planned") else drawn.outcome
        sums |= {
            f"w_{side}": weight.sum(where=which),
            f"k_{side}": (weight * outcome).sum(where=which),
            f"n_{side}": drawn.count(where=which),
            f"answers_{side}": drawn.count(where=which & (outcome == 1)),
        }
    table: pd.DataFrame = drawn.group_by(["number", "segment"]).agg(**sums).to_pandas()
    return table.fillna(0.0).sort_values("number", ignore_index=True)


def _stray(known: ir.Table, staff: ir.Table, hours: tuple[int, ...]) -> pd.DataFrame:
    strayed = known.filter(
        known.by_hand
        & known.planned_hour.isin(hours)
        & (known.moved & ~known.sent_hour.isin(hours))
    )
    strayed = strayed.join(staff, "number")
    counts: pd.DataFrame = strayed.group_by(["staff", "segment"]).agg(n=strayed.count()).to_pandas()
    return counts.sort_values(["staff", "segment"], ignore_index=True)
