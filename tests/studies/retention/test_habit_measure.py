"""Second orders and gaps: the engine against a count person by person, by hand, and bad input."""

from __future__ import annotations

import datetime as dt
import random
import statistics
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
from siyu.data import Source, open_source
from siyu.studies.retention import Definition, RetentionError
from siyu.studies.retention.habit import (
    compare_repeats,
    measure_gaps,
    measure_purchases,
    repeat_curve,
    repeat_rates,
    usage_interval,
)

from tests.studies.funnel.builders import open_shop, write_tables
from tests.studies.retention.builders import LAST, ZONE, at
from tests.studies.retention.builders import Person as Visitor
from tests.studies.retention.builders import shop as visited

END = dt.datetime.combine(LAST + dt.timedelta(days=1), dt.time(), tzinfo=ZONE)
RETURNS = Definition(return_events=["browse"], days=[1])


@dataclass(frozen=True)
class Buyer:
    """Who bought: per order the instant, the amount and what was paid back (None: not known)."""

    orders: list[tuple[dt.datetime, int, int | None]] = field(default_factory=list)
    left_at: dt.datetime | None = None
    channel: str = "social"


def bought(*moments: str) -> list[tuple[dt.datetime, int, int | None]]:
    return [(at(one), 10, None) for one in moments]


def shop(folder: Path, buyers: list[Buyer], *, as_of: str = "", **options) -> Source:
    people = [(f"{i:04}", one) for i, one in enumerate(buyers)]
    users = [
        {"user_id": name, "left_at": one.left_at, "channel": one.channel} for name, one in people
    ]
    orders = [
        {"user_id": name, "paid_at": when, "amount_cny": Decimal(paid), "refunded_cny": back}
        for name, one in people
        for when, paid, back in one.orders
    ]
    for i, order in enumerate(orders):
        back = order["refunded_cny"]
        order |= {"order_id": f"{i}", "refunded_cny": None if back is None else Decimal(back)}
    event = {"user_id": "nobody", "occurred_at": at("1 12:00"), "event": "browse"}
    tables = {"users": [*users, {"user_id": "nobody"}], "orders": orders} | options
    return open_shop(folder, [event], as_of=as_of, **tables)


def by_hand(buyers: list[Buyer], *, first: dt.date, repeat_days: int) -> Counter:
    """How many buyers were followed how long, and what came first when, as the text defines it."""
    found: Counter = Counter()
    for one in buyers:
        kept = [when for when, paid, back in one.orders if not (back and back >= paid)]
        moments = sorted(when for when in kept if when < END)
        days = sorted({when.astimezone(ZONE).date() for when in moments})
        if not days or days[0] < first:
            continue
        if one.left_at is not None and one.left_at < moments[0]:
            continue
        left = one.left_at if one.left_at is not None and one.left_at < END else None
        second = [when for when in moments if when.astimezone(ZONE).date() > days[0]][:1]
        if second and (left is None or second[0] <= left):
            outcome, until = 1, second[0].astimezone(ZONE).date()
        elif left is not None:
            outcome, until = 2, left.astimezone(ZONE).date()
        else:
            outcome, until = 0, LAST
        time, seen = (until - days[0]).days, (LAST - days[0]).days
        if time > repeat_days:
            outcome, time = 0, repeat_days
        found[min(seen, repeat_days), time, outcome] += 1
    return found


def found(purchases) -> Counter:
    rows = purchases.buyers.groupby(["seen", "time", "outcome"])["n"].sum()
    return Counter({tuple(map(int, key)): int(n) for key, n in rows.items()})


def some_buyers(seed: int, n: int = 80) -> list[Buyer]:
    """Buyers with midnights, ties, refunds whole and partial, free goods, and leavers."""
    rng = random.Random(seed)

    def moment() -> dt.datetime:
        day = dt.datetime(2026, 1, rng.choice([1, 2, 3, 10, 30, 31, rng.randint(1, 31)]))
        return day.replace(tzinfo=ZONE) + dt.timedelta(
            seconds=rng.choice([0, 1, 86_399, rng.randrange(86_400)])
        )

    buyers = []
    for _ in range(n):
        moments = [moment() for _ in range(rng.randint(0, 4))]
        moments += moments[:1] if rng.random() < 0.2 else []
        orders = [
            (when, *rng.choice([(10, None), (10, 0), (10, 4), (10, 10), (0, 0), (0, None)]))
            for when in moments
        ]
        left = rng.choice([None, None, moment(), *moments[-1:]])
        buyers.append(Buyer(orders, left, rng.choice(["social", "online"])))
    return buyers


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(("period_days", "repeat_days"), [(31, 5), (31, 40), (29, 1)])
def test_the_engine_follows_buyers_as_a_count_person_by_person_does(
    tmp_path, seed, period_days, repeat_days
):
    buyers = some_buyers(seed)
    purchases = measure_purchases(
        shop(tmp_path, buyers), period_days=period_days, repeat_days=repeat_days, min_users=1
    )
    first = LAST - dt.timedelta(days=period_days - 1)
    assert found(purchases) == by_hand(buyers, first=first, repeat_days=repeat_days)
    orders = [order for one in buyers for order in one.orders]
    refunded = sum(bool(back) and back >= paid for _, paid, back in orders)
    assert (purchases.n_orders, purchases.n_refunded) == (len(orders), refunded)


