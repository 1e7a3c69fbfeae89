"""Reduce the members of a no-push experiment to what each brought before and after the draw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import ibis
import ibis.expr.types as ir
import pandas as pd

from siyu.data import Source
from siyu.data.zones import DAY_US, elapsed_us, without_zone
from siyu.stats.experiments import upper_spread
from siyu.studies.orders import shape_orders
from siyu.studies.push_timing.definition import PushError
from siyu.studies.push_timing.pushes import Pushes

_BROUGHT = ("orders", "margin_cny", "orders_before", "margin_before")


@dataclass(frozen=True, kw_only=True)
class Measures:
    """Members drawn into one of two arms, and what they brought.

    members: one row per member followed for `margin_days` since the draw, in no order that says
        who it is: `pushed` (1, or 0: in the arm without), `orders` paid and `margin_cny` they
        brought in those days, `left` (1: left in them), `sent` pushes in them, and `orders_before`
        and `margin_before` of as many days before the draw.
    drawn: members drawn into the arm with pushes and the one without, followed so long or not.
    none_share: planned share of the arm without.
    usual: mean and standard deviation (see `upper_spread`) of the margin that members brought in
        the last `margin_days`, and how many they are: what an experiment to come can reckon with.
    has_orders: whether there are any; has_margin: whether margins are known, or amounts less
        refunds stand for them; has_leaving: whether it is known who left.
    """

    source: str
    as_of: date
    experiment: str
    arms: tuple[str, str]
    none_share: float
    margin_days: int
    min_users: int
    members: pd.DataFrame
    drawn: tuple[int, int]
    usual: tuple[float, float, int]
    has_orders: bool
    has_margin: bool
    has_leaving: bool


def measure(
    pushes: Pushes,
    *,
    no_push_experiment: str = "",
    no_push_arms: Sequence[str] = ("push", "none"),
    none_share: float = 0.1,
    margin_days: int = 60,
) -> Measures:
    """Measure what members brought after they were drawn to be pushed, or not to be.

    A fully refunded order brings no margin; where margins are not known, the amount less the refund
    stands for it.

    Args:
        pushes: from `find_pushes`.
        no_push_experiment: in `assignments`; "" for none.
        no_push_arms: its arm with pushes, and the one without.
        none_share: planned share of the arm without, of those in the two.
        margin_days: days after the draw that count, at least 1.

    Raises:
        PushError: a number out of range, or arms that the experiment does not have.
    """
    if margin_days < 1:
        raise PushError(f"margin_days = {margin_days} must be at least 1; use 60")
    if not 0 < none_share < 1:
        raise PushError(
            f"none_share = {none_share} must lie strictly between 0 and 1; one tenth is 0.1"
        )
    if len(no_push_arms) != 2 or no_push_arms[0] == no_push_arms[1]:
        raise PushError(
            f"no_push_arms = {list(no_push_arms)} must be two arms: with pushes, and without"
        )
    pool = pushes.pool
    has_orders = pool.has("orders")
    drawn = _drawn(pool, no_push_experiment, no_push_arms)
    members, sizes = pd.DataFrame({"pushed": []}), (0, 0)
    if drawn is not None:
        counts = drawn.group_by("pushed").agg(n=drawn.count()).to_pandas()
        found = counts.set_index("pushed")["n"]
        sizes = (int(found.get(1, 0)), int(found.get(0, 0)))
    if drawn is not None and has_orders:
        members = _members(pushes, drawn, margin_days)
    return Measures(
        source=pushes.source,
        as_of=pushes.as_of,
        experiment=no_push_experiment if drawn is not None else "",
        arms=(no_push_arms[0], no_push_arms[1]),
        none_share=none_share,
        margin_days=margin_days,
        min_users=pushes.min_users,
        members=members,
        drawn=sizes,
        usual=_usual(pool, margin_days) if has_orders else (0.0, 0.0, 0),
        has_orders=has_orders,
        has_margin=has_orders and "margin_cny" in pool.table("orders").columns,
        has_leaving="left_at" in pool.table("users").columns,
    )


def _drawn(pool: Source, experiment: str, arms: Sequence[str]) -> ir.Table | None:
    """Give who was drawn into which of the two arms when; None where nobody was."""
    if not experiment or not pool.has("assignments"):
        return None
    drawn = pool.table("assignments")
    drawn = drawn.filter(drawn.experiment == experiment)
    there = sorted(drawn.select("arm").distinct().to_pandas()["arm"])
    for arm in arms if there else ():
        if arm not in there:
            raise PushError(
                f"no_push_arms: {experiment!r} has no arm {arm!r}; it has {', '.join(there)}"
            )
    if not there:
        return None
    drawn = drawn.filter(drawn.arm.isin(list(arms)))
    return drawn.select(
        "user_id",
        assigned_at=without_zone(drawn.assigned_at),
        pushed=(drawn.arm == arms[0]).cast("int8"),
    )


def _members(pushes: Pushes, drawn: ir.Table, margin_days: int) -> pd.DataFrame:
    pool = pushes.pool
    end = ibis.literal(pool.as_of_end.replace(tzinfo=None))
    users = pool.table("users")
    left_at = without_zone(users.left_at) if "left_at" in users.columns else ibis.null("timestamp")
    members = drawn.join(users.select("user_id", left_at=left_at), "user_id")
    span = margin_days * DAY_US
    members = members.filter(elapsed_us(members.assigned_at, end) >= span)
    stayed = elapsed_us(members.assigned_at, members.left_at)
    members = members.mutate(left=(stayed < span).fill_null(False).cast("int8")).cache()
    brought = _brought(pool, members, span)
    known = pushes.known
    numbers = members.join(pushes.users, "user_id").select("user_id", "number", "assigned_at")
    sent = numbers.join(known.filter(known.is_sent).select("number", "sent_at"), "number")
    passed = elapsed_us(sent.assigned_at, sent.sent_at)
    sent = sent.filter((passed >= 0) & (passed < span))
    sent = sent.group_by(sent_id="user_id").agg(sent=sent.count())
    members = members.left_join(brought, members.user_id == brought.buyer_id)
    members = members.left_join(sent, members.user_id == sent.sent_id)
    counts = {name: members[name].fill_null(0) for name in (*_BROUGHT, "sent")}
    columns = ["pushed", "left", *counts]
    found: pd.DataFrame = members.select("pushed", "left", **counts).to_pandas()
    return found.sort_values(columns, ignore_index=True).astype({"margin_cny": float})


def _brought(pool: Source, members: ir.Table, span: int) -> ir.Table:
    """Sum up the orders of each member after the draw, and of as many days before it."""
    orders = shape_orders(pool)
    both = members.select("user_id", "assigned_at").join(orders, "user_id")
    passed = elapsed_us(both.assigned_at, both.paid_at)
    after, before = (passed >= 0) & (passed < span), (passed < 0) & (passed >= -span)
    sums = both.group_by(buyer_id="user_id").agg(
        orders=both.count(where=after),
        margin_cny=both.earned_cny.sum(where=after),
        orders_before=both.count(where=before),
        margin_before=both.earned_cny.sum(where=before),
    )
    return sums.mutate(**{name: sums[name].fill_null(0) for name in _BROUGHT})


def _usual(pool: Source, margin_days: int) -> tuple[float, float, int]:
    """Give what members who were there brought in the last days: mean, spread and number."""
    users = pool.table("users")
    start = ibis.literal(pool.as_of_end - timedelta(days=margin_days))
    if "added_at" in users.columns:
        users = users.filter(users.added_at < start)
    if "left_at" in users.columns:
        users = users.filter((users.left_at >= start).fill_null(True))
    orders = shape_orders(pool)
    orders = orders.filter(orders.paid_at >= start)
    sums = orders.group_by(buyer_id="user_id").agg(earned=orders.earned_cny.sum())
    users = users.select("user_id").left_join(sums, users.user_id == sums.buyer_id)
    earned = users.earned.fill_null(0.0)
    powers = {f"m{power}": (earned**power).mean() for power in (1, 2, 3, 4)}
    n, m1, m2, m3, m4 = users.agg(n=users.count(), **powers).to_pandas().iloc[0]
    if not n > 1:
        return 0.0, 0.0, int(n)
    variance = m2 - m1**2
    fourth = m4 - 4 * m1 * m3 + 6 * m1**2 * m2 - 3 * m1**4
    return float(m1), upper_spread(variance, fourth, n), int(n)
