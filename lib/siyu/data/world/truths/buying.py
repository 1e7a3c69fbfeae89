"""What is true of orders, amounts and goods."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import roots_sh_jacobi

from siyu.data.world.buying import Buying
from siyu.data.world.items import list_items, weigh_novelties
from siyu.data.world.truths.facts import Truth, closed_form

if TYPE_CHECKING:
    from siyu.data.world.settings import Settings

_HORIZONS = (30, 90, 180, 365)
_NODES = 60


def state_buying(settings: Settings) -> list[Truth]:
    """State what is true of orders, amounts and goods.

    Args:
        settings: the truths; the parts `buying` and `frame` are used.

    Returns:
        The parameters of the purchase process and of the amounts, the orders and the spend that
        they promise, the share of orders with coupons and refunds, and how new articles fade. All
        are closed forms; they hold for orders that members make of themselves, while they stay.
        What leaving, tiers and offers make of it is stated with the tiers.
    """
    buying = settings.buying
    return [
        *_state_parameters(buying),
        *_state_promises(buying),
        *_state_shares(buying),
        *_state_novelties(settings),
    ]


def expect_repeat_orders(buying: Buying, days: float) -> float:
    """Expect the repeat orders of one buyer within some business days of the first order.

    The expectation of (1 - (alpha / (alpha + p t))^r) / p over the probability p to stop, which
    equals equation 9 of Fader, Hardie and Lee (2005); Gauss-Jacobi quadrature over its beta
    distribution holds for every a and b.

    Args:
        buying: the truths.
        days: business days in which the buyer does not leave; 0 or more.
    """
    stop, weight = roots_sh_jacobi(_NODES, buying.a + buying.b - 1, buying.a)
    expected = -np.expm1(-buying.r * np.log1p(stop * days / buying.alpha)) / stop
    return float(expected @ weight / weight.sum())


def expect_amount(buying: Buying) -> float:
    """Expect the mean amount of a buyer, in yuan: p gamma / (q - 1) (Fader and Hardie 2013)."""
    return buying.p * buying.gamma / (buying.q - 1)


def _state_parameters(buying: Buying) -> list[Truth]:
    process = (
        "of the BG/NBD process of own orders (first and repeat), in business time, each buyer "
        "followed until he leaves the pool"
    )
    amounts = "of the Gamma-Gamma model of the amounts in yuan of own orders, coupons taken off"
    return [
        closed_form(f"buying.{model}.{name}", f"{name} {words}", getattr(buying, name), "a setting")
        for model, names, words in (
            ("bg_nbd", ("r", "alpha", "a", "b"), process),
            ("gamma_gamma", ("p", "q", "gamma"), amounts),
        )
        for name in names
    ]


def _state_promises(buying: Buying) -> list[Truth]:
    clock = "calendar days" if buying.even else "business days (hours, weekdays, festivals weighed)"
    facts = [
        closed_form(
            "buying.amount.mean",
            "mean over buyers of their expected amount per own order, in yuan",
            expect_amount(buying),
            "p gamma / (q - 1)",
        )
    ]
    for days in _HORIZONS:
        orders = expect_repeat_orders(buying, days)
        facts += [
            closed_form(
                f"buying.repeat_orders.day_{days}",
                f"expected own repeat orders of a buyer in the {days} {clock} after the first "
                "order, if he stays in the pool",
                orders,
                "Fader, Hardie and Lee (2005), equation 9",
                horizon_days=days,
            ),
            closed_form(
                f"buying.repeat_spend.day_{days}",
                "the same, as expected spend in yuan: amounts are drawn apart from the process",
                orders * expect_amount(buying),
                "expected orders times the mean amount",
                horizon_days=days,
            ),
        ]
    return facts


def _state_shares(buying: Buying) -> list[Truth]:
    return [
        closed_form(
            "buying.refunded",
            "share of orders refunded in full (top-ups to diamond never are)",
            buying.refund_share,
            "a setting",
        ),
        closed_form(
            "buying.lure_coupon.redeemed",
            "share of the first orders of members with the lure coupon on which they redeem it",
            buying.lure_coupon_redeemed,
            "a setting",
        ),
        closed_form(
            "buying.lure_coupon.cost",
            "expected cost in yuan of that coupon per first order of such a member",
            buying.lure_coupon_redeemed * buying.lure_coupon_fen / 100,
            "share redeemed times the value",
        ),
    ]


def _state_novelties(settings: Settings) -> list[Truth]:
    buying = settings.buying
    weight = weigh_novelties(
        list_items(settings.frame), settings.frame.days, buying.novelty_weight, buying.novelty_days
    )
    share = float(np.mean(weight.sum(axis=1) / (1 + weight.sum(axis=1))))
    return [
        closed_form(
            "buying.novelty.decay_days",
            "days in which the orders of a new article, per order of lasting articles on the same "
            "day, fall to 1/e",
            buying.novelty_days,
            "a setting",
        ),
        closed_form(
            "buying.novelty.first_day",
            "orders of a new article on the day it comes out, per order of lasting articles",
            buying.novelty_weight,
            "a setting",
        ),
        closed_form(
            "buying.novelty.first_five_days",
            "share of the orders of a new article that fall on its first five days, were the "
            "orders of lasting articles equally many each day",
            1 - np.exp(-5 / buying.novelty_days),
            "geometric series",
        ),
        closed_form(
            "buying.novelty.share",
            "share of new articles in all orders, each day weighing the same",
            share,
            "weights of all articles out on each day",
        ),
    ]
