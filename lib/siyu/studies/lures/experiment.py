"""Reduce an experiment to one row per person drawn: the arm, what was known before, what came.

Ids stay in the engine; what comes out is in no order that says who is who.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import ibis.expr.types as ir
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from siyu.data import Source
from siyu.data.zones import DAY_US
from siyu.studies.events import find_unknown, known_events
from siyu.studies.lures.definition import ADDED, Definition, LureError
from siyu.studies.lures.people import join_people

NOT_COUNTED = ("none", "absent", "undrawn", "one_arm")
"""Refusals of an experiment of which nobody is counted."""
REASONS = ("stranger", "member")
"""Why a person who was drawn is left out: not in users; a contact before the assignment."""


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """Who was drawn into which arm, and what came of it, as known at `as_of`.

    arms: the control first, where there is one, the rest by name; shares: planned, of each.
    people: one row per person who is read, in no order that says who it is: `arm`, `stratum`,
        `channel`, `cluster` (indices into `arms`, `strata`, `channels`, `clusters`; -1 where not
        known), `day` (business days since the first of the draw), `followed_days` (from the
        assignment to the end of what is known, in days of 24 hours, as are all below),
        `convert_days` (to the first conversion; missing for none so far), `converted` (within
        `conversion_days`), `retained_<k>` for each of `retention_days`, `added_days` and
        `left_days` (to the addition, to the leaving; missing for none), `cost_cny` (at once),
        `redeemed_cny` (the coupon of the first order, in a coupon's arm), `orders`, `amount_cny`
        and `margin_cny` (all four within `worth_days`); and of what was known before the
        assignment: `offered_before` (drawn for another lure by an earlier experiment),
        `exposures_before` and `events_before`, `orders_before` and `amount_cny_before`. What lies
        beyond `followed_days` is not known: filter by `followed`.
    drawn: one row per `arm`, `day`, `channel` and `cluster`: `n` persons as drawn, before anybody
        is left out.
    left_out: one row per `reason` (of `REASONS`) and `arm`: `n`.
    retention_days: of the definition; none where no user has a time of addition.
    known: names of the experiments there are, where the one that was named is none of them; of the
        arms drawn so far, where these are not all that were named.
    refused: "none" (no experiment was named, or there is no such table), "absent" (it is not in the
        table, as known at `as_of`), "undrawn" (nobody has been drawn into some arm that was named),
        "one_arm", "nobody" (who can be read), "".
    """

    source: str
    as_of: date
    definition: Definition
    arms: tuple[str, ...]
    shares: tuple[float, ...]
    min_users: int
    retention_days: tuple[int, ...]
    first_day: date | None
    strata: tuple[str, ...]
    channels: tuple[str, ...]
    clusters: tuple[str, ...]
    people: pd.DataFrame
    drawn: pd.DataFrame
    left_out: pd.DataFrame
    has_cost: bool
    has_coupons: bool
    has_orders: bool
    known: tuple[str, ...] = ()
    refused: str
    pool: Source = field(repr=False)

    @property
    def name(self) -> str:
        """The experiment's name in `assignments`."""
        return self.definition.experiment

    @property
    def has_control(self) -> bool:
        """Whether the first arm is one without a lure."""
        return bool(self.definition.control_arm)

    @property
    def is_clustered(self) -> bool:
        """Whether whole clusters were drawn, and not persons."""
        return bool(self.definition.cluster)

    def count(self, people: pd.DataFrame | None = None) -> NDArray[np.int64]:
        """Count persons per arm: those who are read, or these of them."""
        own = self.people if people is None else people
        return np.bincount(own["arm"].astype("int64"), minlength=len(self.arms))

    def followed(self, days: float) -> pd.DataFrame:
        """Give the people who were followed for so many days since the assignment."""
        return self.people[self.people["followed_days"] >= days]


def find_experiment(pool: Source, definition: Definition, *, min_users: int = 30) -> Experiment:
    """Find who was drawn into which arm, and what came of it.

    A person who was a contact before the assignment is left out where the outcome is the addition:
    nothing was there to be won. An event before the assignment leaves nobody out, since events can
    happen again; only those from the assignment on count.

    Args:
        pool: the source, masked at its `as_of`.
        definition: the experiment and its outcomes.
        min_users: smallest group that is told apart, at least 1.

    Raises:
        LureError: there is no such event or column, or a number is out of range.
    """
    if min_users < 1:
        raise LureError(f"min_users = {min_users} must be at least 1")
    drawn, known = _drawn(pool, definition)
    there = _arms(drawn, definition)
    begun = _has_begun(there, definition)
    arms = there if begun else ()
    events = _events(pool, definition)
    users = pool.table("users")
    can_stay = "added_at" in users.columns and bool(users.added_at.notnull().any().to_pandas())
    if not can_stay and definition.conversion == ADDED and arms:
        raise LureError(
            "conversion = 'added': no user has a time of addition (users.added_at); name an event"
        )
    orders = pool.table("orders").columns if pool.has("orders") else ()
    reduced = _NOBODY
    if drawn is not None and len(arms) > 1:
        joined = join_people(pool, drawn, definition, arms, events).drop("user_id").to_pandas()
        reduced = _reduce(joined, definition, can_stay=can_stay)
    refused = "one_arm" if len(arms) < 2 else ""
    if not there:
        refused = "absent" if known else "none"
    elif not begun:
        refused, known = "undrawn", there
    return Experiment(
        source=pool.name,
        as_of=pool.as_of,
        definition=definition,
        arms=arms,
        shares=_shares(arms, definition.arm_shares),
        min_users=min_users,
        retention_days=tuple(definition.retention_days) if can_stay else (),
        has_cost=drawn is not None and "cost_cny" in pool.table("assignments").columns,
        has_coupons="coupon_cny" in orders and bool(set(arms) & set(definition.coupon_arms)),
        has_orders=bool(orders),
        known=known,
        refused=refused or ("" if len(reduced["people"]) else "nobody"),
        pool=pool,
        **reduced,
    )


_NOBODY: dict[str, Any] = {
    "first_day": None,
    **dict.fromkeys(("strata", "channels", "clusters"), ()),
    "people": pd.DataFrame({"arm": []}),
    "drawn": pd.DataFrame(columns=["arm", "day", "channel", "cluster", "n"]),
    "left_out": pd.DataFrame(columns=["reason", "arm", "n"]),
}


def _reduce(table: pd.DataFrame, definition: Definition, *, can_stay: bool) -> dict[str, Any]:
    """Count who was drawn and who is left out, and shape the others."""
    first = table["on"].min()
    table["day"] = (table.pop("on") - first).dt.days
    names = {}
    for name in ("stratum", "channel", "cluster"):
        table[name], names[name] = _coded(table[name])
    left_out = table[table["left_out"] != ""].rename(columns={"left_out": "reason"})
    people = table[table["left_out"] == ""].drop(columns="left_out")
    return {
        "first_day": first.date(),
        "strata": names["stratum"],
        "channels": names["channel"],
        "clusters": names["cluster"],
        "people": _shape(people, definition, can_stay=can_stay),
        "drawn": _counted(table, ["arm", "day", "channel", "cluster"]),
        "left_out": _counted(left_out, ["reason", "arm"]),
    }


def _counted(table: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    return table.groupby(by, as_index=False).agg(n=("cost_cny", "size"))


def _drawn(pool: Source, definition: Definition) -> tuple[ir.Table | None, tuple[str, ...]]:
    """Give the rows of the experiment; or None, and which others there are."""
    if not definition.experiment or not pool.has("assignments"):
        return None, ()
    drawn = pool.table("assignments")
    own = drawn.filter(drawn.experiment == definition.experiment)
    if own.count().to_pandas():
        return own, ()
    there = drawn.select("experiment").distinct().to_pandas()["experiment"]
    return None, tuple(sorted(there.dropna()))


def _arms(drawn: ir.Table | None, definition: Definition) -> tuple[str, ...]:
    if drawn is None:
        return ()
    there = sorted(drawn.select("arm").distinct().to_pandas()["arm"])
    first = [arm for arm in there if arm == definition.control_arm]
    return (*first, *(arm for arm in there if arm != definition.control_arm))


def _has_begun(there: Sequence[str], definition: Definition) -> bool:
    """Whether somebody has been drawn into every arm that is named."""
    # The usual name asks for nothing: where no arm has it, no lure is a coupon.
    named = {definition.control_arm, *definition.coupon_arms} - {"", "coupon"}
    return named <= set(there) and len(there) >= len(definition.arm_shares)


def _shares(arms: Sequence[str], asked: Sequence[float]) -> tuple[float, ...]:
    if arms and asked and len(asked) != len(arms):
        raise LureError(
            f"arm_shares = {list(asked)} must be one share for each of {', '.join(arms)}"
        )
    planned = asked or (1.0,) * len(arms)
    return tuple(share / sum(planned) for share in planned) if arms else ()


def _events(pool: Source, definition: Definition) -> ir.Table | None:
    """Give all events; None where there is no such table.

    Raises:
        LureError: an event that is the outcome is not in it.
    """
    events = pool.table("events") if pool.has("events") else None
    if definition.events:
        known = set() if events is None else known_events(pool, definition.events)
        if unknown := find_unknown(definition.events, known):
            raise LureError(f"conversion: {unknown}")
    return events


def _coded(values: pd.Series) -> tuple[pd.Series, tuple[str, ...]]:
    code, names = pd.factorize(values, sort=True)
    return pd.Series(code, index=values.index), tuple(map(str, names))


def _shape(table: pd.DataFrame, definition: Definition, *, can_stay: bool) -> pd.DataFrame:
    for name in ("followed", "convert", "added", "left"):
        table[f"{name}_days"] = table.pop(f"{name}_us").astype("float64") / DAY_US
    table["converted"] = table["convert_days"] <= definition.conversion_days
    for day in definition.retention_days if can_stay else ():
        gone = table["left_days"] <= day
        table[f"retained_{day}"] = (table["added_days"] <= day) & ~gone
    # Sums of fractions depend on the order of threads: back to whole fen.
    money = [name for name in table.columns if "_cny" in name]
    table[money] = table[money].round(2)
    return table.sort_values(sorted(table.columns), ignore_index=True)