def test_five_buyers_by_hand(tmp_path):
    """Again after 3 days; twice on a day only; refunded in between; left before; too new.

    Within 5 days: of the four followed so long one bought again; the fifth was not followed.
    """
    buyers = [
        Buyer(bought("2 10:00", "5 00:00")),
        Buyer(bought("2 00:00", "2 23:59")),
        Buyer([*bought("2 10:00"), (at("4 10:00"), 10, 10)]),
        Buyer(bought("2 10:00", "6 10:00"), left_at=at("5 10:00")),
        Buyer(bought("29 10:00", "30 10:00")),
    ]
    purchases = measure_purchases(
        shop(tmp_path, buyers), period_days=31, repeat_days=5, min_users=1
    )
    row = repeat_rates(purchases, level=0.95).iloc[0]
    assert (row.buyers, row.waiting, row.at_risk, row.repeated) == (5, 1, 4, 1)
    assert (purchases.n_orders, purchases.n_refunded, purchases.n_merged) == (10, 1, 1)
    # Of five after a day: 1/5. One left on day 3, when one of four bought again: 4/5 x 1/4 more.
    curve = repeat_curve(purchases, level=0.95).set_index("days")["incidence"]
    assert curve[1] == pytest.approx(1 / 5)
    assert curve[3] == pytest.approx(2 / 5)
    assert curve[5] == pytest.approx(2 / 5)


def test_an_order_before_the_period_makes_a_later_one_no_first_order(tmp_path):
    buyers = [Buyer(bought("1 10:00", "20 10:00")), Buyer(bought("20 10:00"))]
    purchases = measure_purchases(
        shop(tmp_path, buyers), period_days=15, repeat_days=5, min_users=1
    )
    assert purchases.n_buyers == 1
    assert purchases.observed_from == dt.date(2026, 1, 1)


def test_a_past_day_counts_what_it_could_have_known(tmp_path):
    buyers = [Buyer(bought("2 10:00", "20 10:00"), left_at=at("25 10:00"))]
    purchases = measure_purchases(
        shop(tmp_path, buyers, as_of="2026-01-12"), period_days=12, repeat_days=30, min_users=1
    )
    assert found(purchases) == Counter({(10, 10, 0): 1})


def test_row_order_does_not_matter_and_twice_the_buyers_are_twice_the_counts(tmp_path):
    buyers = some_buyers(3)
    (tmp_path / "a").mkdir(), (tmp_path / "b").mkdir()
    options = {"period_days": 31, "repeat_days": 9, "min_users": 1}
    once = found(measure_purchases(shop(tmp_path / "a", buyers), **options))
    both = [*reversed(buyers), *buyers]
    twice = found(measure_purchases(shop(tmp_path / "b", both), **options))
    assert twice == Counter({key: 2 * n for key, n in once.items()})


SPLIT = {"period_days": 31, "repeat_days": 5, "by": ["channel"]}


