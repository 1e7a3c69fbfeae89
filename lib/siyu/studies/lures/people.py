"""Join everyone drawn to what was known before the assignment, and to what came after it.

Ids stay in the engine.
"""

from __future__ import annotations

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir
import pandas as pd

from siyu.data import Source
from siyu.data.contract import LURES
from siyu.data.zones import DAY_US, elapsed_us, without_zone
from siyu.studies.lures.definition import ADDED, Definition, LureError
from siyu.studies.orders import shape_orders

_EXPOSE = "expose"


def join_people(
    pool: Source,
    drawn: ir.Table,
    definition: Definition,
    arms: Sequence[str],
    events: ir.Table | None,
) -> ir.Table:
    """Join each person drawn to what is known of it; times in microseconds from the assignment."""
    codes = ibis.memtable(pd.DataFrame({"arm": arms, "code": range(len(arms))}))
    drawn = drawn.join(codes, "arm")
    cost = drawn.cost_cny.cast("float64") if "cost_cny" in drawn.columns else ibis.null("float64")
    own = drawn.select(
        "user_id",
        arm=drawn.code,
        at=without_zone(drawn.assigned_at),
        on=pool.day(drawn.assigned_at),
        cost_cny=cost.fill_null(0.0),
        stratum=drawn.stratum if "stratum" in drawn.columns else ibis.null("string"),
        **({"cluster": drawn[definition.cluster]} if definition.cluster in drawn.columns else {}),
    )
    own = own.left_join(_users(pool, definition, own), "user_id").drop("user_id_right").cache()
    own = _with(own, _before(pool, own, definition, arms))
    if events is not None:
        own = _with(own, _acts(own, events, definition))
    if pool.has("orders"):
        own = _with(own, _bought(pool, own, definition))
    end = ibis.literal(pool.as_of_end.replace(tzinfo=None))
    member = elapsed_us(own.at, own.added_at) < 0
    outside = ibis.cases((own.is_known.isnull(), "stranger"), else_="")
    if definition.conversion == ADDED:
        outside = ibis.cases(
            (own.is_known.isnull(), "stranger"), (member.fill_null(False), "member"), else_=""
        )
    coupon = ibis.literal(False)
    for arm in set(definition.coupon_arms) & set(arms):
        coupon = coupon | (own.arm == arms.index(arm))
    zero = {
        name: own[name].fill_null(0).cast("float64") if name in own.columns else ibis.literal(0.0)
        for name in _SUMS
    }
    added = elapsed_us(own.at, own.added_at)
    return own.select(
        "user_id", "arm", "on", "stratum", "channel", "cluster", "cost_cny",
        left_out=outside,
        followed_us=elapsed_us(own.at, end),
        added_us=added,
        left_us=elapsed_us(own.at, own.left_at),
        convert_us=added if definition.conversion == ADDED else own.convert_us,
        offered_before=own.offered_before.fill_null(False),
        redeemed_cny=ibis.ifelse(coupon, zero.pop("coupon_cny"), 0.0),
        **zero,
    )  # fmt: skip


_SUMS = (
    *("coupon_cny", "orders", "amount_cny", "margin_cny"),
    *("exposures_before", "events_before", "orders_before", "amount_cny_before"),
)


def _with(own: ir.Table, more: ir.Table) -> ir.Table:
    return own.left_join(more, "user_id").drop("user_id_right")


def _users(pool: Source, definition: Definition, own: ir.Table) -> ir.Table:
    users = pool.table("users")
    times = {
        name: without_zone(users[name]) if name in users.columns else ibis.null("timestamp")
        for name in ("added_at", "left_at")
    }
    cluster = {}
    if "cluster" not in own.columns:
        if definition.cluster and definition.cluster not in users.columns:
            raise LureError(
                f"cluster = {definition.cluster!r} is no column of users or assignments; use one, "
                "or '' where persons were drawn"
            )
        named = users[definition.cluster].cast("string") if definition.cluster else None
        cluster = {"cluster": ibis.null("string") if named is None else named}
    return users.select(
        "user_id",
        **times,
        **cluster,
        channel=users.channel if "channel" in users.columns else ibis.null("string"),
        is_known=ibis.literal(True),
    )


def _before(pool: Source, own: ir.Table, definition: Definition, arms: Sequence[str]) -> ir.Table:
    """Tell who was drawn for another lure by an earlier experiment.

    Earlier experiments of lures are those with an arm that is a standard lure or one of ours.
    """
    lures = (set(LURES) | set(arms)) - {definition.control_arm}
    others = pool.table("assignments")
    others = others.filter((others.experiment != definition.experiment) & others.arm.isin(lures))
    others = others.select("user_id", lure="arm", then=without_zone(others.assigned_at))
    names = ibis.memtable(pd.DataFrame({"arm": range(len(arms)), "own": arms}))
    both = own.select("user_id", "at", "arm").join(names, "arm").join(others, "user_id")
    both = both.filter((elapsed_us(both.then, both.at) > 0) & (both.lure != both.own))
    return both.group_by("user_id").agg(offered_before=ibis.literal(True))


def _acts(own: ir.Table, events: ir.Table, definition: Definition) -> ir.Table:
    """Count events before the assignment, and time the first conversion from it on."""
    both = own.select("user_id", "at").join(
        events.select("user_id", "event", then=without_zone(events.occurred_at)), "user_id"
    )
    passed = elapsed_us(both.at, both.then)
    ours = both.event.isin(definition.events) if definition.events else ibis.literal(False)
    return both.group_by("user_id").agg(
        events_before=both.count(where=passed < 0),
        exposures_before=both.count(where=(passed < 0) & (both.event == _EXPOSE)),
        convert_us=passed.min(where=(passed >= 0) & ours),
    )


def _bought(pool: Source, own: ir.Table, definition: Definition) -> ir.Table:
    """Sum up orders within the days that count, those before, and the coupon of the first."""
    orders = shape_orders(pool)
    raw = pool.table("orders")
    coupon = raw.coupon_cny.cast("float64") if "coupon_cny" in raw.columns else None
    orders = orders.mutate(then=without_zone(orders.paid_at))
    counted = orders.filter(~orders.is_refunded & (orders.amount_cny > 0))
    both = own.select("user_id", "at").join(counted, "user_id")
    passed = elapsed_us(both.at, both.then)
    inside = (passed >= 0) & (passed <= definition.worth_days * DAY_US)
    sums = both.group_by("user_id").agg(
        orders=both.count(where=inside),
        amount_cny=both.amount_cny.sum(where=inside),
        margin_cny=both.earned_cny.sum(where=inside),
        orders_before=both.count(where=passed < 0),
        amount_cny_before=both.amount_cny.sum(where=passed < 0),
    )
    if coupon is None:
        return sums
    # A coupon that was redeemed was paid for, whether or not the goods came back.
    paid = raw.select("user_id", then=without_zone(raw.paid_at), coupon=coupon.fill_null(0.0))
    both = own.select("user_id", "at").join(paid, "user_id")
    passed = elapsed_us(both.at, both.then)
    first = both.group_by("user_id").agg(
        first_us=passed.min(), first_cny=both.coupon.first(order_by=[both.then, both.coupon])
    )
    fresh = (first.first_us >= 0) & (first.first_us <= definition.worth_days * DAY_US)
    first = first.select("user_id", coupon_cny=ibis.ifelse(fresh, first.first_cny, 0.0))
    return first.left_join(sums, "user_id").drop("user_id_right")
