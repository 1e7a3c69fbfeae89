"""Which orders and which tiers there are: none, none that counts, and tiers in no known order."""

from __future__ import annotations

from datetime import UTC

import pytest
from siyu.studies.tiers import (
    Definition,
    TierError,
    find_members,
    future,
    pick_high,
    rfm,
    say_counted,
)

from tests.studies.tiers.upgrade.builders import DAY, REVIEWS, members_of, open_pool, shop


def changed(table, **values):
    return shop() | {table: [row | values for row in shop()[table]]}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({name: rows for name, rows in shop().items() if name != "orders"}, "No order counts"),
        (changed("orders", refunded_cny=1e3), "left out are 8 refunded in full"),
        (changed("orders", amount_cny=-1.0), "8 of no amount"),
        (changed("orders", user_id="stranger"), "8 of people who are not in users"),
    ],
)
def test_where_no_order_counts_nothing_is_said_of_purchases(tmp_path, given, said):
    members = members_of(tmp_path, given)
    assert not members.has_orders
    assert said in say_counted(members)
    assert "No order counts, so hardly anything is told." in say_counted(members)
    assert members.orders.count().to_pandas() == 0
    found = future.measure(members)
    told = future.conclude(found, future.forecast(found, level=0.95), level=0.95)
    assert [one.status for one in told] == ["insufficient"]
    scored = rfm.measure(members)
    (*told,) = rfm.conclude(
        scored,
        segments=rfm.describe(scored, level=0.95),
        moves=rfm.move(scored, level=0.95),
        concentration=rfm.concentrate(scored, level=0.95),
    )
    assert {one.status for one in told} == {"insufficient"}


@pytest.mark.parametrize("basis", [None, 100.0])
def test_where_nothing_says_which_tier_is_higher_it_has_to_be_named(tmp_path, basis):
    pool = open_pool(tmp_path, changed("tiers", basis_cny=basis))
    with pytest.raises(
        TierError, match=r"tier_names: .* nothing says which is higher.*gold, plain"
    ):
        find_members(pool, Definition(), period_days=365)
    named = find_members(pool, Definition(tiers=["plain", "gold"]), period_days=365)
    assert named.tiers == ("plain", "gold")


@pytest.mark.parametrize("name", ["all", "全部"])
def test_a_tier_that_is_called_as_all_members_are_is_refused(tmp_path, name):
    tiers = [row | {"tier": name} if row["tier"] == "gold" else row for row in shop()["tiers"]]
    pool = open_pool(tmp_path, shop() | {"tiers": tiers})
    with pytest.raises(TierError, match=f"the name '{name}' reads like one of the reports' own"):
        find_members(pool, Definition(), period_days=365)


def test_a_tier_that_is_not_named_is_an_error_and_one_that_is_not_there_is_none(tmp_path):
    pool = open_pool(tmp_path, shop())
    with pytest.raises(TierError, match=r"tier_names = .'gold'. leaves out plain"):
        find_members(pool, Definition(tiers=["gold"]), period_days=365)
    more = find_members(pool, Definition(tiers=["plain", "gold", "black"]), period_days=365)
    assert more.tiers == ("plain", "gold")


@pytest.mark.parametrize(
    ("tiers", "named", "high"),
    [
        (("V1", "V2", "V3", "V4"), (), ("V3", "V4")),
        (("V1", "V2"), (), ("V2",)),
        (("V1",), (), ()),
        ((), (), ()),
        (("V1", "V2", "V3"), ["V2"], ("V2",)),
        (("V1", "V2", "V3"), ["gold"], ("gold",)),
    ],
)
def test_the_two_highest_tiers_are_high_where_none_is_named(tiers, named, high):
    assert pick_high(tiers, named) == high


def test_the_last_review_until_an_instant_gives_the_tier_of_who_has_not_left(tmp_path):
    """a is gold at all three reviews; b at the first two; c is plain, and leaves 10 days on."""
    members = members_of(tmp_path, shop())

    def tiers(at):
        naive = at.astimezone(UTC).replace(tzinfo=None)
        held = members.tier_at(naive).join(members.users, "number").to_pandas()
        return dict(zip(held["user_id"], held["tier"], strict=True))

    first, _, third = REVIEWS
    assert tiers(first - DAY) == {}
    assert tiers(first) == {"a": 1, "b": 1, "c": 0}
    assert tiers(first + 10 * DAY) == {"a": 1, "b": 1}  # whoever leaves at the instant has left
    assert tiers(third) == {"a": 1, "b": 0}