class TestSegments:
    def test_segments_add_up_and_are_compared_with_all_others(self, tmp_path):
        again, once = bought("2 10:00", "5 10:00"), bought("2 10:00")
        buyers = [Buyer(again, channel="a") for _ in range(40)]
        buyers += [Buyer(once, channel="b") for _ in range(38)]
        buyers += [Buyer(again, channel="b") for _ in range(2)]
        buyers += [Buyer(again, channel="c"), Buyer(once, channel="d")]
        purchases = measure_purchases(shop(tmp_path, buyers), min_users=2, **SPLIT)
        rated = repeat_rates(purchases, level=0.95).set_index("segment")
        assert rated["at_risk"].to_dict() == {"all": 82, "(small groups)": 2, "a": 40, "b": 40}
        assert rated["repeated"].to_dict() == {"all": 43, "(small groups)": 1, "a": 40, "b": 2}
        compared = compare_repeats(purchases, rated.reset_index(), level=0.95)
        assert compared.set_index("segment")["verdict"].to_dict() == {
            "a": "higher",
            "(small groups)": "unclear",
            "b": "lower",
        }
        assert purchases.segments == {"a": {"channel": "a"}, "b": {"channel": "b"}}

    def test_a_segment_of_whom_few_were_followed_is_small(self, tmp_path):
        buyers = [Buyer(bought("2 10:00"), channel="a") for _ in range(6)]
        buyers += [Buyer(bought("30 10:00"), channel="b") for _ in range(5)]
        buyers += [Buyer(bought("2 10:00"), channel="b")]
        purchases = measure_purchases(shop(tmp_path, buyers), min_users=5, **SPLIT)
        assert purchases.segments == {}
        assert set(purchases.buyers["segment"]) == {"(small groups)"}

    def test_a_column_that_tells_who_buys_again_is_refused(self, tmp_path):
        buyers = [Buyer(bought("2 10:00", "5 10:00"), channel="loyal") for _ in range(30)]
        buyers += [Buyer(bought("2 10:00"), channel="new") for _ in range(30)]
        purchases = measure_purchases(shop(tmp_path, buyers), **SPLIT)
        assert "nearly all buyers buy again or none does" in purchases.refused[0]
        assert set(purchases.buyers["segment"]) == {"all"}


FIVE_DAYS = {"period_days": 31, "repeat_days": 5, "min_users": 1}


class TestBadOrders:
    def test_without_the_table_of_orders_nobody_is_counted_and_it_is_known_why(self, tmp_path):
        event = {"user_id": "a", "occurred_at": at("2 10:00"), "event": "browse"}
        purchases = measure_purchases(open_shop(tmp_path, [event]), **FIVE_DAYS)
        assert not purchases.has_orders
        assert purchases.n_buyers == 0
        assert repeat_rates(purchases, level=0.95)["rate"].isna().all()

    def test_whose_orders_are_all_refunded_is_no_buyer(self, tmp_path):
        orders = [(at("2 10:00"), 10, 10), (at("5 10:00"), 10, 12)]
        purchases = measure_purchases(shop(tmp_path, [Buyer(orders)]), **FIVE_DAYS)
        assert purchases.n_buyers == purchases.n_merged == 0
        assert purchases.n_orders == purchases.n_refunded == 2
        assert repeat_rates(purchases, level=0.95)["rate"].isna().all()

    def test_an_empty_table_of_orders(self, tmp_path):
        pool = shop(tmp_path, [Buyer(bought("2 10:00"))], as_of="2026-01-01")
        purchases = measure_purchases(pool, **FIVE_DAYS)
        assert (purchases.n_orders, purchases.n_buyers, purchases.has_orders) == (0, 0, True)
        assert repeat_curve(purchases, level=0.95).empty

    def test_one_buyer(self, tmp_path):
        purchases = measure_purchases(
            shop(tmp_path, [Buyer(bought("2 10:00", "7 23:59"))]), **FIVE_DAYS
        )
        assert repeat_rates(purchases, level=0.95).iloc[0].repeated == 1

    def test_without_refunds_and_leaving_all_orders_count_and_all_stay(self, tmp_path):
        orders = [
            {"order_id": f"{i}", "user_id": "a", "paid_at": at(f"{day} 10:00"), "amount_cny": 1}
            for i, day in enumerate((2, 5))
        ]
        pool = shop(tmp_path, [], orders=orders, users=[{"user_id": "nobody"}, {"user_id": "a"}])
        purchases = measure_purchases(pool, **FIVE_DAYS)
        assert not purchases.has_refunds
        assert found(purchases) == Counter({(5, 3, 1): 1})

    @pytest.mark.parametrize("name", ["period_days", "repeat_days", "min_users"])
    def test_a_number_below_one_is_refused(self, tmp_path, name):
        pool = shop(tmp_path, [Buyer(bought("2 10:00"))])
        with pytest.raises(RetentionError, match=f"{name} = 0 must be at least 1"):
            measure_purchases(pool, **(FIVE_DAYS | {name: 0}))


def gaps_by_hand(people: list[Visitor], *, first: dt.date) -> tuple[Counter, Counter, int, int]:
    """Per user the median gap, and what followed the first active day; users with no day or one."""
    medians, following, none, one = Counter(), Counter(), 0, 0
    for person in people:
        left = None if person.left_at is None else person.left_at.astimezone(ZONE).date()
        if left is not None and left < first:
            continue
        back = [when for when in person.back_at if when >= person.added_at]
        days = sorted({when.astimezone(ZONE).date() for when in back})
        days = [day for day in days if day >= first]
        gaps = [(b - a).days for a, b in pairwise(days)]
        none += not days
        one += len(days) == 1
        if gaps:
            medians[float(statistics.median(gaps))] += 1
            following[gaps[0], 1] += 1
        elif days:
            until = LAST if left is None else left
            following[max((until - days[0]).days, 0), 0 if left is None else 2] += 1
    return medians, following, none, one


