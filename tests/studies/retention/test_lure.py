"""Lures on two axes: the engine against a count person by person, the price, and what is said."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from siyu.data import open_source
from siyu.language import speaking
from siyu.studies.retention import RetentionError, lure

from tests.studies.funnel.builders import open_shop, write_tables
from tests.studies.retention.builders import ZONE, at

LEVEL = 0.95
END = dt.datetime(2026, 2, 1, tzinfo=ZONE)
MINUTE = dt.timedelta(minutes=1)


def members(seed: int) -> list[dict]:
    rng = random.Random(seed)
    found = []
    for i in range(60):
        added = dt.datetime(2026, 1, rng.randint(1, 28), 12, tzinfo=ZONE)
        scans = [added - dt.timedelta(seconds=rng.choice([0, 59, 60, 61, 3600])) for _ in range(2)]
        scans.append(added + MINUTE)  # after the addition: no start of it
        left = added + dt.timedelta(seconds=rng.choice([0, 3599, 3600, 90_000]))
        found.append(
            {
                "user_id": f"{i:03}",
                "added_at": added,
                "left_at": left if rng.random() < 0.5 else None,
                "lure": rng.choice(["coupon", "service", None]),
                "scans": scans if rng.random() < 0.8 else [],
            }
        )
    return found


def shop(folder, people: list[dict], **tables):
    events = [
        {"user_id": one["user_id"], "occurred_at": when, "event": "scan"}
        for one in people
        for when in one.get("scans", [])
    ]
    users = [{k: v for k, v in one.items() if k != "scans"} for one in people]
    return open_shop(folder, events, users=users, **tables)


@pytest.mark.parametrize("seed", range(3))
def test_the_engine_agrees_with_a_count_person_by_person(tmp_path, seed):
    people = members(seed)
    found = lure.measure(shop(tmp_path, people), period_days=31, min_users=1)
    stays, joins = {}, {}
    for one in people:
        name = one["lure"] or "(unknown)"
        until = one["left_at"] or END
        key = (
            name,
            (until - one["added_at"]) // dt.timedelta(hours=1),
            int(one["left_at"] is not None),
        )
        stays[key] = stays.get(key, 0) + 1
        before = [when for when in one["scans"] if when <= one["added_at"]]
        if before:
            place = (name, (one["added_at"] - max(before)) // MINUTE + 1)
            joins[place] = joins.get(place, 0) + 1
    assert {tuple(r[:-1]): r[-1] for r in found.stays.itertuples(index=False)} == stays
    assert {tuple(r[:-1]): r[-1] for r in found.joins.itertuples(index=False)} == joins


def test_a_coupon_costs_what_the_first_order_redeemed_and_others_what_the_experiment_paid(tmp_path):
    """Of three with a coupon one redeemed 20, one too late, one not; one was added too recently.

    Who ordered first without a coupon did not redeem that of a later order. The service cost 3 and
    5; what was paid in another arm is not this lure's cost.
    """
    people = [
        {"user_id": name, "added_at": at(day), "left_at": None, "lure": which}
        for name, day, which in (
            ("a", "1 12:00", "coupon"),
            ("b", "1 12:00", "coupon"),
            ("c", "1 12:00", "coupon"),
            ("d", "30 12:00", "coupon"),
            ("e", "2 12:00", "service"),
            ("f", "2 12:00", "service"),
            ("g", "2 12:00", "service"),
        )
    ]
    # Before the addition nobody redeems the lure.
    orders = [
        {
            "order_id": str(i),
            "user_id": name,
            "paid_at": at(day),
            "amount_cny": 50,
            "coupon_cny": coupon,
        }
        for i, (name, day, coupon) in enumerate(
            [
                ("a", "3 12:00", 20),
                ("a", "4 12:00", 7),
                ("b", "20 12:00", 20),
                ("c", "1 11:00", 6),
                ("c", "5 12:00", None),
                ("c", "6 12:00", 8),
                ("d", "30 13:00", 9),
            ]
        )
    ]
    drawn = [
        {
            "experiment": "x",
            "user_id": name,
            "arm": arm,
            "assigned_at": at("2 11:00"),
            "cost_cny": c,
        }
        for name, arm, c in (("e", "service", 3), ("f", "service", 5), ("g", "coupon", 9))
    ]
    again = {"experiment": "y", "user_id": "e", "arm": "service", "assigned_at": at("3 11:00")}
    drawn.append(again | {"cost_cny": 40})
    pool = shop(tmp_path, people, orders=orders, assignments=drawn)
    found = lure.measure(pool, period_days=31, cost_days=10, min_users=1).costs.set_index("lure")
    assert found.loc["coupon"].tolist() == [3, 20, 400]
    assert found.loc["service"].tolist() == [2, 8, 34]


def reduced(*, fast=(5, 60), days=(20, 70), n: int = 200, costs=()) -> lure.Lures:
    """Two lures of n members: minutes until half have joined, and days after which half leave."""
    names = ("coupon", "service")
    stays = [
        row
        for name, stay in zip(names, days, strict=True)
        for row in ((name, 24 * stay, 1, n // 2), (name, 24 * 100, 0, n // 2))
    ]
    joins = [
        (name, fast_ + extra, n // 4)
        for name, fast_ in zip(names, fast, strict=True)
        for extra in range(4)
    ]
    return lure.Lures(
        source="shop",
        first=dt.date(2025, 10, 1),
        as_of=dt.date(2026, 3, 31),
        start="scan",
        min_users=30,
        stays=pd.DataFrame(stays, columns=["lure", "hours", "outcome", "n"]),
        joins=pd.DataFrame(joins, columns=["lure", "minutes", "n"]),
        costs=pd.DataFrame(list(costs), columns=["lure", "n", "total", "squares"]),
    )


def test_both_axes_and_the_price_by_hand():
    """Half stay 20 of 90 days and half all 90: 55. 100 members who cost 2 and 100 who cost 4: 3."""
    found = lure.axes(reduced(costs=[("coupon", 200, 600, 2000)]), horizon_days=90, level=LEVEL)
    row = found.set_index("lure").loc["coupon"]
    assert row.mean_days == pytest.approx(55, abs=0.1)
    assert row.minutes == 6
    assert row.cost_cny == 3
    assert (row.cost_lower, row.cost_upper) == pytest.approx((3 - 0.1389, 3 + 0.1389), abs=1e-3)
    assert np.isnan(found.set_index("lure").loc["service", "cost_cny"])


@pytest.mark.parametrize(
    ("fast", "days", "english", "chinese"),
    [
        (
            (5, 60),
            (20, 70),
            "Fastest to bring members: coupon (6 minutes); longest to keep them: service",
            "加粉最快：优惠券（6 分钟）；留得最久：服务",
        ),
        (
            (5, 60),
            (40, 40),
            "which lure keeps them longest is not clear",
            "哪种诱饵留得最久还看不清",
        ),
        (
            (5, 5),
            (20, 70),
            "which lure brings them fastest is not clear",
            "哪种诱饵加粉最快还看不清",
        ),
        ((5, 5), (40, 40), "Neither the fastest lure", "都还看不清"),
    ],
)
def test_what_is_clear_is_said(fast, days, english, chinese):
    lures = reduced(fast=fast, days=days)
    found = lure.axes(lures, horizon_days=90, level=LEVEL)
    assert english in lure.say_lures(lures, found)
    with speaking("zh"):
        assert chinese in lure.say_lures(lures, found)


@pytest.mark.slow
def test_among_many_equal_lures_hardly_one_is_called_longest():
    """Ten lures of which none is better: pairs of intervals would name one in 15% of draws."""
    named, none = 0, reduced()
    for i in range(400):
        rng = np.random.default_rng([5, i])
        hours = rng.exponential(480, (10, 60)).astype(int)
        stays = {"lure": np.repeat(list("0123456789"), 60), "hours": hours.ravel()}
        lures = replace(none, stays=pd.DataFrame(stays | {"outcome": 1, "n": 1}))
        named += lure.axes(lures, horizon_days=90, level=LEVEL)["longest"].sum() == 1
    assert named <= 0.05 * 400


def test_findings_have_speed_stay_and_the_price_where_it_is_known():
    lures = reduced(costs=[("coupon", 200, 600, 2000), ("service", 5, 10, 30)])
    found = lure.axes(lures, horizon_days=90, level=LEVEL)
    given = {one.id: one for one in lure.conclude_lures(lures, found, horizon_days=90, level=LEVEL)}
    assert given["retention.lure.coupon.price"].value == 3
    assert given["retention.lure.coupon.speed"].value == pytest.approx(0.1)  # hours
    assert given["retention.lure.service.stay"].unit == "days"
    assert "retention.lure.service.price" not in given  # five members are too few


def test_speed_is_not_known_of_a_lure_with_few_starts():
    lures = reduced()
    few = lures.joins.assign(n=lures.joins["n"].where(lures.joins["lure"] == "coupon", 2))
    found = lure.axes(replace(lures, joins=few), horizon_days=90, level=LEVEL)
    assert np.isnan(found.set_index("lure").loc["service", "minutes"])
    assert "brings them fastest is not clear" in lure.say_lures(lures, found)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_picture_names_prices_known_and_unknown(language):
    lures = reduced(costs=[("coupon", 200, 600, 2000)])
    found = lure.axes(lures, horizon_days=90, level=LEVEL)
    with speaking(language):
        picture = lure.draw_lures(lures, found, horizon_days=90, level=LEVEL)
    assert list(picture.table["lure"]) == ["service", "coupon"]
    assert not picture.undrawn


def test_one_lure_and_small_ones_are_not_compared(tmp_path):
    people = [
        {"user_id": f"{i}", "added_at": at("2 12:00"), "left_at": None, "lure": "coupon"}
        for i in range(40)
    ]
    people += [
        {"user_id": f"x{i}", "added_at": at("2 12:00"), "left_at": None, "lure": "service"}
        for i in range(5)
    ]
    found = lure.measure(shop(tmp_path, people), period_days=31)
    table = lure.axes(found, horizon_days=90, level=LEVEL)
    assert "two lures" in lure.say_lures(found, table)
    assert "two lures" in lure.draw_lures(found, table, horizon_days=90, level=LEVEL).alt
    assert "service" not in set(table.get("lure", []))


def test_without_a_column_lure_it_is_said(tmp_path):
    people = [{"user_id": "1", "added_at": at("2 12:00"), "left_at": None}]
    found = lure.measure(shop(tmp_path, people), period_days=31)
    table = lure.axes(found, horizon_days=90, level=LEVEL)
    (one,) = lure.conclude_lures(found, table, horizon_days=90, level=LEVEL)
    assert (one.status, one.value) == ("insufficient", None)
    assert "no column lure" in one.message


def test_nobody_added_and_no_events_are_no_crash(tmp_path):
    facts = {"timezone": "Asia/Shanghai", "observed": {"from": "2026-01-01", "to": "2026-01-31"}}
    users = [{"user_id": "1", "added_at": None, "lure": "coupon"}]
    found = lure.measure(
        open_source(write_tables(tmp_path, layout=facts, users=users)), period_days=31
    )
    table = lure.axes(found, horizon_days=90, level=LEVEL)
    assert "No user was added" in lure.say_lures(found, table)


@pytest.mark.parametrize("name", ["period_days", "cost_days", "min_users"])
def test_numbers_below_one_are_refused(tmp_path, name):
    with pytest.raises(RetentionError, match=f"{name} = 0 must be at least 1"):
        lure.measure(shop(tmp_path, members(0)), **{"period_days": 31} | {name: 0})
