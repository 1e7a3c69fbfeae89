"""Monthly tier reviews, what a tier does to later orders, and randomised offers to the tiers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pyarrow as pa

from siyu.data.world.assignments import Assignments
from siyu.data.world.columns import Columns, texts, yuan
from siyu.data.world.draws import DAY, HOUR, Bools, Floats, Ints, Stream, pick
from siyu.data.world.frame import Frame
from siyu.data.world.orders import (
    FIRST,
    JUMP,
    LOST,
    LUCK,
    OFFER,
    REFUND,
    TOP_UP,
    Drafts,
    Shop,
    stack_drafts,
)
from siyu.data.world.rules import each_outside, not_shares, outside

TIERS = ("ordinary", "silver", "gold", "diamond")
ARMS = ("none", "discount", "early_access")
EXPERIMENT = "tier_offer_2026q1"
_GOLD = TIERS.index("gold")
_NO_ARM = -1
_OFFERED_AT = 10 * HOUR
_LEAST_TOP_UP_FEN = 990

ByTier = Mapping[str, Mapping[str, float]]


def _by_tier(**rows: tuple[float, float, float, float]) -> ByTier:
    return {arm: dict(zip(TIERS, row, strict=True)) for arm, row in rows.items()}


@dataclass(frozen=True, kw_only=True)
class Tiering:
    """What tiers and offers do: members are reviewed at the first midnight of every month.

    A tier is set on the spend of the days before, less what was refunded. Being gold or better
    brings further orders; being silver, or diamond rather than gold, changes nothing. Some who lack
    little to diamond order more just before the review.
    """

    basis_days: int = 90
    """Days before a review whose spend counts; at least 1."""
    thresholds_cny: Mapping[str, float] = field(
        default_factory=lambda: dict(zip(TIERS[1:], (80.0, 220.0, 480.0), strict=True))
    )
    """Least spend of each tier above ordinary, in yuan; rising, above 0."""
    gold_jump: float = 0.8
    """Probability of one further order after a review as gold or diamond; 0 to 1."""
    jump_days: int = 30
    """Days after the review in which it comes; at least 1."""
    top_up_within: float = 0.15
    """Share of the diamond threshold that may lack for a top-up order; 0 to 1."""
    top_up: float = 0.6
    """Probability that a member who lacks no more tops up; 0 to 1."""
    top_up_days: int = 4
    """Days before the review in which the top-up comes; at least 1."""
    offer_day: date = date(2026, 2, 1)
    """The review at which offers are drawn; none are if it lies outside the observation."""
    offer_days: int = 56
    """Days from the assignment in which an offer works; at least 1."""
    settled_days: int = 33
    """Days since the addition from which on a member may get an offer; 0 or more."""
    offer_shares: Mapping[str, float] = field(
        default_factory=lambda: dict(zip(ARMS, (1 / 3, 1 / 3, 1 / 3), strict=True))
    )
    """Probability of each arm; sums to 1."""
    offer_extra: ByTier = field(
        default_factory=lambda: _by_tier(
            none=(0, 0, 0, 0), discount=(0.08, 0.7, 0.3, 0), early_access=(0, 0.1, 0.4, 0.6)
        )
    )
    """Probability of one further order in the days of the offer, by arm and tier; 0 to 1."""
    offer_lost: ByTier = field(
        default_factory=lambda: _by_tier(
            none=(0, 0, 0, 0), discount=(0, 0, 0, 0.65), early_access=(0, 0, 0, 0)
        )
    )
    """Share of the other orders of those days that the offer costs, by arm and tier; 0 to 1."""
    discount: float = 0.08
    """Share of the listed price that the arm discount takes off each order of those days; below 1.
    The customer pays as much as otherwise, for more goods."""
    early_access_fen: int = 300
    """What early access costs per member at once, in fen; 0 or more."""

    def problems(self) -> Iterable[str]:
        """Yield each broken rule as one sentence."""
        for name in ("basis_days", "jump_days", "top_up_days", "offer_days"):
            if getattr(self, name) < 1:
                yield f"tiering.{name} = {getattr(self, name)} must be at least 1; use whole days"
        for name in ("settled_days", "early_access_fen"):
            yield from outside(f"tiering.{name}", getattr(self, name))
        for name in ("gold_jump", "top_up_within", "top_up", "discount"):
            yield from outside(f"tiering.{name}", getattr(self, name), most=1)
        if self.discount == 1:
            yield "tiering.discount = 1 must be below 1; use 0.08 for 8%"
        yield from each_outside("tiering.thresholds_cny", self.thresholds_cny, TIERS[1:], above=0)
        spend = [self.thresholds_cny.get(tier, 0.0) for tier in TIERS[1:]]
        if spend != sorted(set(spend)):
            yield f"tiering.thresholds_cny = {spend} must rise from silver to diamond; sort them"
        if self.offer_day.day != 1:
            yield f"tiering.offer_day = {self.offer_day} must be the first of a month; use a review"
        yield from not_shares("tiering.offer_shares", self.offer_shares, ARMS)
        for name in ("offer_extra", "offer_lost"):
            table: ByTier = getattr(self, name)
            for arm in ARMS:
                yield from each_outside(f"tiering.{name}.{arm}", table.get(arm, {}), TIERS, most=1)

    @property
    def thresholds_fen(self) -> Ints:
        """Least spend of silver, gold and diamond, in fen."""
        return np.array([round(self.thresholds_cny[tier] * 100) for tier in TIERS[1:]])


@dataclass(frozen=True, kw_only=True)
class Reviews:
    """Tier reviews; element i of each array is one member at one review."""

    person: Ints
    at: Ints
    tier: Ints
    """Index into TIERS."""
    basis_fen: Ints


@dataclass(frozen=True, kw_only=True)
class Offers:
    """The randomised offers; arrays over all people."""

    at: int
    """When the arms were assigned."""
    until: int
    arm: Ints
    """Index into ARMS; -1: not in the experiment."""
    tier: Ints
    """Index into TIERS, at the review of that day."""

    def running(self, drafts: Drafts, arm: str) -> Bools:
        """Whether each order falls into the days of the offer, of a member in this arm."""
        inside = (drafts.at >= self.at) & (drafts.at < self.until)
        return np.asarray(inside & (self.arm[drafts.person] == ARMS.index(arm)))


def list_reviews(frame: Frame) -> list[date]:
    """List the days of the reviews: the first of each month but the first observed day."""
    return [day for day in frame.dates[1:] if day.day == 1]


def hold_reviews(
    tiering: Tiering, shop: Shop, drafts: Drafts, *, stream: Stream
) -> tuple[Drafts, Reviews, Offers | None]:
    """Hold the reviews in turn, each on the orders so far, and draw what follows from them.

    Args:
        tiering: the truths.
        shop: the members.
        drafts: orders without regard to tiers.
        stream: opens the random stream of a name.

    Returns:
        The orders with those that tiers and offers brought, without those they cost; a row per
        member and review; the offers, None if there were none.
    """
    offers: Offers | None = None
    rows: list[Reviews] = []
    for day in list_reviews(shop.frame):
        at = shop.frame.second(day)
        present = (shop.added_at < at) & (shop.left_at > at)
        spent = sum_spend(shop, drafts, at - tiering.basis_days * DAY, at)
        added = draft_top_ups(tiering, shop, day, spent, who=present, stream=stream)
        basis = spent + sum_spend(shop, added, at - tiering.basis_days * DAY, at)
        tier = np.searchsorted(tiering.thresholds_fen, basis, side="right")
        person = np.flatnonzero(present)
        rows.append(
            Reviews(
                person=person,
                at=np.full(len(person), at),
                tier=tier[person],
                basis_fen=basis[person],
            )
        )
        golden = present & (tier >= _GOLD)
        jumps = draft_jumps(tiering, shop, day, who=golden, stream=stream)
        drafts = stack_drafts([drafts, added, jumps])
        if day == tiering.offer_day:
            offers = _draw_offers(tiering, shop, at, tier, who=present, stream=stream)
            drafts = stack_drafts([drafts, _draft_offers(tiering, shop, offers, stream=stream)])
        if offers is not None:
            drafts = drafts.keep(~_find_lost(tiering, offers, drafts))
    return drafts, _stack(rows), offers


def sum_spend(shop: Shop, drafts: Drafts, since: int, until: int) -> Ints:
    """Sum each person's spend in fen from one second until before another, less refunds."""
    counted = (drafts.at >= since) & (drafts.at < until) & ~shop.refunded(drafts)
    return np.bincount(
        drafts.person[counted], drafts.amount_fen[counted], minlength=len(shop.rate)
    ).astype(np.int64)


