"""Bring reviews and orders into the shape in which tiers are studied.

Ids are compared once for each table; what the parts of the study ask again and again is then kept
in the engine, by number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

import ibis
import ibis.expr.types as ir
import pandas as pd

from siyu.data import Source
from siyu.data.zones import without_zone
from siyu.studies.orders import shape_orders
from siyu.studies.rounds import Rounds, find_rounds
from siyu.studies.tiers.definition import Definition, TierError, rank_tiers

_FIRST_ORDERS = 1_000


@dataclass(frozen=True, kw_only=True)
class Members:
    """Who can be in a tier, how each was reviewed, and what each bought, as known at `as_of`.

    begins: the first observed business day. first: the first day of the period that is studied.
    tiers: their names, the lowest first; empty without reviews.
    has_orders: whether any order counts; has_margin: whether margins are known, or the amount less
        the refund stands for them; has_basis: whether reviews say on what they were held.
    """

    source: str
    begins: date
    first: date
    as_of: date
    min_users: int
    tiers: tuple[str, ...]
    has_orders: bool
    has_margin: bool
    has_basis: bool
    pool: Source = field(repr=False)

    def of_last(self, days: int) -> Members:
        """The same members, studied over another number of days up to and including `as_of`.

        Raises:
            TierError: a number below 1.
        """
        if days < 1:
            raise TierError(f"days = {days} must be at least 1")
        return replace(self, first=max(self.as_of - timedelta(days=days - 1), self.begins))

    @cached_property
    def users(self) -> ir.Table:
        """All users as in `known`, with their `number` (in the order of ids, from 0), kept in the
        engine.
        """
        number = ibis.row_number().over(order_by="user_id").cast("int32")
        return self.known.mutate(number=number).cache()

    @property
    def known(self) -> ir.Table:
        """All users, lazy: `user_id`, `added_at` and `left_at` (UTC, without a zone; null where not
        known, or not so).
        """
        users = self.pool.table("users")
        times = {
            name: without_zone(users[name]) if name in users.columns else ibis.null("timestamp")
            for name in ("added_at", "left_at")
        }
        return users.select("user_id", **times)

    @property
    def counted(self) -> ir.Table:
        """The orders that count, of whomever they are: as in `shape_orders`, lazy."""
        orders = shape_orders(self.pool)
        # Of what was refunded in full, nothing above 0 is left.
        return orders.filter(orders.amount_cny > 0)

    @cached_property
    def orders(self) -> ir.Table:
        """The orders of users that count, kept in the engine.

        One row per order: `number` (of the user), `paid_at` (UTC, without a zone), `on` (business
        day), `amount_cny` (less refunds, above 0) and `earned_cny` (margin). An order that was
        refunded in full, or whose amount is not above 0, does not count (see `counts`). No rows
        where there is no such table.
        """
        if not self.pool.has("orders"):
            nobody = self.users.filter(self.users.number < 0)
            kinds = {"on": "date", "amount_cny": "float64", "earned_cny": "float64"}
            kinds |= {"paid_at": "timestamp"}
            nothing = {name: ibis.null(kind) for name, kind in kinds.items()}
            return nobody.select("number", **nothing).cache()
        both = self.counted.join(self.users.select("user_id", "number"), "user_id")
        return both.select(
            "number", "on", "amount_cny", "earned_cny", paid_at=without_zone(both.paid_at)
        ).cache()

    @cached_property
    def reviews(self) -> ir.Table:
        """All reviews of users, kept in the engine.

        One row per user and review: `number` (of the user), `tier` (index into `tiers`), `since`
        (UTC, without a zone), `on` (business day of it) and `basis_cny` (float; null where not
        known).

        Raises:
            TierError: there is no table of tiers, or it is empty.
        """
        if not self.tiers:
            raise TierError("tiers: this part needs the table tiers; add it")
        reviews = self.pool.table("tiers")
        codes = ibis.memtable(
            pd.DataFrame({"tier": self.tiers, "code": range(len(self.tiers))}).astype(
                {"code": "int8"}
            )
        )
        basis = reviews.basis_cny.cast("float64") if self.has_basis else ibis.null("float64")
        reviews = reviews.select(
            "user_id",
            "tier",
            since=without_zone(reviews.since),
            on=self.pool.day(reviews.since),
            basis_cny=basis,
        )
        both = reviews.join(codes, "tier").join(self.users.select("user_id", "number"), "user_id")
        return both.select("number", "since", "on", "basis_cny", tier=both.code).cache()

    @cached_property
    def rounds(self) -> Rounds:
        """The rounds of review.

        Raises:
            TierError: there is no table of tiers, or it is empty.
        """
        return find_rounds(
            self.reviews, timezone=self.pool.timezone, begins=self.begins, as_of=self.as_of
        )

    def tier_at(self, at: datetime) -> ir.Table:
        """Give who was a member at an instant, and of which tier.

        Args:
            at: UTC, without a zone.

        Returns:
            Lazy, one row per user who had been reviewed and not left by then: `number`, and `tier`
            (index into `tiers`) of the last review.

        Raises:
            TierError: there is no table of tiers, or it is empty.
        """
        moment = ibis.literal(at)
        reviews = self.reviews.filter(self.reviews.since <= moment)
        last = reviews.group_by("number").agg(tier=reviews.tier.argmax(reviews.since))
        there = self.users.filter((self.users.left_at > moment).fill_null(True))
        return last.join(there.select("number"), "number")

    @cached_property
    def counts(self) -> Mapping[str, int]:
        """Count orders: `orders` there are, `refunded` in full, `negative` (an amount of 0 or less
        though nothing was refunded), of `strangers` (not in users), and those that count (`n`).
        """
        if not self.pool.has("orders"):
            return dict.fromkeys(("orders", "refunded", "negative", "strangers", "n"), 0)
        orders = shape_orders(self.pool)
        left = ~orders.is_refunded
        found = orders.agg(
            orders=orders.count(),
            refunded=orders.count(where=orders.is_refunded),
            negative=orders.count(where=left & (orders.amount_cny <= 0)),
        )
        told = {name: int(n) for name, n in found.to_pandas().iloc[0].items()}
        n = int(self.orders.count().to_pandas())
        strangers = told["orders"] - told["refunded"] - told["negative"] - n
        return told | {"strangers": strangers, "n": n}


def find_members(
    pool: Source, definition: Definition, *, period_days: int, min_users: int = 30
) -> Members:
    """Find who is reviewed and what is bought.

    Args:
        pool: the source, masked at its `as_of`.
        definition: the tiers.
        period_days: days up to and including `as_of` that are studied, at least 1; each part says
            what lies in them.
        min_users: smallest group that is told apart, at least 1.

    Raises:
        TierError: a number below 1, or tiers that cannot be put in order.
    """
    for name, value in (("period_days", period_days), ("min_users", min_users)):
        if value < 1:
            raise TierError(f"{name} = {value} must be at least 1")
    has_reviews = pool.has("tiers")
    has_basis = has_reviews and "basis_cny" in pool.table("tiers").columns
    begins = pool.observed_from.astimezone(ZoneInfo(pool.timezone)).date()
    orders = pool.table("orders").columns if pool.has("orders") else ()
    members = Members(
        source=pool.name,
        begins=begins,
        first=max(pool.as_of - timedelta(days=period_days - 1), begins),
        as_of=pool.as_of,
        min_users=min_users,
        tiers=_ranked(pool, definition, has_basis=has_basis) if has_reviews else (),
        has_orders=pool.has("orders"),
        has_margin="margin_cny" in orders,
        has_basis=has_basis,
        pool=pool,
    )
    return replace(members, has_orders=_any_counts(members))


def _any_counts(members: Members) -> bool:
    """Whether any order counts; mostly one of the first is of somebody who is known."""
    if not members.has_orders:
        return False
    users = members.pool.table("users").select("user_id")
    return any(
        len(users.semi_join(orders, "user_id").limit(1).to_pandas()) > 0
        for orders in (members.counted.limit(_FIRST_ORDERS), members.counted)
    )


def _ranked(pool: Source, definition: Definition, *, has_basis: bool) -> tuple[str, ...]:
    reviews = pool.table("tiers")
    basis = reviews.basis_cny.cast("float64") if has_basis else ibis.null("float64")
    reviews = reviews.select("tier", basis_cny=basis)
    found = reviews.group_by("tier").agg(basis_cny=reviews.basis_cny.median()).to_pandas()
    return rank_tiers(found, definition.tiers)
