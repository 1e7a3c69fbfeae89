"""Who was drawn into which offer, of which tier, and what each brought: counted by hand."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest
from siyu.data import open_source
from siyu.studies.tiers import Definition, TierError, find_members, offer

DAY, HOUR = dt.timedelta(days=1), dt.timedelta(hours=1)
UTC8 = dt.timezone(8 * HOUR)
START = dt.datetime(2026, 1, 1, tzinfo=UTC8)
DRAWN_AT = START + 40 * DAY
LEFT = DRAWN_AT + 3 * DAY
INSTANTS = ("added_at", "left_at", "assigned_at", "paid_at", "since")


def tables() -> dict[str, list[dict]]:
    """Six drawn: a silver buyer, one who left, one who rose, one drawn late, one never reviewed."""
    users = [
        {"user_id": name, "added_at": START + 10 * DAY, "left_at": LEFT if name == "b" else None}
        for name in "abcdef"
    ]
    arms = {"a": "gift", "b": "gift", "c": "none", "d": "none", "e": "none", "f": "talk"}
    assignments = [
        {
            "experiment": "offers",
            "user_id": name,
            "arm": arm,
            "assigned_at": DRAWN_AT + (41 * DAY if name == "d" else 0 * DAY),
            "cost_cny": 2.5 if arm == "gift" else None,
        }
        for name, arm in arms.items()
    ]
    assignments.append(assignments[0] | {"experiment": "another", "arm": "none"})
    reviews = [
        # user, tier, since, basis
        ("a", "silver", DRAWN_AT - 9 * DAY, 90.0),
        ("b", "plain", DRAWN_AT - 9 * DAY, 10.0),
        ("b", "silver", DRAWN_AT, 95.0),  # at the draw itself: known
        ("c", "plain", DRAWN_AT - 9 * DAY, 5.0),
        ("c", "silver", DRAWN_AT + HOUR, 99.0),  # an hour later: not
        ("d", "plain", DRAWN_AT, 5.0),
        ("f", "plain", DRAWN_AT - DAY, 1.0),
        ("e", "plain", DRAWN_AT + DAY, 1.0),
    ]
    tiers = [
        {"user_id": user, "tier": tier, "since": since, "basis_cny": basis}
        for user, tier, since, basis in reviews
    ]
    end = DRAWN_AT + 10 * DAY
    bought = [
        # user, when, amount, margin, refund
        ("a", DRAWN_AT, 100.0, 30.0, 0.0),
        ("a", DRAWN_AT + HOUR, 50.0, 10.0, 20.0),  # the same day, part of it refunded
        ("a", end - HOUR, 40.0, -5.0, 0.0),
        ("a", end, 80.0, 25.0, 0.0),  # too late
        ("a", DRAWN_AT - HOUR, 60.0, 11.0, 0.0),
        ("a", DRAWN_AT - 11 * DAY, 70.0, 12.0, 0.0),  # before, but not within as many days
        ("b", DRAWN_AT + DAY, 90.0, 9.0, 90.0),  # refunded: none
        ("c", DRAWN_AT + 5 * DAY, 40.0, None, 15.0),  # no margin known: 40 less 15
    ]
    orders = [
        {"order_id": f"o{i}", "user_id": user, "paid_at": at, "amount_cny": amount,
         "margin_cny": earned, "refunded_cny": back}
        for i, (user, at, amount, earned, back) in enumerate(bought)
    ]  # fmt: skip
    return {"users": users, "assignments": assignments, "tiers": tiers, "orders": orders}


def measured(folder, given, **other):
    for name, rows in given.items():
        table = pd.DataFrame(rows)
        for column in set(INSTANTS) & set(table.columns):
            table[column] = pd.to_datetime(table[column], utc=True).astype("datetime64[us, UTC]")
        table.to_parquet(folder / f"{name}.parquet", index=False)
    observed = "observed: {from: 2026-01-01, to: 2026-03-31}\n"
    (folder / "source.yaml").write_text(f"timezone: Asia/Shanghai\n{observed}", "utf-8")
    found = find_members(open_source(folder), Definition(), period_days=90)
    return offer.measure(found, **{"offer_experiment": "offers", "offer_days": 10} | other)


READ = ["tier", "arm", "cost_cny", "orders", "purchase_days", "came_back", "amount_cny"]
READ += ["margin_cny", "orders_before", "amount_cny_before", "margin_cny_before"]


def test_members_bring_what_they_paid_in_the_days_after_the_draw(tmp_path):
    found = measured(tmp_path, tables())
    rows = found.members.sort_values(["arm", "orders", "tier"])[READ].astype(float)
    assert (found.arms, found.tiers) == (("none", "gift", "talk"), ("plain", "silver"))
    assert rows.to_numpy().tolist() == [
        [0, 0, 0, 1, 1, 0, 25, 25, 0, 0, 0],  # c, not yet silver
        [1, 1, 2.5, 0, 0, 0, 0, 0, 0, 0, 0],  # b left, and stays in
        [1, 1, 2.5, 3, 2, 1, 170, 35, 1, 60, 11],  # a
        [0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0],  # f
    ]
    assert (found.immature, found.unreviewed) == (1, 1)  # d; e
    assert found.drawn_on == DRAWN_AT.date()
    assert found.today == (3, 2)  # d, e, f; a, c: b has left


def test_what_is_known_before_the_draw_is_counted_in_days(tmp_path):
    found = measured(tmp_path, tables()).members.set_index("orders").sort_index()
    assert found["tenure_days"].tolist() == [30] * 4
    assert found.loc[3, "recency_days"] == pytest.approx(1 / 24)
    assert found.loc[1, "recency_days"] == 30  # nothing bought: since joining


def test_the_order_of_rows_and_later_rows_change_nothing(tmp_path):
    first, second = tmp_path / "a", tmp_path / "b"
    first.mkdir()
    second.mkdir()
    one = measured(first, tables())
    turned = {name: rows[::-1] for name, rows in tables().items()}
    other = measured(second, turned)
    pd.testing.assert_frame_equal(one.members, other.members)
    assert (one.today, one.arms) == (other.today, other.arms)


def test_objectives_go_by_the_rank_of_the_tier_unless_named(tmp_path):
    assert measured(tmp_path, tables()).objectives == ("habit", "frequency")
    assert measured(tmp_path, tables(), objectives={"plain": "orders"}).objectives == (
        "orders",
        "frequency",
    )


def test_sources_without_costs_margins_or_joining_are_measured_too(tmp_path):
    given = tables()
    given["users"] = [{"user_id": one["user_id"]} for one in given["users"]]
    for row in given["assignments"]:
        del row["cost_cny"]
    for row in given["orders"]:
        del row["margin_cny"]
    found = measured(tmp_path, given)
    assert found.members["margin_cny"].sum() == 170 + 25
    assert found.members["cost_cny"].tolist() == [0] * 4
    assert found.members["tenure_days"].tolist() == [0] * 4
    assert not found.has_margin


@pytest.mark.parametrize("left_out", ["orders", "tiers", "assignments"])
def test_a_missing_table_leaves_nothing_to_read(tmp_path, left_out):
    given = tables()
    del given[left_out]
    found = measured(tmp_path, given)
    assert found.members.empty
    assert offer.effects(found, level=0.95).refused == (
        left_out if left_out != "assignments" else "none"
    )
    assert offer.target(found, level=0.95).curves.empty


def test_without_an_experiment_or_another_arm_there_is_none(tmp_path):
    assert measured(tmp_path, tables(), offer_experiment="").experiment == ""
    assert measured(tmp_path, tables(), offer_experiment="another").experiment == ""
    assert measured(tmp_path, tables(), offer_experiment="unheard of").arms == ()


def test_nobody_followed_long_enough_is_said(tmp_path):
    found = measured(tmp_path, tables(), offer_days=70)
    assert (len(found.members), found.immature, found.drawn_on) == (0, 6, None)
    assert offer.effects(found, level=0.95).refused == "nobody"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"offer_days": 0}, "offer_days = 0 must be at least 1"),
        ({"control_arm": "no"}, "has no arm 'no'; it has gift, none, talk"),
        ({"offer_shares": [0.5, 0.5]}, "one share above 0 for each of none, gift, talk"),
        ({"offer_shares": [1, 0, 1]}, "one share above 0"),
        ({"objectives": {"plain": "love"}}, "'plain' has 'love'; use one of habit, spend"),
        ({"objectives": {"gold": "spend"}}, "there is no tier 'gold'; there are plain, silver"),
    ],
)
def test_what_cannot_be_is_an_error(tmp_path, wrong, message):
    with pytest.raises(TierError, match=message):
        measured(tmp_path, tables(), **wrong)