def draft_top_ups(
    tiering: Tiering, shop: Shop, day: date, spent: Ints, *, who: Bools, stream: Stream
) -> Drafts:
    """Draft the orders with which members of `who` just reach diamond; they are never refunded."""
    at = shop.frame.second(day)
    diamond = int(tiering.thresholds_fen[-1])
    lacking = diamond - spent
    uniform = stream(f"top-ups {day}").random((len(spent), 3 + LUCK))
    tops_up = (
        who
        & (lacking > 0)
        & (lacking <= tiering.top_up_within * diamond)
        & (shop.ordered_at < at - tiering.top_up_days * DAY)
        & (uniform[:, 0] < tiering.top_up)
    )
    person, luck = np.flatnonzero(tops_up), uniform[tops_up, 3:]
    luck[:, REFUND] = 1.0
    begin, end = shop.clock.days(np.array([at - tiering.top_up_days * DAY, at]))
    ordered_at = shop.clock.seconds(begin + uniform[tops_up, 1] * (end - begin)) - 1
    beyond = (uniform[tops_up, 2] ** 2 * 3_000).astype(np.int64)
    amount = np.maximum(lacking[person] + beyond, _LEAST_TOP_UP_FEN)
    return shop.draft(person, ordered_at, TOP_UP, luck, amount_fen=amount)


