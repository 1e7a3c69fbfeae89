"""Reduce a source to what a test can count on: who comes, who is waiting, and how many convert."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from siyu.data import Source
from siyu.data.zones import DAY_US, elapsed_us, without_zone
from siyu.studies.lures.definition import Definition, LureError
from siyu.studies.lures.experiment import Experiment
from siyu.studies.lures.fresh import days_before, end_of, exposures, find_fresh
from siyu.studies.lures.ratio import find_suspect
from siyu.studies.naming import EVERYONE, UNKNOWN, large, lumped

WEEK = 7


@dataclass(frozen=True, kw_only=True)
class Measures:
    """What a test can count on, as known at `as_of`.

    shares: a row per `way` ("exposure": drawn as they are exposed; "list": drawn from those who
        were exposed before and did not add), `stratum` (the channel; "all" of a list) and `outcome`
        ("conversion", "retention"): `n` people followed long enough, and `count` of them.
    weeks: fresh people exposed in each whole week of the period, the first first.
    waiting: fresh people there are to draw from now.
    worth: people of the experiment with `cost` (all that the lure cost), `retained`, one row each;
        empty without one.
    staff: a row per staff account: `n` people added and followed, and `count` retained.
    """

    source: str
    as_of: date
    first: date
    min_users: int
    conversion_days: int
    retention_day: int
    fresh_days: int
    experiment: str
    shares: pd.DataFrame
    weeks: tuple[int, ...]
    waiting: int
    worth: pd.DataFrame
    staff: pd.DataFrame
    refused: str = ""


def measure(
    pool: Source,
    definition: Definition,
    experiment: Experiment,
    *,
    period_days: int,
    fresh_days: int = 14,
    min_users: int = 30,
) -> Measures:
    """Measure who comes, how many convert without a further lure than today's, and what it costs.

    Of who comes, the first exposure in the period counts at which a person was no contact and had
    not been drawn for anything; of who waits, those fresh at the end of `conversion_days` ago.

    Args:
        pool: the source, masked at its `as_of`.
        definition: the outcomes of the test to come; `retention_days`: the last counts.
        experiment: one that has been, for the spread of costs; it may be refused, and is not read
            where its arms are not as large as planned.
        period_days: exposures in these days, up to and including `as_of`, are studied; of those
            that were observed.
        fresh_days: an exposure longer ago is forgotten, at least 1.
        min_users: smallest group that is told apart, at least 1.

    Raises:
        LureError: a number out of range, or a table that is missing.
    """
    for name, value in (("period_days", period_days), ("min_users", min_users)):
        if value < 1:
            raise LureError(f"{name} = {value} must be at least 1")
    day = max(definition.retention_days, default=0)
    refused = "" if "added_at" in pool.table("users").columns else "added"
    if not pool.has("events"):
        refused = "events"
    # A week before anybody was observed is no week in which nobody came.
    observed = pool.observed_from.astimezone(ZoneInfo(pool.timezone)).date()
    first = max(pool.as_of - timedelta(days=period_days - 1), observed)
    shares = pd.DataFrame(columns=["way", "stratum", "outcome", "n", "count"])
    weeks: tuple[int, ...] = ()
    waiting, staff = 0, pd.DataFrame({"n": [], "count": []})
    if not refused:
        coming = _coming(pool, first).cache()
        shares = _shares(
            pool, {"exposure": coming, "list": _waiting(pool, definition, fresh_days)},
            {"conversion": definition.conversion_days, "retention": day}, min_users=min_users,
        )  # fmt: skip
        weeks = _weeks(coming, pool.as_of, (pool.as_of - first).days + 1)
        now = find_fresh(pool, end_of(pool), fresh_days=fresh_days)
        waiting = int(now.filter(now.reason == "").count().to_pandas())
        staff = _staff(pool, first, day)
    return Measures(
        source=pool.name,
        as_of=pool.as_of,
        first=first,
        min_users=min_users,
        conversion_days=definition.conversion_days,
        retention_day=day,
        fresh_days=fresh_days,
        experiment=experiment.name,
        shares=shares,
        weeks=weeks,
        waiting=waiting,
        worth=_worth(experiment),
        staff=staff,
        refused=refused,
    )


def _coming(pool: Source, first: date) -> ir.Table:
    """Give who was fresh at an exposure in the period, with the first such one."""
    seen = exposures(pool)
    users = pool.table("users")
    known = users.select("user_id", added_at=without_zone(users.added_at))
    both = seen.join(known, "user_id")
    both = both.filter((both.added_at >= both.at).fill_null(True))
    if pool.has("assignments"):
        drawn = pool.table("assignments")
        drawn = drawn.group_by("user_id").agg(drawn_at=without_zone(drawn.assigned_at).min())
        both = both.left_join(drawn, "user_id").drop("user_id_right")
        both = both.filter((both.drawn_at >= both.at).fill_null(True))
    own = both.mutate(on=pool.day(both.at.cast("timestamp('UTC')")))
    own = own.filter(own.on >= ibis.literal(first))
    return own.group_by("user_id").agg(at=own.at.min(), on=own.on.min())


def _waiting(pool: Source, definition: Definition, fresh_days: int) -> ir.Table:
    """Give who was fresh when the conversion window of today's last day began."""
    at = days_before(end_of(pool), definition.conversion_days)
    fresh = find_fresh(pool, at, fresh_days=fresh_days)
    return fresh.filter(fresh.reason == "").select("user_id", at=ibis.literal(at))


