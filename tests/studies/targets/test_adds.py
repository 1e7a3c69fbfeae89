"""Who was exposed, added and kept, counted by hand; and sources that lack something."""

import datetime as dt

import numpy as np
import pytest
from siyu.studies.naming import EVERYONE, SMALL, UNKNOWN
from siyu.studies.targets import Definition, TargetError, count_adds, say_counted
from siyu.studies.targets.kept import add_costs, kept_shares

from tests.studies.targets.builders import adds_of, day, open_pool, user

PEOPLE = [
    user("a", 10),  # still there
    user("b", 10, 40),  # left on day 30: not kept
    user("c", 10, 41),  # left on day 31: kept
    user("d", 69),  # day 30 is day 99, the last one: mature
    user("e", 70),  # not followed so long
    user("f", 70, 71),  # left, but added too late to count
    user("g", None, at="poster"),  # exposed, never added
]


def test_only_those_followed_to_the_end_of_the_day_are_kept_or_lost(tmp_path):
    found = kept_shares(adds_of(tmp_path, {"users": PEOPLE}), level=0.95)
    row = found.set_index("touchpoint").loc["card"]
    assert (row["added"], row["mature"], row["kept"]) == (6, 4, 3)
    assert row["mature_share"] == 0.75
    # Kaplan and Meier: 6 at risk when f leaves; e is seen to day 29; of 4 then, b leaves on day 30.
    assert row["share"] == pytest.approx(5 / 6 * 3 / 4)


def test_an_interval_allows_for_days_whose_people_stay_or_leave_together(tmp_path):
    people = [
        user(f"{at}.{one}", at, at + 1 if at % 2 else None) for at in range(40) for one in range(9)
    ]
    row = kept_shares(adds_of(tmp_path, {"users": people}), level=0.95).iloc[0]
    assert row["mature_share"] == 0.5
    independent = np.sqrt(0.25 / 360)
    assert row["error"] == pytest.approx(3 * independent, rel=0.03)
    assert row["mature_upper"] - 0.5 > 5 * independent


def test_exposures_spend_and_rewards_are_counted_by_day(tmp_path):
    exposed = [
        {"user_id": "g", "occurred_at": day(12), "event": "expose"},
        {"user_id": "g", "occurred_at": day(14), "event": "expose"},
        {"user_id": "a", "occurred_at": day(9), "event": "expose"},
    ]
    spend = [
        {"day": day(after).date(), "channel": "offline", "touchpoint": "card", "cost_cny": 6.0}
        for after in (9, 69)
    ]
    invites = [
        {
            "inviter_id": "a",
            "invited_at": day(9),
            "invitee_id": "b",
            "accepted_at": day(10),
            "reward_cny": 4.0,
        }
    ]
    tables = {"users": PEOPLE, "events": exposed, "spend": spend, "invites": invites}
    adds = adds_of(tmp_path, tables)
    days = adds.days.set_index(["touchpoint", "on"])
    assert days["exposed"].to_dict()["poster", day(12).date()] == 1
    assert days["exposed"].sum() == 2
    row = add_costs(adds, level=0.95).set_index("touchpoint").loc["card"]
    assert (row["cost_cny"], row["added"]) == (16, 4)
    assert row["per_add"] == 4
    assert row["per_exposed"] == 12
    assert "What inviters were paid" in say_counted(adds)
    # Nobody was added at the poster, so it is no touchpoint of which to tell.
    assert adds.touchpoints == ("card",)


def test_what_costs_nothing_on_record_is_not_free(tmp_path):
    adds = adds_of(tmp_path, {"users": PEOPLE})
    assert np.isnan(add_costs(adds, level=0.95)["per_add"]).all()
    assert "no record of spending" in say_counted(adds)


def test_a_touchpoint_of_few_is_told_together_with_others(tmp_path):
    people = [user(f"{n}", n % 50, at="card") for n in range(60)]
    people += [user(f"p{n}", n, at="poster") for n in range(20)]
    people += [user(f"q{n}", n, at=None) for n in range(15)]
    adds = adds_of(tmp_path, {"users": people}, min_users=30)
    assert adds.touchpoints == ("card", SMALL)
    assert adds.days["added"].sum() == 95
    assert set(adds.days["touchpoint"]) == {"card", SMALL}
    assert "fewer than 30 additions" in say_counted(adds)
    shown = adds_of(tmp_path / "all", {"users": people}, min_users=1)
    assert shown.touchpoints == ("card", "poster", UNKNOWN)


def test_rows_in_another_order_and_other_ids_count_the_same(tmp_path):
    one = kept_shares(adds_of(tmp_path / "a", {"users": PEOPLE}), level=0.95)
    turned = [row | {"user_id": f"x{n}"} for n, row in enumerate(PEOPLE[::-1])]
    other = kept_shares(adds_of(tmp_path / "b", {"users": turned}), level=0.95)
    assert one.equals(other)


def test_an_event_can_make_somebody_a_member(tmp_path):
    people = [{"user_id": f"{n}"} for n in range(3)]
    events = [
        {"user_id": "0", "occurred_at": day(3), "event": "lead"},
        {"user_id": "0", "occurred_at": day(2), "event": "lead"},
        {"user_id": "1", "occurred_at": day(5), "event": "close"},
    ]
    tables = {"users": people, "events": events}
    adds = adds_of(tmp_path, tables, add_event="lead")
    assert adds.begins == day(2).date()
    assert adds.days["added"].sum() == 1
    assert not adds.has_left
    pool = open_pool(tmp_path / "again", tables)
    with pytest.raises(TargetError, match="add_event = 'scan' must be an event of the log"):
        count_adds(pool, Definition(add_event="scan"))
    nobody = count_adds(pool, Definition())
    assert nobody.touchpoints == ()
    assert say_counted(nobody).startswith("Nothing says when users were added")


def test_where_nobody_was_added_that_is_said(tmp_path):
    adds = adds_of(tmp_path, {"users": [user("a", None), user("b", None)]})
    assert adds.touchpoints == ()
    assert say_counted(adds).startswith("Nobody was added")
    found = kept_shares(adds, level=0.95)
    assert list(found["touchpoint"]) == [EVERYONE]
    assert np.isnan(found["share"]).all()


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"target_members": 0}, "target_members = 0 must be above 0"),
        ({"target_members": -5.0}, "target_members = -5 must be above 0"),
        ({"target_orders": float("nan")}, "target_orders = nan must be above 0"),
        ({"target_days": 0}, "target_days = 0 must be from 1 to 365"),
        ({"kept_days": 400}, "kept_days = 400 must be from 1 to 365"),
    ],
)
def test_a_target_that_cannot_be_is_refused(asked, said):
    with pytest.raises(TargetError, match=said):
        Definition(**asked)


def test_the_smallest_group_is_at_least_one(tmp_path):
    with pytest.raises(TargetError, match="min_users = 0 must be at least 1"):
        adds_of(tmp_path, {"users": PEOPLE}, min_users=0)


def test_days_are_those_of_the_business_time_zone(tmp_path):
    late = dt.datetime(2026, 1, 11, 23, 30, tzinfo=dt.timezone(dt.timedelta(hours=8)))
    people = [user("a", 5), user("b", 5) | {"added_at": late.astimezone(dt.UTC)}]
    adds = adds_of(tmp_path, {"users": people})
    assert dt.date(2026, 1, 11) in set(adds.days["on"])