def draft_jumps(tiering: Tiering, shop: Shop, day: date, *, who: Bools, stream: Stream) -> Drafts:
    """Draft the further orders that follow when the people of `who` are gold or better."""
    at = shop.frame.second(day)
    uniform = stream(f"jumps {day}").random((len(who), 2 + LUCK))
    jumps = who & (uniform[:, 0] < tiering.gold_jump)
    return _draft_within(shop, jumps, uniform[:, 1:], JUMP, since=at, days=tiering.jump_days)


def _draw_offers(
    tiering: Tiering, shop: Shop, at: int, tier: Ints, *, who: Bools, stream: Stream
) -> Offers:
    begin = at + _OFFERED_AT
    settled = shop.added_at <= at - tiering.settled_days * DAY
    shares = [tiering.offer_shares[arm] for arm in ARMS]
    arm = pick(stream("offers").random(len(who)), shares)
    return Offers(
        at=begin,
        until=begin + tiering.offer_days * DAY,
        arm=np.where(who & settled & (shop.left_at > begin), arm, _NO_ARM),
        tier=tier,
    )


def _draft_offers(tiering: Tiering, shop: Shop, offers: Offers, *, stream: Stream) -> Drafts:
    uniform = stream("offer orders").random((len(offers.arm), 2 + LUCK))
    orders = uniform[:, 0] < _look_up(tiering.offer_extra)[offers.arm, offers.tier]
    return _draft_within(
        shop, orders, uniform[:, 1:], OFFER, since=offers.at, days=tiering.offer_days
    )


def _draft_within(
    shop: Shop, orders: Bools, uniform: Floats, kind: int, *, since: int, days: int
) -> Drafts:
    """Draft an order of each person of a mask, at an even pace within some days."""
    person = np.flatnonzero(orders)
    begin, end = shop.clock.days(np.array([since, since + days * DAY]))
    at = shop.clock.seconds(begin + uniform[person, 0] * (end - begin))
    return shop.draft(person, at, kind, uniform[person, 1:])


def _find_lost(tiering: Tiering, offers: Offers, drafts: Drafts) -> Bools:
    share = _look_up(tiering.offer_lost)[offers.arm[drafts.person], offers.tier[drafts.person]]
    inside = (drafts.at >= offers.at) & (drafts.at < offers.until)
    spared = np.isin(drafts.kind, (FIRST, TOP_UP, OFFER))
    return np.asarray(inside & ~spared & (drafts.luck[:, LOST] < share))


def _look_up(table: ByTier) -> Floats:
    """Arms x tiers, with a last row of zeros for those in no arm (index -1)."""
    return np.array([[table[arm][tier] for tier in TIERS] for arm in ARMS] + [[0.0] * len(TIERS)])


def _stack(rows: list[Reviews]) -> Reviews:
    none = np.array([], dtype=np.int64)
    return Reviews(
        person=np.concatenate([none, *(each.person for each in rows)]),
        at=np.concatenate([none, *(each.at for each in rows)]),
        tier=np.concatenate([none, *(each.tier for each in rows)]),
        basis_fen=np.concatenate([none, *(each.basis_fen for each in rows)]),
    )


def name_assignments(tiering: Tiering, offers: Offers) -> Assignments:
    """Hand in the experiment with the offers, stratified by tier."""
    person = np.flatnonzero(offers.arm != _NO_ARM)
    arm = offers.arm[person]
    early = arm == ARMS.index("early_access")
    return Assignments(
        experiment=EXPERIMENT,
        arms=ARMS,
        person=person,
        arm=arm,
        at=np.full(len(person), offers.at),
        strata=TIERS,
        stratum=offers.tier[person],
        cost_fen=np.where(early, tiering.early_access_fen, 0),
    )


def tabulate_tiers(columns: Columns, reviews: Reviews) -> pa.Table:
    """Write the table `tiers`: a row per member and review, unchanged tiers too."""
    return pa.table(
        {
            "user_id": columns.users(reviews.person),
            "tier": texts(TIERS, reviews.tier),
            "since": columns.instants(reviews.at),
            "basis_cny": yuan(reviews.basis_fen),
        }
    )
