"""What members buy after their first order, for how much, and which goods."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from siyu.data.contract import LURES
from siyu.data.world.assignments import Assignments
from siyu.data.world.columns import Columns, texts, yuan
from siyu.data.world.draws import NEVER, Floats, Ints, Stream
from siyu.data.world.frame import Frame
from siyu.data.world.items import Catalogue, choose_items, list_items, weigh_novelties
from siyu.data.world.orders import (
    ARTICLE,
    CATEGORY,
    COUPON,
    FIRST,
    LUCK,
    NOVELTY,
    PUSH,
    REPEAT,
    Clock,
    Drafts,
    Shop,
    stack_drafts,
)
from siyu.data.world.people import TAGS, People
from siyu.data.world.rules import outside
from siyu.data.world.staying import Stay
from siyu.data.world.tiering import Offers, Reviews, Tiering, hold_reviews, name_assignments


@dataclass(frozen=True, kw_only=True)
class Buying:
    """The truths about repeat orders, amounts and goods.

    After the first order a buyer orders at a constant personal rate in business time (BG/NBD:
    Fader, Hardie and Lee 2005), and stops for good after a repeat order with a constant personal
    probability. Rates follow a gamma, probabilities a beta distribution, apart from all other
    traits. What a buyer pays follows a gamma distribution whose rate differs by buyer, itself gamma
    distributed (Gamma-Gamma: Fader and Hardie 2013). Nothing is bought after leaving, which thins
    the orders.
    """

    r: float = 1.1
    """Shape of the rates; above 0."""
    alpha: float = 16.0
    """Rate parameter of the rates, in days: their mean is r / alpha per day; above 0."""
    a: float = 1.2
    """First parameter of the probabilities to stop; above 0."""
    b: float = 6.0
    """Second parameter: their mean is a / (a + b); above 0."""
    even: bool = False
    """Whether buying runs evenly in time; else it follows hours, weekdays and festivals."""
    p: float = 5.0
    """Shape of one buyer's amounts; above 0."""
    q: float = 4.5
    """Shape of the rates of the amounts; above 1, so that amounts have a mean."""
    gamma: float = 84.0
    """Rate parameter of those rates, in yuan: the mean amount is p gamma / (q - 1); above 0."""
    lure_coupon_redeemed: float = 0.55
    """Share of the first orders of members with the lure coupon on which they redeem it."""
    lure_coupon_fen: int = 2_000
    """Its value in fen; 0 or more."""
    coupon_share: float = 0.15
    """Share of all other orders with a coupon."""
    coupon_fen: int = 1_000
    """Its value in fen; 0 or more."""
    refund_share: float = 0.04
    """Share of orders that are refunded in full."""
    taste: float = 0.6
    """Share of lasting goods bought for the category a person is tagged with; others at random."""
    novelty_weight: float = 0.25
    """Orders of a new article on the day it comes out, per order of lasting goods; 0 or more."""
    novelty_days: float = 5.0
    """Days in which that falls to 1/e; above 0."""

    def problems(self) -> Iterable[str]:
        """Yield each broken rule as one sentence."""
        for name in ("r", "alpha", "a", "b", "p", "gamma", "novelty_days"):
            yield from outside(f"buying.{name}", getattr(self, name), above=0)
        yield from outside("buying.q", self.q, above=1)
        for name in ("lure_coupon_fen", "coupon_fen", "novelty_weight"):
            yield from outside(f"buying.{name}", getattr(self, name))
        for name in ("lure_coupon_redeemed", "coupon_share", "refund_share", "taste"):
            yield from outside(f"buying.{name}", getattr(self, name), most=1)


@dataclass(frozen=True, kw_only=True)
class Orders:
    """Paid orders within the observation, in time order; element i of each array is one order."""

    person: Ints
    at: Ints
    kind: Ints
    """Index into KINDS (see orders.py): how the order came about; not written to the table."""
    amount_fen: Ints
    """What was paid: the listed price less the coupon."""
    coupon_fen: Ints
    margin_fen: Ints
    """Amount less the cost of goods; 0 for a refunded order."""
    refunded_fen: Ints
    item: Ints
    """Index into the catalogue (see items.py)."""


