"""Followers counted by hand: who stands on which rung, who orders since, and who is left out."""

from __future__ import annotations

import pytest
from siyu.studies.tiers import TierError, ladder

from tests.studies.tiers.value.builders import DAY, END, HOUR, START, members_of, orders, user

MARK = END - 10 * DAY  # the landmark of order_days = 10
RUNGS = ("like or comment", "reply", "cart")
ASKED = {"rungs": RUNGS, "ladder_days": 20, "order_days": 10}


def tables():
    users = [user(one) for one in "abcdefg"]
    users += [user("left", left=MARK - DAY), user("leaves", left=MARK + 2 * DAY)]
    users += [user("old", START - DAY), user("late", MARK + DAY), user("seen", None)]
    done = [
        ("a", "like", MARK - 19 * DAY),
        ("a", "cart", MARK + HOUR),  # after the moment, on the way to the order
        ("b", "reply", MARK - DAY),
        ("b", "comment", MARK - HOUR),
        ("c", "cart", MARK - 21 * DAY),  # too long ago
        ("d", "cart", MARK - HOUR),
        ("e", "cart", MARK - HOUR),
        ("leaves", "reply", MARK - HOUR),
        ("late", "cart", END - HOUR),
        ("old", "cart", MARK - HOUR),
    ]
    events = [dict(zip(("user_id", "event", "occurred_at"), row, strict=True)) for row in done]
    bought = orders(
        ("a", MARK + 2 * HOUR, 100, 30, 0),
        ("b", MARK, 100, 10, 0),
        ("b", MARK + DAY, 100, 99, 0),  # no first order
        ("d", MARK - HOUR, 100, 20, 0),  # had bought before
        ("e", MARK - DAY, 100, 20, 100),  # refunded: has not bought
        ("f", MARK + DAY, 100, 50, 100),
        ("leaves", MARK + DAY, 100, 40, 0),
    )
    return {"users": users, "events": events, "orders": bought}


def rows(table):
    return [tuple(row) for row in table.to_numpy()]


def test_followers_stand_where_they_stood_at_the_landmark(tmp_path):
    found = ladder.measure(members_of(tmp_path, **tables()), **ASKED)
    assert rows(found.followed) == [
        ("(none)", 3, 0),  # c, f, g
        ("like or comment", 1, 1),  # a
        ("reply", 2, 2),  # b, and who leaves later
        ("cart", 1, 0),  # e
    ]
    # c, f and g; e is back to where d's cart is: bought; late, whose cart is new.
    assert rows(found.today) == [("(none)", 3), ("cart", 2)]
    assert rows(found.earned) == [(10, 1), (20, 1), (30, 1), (40, 1)]
    assert found.n_before == 1  # old
    assert found.unknown == ()


def test_events_that_nobody_logged_are_named(tmp_path):
    members = members_of(tmp_path, **tables())
    found = ladder.measure(members, **ASKED | {"rungs": ["reply", "karte"]})
    assert found.unknown == ("karte",)
    assert found.rungs == ("(none)", "reply", "karte")


@pytest.mark.parametrize("missing", ["events", "orders"])
def test_without_events_or_orders_nothing_is_measured(tmp_path, missing):
    given = tables()
    del given[missing]
    found = ladder.measure(members_of(tmp_path, **given), **ASKED)
    assert len(found.followed) == len(found.today) == 0
    assert not getattr(found, f"has_{missing}")


def test_without_times_of_adding_nobody_is_known_to_follow(tmp_path):
    given = tables()
    given["users"] = [{"user_id": one["user_id"]} for one in given["users"]]
    found = ladder.measure(members_of(tmp_path, **given), **ASKED)
    assert not found.has_added
    assert found.followed.empty


def test_a_landmark_before_the_observation_has_nobody(tmp_path):
    found = ladder.measure(members_of(tmp_path, **tables()), **ASKED | {"order_days": 120})
    assert found.followed.empty
    assert len(found.today)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"ladder_days": 0}, "ladder_days = 0 must be at least 1"),
        ({"order_days": 0}, "order_days = 0 must be at least 1"),
        ({"rungs": []}, "must be a list of events"),
        ({"rungs": "cart"}, "must be a list of events"),
        ({"rungs": ["cart", "like or cart"]}, "'cart' must be named once"),
        ({"rungs": ["cart", ""]}, "'' must be named once"),
    ],
)
def test_what_cannot_be_asked_is_an_error(tmp_path, wrong, message):
    with pytest.raises(TierError, match=message):
        ladder.measure(members_of(tmp_path, **tables()), **ASKED | wrong)
