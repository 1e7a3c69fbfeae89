"""Count the orders of the last days, and those of members who were there when these began."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import ibis
import pandas as pd

from siyu.studies.orders import shape_orders
from siyu.studies.targets.adds import Adds


@dataclass(frozen=True, kw_only=True)
class Orders:
    """The orders of as many days as are to come, up to and including `as_of`.

    first: the first of these days; None where fewer than `min_users` people ordered, or these days
        were not all observed.
    users: per `orders` and `existing` (orders, if the user was a member when the days began): `n`.
    days: per day (`on`): `orders` and `existing`.
    """

    first: date | None
    users: pd.DataFrame
    days: pd.DataFrame


def measure(adds: Adds) -> Orders:
    """Measure who ordered in the last days.

    An existing member was added before the first of these days and had not left by then. Orders
    that were refunded in full, or are of no amount, do not count; those of people who are not in
    users do, as orders of others.

    Args:
        adds: from `count_adds`.
    """
    nothing = Orders(first=None, users=pd.DataFrame(), days=pd.DataFrame())
    first = adds.as_of - timedelta(days=adds.definition.target_days - 1)
    if not adds.has_orders or first < adds.observed:
        return nothing
    orders = shape_orders(adds.pool)
    orders = orders.filter(~orders.is_refunded & (orders.amount_cny > 0))
    orders = orders.filter(orders.on >= ibis.literal(first)).select("user_id", "on")
    people = adds.people
    there = people.filter(
        (people.added_on < ibis.literal(first))
        & (people.left_on >= ibis.literal(first)).fill_null(True)
    )
    there = there.select(member_id="user_id", existing=ibis.literal(1))
    both = orders.left_join(there, orders.user_id == there.member_id)
    both = both.select("user_id", "on", existing=both.existing.fill_null(0)).cache()
    each = both.group_by("user_id").agg(orders=both.count(), existing=both.existing.sum())
    users = each.group_by("orders", "existing").agg(n=each.count()).to_pandas()
    days = both.group_by("on").agg(orders=both.count(), existing=both.existing.sum()).to_pandas()
    if users["n"].sum() < max(adds.min_users, 1):
        return nothing
    return Orders(
        first=first,
        users=users.sort_values(["orders", "existing"], ignore_index=True).astype("int64"),
        days=days.sort_values("on", ignore_index=True),
    )