@dataclass(frozen=True, kw_only=True)
class Sales:
    """All that comes of buying."""

    orders: Orders
    reviews: Reviews
    assignments: tuple[Assignments, ...]
    """The experiment with offers to the tiers; empty where the observation has no such day."""


def draw_items(buying: Buying, frame: Frame, at: Ints, tag: Ints, rng: np.random.Generator) -> Ints:
    """Draw which article something is about, as indices into the catalogue.

    Args:
        buying: the truths.
        frame: the observed days.
        at: when, in seconds within the observation.
        tag: index into TAGS, of the person.
        rng: source of random numbers.
    """
    return _choose(buying, list_items(frame), frame, at, tag, rng.random((len(at), 3)))


def open_shop(
    buying: Buying, frame: Frame, stay: Stay, *, ordered_at: Ints, stream: Stream
) -> Shop:
    """Bring together what the drawing of orders needs to know of the members."""
    rate = stream("spend rates").standard_gamma(buying.q, len(ordered_at)) / buying.gamma
    return Shop(
        frame=frame,
        clock=Clock(frame, even=buying.even),
        added_at=stay.added_at,
        left_at=stay.left_at,
        ordered_at=ordered_at,
        shape=buying.p,
        rate=rate,
        refund_share=buying.refund_share,
    )


def draft_orders(buying: Buying, shop: Shop, *, extra: tuple[Ints, Ints], stream: Stream) -> Drafts:
    """Draft the orders without regard to tiers: first, repeated, and those that pushes brought.

    Only a first order of the first contact is followed by repeat orders.

    Args:
        buying: the truths.
        shop: the members.
        extra: persons and seconds of the orders that pushes brought, in any order.
        stream: opens the random stream of a name.

    Returns:
        Orders within the observation and the stays.
    """
    bought = np.flatnonzero(shop.ordered_at < NEVER)
    luck = stream("first orders").random((len(shop.rate), LUCK))
    first = shop.draft(bought, shop.ordered_at[bought], FIRST, luck[bought])
    repeats = _draft_repeats(buying, shop, stream=stream)
    return stack_drafts([first, repeats, _draft_extra(shop, *extra, stream=stream)])


def draw_sales(
    buying: Buying,
    tiering: Tiering,
    frame: Frame,
    people: People,
    stay: Stay,
    *,
    ordered_at: Ints,
    extra: tuple[Ints, Ints],
    stream: Stream,
) -> Sales:
    """Draw orders, tier reviews and offers.

    Args:
        buying: the truths about orders.
        tiering: the truths about tiers and offers.
        frame: the observed days.
        people: who they are.
        stay: since when they are members, until when, and by which lure.
        ordered_at: second of each person's first order out of the first contact; NEVER if none.
        extra: persons and seconds of the orders that pushes brought, in any order.
        stream: opens the random stream of a name.
    """
    shop = open_shop(buying, frame, stay, ordered_at=ordered_at, stream=stream)
    drafts = draft_orders(buying, shop, extra=extra, stream=stream)
    drafts, reviews, offers = hold_reviews(tiering, shop, drafts, stream=stream)
    drafts = drafts.keep(np.lexsort((drafts.kind, drafts.person, drafts.at)))
    return Sales(
        orders=finish_orders(buying, tiering, shop, people, stay, drafts, offers),
        reviews=reviews,
        assignments=() if offers is None else (name_assignments(tiering, offers),),
    )


