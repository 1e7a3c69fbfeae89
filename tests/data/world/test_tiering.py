"""Tiers are set on trailing spend; what follows from them is what the settings say, and no more."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pytest
from siyu.data.contract import TABLES
from siyu.data.world.buying import Buying
from siyu.data.world.columns import Columns
from siyu.data.world.draws import DAY, HOUR
from siyu.data.world.frame import Frame
from siyu.data.world.orders import FIRST, JUMP, KINDS, OFFER, TOP_UP
from siyu.data.world.tiering import (
    ARMS,
    EXPERIMENT,
    TIERS,
    Tiering,
    list_reviews,
    tabulate_tiers,
)

from tests.data.world.shopping import YEAR, draws, recruit

SEED = 21
MEMBERS = recruit(20_000, stream=draws(SEED))
BUYING, TIERING = Buying(), Tiering()
SALES = MEMBERS.shop(BUYING, TIERING, stream=draws(SEED))
ORDERS, REVIEWS = SALES.orders, SALES.reviews
OFFERED_AT = YEAR.second(TIERING.offer_day) + 10 * HOUR
OFFERED_UNTIL = OFFERED_AT + TIERING.offer_days * DAY


def give(arm: str) -> Tiering:
    """Everyone gets one arm."""
    shares = {each: float(each == arm) for each in ARMS}
    return replace(TIERING, offer_shares=shares)


def test_reviews_are_held_on_the_first_of_every_month_but_on_the_first_day() -> None:
    days = list_reviews(YEAR)
    assert len(days) == 11
    assert (days[0], days[-1]) == (date(2025, 5, 1), date(2026, 3, 1))


def test_every_member_is_at_every_review_of_the_stay_and_nobody_else() -> None:
    stay = MEMBERS.stay
    for day in list_reviews(YEAR):
        at = YEAR.second(day)
        there = np.flatnonzero((stay.added_at < at) & (stay.left_at > at))
        assert REVIEWS.person[REVIEWS.at == at].tolist() == there.tolist()


def test_the_basis_is_what_was_paid_in_ninety_days_less_refunds_and_sets_the_tier() -> None:
    paid = defaultdict(list)
    for person, at, amount, refunded in zip(
        ORDERS.person, ORDERS.at, ORDERS.amount_fen, ORDERS.refunded_fen, strict=True
    ):
        paid[int(person)].append((int(at), int(amount - refunded)))
    for i in range(0, len(REVIEWS.at), 7):
        at = int(REVIEWS.at[i])
        since = at - 90 * DAY
        basis = sum(fen for when, fen in paid[int(REVIEWS.person[i])] if since <= when < at)
        assert basis == REVIEWS.basis_fen[i]
        tier = sum(basis >= fen for fen in (8_000, 22_000, 48_000))
        assert TIERS[tier] == TIERS[REVIEWS.tier[i]]


def basis_at(day: date) -> np.ndarray:
    at = YEAR.second(day)
    basis = np.full(len(MEMBERS.people), -1)
    basis[REVIEWS.person[REVIEWS.at == at]] = REVIEWS.basis_fen[REVIEWS.at == at]
    return basis


def test_top_ups_come_in_the_last_days_before_a_review_and_lead_just_above_diamond() -> None:
    reviews = np.array([YEAR.second(day) for day in list_reviews(YEAR)])
    topped = ORDERS.kind == TOP_UP
    assert topped.sum() > 100
    person, at = ORDERS.person[topped], ORDERS.at[topped]
    review = reviews[np.searchsorted(reviews, at)]
    assert (review - at <= 4 * DAY).all()
    assert (ORDERS.amount_fen[topped] <= 0.15 * 48_000 + 3_000).all()
    assert (ORDERS.amount_fen[topped] >= 990).all()
    assert (ORDERS.refunded_fen[topped] == 0).all()
    for who, when in zip(person, review, strict=True):
        basis = basis_at(YEAR.dates[when // DAY])[who]
        assert 48_000 <= basis < 51_000


def test_of_those_who_lack_at_most_fifteen_per_cent_six_in_ten_top_up() -> None:
    lacked = topped_up = 0
    for day in list_reviews(YEAR):
        at, basis = YEAR.second(day), basis_at(day)
        topped = (ORDERS.kind == TOP_UP) & (ORDERS.at < at) & (ORDERS.at >= at - 4 * DAY)
        own = basis.copy()
        own[ORDERS.person[topped]] -= ORDERS.amount_fen[topped]
        near = (own >= 0.85 * 48_000) & (own < 48_000) & (MEMBERS.ordered_at < at - 4 * DAY)
        assert near[ORDERS.person[topped]].all()
        lacked, topped_up = lacked + near.sum(), topped_up + topped.sum()
    assert topped_up / lacked == pytest.approx(0.6, abs=3.5 * np.sqrt(0.24 / lacked))


def test_no_top_ups_leave_no_heap_above_the_threshold() -> None:
    def heap(top_up: float) -> float:
        sales = MEMBERS.shop(BUYING, replace(TIERING, top_up=top_up), stream=draws(SEED))
        basis = sales.reviews.basis_fen
        above = ((basis >= 48_000) & (basis < 51_000)).sum()
        return float(above / ((basis >= 45_000) & (basis < 51_000)).sum())

    assert heap(0.0) == pytest.approx(0.5, abs=0.08)
    assert heap(1.0) > 0.8


def followers(tier: str) -> tuple[int, int]:
    """Members of a tier who stay for 30 days after a review, and those with a jump order then."""
    members = jumps = 0
    for day in list_reviews(YEAR)[:9]:
        at = YEAR.second(day)
        here = REVIEWS.at == at
        person = REVIEWS.person[here & (REVIEWS.tier == TIERS.index(tier))]
        person = person[MEMBERS.stay.left_at[person] > at + 30 * DAY]
        inside = (ORDERS.kind == JUMP) & (ORDERS.at >= at) & (ORDERS.at < at + 30 * DAY)
        members += len(person)
        jumps += int(np.isin(person, ORDERS.person[inside]).sum())
    return members, jumps


def test_gold_and_diamond_bring_a_further_order_and_silver_none() -> None:
    for tier in ("gold", "diamond"):
        members, jumps = followers(tier)
        assert jumps / members == pytest.approx(0.8, abs=3.5 * np.sqrt(0.16 / members))
    members, jumps = followers("silver")
    assert members > 500
    assert jumps == 0


def test_without_the_jump_there_is_no_such_order_and_the_rest_stays() -> None:
    calm = MEMBERS.shop(BUYING, replace(TIERING, gold_jump=0.0), stream=draws(SEED)).orders
    assert JUMP not in calm.kind
    for kind in (FIRST, KINDS.index("repeat")):
        before = [
            orders.at[(orders.kind == kind) & (orders.at < OFFERED_AT)] for orders in (calm, ORDERS)
        ]
        assert before[0].tolist() == before[1].tolist()


def test_the_offers_are_an_experiment_by_lot_within_each_tier() -> None:
    (offers,) = SALES.assignments
    assert offers.experiment == EXPERIMENT
    assert offers.arms == ARMS
    assert offers.strata == TIERS
    assert set(offers.at) == {OFFERED_AT}
    review = REVIEWS.at == YEAR.second(TIERING.offer_day)
    tier = dict(zip(REVIEWS.person[review], REVIEWS.tier[review], strict=True))
    assert [tier[person] for person in offers.person] == offers.stratum.tolist()
    settled = MEMBERS.stay.added_at[offers.person] <= YEAR.second(TIERING.offer_day) - 33 * DAY
    assert settled.all()
    share = np.bincount(offers.arm) / len(offers.arm)
    assert share == pytest.approx(np.full(3, 1 / 3), abs=3.5 * 0.47 / np.sqrt(len(offers.arm)))


def test_only_early_access_costs_something_at_once() -> None:
    (offers,) = SALES.assignments
    assert {
        (ARMS[arm], int(fen)) for arm, fen in zip(offers.arm, offers.cost_fen, strict=True)
    } == {
        ("none", 0),
        ("discount", 0),
        ("early_access", 300),
    }


def test_an_offer_brings_its_share_of_further_orders_to_each_tier() -> None:
    (offers,) = SALES.assignments
    extra = ORDERS.kind == OFFER
    assert (ORDERS.at[extra] >= OFFERED_AT).all()
    assert (ORDERS.at[extra] < OFFERED_UNTIL).all()
    stays = MEMBERS.stay.left_at[offers.person] > OFFERED_UNTIL
    has = np.isin(offers.person, ORDERS.person[extra])
    for a, arm in enumerate(ARMS):
        for t, tier in enumerate(TIERS):
            here = stays & (offers.arm == a) & (offers.stratum == t)
            share = TIERING.offer_extra[arm][tier]
            error = 3.5 * np.sqrt(share * (1 - share) / here.sum())
            assert has[here].mean() == pytest.approx(share, abs=error + 1e-12)


def test_the_discount_costs_diamond_its_share_of_other_orders_and_the_rest_nothing() -> None:
    none = MEMBERS.shop(BUYING, give("none"), stream=draws(SEED))
    some = MEMBERS.shop(BUYING, give("discount"), stream=draws(SEED))
    (offers,) = none.assignments
    person = {tier: offers.person[offers.stratum == t] for t, tier in enumerate(TIERS)}

    def count(sales: Any, tier: str) -> int:
        orders = sales.orders
        kept = ~np.isin(orders.kind, (OFFER, TOP_UP, FIRST, JUMP))
        inside = kept & (orders.at >= OFFERED_AT) & (orders.at < OFFERED_UNTIL)
        return int(np.isin(orders.person[inside], person[tier]).sum())

    for tier in ("ordinary", "silver", "gold"):
        assert count(some, tier) == count(none, tier) > 0
    had = count(none, "diamond")
    assert count(some, "diamond") / had == pytest.approx(0.35, abs=3.5 * np.sqrt(0.23 / had))


def test_the_discount_shows_as_a_coupon_of_eight_per_cent_of_the_listed_price() -> None:
    (offers,) = SALES.assignments
    arm = np.full(len(MEMBERS.people), -1)
    arm[offers.person] = offers.arm
    inside = (ORDERS.at >= OFFERED_AT) & (ORDERS.at < OFFERED_UNTIL)
    reduced = inside & (arm[ORDERS.person] == ARMS.index("discount"))
    listed = ORDERS.amount_fen + ORDERS.coupon_fen
    assert reduced.sum() > 100
    assert np.abs(ORDERS.coupon_fen[reduced] - 0.08 * listed[reduced]).max() <= 0.5
    assert set(ORDERS.coupon_fen[~reduced]) == {0, 1_000, 2_000}


def test_before_the_offers_everything_is_the_same_in_every_arm() -> None:
    def early(tiering: Tiering) -> list[int]:
        orders = MEMBERS.shop(BUYING, tiering, stream=draws(SEED)).orders
        return orders.amount_fen[orders.at < OFFERED_AT].tolist()

    assert early(give("none")) == early(give("discount")) == early(TIERING)


def test_an_observation_without_the_day_of_the_offers_has_none() -> None:
    summer = Frame(
        first_day=date(2025, 4, 1), last_day=date(2025, 9, 30), change_day=date(2025, 7, 1)
    )
    sales = MEMBERS.shop(BUYING, TIERING, stream=draws(SEED), frame=summer)
    assert sales.assignments == ()
    assert OFFER not in sales.orders.kind
    assert (sales.orders.at < summer.end).all()


def test_a_month_without_a_first_has_no_review() -> None:
    short = Frame(
        first_day=date(2025, 4, 1), last_day=date(2025, 4, 30), change_day=date(2025, 4, 9)
    )
    sales = MEMBERS.shop(BUYING, TIERING, stream=draws(SEED), frame=short)
    assert len(sales.reviews.at) == 0
    assert tabulate_tiers(Columns(frame=short), sales.reviews).num_rows == 0


def test_the_table_has_the_columns_of_the_contract_and_a_row_per_member_and_review() -> None:
    table = tabulate_tiers(Columns(frame=YEAR), REVIEWS)
    assert table.column_names == list(TABLES["tiers"].columns)
    keys = list(zip(*(table[name].to_pylist() for name in TABLES["tiers"].key), strict=True))
    assert len(set(keys)) == table.num_rows == len(REVIEWS.at)
    assert set(table["tier"].to_pylist()) == set(TIERS)
    assert int(sum(table["basis_cny"].to_pylist()) * 100) == REVIEWS.basis_fen.sum()


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"basis_days": 0}, "tiering.basis_days = 0 must be at least 1; use whole days"),
        ({"gold_jump": -0.1}, "tiering.gold_jump = -0.1 must be at least 0 and at most 1"),
        ({"discount": 1.0}, "tiering.discount = 1 must be below 1; use 0.08 for 8%"),
        ({"early_access_fen": -1}, "tiering.early_access_fen = -1 must be at least 0"),
        (
            {"thresholds_cny": {"silver": 300.0, "gold": 120.0, "diamond": 650.0}},
            "tiering.thresholds_cny = [300.0, 120.0, 650.0] must rise from silver to diamond",
        ),
        ({"offer_day": date(2026, 2, 2)}, "tiering.offer_day = 2026-02-02 must be the first of a"),
        (
            {"offer_shares": dict(zip(ARMS, (0.5, 0.4, 0.3), strict=True))},
            "tiering.offer_shares sums to 1.2 and must sum to 1",
        ),
        (
            {"offer_lost": TIERING.offer_lost | {"none": dict.fromkeys(TIERS, 2.0)}},
            "tiering.offer_lost.none.ordinary = 2.0 must be at least 0 and at most 1",
        ),
    ],
)
def test_a_setting_out_of_range_is_named(setting: dict[str, Any], message: str) -> None:
    assert next(iter(Tiering(**setting).problems())).startswith(message)


def test_the_defaults_keep_every_rule() -> None:
    assert list(Tiering().problems()) == []