def _shares(
    pool: Source, ways: dict[str, ir.Table], outcomes: dict[str, int], *, min_users: int
) -> pd.DataFrame:
    users = pool.table("users")
    channel = users.channel if "channel" in users.columns else ibis.null("string")
    left = without_zone(users.left_at) if "left_at" in users.columns else ibis.null("timestamp")
    known = users.select(
        "user_id",
        stratum=channel.fill_null(UNKNOWN),
        added_at=without_zone(users.added_at),
        left_at=left,
    )
    end, parts = ibis.literal(end_of(pool)), []
    for way, people in ways.items():
        own = people.join(known, "user_id")
        followed = elapsed_us(own.at, end)
        added, gone = elapsed_us(own.at, own.added_at), elapsed_us(own.at, own.left_at)
        for outcome, days in outcomes.items():
            within = days * DAY_US
            came = (added <= within).fill_null(False)
            if outcome == "retention":
                came = came & (gone > within).fill_null(True)
            counted = own.mutate(came=came).filter(followed >= within)
            found = counted.group_by("stratum").agg(n=counted.count(), count=counted.came.sum())
            parts.append(found.to_pandas().assign(way=way, outcome=outcome))
    table: pd.DataFrame = pd.concat(parts, ignore_index=True)
    # Of the few who wait, strata would be of few persons.
    coming = table["way"] == "exposure"
    sizes = table[coming].pivot_table(
        index="stratum", columns="outcome", values="n", aggfunc="sum", fill_value=0
    )
    named = lumped(table["stratum"], large(sizes, min_users=min_users))
    table["stratum"] = named.where(coming, EVERYONE)
    by = ["way", "stratum", "outcome"]
    summed: pd.DataFrame = table.groupby(by, as_index=False)[["n", "count"]].sum()
    return summed.astype({"count": "int64"})


def _weeks(coming: ir.Table, as_of: date, days: int) -> tuple[int, ...]:
    per_day = coming.group_by("on").agg(n=coming.count()).to_pandas()
    ago = np.array([(as_of - on.date()).days for on in pd.to_datetime(per_day["on"])], dtype=int)
    whole = days // WEEK
    counts = np.bincount(ago // WEEK, weights=per_day["n"], minlength=whole)[:whole]
    return tuple(int(n) for n in counts[::-1])


def _worth(experiment: Experiment) -> pd.DataFrame:
    day = max(experiment.retention_days, default=0)
    if experiment.refused or find_suspect(experiment):
        return pd.DataFrame({"arm": [], "cost": [], "retained": []})
    if not day or not (experiment.has_cost or experiment.has_coupons):
        return pd.DataFrame({"arm": [], "cost": [], "retained": []})
    people = experiment.followed(max(day, experiment.definition.worth_days))
    cost = people["cost_cny"] + people["redeemed_cny"]
    retained = people[f"retained_{day}"].astype("float64")
    return pd.DataFrame({"arm": people["arm"], "cost": cost, "retained": retained})


def _staff(pool: Source, first: date, day: int) -> pd.DataFrame:
    """Count by staff account who was added in the period and followed, and who of them stayed."""
    users = pool.table("users")
    if not {"staff_id", "left_at"} <= set(users.columns):
        return pd.DataFrame({"n": [], "count": []})
    own = users.filter(users.staff_id.notnull() & (pool.day(users.added_at) >= first))
    added, left = without_zone(own.added_at), without_zone(own.left_at)
    within = day * DAY_US
    own = own.select(
        "staff_id",
        followed=elapsed_us(added, ibis.literal(end_of(pool))),
        stayed=(elapsed_us(added, left) > within).fill_null(True),
    ).filter(lambda table: table.followed >= within)
    counts = own.group_by("staff_id").agg(n=own.count(), count=own.stayed.sum())
    found: pd.DataFrame = counts.to_pandas()
    return found.sort_values(["n", "count"], ignore_index=True)[["n", "count"]]
