"""What is true of tiers: who moves between them, what they do, and which offer helps whom."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from siyu.data.world.buying import draft_orders, finish_orders, open_shop
from siyu.data.world.draws import DAY, Floats, Ints
from siyu.data.world.orders import TOP_UP, Drafts, Shop
from siyu.data.world.people import People
from siyu.data.world.pool import draw_members
from siyu.data.world.staying import Stay
from siyu.data.world.tiering import (
    ARMS,
    EXPERIMENT,
    TIERS,
    Offers,
    Reviews,
    draft_jumps,
    hold_reviews,
    list_reviews,
)
from siyu.data.world.truths.facts import Truth, closed_form, simulated, truth_stream

if TYPE_CHECKING:
    from siyu.data.world.settings import Settings

USERS, GROUPS = 120_000, 10
"""People who are drawn, and the equally large groups whose spread gives the Monte Carlo error."""
VALUE_DAYS = 60
"""Days after a review in which orders count as what a tier is worth."""
MOVE_MONTHS = 3
"""Reviews from the one on which members are told apart to the one at which they have moved."""
_NEAR = 0.15
_COMPUTED = f"simulated, {USERS} people exposed in {GROUPS} groups"


def state_tiering(settings: Settings) -> list[Truth]:
    """State what is true of tiers and offers.

    The jumps at the thresholds and the effects of offers compare potential outcomes of the same
    members on common random numbers; moves and values describe the tiers as they are, and say
    nothing of what a tier does. Friends and orders from pushes are part of all.

    Args:
        settings: the truths; `users` and `seed` play no part.

    Returns:
        Closed forms, then simulated facts; what cannot be told in so short an observation, or of a
        group without anyone, is left out.
    """
    world = _draw_world(settings)
    facts = [
        *_state_thresholds(settings),
        *_state_jump(world),
        *_state_bunching(world),
        *_state_moves(world),
        *_state_values(world),
        *_state_offers(world),
    ]
    return [fact for fact in facts if np.isfinite(fact.value)]


@dataclass(frozen=True, kw_only=True)
class _World:
    """People, their orders without regard to tiers, and the reviews without any offer."""

    settings: Settings
    people: People
    stay: Stay
    shop: Shop
    drafts: Drafts

    @cached_property
    def usual(self) -> tuple[Drafts, Reviews, Offers | None]:
        """Orders, reviews and offers, had all been put into the arm none."""
        return self.offer("none")

    def offer(self, arm: str) -> tuple[Drafts, Reviews, Offers | None]:
        """Orders, reviews and offers, had all been put into one arm."""
        shares = {each: float(each == arm) for each in ARMS}
        tiering = replace(self.settings.tiering, offer_shares=shares)
        return hold_reviews(tiering, self.shop, self.drafts, stream=truth_stream(0))

    def review(self, day: date) -> Reviews:
        """The members at one review."""
        reviews = self.usual[1]
        here = reviews.at == self.settings.frame.second(day)
        return Reviews(
            person=reviews.person[here],
            at=reviews.at[here],
            tier=reviews.tier[here],
            basis_fen=reviews.basis_fen[here],
        )


def _list_before_offers(settings: Settings) -> list[date]:
    """List the reviews before the offers, if there are any; else all."""
    day, reviews = settings.tiering.offer_day, list_reviews(settings.frame)
    return [each for each in reviews if each < day or day not in reviews]


def _list_followed(settings: Settings, days: int) -> list[date]:
    """List the reviews after which so many days pass without offers and are observed."""
    tiering, frame = settings.tiering, settings.frame
    offered = tiering.offer_day in list_reviews(frame)
    end = tiering.offer_day if offered else frame.last_day + timedelta(days=1)
    reviews = _list_before_offers(settings)
    return [day for day in reviews if day + timedelta(days=days) <= end]


def _draw_world(settings: Settings) -> _World:
    stream = truth_stream(0)
    members = draw_members(settings, users=USERS, stream=stream)
    first = members.conversions.ordered_at
    shop = open_shop(settings.buying, settings.frame, members.stay, ordered_at=first, stream=stream)
    drafts = draft_orders(settings.buying, shop, extra=members.extra_orders, stream=stream)
    return _World(
        settings=settings, people=members.people, stay=members.stay, shop=shop, drafts=drafts
    )


def _average(person: Ints, value: Floats | Ints, weight: Floats | None = None) -> Floats:
    """Average a value of persons in each group; NaN where a group has nobody."""
    weight = np.ones(len(person)) if weight is None else weight
    group = person % GROUPS
    above = np.bincount(group, value * weight, minlength=GROUPS)
    with np.errstate(invalid="ignore"):
        return np.asarray(above / np.bincount(group, weight, minlength=GROUPS))


def _state_thresholds(settings: Settings) -> Iterator[Truth]:
    tiering = settings.tiering
    for tier, spend in tiering.thresholds_cny.items():
        yield closed_form(
            f"tiering.threshold.{tier}",
            f"least basis_cny of {tier}: what was paid in the {tiering.basis_days} days before the "
            "review, less refunds",
            spend,
            "a setting",
        )
    if not _list_followed(settings, tiering.jump_days):
        return
    for tier, why in (
        ("silver", "silver changes nothing"),
        ("diamond", "gold and diamond do the same; members bunch above it by top-up orders"),
    ):
        for outcome in ("orders", "spend"):
            yield closed_form(
                f"tiering.jump.{tier}.{outcome}",
                f"effect on {outcome} in the {tiering.jump_days} days after a review of being "
                f"{tier} rather than one tier below, for members at the threshold",
                0.0,
                why,
                **_describe_jumps(settings),
            )


def _describe_jumps(settings: Settings) -> dict[str, object]:
    days = _list_followed(settings, settings.tiering.jump_days)
    return {
        "horizon_days": settings.tiering.jump_days,
        "reviews": [day.isoformat() for day in days],
    }


def _state_jump(world: _World) -> Iterator[Truth]:
    """The further orders of members near the gold threshold, were they gold, near counting more."""
    settings, shop = world.settings, world.shop
    gold = int(settings.tiering.thresholds_fen[TIERS.index("gold") - 1])
    parts = []
    for day in _list_followed(settings, settings.tiering.jump_days):
        review = world.review(day)
        weight = np.zeros(len(world.people))
        distance = np.abs(review.basis_fen / gold - 1) / _NEAR
        weight[review.person] = np.maximum(1 - distance, 0)
        near = weight > 0
        drafts = draft_jumps(settings.tiering, shop, day, who=near, stream=truth_stream(0))
        orders = np.bincount(drafts.person, minlength=len(near))[near].astype(np.float64)
        spend = np.bincount(drafts.person, drafts.amount_fen / 100, minlength=len(near))[near]
        parts.append((np.flatnonzero(near), weight[near], orders, spend))
    if not parts:
        return
    person, weight, orders, spend = (np.concatenate(part) for part in zip(*parts, strict=True))
    for outcome, value, unit in (("orders", orders, "orders"), ("spend", spend, "yuan paid")):
        yield simulated(
            f"tiering.jump.gold.{outcome}",
            f"effect in {unit} in the {settings.tiering.jump_days} days after a review of being "
            "gold rather than silver, for members at the threshold",
            _average(person, value, weight),
            f"{_COMPUTED}: what gold brings members within {_NEAR:.0%} of the threshold, "
            "triangular weights",
            **_describe_jumps(settings),
        )


def _state_bunching(world: _World) -> Iterator[Truth]:
    tiering, frame = world.settings.tiering, world.settings.frame
    drafts = world.usual[0]
    diamond = int(tiering.thresholds_fen[-1])
    persons, topped = [], []
    for day in list_reviews(frame):
        review, at = world.review(day), frame.second(day)
        just = (review.basis_fen >= diamond) & (review.basis_fen < diamond * 1.05)
        recent = (drafts.kind == TOP_UP) & (drafts.at < at)
        recent &= drafts.at >= at - tiering.top_up_days * DAY
        persons.append(review.person[just])
        topped.append(np.isin(review.person[just], drafts.person[recent]))
    yield simulated(
        "tiering.bunching.diamond",
        "share of those who topped up just before the review among the reviews with a basis at "
        "most 5% above the diamond threshold",
        _average(np.concatenate(persons), np.concatenate(topped).astype(np.float64)),
        _COMPUTED,
        top_up_days=tiering.top_up_days,
    )


def _state_moves(world: _World) -> Iterator[Truth]:
    days = _list_before_offers(world.settings)
    if len(days) <= MOVE_MONTHS:
        return
    begin, end = days[-1 - MOVE_MONTHS], days[-1]
    before, after = world.review(begin), world.review(end)
    person, old, new = np.intersect1d(before.person, after.person, return_indices=True)
    for i, origin in enumerate(TIERS):
        of = before.tier[old] == i
        for j, target in enumerate(TIERS):
            yield simulated(
                f"tiering.move.{origin}.{target}",
                f"share in {target} at the later review among the members who are in {origin} at "
                "the earlier one and still there at the later",
                _average(person[of], (after.tier[new][of] == j).astype(np.float64)),
                _COMPUTED,
                reviews=[begin.isoformat(), end.isoformat()],
            )


def _state_values(world: _World) -> Iterator[Truth]:
    days = _list_followed(world.settings, VALUE_DAYS)
    if not days:
        return
    review, at = world.review(days[-1]), world.settings.frame.second(days[-1])
    orders, margin = _sum_orders(world, *world.usual[::2], since=at, until=at + VALUE_DAYS * DAY)
    for i, tier in enumerate(TIERS):
        person = review.person[review.tier == i]
        for outcome, value in (("orders", orders), ("margin", margin)):
            yield simulated(
                f"tiering.value.{tier}.{outcome}",
                f"mean {outcome} per member of the tier {tier} at the review in the days after it, "
                "whoever leaves included",
                _average(person, value[person]),
                _COMPUTED,
                review=days[-1].isoformat(),
                horizon_days=VALUE_DAYS,
            )


def _state_offers(world: _World) -> Iterator[Truth]:
    tiering, frame = world.settings.tiering, world.settings.frame
    usual = world.usual
    if usual[2] is None or usual[2].until > frame.end:
        return
    since, until, tier = usual[2].at, usual[2].until, usual[2].tier
    study: dict[str, object] = {"experiment": EXPERIMENT, "horizon_days": tiering.offer_days}
    none = _sum_orders(world, *usual[::2], since=since, until=until)
    for arm in ARMS[1:]:
        some = _sum_orders(world, *world.offer(arm)[::2], since=since, until=until)
        for i, name in enumerate(TIERS):
            person = np.flatnonzero((usual[2].arm >= 0) & (tier == i))
            for outcome, with_arm, without in zip(("orders", "margin"), some, none, strict=True):
                yield simulated(
                    f"tiering.offer.{arm}.{name}.{outcome}",
                    f"effect of the arm {arm} against none on the {outcome} of a member assigned "
                    f"in the tier {name}, in the days after the assignment"
                    + (", in yuan, before what the arm costs at once" * (outcome == "margin")),
                    _average(person, (with_arm - without)[person]),
                    _COMPUTED + ": both arms on common random numbers",
                    **study,
                )


def _sum_orders(
    world: _World, drafts: Drafts, offers: Offers | None, *, since: int, until: int
) -> tuple[Floats, Floats]:
    """Count each person's orders from one second until before another, and sum their margin."""
    inside = drafts.keep((drafts.at >= since) & (drafts.at < until))
    settings, people = world.settings, len(world.people)
    orders = finish_orders(
        settings.buying, settings.tiering, world.shop, world.people, world.stay, inside, offers
    )
    return (
        np.bincount(orders.person, minlength=people).astype(np.float64),
        np.bincount(orders.person, orders.margin_fen / 100, minlength=people).astype(np.float64),
    )
