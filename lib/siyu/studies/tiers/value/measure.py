"""Reduce the members of a review to what each brought in the days after it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import ibis
import ibis.expr.types as ir
import pandas as pd

from siyu.data import Source
from siyu.data.zones import DAY_US, elapsed_us, without_zone
from siyu.studies.orders import shape_orders
from siyu.studies.tables import each_row
from siyu.studies.tiers.definition import TierError
from siyu.studies.tiers.members import Members

NOWHERE = -1
"""Stands for the tier of those who were no members at a review."""
BROUGHT = ("orders", "refunded", "margin_cny", "friends")


@dataclass(frozen=True, kw_only=True)
class Measures:
    """Members of a review and of the one before, and what each brought in the days after it.

    review: the day of the last review that was followed for `value_days`; None where there is none.
    previous: the last one whose days were over by then; None where there is none.
    members: one row per kind of member, `n` alike in all columns: `tier` (index into `tiers`;
        NOWHERE: no member at the review), `orders` that count, `refunded` (orders refunded in
        full), `margin_cny` of both, `friends` (new members who accepted the member's invitation
        and were still there in the end); and the same of the previous review, ending in `_before`.
    has_orders: whether there are any; has_margin: whether margins are known, or amounts less
        refunds stand for them; has_invites: whether invitations are known.
    """

    source: str
    as_of: date
    value_days: int
    min_users: int
    tiers: tuple[str, ...]
    review: date | None
    previous: date | None
    members: pd.DataFrame
    has_orders: bool
    has_margin: bool
    has_invites: bool


def measure(members: Members, *, value_days: int = 60) -> Measures:
    """Measure what members of each tier brought after a review.

    A member's tier is that of the last review at the time, whoever left before it left out; who
    leaves after it counts with what was bought until then, and who orders nothing counts with 0.

    Args:
        members: from `find_members`.
        value_days: days of 24 hours after a review that count, at least 1.

    Raises:
        TierError: the number is out of range.
    """
    if value_days < 1:
        raise TierError(f"value_days = {value_days} must be at least 1; use 60")
    review, previous = None, None
    if members.tiers and members.has_orders:
        review, previous = _choose(members, value_days)
    found = _empty()
    if review is not None:
        found = _members(members, review, previous, value_days)
    return Measures(
        source=members.source,
        as_of=members.as_of,
        value_days=value_days,
        min_users=members.min_users,
        tiers=members.tiers,
        review=None if review is None else review[0],
        previous=None if previous is None else previous[0],
        members=found,
        has_orders=members.has_orders,
        has_margin=members.has_margin,
        has_invites=members.pool.has("invites"),
    )


def _empty() -> pd.DataFrame:
    names = ["tier", *BROUGHT]
    return pd.DataFrame({name: [] for name in [*names, *(f"{one}_before" for one in names), "n"]})


_Review = tuple[date, datetime]
"""The day of a review, and the instant at which the last member was reviewed on it."""


def _choose(members: Members, value_days: int) -> tuple[_Review | None, _Review | None]:
    """Choose the last review that was followed, and the last whose days were over before it."""
    reviews = members.reviews
    days = reviews.group_by("on").agg(at=reviews.since.max()).order_by("on").to_pandas()
    held = [(pd.Timestamp(row.on).date(), row.at.to_pydatetime()) for row in each_row(days)]
    held = [one for one in held if one[0] >= members.begins]
    span = timedelta(days=value_days)
    end = members.pool.as_of_end.replace(tzinfo=None)
    review = next(((on, at) for on, at in reversed(held) if at + span <= end), None)
    if review is None:
        return None, None
    over = ((on, at) for on, at in reversed(held) if at + span <= review[1])
    return review, next(over, None)


def _members(
    members: Members, review: _Review, previous: _Review | None, value_days: int
) -> pd.DataFrame:
    own = _brought(members, review[1], value_days)
    if previous is None:
        nothing = {"tier": NOWHERE} | dict.fromkeys(BROUGHT, 0)
        both = own.mutate(**{f"{name}_before": value for name, value in nothing.items()})
    else:
        before = _brought(members, previous[1], value_days)
        before = before.rename({f"{name}_before": name for name in ("number", "tier", *BROUGHT)})
        both = own.outer_join(before, own.number == before.number_before)
    names = [name for name in _empty().columns if name != "n"]
    known = {
        name: both[name].fill_null(NOWHERE if name.startswith("tier") else 0) for name in names
    }
    both = both.select(**known)
    found: pd.DataFrame = both.group_by(names).agg(n=both.count()).to_pandas()
    return found.sort_values(names, ignore_index=True)


def _brought(members: Members, at: datetime, value_days: int) -> ir.Table:
    """Give who was a member of which tier at an instant, with what each brought after it."""
    since, span = ibis.literal(at), value_days * DAY_US
    found = members.tier_at(at)
    found = found.mutate(tier=found.tier.cast("int64"))

    def within(column: ir.TimestampValue) -> ir.BooleanValue:
        passed = elapsed_us(since, column)
        return (passed >= 0) & (passed < span)

    orders = members.orders.filter(within(members.orders.paid_at))
    kept = orders.group_by("number").agg(orders=orders.count(), margin_cny=orders.earned_cny.sum())
    back = shape_orders(members.pool)
    back = back.filter(back.is_refunded & within(without_zone(back.paid_at)))
    back = back.join(members.users.select("user_id", "number"), "user_id")
    back = back.group_by("number").agg(refunded=back.count())
    sums = [kept, back]
    if members.pool.has("invites"):
        friends = _friends(members.pool, members.users, until=at + timedelta(days=value_days))
        friends = friends.filter(within(friends.accepted_at))
        sums.append(friends.group_by("number").agg(friends=friends.count()))
    else:
        found = found.mutate(friends=ibis.literal(0))
    for each in sums:
        found = found.left_join(each, "number").drop("number_right")
    cents = found.margin_cny.fill_null(0.0).round(2)  # the same however an engine sums
    return found.select("number", "tier", *BROUGHT).mutate(margin_cny=cents)


def _friends(pool: Source, users: ir.Table, *, until: datetime) -> ir.Table:
    """Give the new members that came of invitations and were there at an instant.

    One row per friend: `number` of the member whose invitation was accepted first, and
    `accepted_at`.
    """
    invites = pool.table("invites")
    invites = invites.select(
        "inviter_id",
        "invitee_id",
        invited_at=without_zone(invites.invited_at),
        accepted_at=without_zone(invites.accepted_at),
    )
    invites = invites.filter(
        invites.accepted_at.notnull() & (invites.inviter_id != invites.invitee_id)
    )
    turn = ibis.row_number().over(
        group_by=invites.invitee_id,
        order_by=[invites.accepted_at, invites.invited_at, invites.inviter_id],
    )
    first = invites.mutate(turn=turn)
    first = first.filter(first.turn == 0)
    invitees = users.select(invitee_id="user_id", added_at="added_at", left_at="left_at")
    both = first.join(invitees, "invitee_id")
    is_new = (both.added_at >= both.invited_at).fill_null(True)
    stayed = (both.left_at >= ibis.literal(until)).fill_null(True)
    both = both.filter(is_new & stayed)
    inviters = users.select(inviter_id="user_id", number="number")
    return both.select("inviter_id", "accepted_at").join(inviters, "inviter_id")
