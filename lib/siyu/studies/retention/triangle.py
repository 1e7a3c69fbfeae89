"""Tell by cohort and calendar unit who was active, as teams are used to read it: the triangle.

Unit j of a cohort is the j-th calendar day, week (from Monday) or month after the one in which its
users were added, which is unit 0. All of a cohort share it, so it needs no clock per user, and says
less: who was added on a Sunday has had a day in week 0, and who was added on a Monday seven.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from siyu.data import Source
from siyu.data.sorted_log import SortedLog
from siyu.data.zones import count_us
from siyu.phrases import phrase
from siyu.studies.retention.definition import Definition
from siyu.studies.retention.estimate import hide_few, with_rates
from siyu.studies.retention.measures import Measures
from siyu.studies.retention.sentences import interval

MOST_UNITS = 52
"""The last unit that is told: a year of weeks."""
_PERIODS = {"day": "D", "week": "W-SUN", "month": "M"}
_TRUNCATED = {"day": "D", "week": "W", "month": "M"}
_MOST_DAYS = {"day": 1, "week": 7, "month": 31}
_SHOWN = ["at_risk", "retained", "rate", "ci_lower", "ci_upper"]


def measure_triangle(pool: Source, measures: Measures) -> pd.DataFrame:
    """Count by cohort what its users did in each calendar unit.

    Args:
        pool: the source from which `measures` were taken.
        measures: say who counts, in which cohorts, and what staying is; the kind of return and the
            clock play no part here.

    Returns:
        One row per `cohort` (its first day) and unit `j`, from 0 to 52: `n` users who did a return
        event in it, at or after their addition; for "connected", those who left in it.
    """
    asked = measures.definition
    users = _added(pool, measures)
    if asked.retained_as == "connected":
        found = users.filter(users.left_at.notnull())
        found = found.mutate(during=_unit_of(pool, found.left_at, asked.cohort_unit))
    elif pool.sorted_log is not None:
        return _within(_count_sorted(pool, pool.sorted_log, users, asked), asked.cohort_unit)
    else:
        events = pool.table("events")
        back = events.filter(events.event.isin(list(asked.return_events)))
        during = _unit_of(pool, back.occurred_at, asked.cohort_unit)
        # Whoever came back in a unit at or after the addition did so the last time, too.
        last = back.group_by("user_id", during=during).agg(last_at=back.occurred_at.max())
        found = users.join(last, "user_id")
        found = found.filter(found.last_at >= found.added_at)
    days = found.during.delta(found.cohort, unit="day")
    found = found.filter(days <= MOST_UNITS * _MOST_DAYS[asked.cohort_unit])
    counts: pd.DataFrame = found.group_by("cohort", "during").agg(n=found.count()).to_pandas()
    return _within(counts, asked.cohort_unit)


def triangle_cells(measures: Measures, counts: pd.DataFrame, *, level: float) -> pd.DataFrame:
    """Give the share of each cohort that was active, or still connected, in each calendar unit.

    Args:
        measures: the reduced tables.
        counts: from `measure_triangle`.
        level: coverage of each interval, between 0 and 1.

    Returns:
        One row per `cohort` and unit `j` that has begun, from 0 to 52: `added`, `at_risk` (all of
        the cohort), `retained`, `rate` with a Wilson interval, and `state`: "whole"; "unfinished"
        (the unit is not over); "cut" (the period begins inside the cohort); "few" (under min_users,
        or hidden so that no few persons are left over). Only what is whole has a rate; what is few
        has no number.
    """
    asked = measures.definition
    found = _begun(measures)
    done = counts.assign(cohort=pd.to_datetime(counts["cohort"])).set_index(["cohort", "j"])["n"]
    found["retained"] = done.reindex(pd.MultiIndex.from_frame(found[["cohort", "j"]])).to_numpy()
    found = found.fillna({"retained": 0}).astype({"retained": int})
    if asked.retained_as == "connected":
        left = found.groupby("cohort")["retained"].cumsum()
        found["retained"] = found["added"] - left
    found = with_rates(found.assign(at_risk=found["added"]), level=level)
    found["state"] = "whole"
    found.loc[found["ends"] > pd.Timestamp(measures.as_of), "state"] = "unfinished"
    found.loc[found["cohort"] < pd.Timestamp(measures.first), "state"] = "cut"
    found.loc[found["added"] < measures.min_users, "state"] = "few"
    for _, unit in found[found["ends"] <= pd.Timestamp(measures.as_of)].groupby("j"):
        found.loc[hide_few(unit, min_users=measures.min_users), "state"] = "few"
    shown = found[_SHOWN].astype(float).mask(found["state"] != "whole")
    found = found.assign(**{name: shown[name] for name in _SHOWN})
    found["added"] = found["added"].astype(float).mask(found["state"] == "few")
    return found[["cohort", "j", "state", "added", *_SHOWN]]


def triangle_means(cells: pd.DataFrame, *, level: float) -> pd.DataFrame:
    """Give for each unit the share of all people of the cohorts that have a rate in it.

    Args:
        cells: from `triangle`.
        level: coverage of each interval, between 0 and 1.

    Returns:
        One row per unit `j` with such a cohort: `n_cohorts`, `at_risk`, `retained`, `rate` with a
        Wilson interval. Each unit speaks of other cohorts, the later the fewer and the older.
    """
    whole = cells[cells["state"] == "whole"].astype({"at_risk": int, "retained": int})
    found = whole.groupby("j", as_index=False).agg(
        n_cohorts=("cohort", "size"), at_risk=("at_risk", "sum"), retained=("retained", "sum")
    )
    return with_rates(found, level=level)


def say_triangle(measures: Measures, averages: pd.DataFrame, *, level: float) -> str:
    """Say how many were active, or still connected, in the unit after that of their addition."""
    first = averages[averages["j"] == 1]
    if first.empty:
        return phrase("retention.triangle.none")
    row, asked = first.iloc[0], measures.definition
    return phrase(
        f"retention.triangle.{asked.retained_as}.{asked.cohort_unit}",
        n=int(row.at_risk),
        rate=row.rate,
        **interval(row, level),
    )


def _within(counts: pd.DataFrame, cohort_unit: str) -> pd.DataFrame:
    """Number the unit `during` which something was done from that of the cohort on."""
    ordinal = {
        name: pd.PeriodIndex(pd.to_datetime(counts[name]), freq=_PERIODS[cohort_unit])
        for name in ("cohort", "during")
    }
    j = ordinal["during"].astype("int64") - ordinal["cohort"].astype("int64")
    # Who has left before being added, by an error of the source, was there in no unit.
    counts = counts.assign(j=np.maximum(j, 0))
    counts = counts[counts["j"] <= MOST_UNITS]
    return counts.groupby(["cohort", "j"])["n"].sum().reset_index()


def _count_sorted(pool: Source, log: SortedLog, users: ir.Table, asked: Definition) -> pd.DataFrame:
    """Count by `cohort` and unit (`during`) in one compiled pass over a prepared log."""
    from siyu.studies.retention.passes import count_units

    people = users.select("user_id", "cohort", added_us=count_us(users.added_at)).to_pyarrow()
    cohort = people["cohort"].to_numpy().astype("datetime64[D]")
    cohorts, number = np.unique(cohort, return_inverse=True)
    if not len(cohorts):
        return pd.DataFrame({"cohort": [], "during": [], "n": []})
    days = np.arange(cohorts[0], np.datetime64(pool.as_of) + 1)
    begins = pd.PeriodIndex(days, freq=_PERIODS[asked.cohort_unit]).start_time
    during, units = np.unique(begins.to_numpy(), return_inverse=True)
    counts = count_units(
        log,
        asked.return_events,
        people["user_id"].to_numpy(),
        people["added_us"].to_numpy(),
        number,
        pool.offsets(),
        units,
        first_day=int(days[0].astype(np.int64)),
    )
    row, unit = counts.nonzero()
    return pd.DataFrame({"cohort": cohorts[row], "during": during[unit], "n": counts[row, unit]})


def _added(pool: Source, measures: Measures) -> ir.Table:
    """Give a row per user who counts, with the first day of the cohort."""
    users = pool.table("users")
    users = users.filter(pool.day(users.added_at) >= measures.first)
    left = users.left_at if "left_at" in users.columns else ibis.null(users.added_at.type())
    cohort = _unit_of(pool, users.added_at, measures.definition.cohort_unit)
    return users.select("user_id", "added_at", left_at=left, cohort=cohort)


def _unit_of(pool: Source, column: ir.TimestampValue, unit: str) -> ir.DateValue:
    return pool.day(column).truncate(_TRUNCATED[unit])


def _begun(measures: Measures) -> pd.DataFrame:
    """Give each cohort with each unit that has begun, its last day (`ends`) and the users added."""
    unit = _PERIODS[measures.definition.cohort_unit]
    risk = measures.risk.assign(cohort=pd.to_datetime(measures.risk["cohort"]))
    sizes = risk.groupby("cohort")["n"].sum()
    own = pd.PeriodIndex(sizes.index, freq=unit)
    now = pd.Period(measures.as_of, freq=unit).ordinal
    lasting = np.minimum(now - own.astype("int64"), MOST_UNITS).astype(np.int64) + 1
    found = pd.DataFrame(
        {
            "cohort": np.repeat(sizes.index.to_numpy(), lasting),
            "j": np.concatenate([np.arange(n) for n in lasting]) if len(lasting) else [],
            "added": np.repeat(sizes.to_numpy(), lasting),
        }
    ).astype({"cohort": sizes.index.dtype, "j": int, "added": int})
    ends = pd.PeriodIndex(found["cohort"], freq=unit) + found["j"].to_numpy()
    return found.assign(ends=ends.end_time.normalize())