def some_visitors(seed: int) -> list[Visitor]:
    rng = random.Random(seed)

    def moment() -> dt.datetime:
        day = dt.datetime(2026, 1, rng.randint(1, 31), tzinfo=ZONE)
        return day + dt.timedelta(seconds=rng.choice([0, 86_399, rng.randrange(86_400)]))

    people = []
    for _ in range(60):
        added = min(moment(), moment())
        left = max(added, moment()) if rng.random() < 0.4 else None
        people.append(Visitor(added, left, [moment() for _ in range(rng.randint(0, 9))]))
    return people


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("period_days", [31, 17])
def test_the_engine_finds_each_users_median_gap(tmp_path, seed, period_days):
    people = some_visitors(seed)
    gaps = measure_gaps(visited(tmp_path, people), RETURNS, period_days=period_days)
    first = LAST - dt.timedelta(days=period_days - 1)
    medians, following, none, one = gaps_by_hand(people, first=first)
    assert dict(gaps.medians.itertuples(index=False)) == medians
    own = {(int(t), int(o)): n for t, o, n in gaps.following.itertuples(index=False)}
    assert own == following
    assert (gaps.n_none, gaps.n_one) == (none, one)


def test_five_users_by_hand(tmp_path):
    """Gaps 1, 2 and 6: median 2; 3 and 4: 3.5; across midnight: 1; one day twice: none; nobody."""
    added = at("1 10:00")
    people = [
        Visitor(added, None, [at(f"{day} 12:00") for day in (2, 3, 5, 11)]),
        Visitor(added, None, [at(f"{day} 12:00") for day in (20, 23, 27)]),
        Visitor(added, None, [at("8 23:59"), at("9 00:00")]),
        Visitor(added, at("30 10:00"), [at("8 00:00"), at("8 23:59")]),
        Visitor(added, None, []),
    ]
    gaps = measure_gaps(visited(tmp_path, people), RETURNS, period_days=31, min_users=1)
    assert dict(gaps.medians.itertuples(index=False)) == {1: 1, 2: 1, 3.5: 1}
    assert (gaps.n_users, gaps.n_one, gaps.n_none) == (3, 1, 1)
    usage = usage_interval(gaps, level=0.5)
    assert usage["gap_days"].isna().all()  # three bound no 80th percentile


class TestBadReturns:
    def test_an_unknown_event_is_named_with_the_nearest_one(self, tmp_path):
        pool = visited(tmp_path, [Visitor(at("2 10:00"))])
        asked = Definition(return_events=["brows"])
        with pytest.raises(RetentionError, match="did you mean 'browse'"):
            measure_gaps(pool, asked, period_days=31)

    def test_without_a_return_event_there_are_no_gaps_and_it_is_known_why(self, tmp_path):
        pool = visited(tmp_path, [Visitor(at("2 10:00"))])
        gaps = measure_gaps(pool, Definition(retained_as="connected"), period_days=31)
        assert not gaps.has_returns
        assert gaps.n_users == 0

    def test_without_events_there_are_no_gaps_either(self, tmp_path):
        order = {"order_id": "1", "user_id": "a", "paid_at": at("2 10:00"), "amount_cny": 1}
        write_tables(tmp_path, layout={}, users=[{"user_id": "a"}], orders=[order])
        gaps = measure_gaps(open_source(tmp_path, as_of="2026-01-02"), RETURNS, period_days=31)
        assert not gaps.has_returns

    def test_where_nobody_is_known_to_leave_everybody_is_followed_to_the_end(self, tmp_path):
        event = {"user_id": "a", "occurred_at": at("3 10:00"), "event": "browse"}
        pool = open_shop(tmp_path, [event], users=[{"user_id": "a", "added_at": at("2 10:00")}])
        gaps = measure_gaps(pool, RETURNS, period_days=31)
        assert gaps.following.to_numpy().tolist() == [[28, 0, 1]]

    def test_nobody_was_active(self, tmp_path):
        gaps = measure_gaps(visited(tmp_path, [Visitor(at("2 10:00"))]), RETURNS, period_days=31)
        assert (gaps.n_users, gaps.n_one, gaps.n_none) == (0, 0, 1)

    @pytest.mark.parametrize("option", [{"period_days": 0}, {"period_days": 31, "min_users": 0}])
    def test_a_number_below_one_is_refused(self, tmp_path, option):
        pool = visited(tmp_path, [Visitor(at("2 10:00"))])
        with pytest.raises(RetentionError, match="must be at least 1"):
            measure_gaps(pool, RETURNS, **option)
