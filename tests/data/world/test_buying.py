"""Repeat orders follow the process of their parameters, amounts theirs, until the member leaves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import chisquare, kstest
from siyu.data.contract import LURES, TABLES
from siyu.data.world.buying import Buying, draft_orders, draw_sales, open_shop, tabulate_orders
from siyu.data.world.columns import Columns
from siyu.data.world.draws import DAY, NEVER
from siyu.data.world.items import list_items
from siyu.data.world.orders import FIRST, KINDS, PUSH, REPEAT, TOP_UP
from siyu.data.world.people import TAGS
from siyu.data.world.staying import Stay
from siyu.data.world.tiering import ARMS, Tiering
from siyu.data.world.truths.buying import expect_repeat_orders

from tests.data.world.shopping import NOBODY, YEAR, Members, draws, recruit

SEED = 11
MEMBERS = recruit(20_000, stream=draws(SEED))
SALES = MEMBERS.shop(Buying(), Tiering(), stream=draws(SEED))
ORDERS = SALES.orders
QUIET = Tiering(
    gold_jump=0.0, top_up=0.0, offer_shares=dict(zip(ARMS, (1.0, 0.0, 0.0), strict=True))
)
"""No tier and no offer does anything."""


def from_the_start(users: int) -> Members:
    """Everyone orders in the first second, and stays for good."""
    members = recruit(users, stream=draws(SEED)).forever()
    zero = np.zeros(users, dtype=np.int64)
    stay: Stay = replace(members.stay, added_at=zero)
    return replace(members, stay=stay, ordered_at=zero, extra=NOBODY)


def test_every_first_order_of_the_first_contact_is_an_order() -> None:
    first = ORDERS.kind == FIRST
    buyers = np.flatnonzero(MEMBERS.ordered_at < NEVER)
    assert sorted(ORDERS.person[first]) == buyers.tolist()
    assert (ORDERS.at[first] == MEMBERS.ordered_at[ORDERS.person[first]]).all()


def test_nothing_is_ordered_before_the_first_order_after_leaving_or_after_the_observation() -> None:
    assert (ORDERS.at < MEMBERS.stay.left_at[ORDERS.person]).all()
    assert (ORDERS.at < YEAR.end).all()
    repeated = ORDERS.kind == REPEAT
    assert (ORDERS.at[repeated] > MEMBERS.ordered_at[ORDERS.person[repeated]]).all()


def test_orders_are_in_time_order() -> None:
    assert (np.diff(ORDERS.at) >= 0).all()


def test_repeat_orders_in_even_time_are_as_many_as_the_formula_expects() -> None:
    buying = Buying(even=True)
    orders = from_the_start(30_000).shop(buying, QUIET, stream=draws(12)).orders
    for days in (30, 90, 180, 364):
        count = np.bincount(
            orders.person[(orders.kind == REPEAT) & (orders.at < days * DAY)], minlength=30_000
        )
        error = count.std() / np.sqrt(len(count))
        assert abs(count.mean() - expect_repeat_orders(buying, days)) < 3.5 * error


def test_the_share_without_a_repeat_order_is_that_of_a_gamma_mixture() -> None:
    # Nobody stops before a repeat order: P(none by t) = (alpha / (alpha + t)) ** r.
    buying = Buying(even=True, r=0.7, alpha=15.0)
    orders = from_the_start(30_000).shop(buying, QUIET, stream=draws(13)).orders
    again = np.unique(orders.person[(orders.kind == REPEAT) & (orders.at < 60 * DAY)])
    none = (15 / (15 + 60)) ** 0.7
    assert 1 - len(again) / 30_000 == pytest.approx(
        none, abs=3.5 * np.sqrt(none * (1 - none) / 3e4)
    )


def test_the_process_equals_one_drawn_person_by_person() -> None:
    buying = Buying(even=True)
    rng = np.random.default_rng(14)

    def count_repeats() -> int:
        rate, stop = rng.gamma(buying.r, 1 / buying.alpha), rng.beta(buying.a, buying.b)
        passed, orders = rng.exponential(1 / rate), 0
        while passed < 200:
            orders += 1
            if rng.random() < stop:
                break
            passed += rng.exponential(1 / rate)
        return orders

    naive = np.array([count_repeats() for _ in range(10_000)])
    orders = from_the_start(10_000).shop(buying, QUIET, stream=draws(15)).orders
    inside = (orders.kind == REPEAT) & (orders.at < 200 * DAY)
    drawn = np.bincount(orders.person[inside], minlength=10_000)
    for least in (1, 2, 5, 10):
        shares = np.array([(naive >= least).mean(), (drawn >= least).mean()])
        spread = np.sqrt(2 * shares.mean() * (1 - shares.mean()) / 10_000)
        assert abs(shares[0] - shares[1]) < 3.5 * spread


def test_in_business_time_every_day_brings_orders_by_its_weight() -> None:
    # Hardly anybody stops: given the total, the orders of the days are multinomial.
    endless = Buying(a=0.01, b=99.0, r=5.0, alpha=100.0)
    orders = from_the_start(5_000).shop(endless, QUIET, stream=draws(16)).orders
    per_day = np.bincount(orders.at[orders.kind == REPEAT] // DAY, minlength=YEAR.days)
    weight = YEAR.rhythm * YEAR.festivals
    assert chisquare(per_day, per_day.sum() * weight / weight.sum()).pvalue > 0.001
    assert chisquare(per_day, np.full(365, per_day.sum() / 365)).pvalue < 1e-9


def test_amounts_scaled_by_the_buyers_rate_follow_one_gamma_distribution() -> None:
    shop = open_shop(
        Buying(), YEAR, MEMBERS.stay, ordered_at=MEMBERS.ordered_at, stream=draws(SEED)
    )
    free = ORDERS.kind != TOP_UP
    scaled = ORDERS.amount_fen[free] / 100 * shop.rate[ORDERS.person[free]]
    assert kstest(scaled, "gamma", args=(Buying().p,)).pvalue > 0.001


def test_the_mean_first_order_is_what_the_parameters_say() -> None:
    buying = Buying()
    amount = ORDERS.amount_fen[ORDERS.kind == FIRST] / 100
    mean = buying.p * buying.gamma / (buying.q - 1)
    assert amount.mean() == pytest.approx(mean, abs=3.5 * amount.std() / np.sqrt(len(amount)))


def test_the_lure_coupon_is_redeemed_on_first_orders_of_those_who_came_for_it() -> None:
    lured = MEMBERS.stay.lure[ORDERS.person] == LURES.index("coupon")
    first = ORDERS.kind == FIRST
    redeemed = ORDERS.coupon_fen[first & lured]
    assert set(redeemed) == {0, 2_000}
    assert (redeemed > 0).mean() == pytest.approx(0.55, abs=3.5 * 0.5 / np.sqrt(len(redeemed)))
    others = ORDERS.coupon_fen[first & ~lured]
    assert set(others) == {0, 1_000}
    assert (others > 0).mean() == pytest.approx(0.15, abs=3.5 * 0.36 / np.sqrt(len(others)))


def test_the_margin_is_the_amount_less_the_cost_of_goods_and_nothing_after_a_refund() -> None:
    share = list_items(YEAR).margin_share[ORDERS.item]
    listed = ORDERS.amount_fen + ORDERS.coupon_fen
    kept = ORDERS.refunded_fen == 0
    error = ORDERS.margin_fen - (listed * share - ORDERS.coupon_fen)
    assert np.abs(error[kept]).max() <= 0.5 + 1e-6
    assert (ORDERS.refunded_fen[~kept] == ORDERS.amount_fen[~kept]).all()
    assert (ORDERS.margin_fen[~kept] == 0).all()
    free = kept.sum() + (~kept).sum() - (ORDERS.kind == TOP_UP).sum()
    assert (~kept).sum() / free == pytest.approx(0.04, abs=3.5 * 0.2 / np.sqrt(free))


def test_orders_from_pushes_are_priced_and_come_when_the_push_says() -> None:
    pushed = ORDERS.kind == PUSH
    person, at = MEMBERS.extra
    inside = at < np.minimum(MEMBERS.stay.left_at[person], YEAR.end)
    spared = set(zip(person[inside], at[inside], strict=True))
    drawn = set(zip(ORDERS.person[pushed], ORDERS.at[pushed], strict=True))
    assert drawn <= spared
    assert len(drawn) > 0.98 * len(spared)
    assert (ORDERS.amount_fen[pushed] > 0).all()


def rows(sales_orders: object, *, kinds: tuple[int, ...]) -> list[tuple[int, ...]]:
    chosen = np.isin(sales_orders.kind, kinds)
    names = ("at", "person", "amount_fen", "coupon_fen", "refunded_fen", "item")
    return sorted(zip(*(getattr(sales_orders, name)[chosen] for name in names), strict=True))


def test_what_tiers_do_leaves_all_other_orders_as_they_are() -> None:
    calm = MEMBERS.shop(Buying(), QUIET, stream=draws(SEED)).orders
    offers = Tiering(
        offer_lost=QUIET.offer_lost | {"discount": QUIET.offer_lost["none"]}, discount=0
    )
    busy = MEMBERS.shop(Buying(), offers, stream=draws(SEED)).orders
    own = (FIRST, REPEAT, PUSH)
    before = YEAR.second(Tiering().offer_day)
    assert [row for row in rows(calm, kinds=own) if row[0] < before] == [
        row for row in rows(busy, kinds=own) if row[0] < before
    ]
    assert {KINDS[kind] for kind in np.unique(calm.kind)} == {"first", "repeat", "push"}


def test_pushes_leave_all_other_orders_as_they_are() -> None:
    person, at = MEMBERS.extra
    fewer = replace(MEMBERS, extra=(person[::2], at[::2])).shop(Buying(), QUIET, stream=draws(SEED))
    calm = MEMBERS.shop(Buying(), QUIET, stream=draws(SEED))
    own = (FIRST, REPEAT)
    assert rows(fewer.orders, kinds=own) == rows(calm.orders, kinds=own)
    kept = set(rows(fewer.orders, kinds=(PUSH,)))
    assert len(kept & set(rows(calm.orders, kinds=(PUSH,)))) > 0.4 * len(kept)


def test_refunds_change_nothing_but_refunds_margins_and_tiers() -> None:
    calm = MEMBERS.shop(Buying(), QUIET, stream=draws(SEED)).orders
    none = MEMBERS.shop(Buying(refund_share=0.0), QUIET, stream=draws(SEED)).orders
    for name in ("person", "at", "amount_fen", "coupon_fen", "item"):
        assert (getattr(calm, name) == getattr(none, name)).all()
    assert none.refunded_fen.sum() == 0 < calm.refunded_fen.sum()


def test_people_who_come_later_change_nothing_for_those_before_them() -> None:
    friends = recruit(500, stream=draws(99))
    together = draw_sales(
        Buying(),
        Tiering(),
        YEAR,
        MEMBERS.people.join(friends.people),
        MEMBERS.stay.join(friends.stay),
        ordered_at=np.concatenate([MEMBERS.ordered_at, friends.ordered_at]),
        extra=MEMBERS.extra,
        stream=draws(SEED),
    )
    old = together.orders.person < len(MEMBERS.people)
    for name in ("person", "at", "amount_fen", "margin_fen", "item"):
        assert (getattr(together.orders, name)[old] == getattr(ORDERS, name)).all()
    reviewed = together.reviews.person < len(MEMBERS.people)
    assert (together.reviews.basis_fen[reviewed] == SALES.reviews.basis_fen).all()


def test_drafted_orders_of_the_shop_are_the_orders_without_tiers() -> None:
    shop = open_shop(
        Buying(), YEAR, MEMBERS.stay, ordered_at=MEMBERS.ordered_at, stream=draws(SEED)
    )
    drafts = draft_orders(Buying(), shop, extra=MEMBERS.extra, stream=draws(SEED))
    calm = MEMBERS.shop(Buying(), QUIET, stream=draws(SEED)).orders
    assert sorted(drafts.amount_fen) == sorted(calm.amount_fen)


def test_nobody_who_never_orders_buys_anything_without_pushes_and_offers() -> None:
    nobody = replace(MEMBERS, ordered_at=np.full_like(MEMBERS.ordered_at, NEVER), extra=NOBODY)
    assert len(nobody.shop(Buying(), QUIET, stream=draws(SEED)).orders.at) == 0


def test_the_table_has_the_columns_of_the_contract_and_its_own_numbers() -> None:
    table = tabulate_orders(Columns(frame=YEAR, block=2), ORDERS)
    assert table.column_names == list(TABLES["orders"].columns)
    assert table.num_rows == len(ORDERS.at)
    first = table.slice(0, 1).to_pylist()[0]
    assert first["order_id"] == "A0020000001"
    assert first["user_id"] == str(2 * 10**6 + int(ORDERS.person[0]) + 1)
    assert int(first["amount_cny"] * 100) == ORDERS.amount_fen[0]
    assert set(table["category"].to_pylist()) == set(TAGS)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"alpha": 0.0}, "buying.alpha = 0.0 must be above 0; give a positive number"),
        ({"q": 1.0}, "buying.q = 1.0 must be above 1; give a positive number"),
        ({"coupon_fen": -1}, "buying.coupon_fen = -1 must be at least 0; give a positive number"),
        (
            {"taste": 1.2},
            "buying.taste = 1.2 must be at least 0 and at most 1; give a fraction, 0.3 for 30%",
        ),
    ],
)
def test_a_setting_out_of_range_is_named(setting: dict[str, float], message: str) -> None:
    assert list(Buying(**setting).problems()) == [message]


def test_the_defaults_keep_every_rule() -> None:
    assert list(Buying().problems()) == []