def finish_orders(
    buying: Buying,
    tiering: Tiering,
    shop: Shop,
    people: People,
    stay: Stay,
    drafts: Drafts,
    offers: Offers | None,
) -> Orders:
    """Add goods, coupons, refunds and margins to drafted orders."""
    catalogue = list_items(shop.frame)
    chance = drafts.luck[:, [NOVELTY, CATEGORY, ARTICLE]]
    tag = people.tag[drafts.person]
    item = _choose(buying, catalogue, shop.frame, drafts.at, tag, chance)
    coupon = _draw_coupons(buying, stay, drafts)
    if offers is not None:
        reduced = offers.running(drafts, "discount")
        share = tiering.discount / (1 - tiering.discount)
        coupon = np.where(reduced, np.rint(drafts.amount_fen * share).astype(np.int64), coupon)
    listed = drafts.amount_fen + coupon
    cost = np.rint(listed * (1 - catalogue.margin_share[item])).astype(np.int64)
    refunded = shop.refunded(drafts)
    return Orders(
        person=drafts.person,
        at=drafts.at,
        kind=drafts.kind,
        amount_fen=drafts.amount_fen,
        coupon_fen=coupon,
        margin_fen=np.where(refunded, 0, drafts.amount_fen - cost),
        refunded_fen=np.where(refunded, drafts.amount_fen, 0),
        item=item,
    )


def tabulate_orders(columns: Columns, orders: Orders) -> pa.Table:
    """Write the table `orders`: a row per paid order, in time order."""
    catalogue = list_items(columns.frame)
    return pa.table(
        {
            "order_id": columns.numbered("A", np.arange(len(orders.at))),
            "user_id": columns.users(orders.person),
            "paid_at": columns.instants(orders.at),
            "amount_cny": yuan(orders.amount_fen),
            "margin_cny": yuan(orders.margin_fen),
            "coupon_cny": yuan(orders.coupon_fen),
            "refunded_cny": yuan(orders.refunded_fen),
            "category": texts(TAGS, catalogue.category[orders.item]),
            "item": texts(catalogue.names, orders.item),
        }
    )


def _draft_repeats(buying: Buying, shop: Shop, *, stream: Stream) -> Drafts:
    """Draw the process of every person as if ordering began at once, then let it begin."""
    people = len(shop.rate)
    rate = stream("order rates").standard_gamma(buying.r, people) / buying.alpha
    stops = stream("stopping").beta(buying.a, buying.b, people)
    begun = shop.clock.days(np.minimum(shop.ordered_at, shop.frame.end))
    active, passed = np.arange(people), np.zeros(people)
    drafts: list[Drafts] = []
    while len(active):
        rng = stream(f"repeat order {len(drafts)}")
        uniform = rng.random((people, 2 + LUCK))[active]
        with np.errstate(divide="ignore"):
            passed = passed - np.log1p(-uniform[:, 0]) / rate[active]
        inside = begun[active] + passed < shop.frame.days
        active, passed, uniform = active[inside], passed[inside], uniform[inside]
        at = np.maximum(shop.clock.seconds(begun[active] + passed), shop.ordered_at[active] + 1)
        drafts.append(shop.draft(active, at, REPEAT, uniform[:, 2:]))
        goes_on = uniform[:, 1] >= stops[active]
        active, passed = active[goes_on], passed[goes_on]
    return stack_drafts(drafts)


def _draft_extra(shop: Shop, person: Ints, at: Ints, *, stream: Stream) -> Drafts:
    """Each person's further orders get the luck of their first, second, third ... in turn."""
    order = np.lexsort((at, person))
    person, at = person[order], at[order]
    turn = np.arange(len(person)) - np.searchsorted(person, person)
    luck = np.zeros((len(person), LUCK))
    for number in range(int(turn.max(initial=-1)) + 1):
        here = turn == number
        luck[here] = stream(f"push order {number}").random((len(shop.rate), LUCK))[person[here]]
    return shop.draft(person, at, PUSH, luck)


def _draw_coupons(buying: Buying, stay: Stay, drafts: Drafts) -> Ints:
    chance = drafts.luck[:, COUPON]
    lured = (stay.lure[drafts.person] == LURES.index("coupon")) & (drafts.kind == FIRST)
    lure = np.where(chance < buying.lure_coupon_redeemed, buying.lure_coupon_fen, 0)
    other = np.where(chance < buying.coupon_share, buying.coupon_fen, 0)
    return np.where(lured, lure, other)


def _choose(
    buying: Buying, catalogue: Catalogue, frame: Frame, at: Ints, tag: Ints, chance: Floats
) -> Ints:
    weight = weigh_novelties(catalogue, frame.days, buying.novelty_weight, buying.novelty_days)
    return choose_items(catalogue, weight, at, tag, chance, taste=buying.taste)
