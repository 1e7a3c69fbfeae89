"""Members of a review counted by hand: who they are, what they bring, and who is a friend."""

import pytest
from siyu.studies.tiers import TierError, value

from tests.studies.tiers.value.builders import (
    DAY,
    END,
    HOUR,
    START,
    members_of,
    orders,
    review,
    user,
)

BEFORE, AT, LATE = START + 31 * DAY, START + 59 * DAY, END - 4 * DAY  # 1 Feb, 1 Mar, 28 Mar
DAYS = 10


def tables():
    users = [
        user("a"),
        user("b", left=AT + 2 * DAY),
        user("c"),
        user("h", left=AT - DAY),
        user("i"),
    ]
    users += [user("j", LATE), user("d", AT + DAY), user("e", AT + DAY, AT + 9 * DAY)]
    users += [user("f", AT - DAY), user("g", AT + 2 * DAY)]
    reviews = [review("a", "gold", AT, 300), review("b", "gold", AT + 2 * HOUR, 300)]
    reviews += [review("c", "ordinary", AT, 10), review("j", "ordinary", LATE, 10)]
    reviews += [review(one, "ordinary", BEFORE, 10) for one in "achi"]
    bought = orders(
        ("a", AT + 2 * HOUR, 100, 30, 0),  # as the last member was reviewed
        ("a", AT + 2 * HOUR + DAYS * DAY - HOUR, 50, 20, 0),
        ("a", AT + 2 * HOUR + DAYS * DAY, 50, 99, 0),  # too late
        ("a", AT, 50, 99, 0),  # too early
        ("a", AT + DAY, 50, 25, 50),  # refunded
        ("a", BEFORE + DAY, 80, 11, 0),
        ("b", AT + DAY, 40, 7.5, 0),
        ("h", BEFORE, 40, 5, 10),
        ("z", AT + DAY, 40, 5, 0),  # nobody knows z
    )
    names = ("inviter_id", "invited_at", "invitee_id", "accepted_at")
    sent = [
        ("c", AT, "d", AT + DAY),
        ("c", AT, "e", AT + DAY),  # left before the end
        ("c", AT, "f", AT + DAY),  # was a member before
        ("c", AT, "g", AT + 3 * DAY),
        ("a", AT, "g", AT + 2 * DAY),  # first
        ("c", AT, None, None),
        ("a", AT, "a", AT + DAY),
    ]
    invites = [dict(zip(names, row, strict=True)) for row in sent]
    return {"users": users, "tiers": reviews, "orders": bought, "invites": invites}


def rows(found, *names):
    table = found.members
    return sorted(map(tuple, table.loc[table.index.repeat(table["n"]), list(names)].to_numpy()))


def test_members_of_the_last_review_that_was_followed_bring_what_came_after_it(tmp_path):
    found = value.measure(members_of(tmp_path, **tables()), value_days=DAYS)
    assert (found.tiers, f"{found.review}", f"{found.previous}") == (
        ("ordinary", "gold"),
        "2026-03-01",
        "2026-02-01",
    )
    assert rows(found, "tier", "orders", "refunded", "margin_cny", "friends") == [
        (-1, 0, 0, 0, 0),  # h, gone
        (0, 0, 0, 0, 0),  # i, reviewed in February and still there
        (0, 0, 0, 0, 1),  # c: d came and stayed
        (1, 1, 0, 7.5, 0),  # b, who left
        (1, 2, 1, 50, 1),  # a
    ]
    assert rows(found, "tier_before", "orders_before", "margin_cny_before") == [
        (-1, 0, 0),
        (0, 0, 0),
        (0, 0, 0),
        (0, 1, 5),
        (0, 1, 11),
    ]


def test_without_times_margins_and_invitations_amounts_stand_and_the_index_is_one(tmp_path):
    given = tables()
    del given["invites"]
    given["users"] = [{"user_id": one["user_id"]} for one in given["users"]]
    for one in given["orders"]:
        del one["margin_cny"], one["refunded_cny"]
    found = value.measure(members_of(tmp_path, **given), value_days=DAYS)
    assert (found.has_invites, found.has_margin) == (False, False)
    assert rows(found, "tier", "orders", "margin_cny")[-1] == (1, 3, 200)
    # h is not known to have left.
    assert [row for row in rows(found, "tier", "friends") if row[0] == 0] == [(0, 0)] * 3


def test_a_review_must_have_been_followed_and_the_one_before_be_over(tmp_path):
    members = members_of(tmp_path, **tables())
    alone = value.measure(members, value_days=30)  # 1 Feb + 30 days ends after 1 Mar
    assert (f"{alone.review}", alone.previous) == ("2026-03-01", None)
    assert set(alone.members["tier_before"]) == {-1}
    found = value.measure(members, value_days=70)
    assert (found.review, len(found.members)) == (None, 0)


@pytest.mark.parametrize("missing", ["orders", "tiers"])
def test_without_orders_or_reviews_nothing_is_measured(tmp_path, missing):
    given = tables()
    del given[missing]
    found = value.measure(members_of(tmp_path, **given), value_days=DAYS)
    assert (found.review, len(found.members)) == (None, 0)


def test_days_must_be_at_least_one(tmp_path):
    with pytest.raises(TierError, match="value_days = 0 must be at least 1"):
        value.measure(members_of(tmp_path, **tables()), value_days=0)
