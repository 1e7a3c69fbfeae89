"""What an order brought, the same in every study."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from siyu.data import Source


def shape_orders(pool: Source) -> ir.Table:
    """Give each order with what it brought.

    Args:
        pool: a source with orders, masked at its `as_of`.

    Returns:
        Lazy, one row per order: `user_id`, `paid_at`, `on` (business day),
        `amount_cny` (paid, less what was refunded), `earned_cny` (its margin; where that is not
        known, that amount; nothing where all was refunded) and `is_refunded` (all of it).
    """
    orders = pool.table("orders")
    amount = orders.amount_cny.cast("float64")
    back = (
        orders.refunded_cny.cast("float64").fill_null(0.0)
        if "refunded_cny" in orders.columns
        else ibis.literal(0.0)
    )
    earned = amount - back
    if "margin_cny" in orders.columns:
        earned = orders.margin_cny.cast("float64").fill_null(earned)
    is_refunded = (back > 0) & (back >= amount)
    return orders.select(
        "user_id",
        "paid_at",
        on=pool.day(orders.paid_at),
        amount_cny=amount - back,
        earned_cny=ibis.ifelse(is_refunded, 0.0, earned),
        is_refunded=is_refunded,
    )
