"""Who was drawn and what came of it: counted by hand, and what cannot be read."""

from __future__ import annotations

import datetime as dt

import pytest
from siyu.data import SourceError, open_source
from siyu.language import speaking
from siyu.studies.lures import (
    Definition,
    LureError,
    find_experiment,
    ratio,
    say_counted,
    value_people,
)

from tests.studies.lures.builders import START, after, person, pool

GIVEN = Definition(experiment="test")


def five():
    """Joined and stayed; joined and left after three weeks; joined late; never; a buyer."""
    return [
        person("1", "gift", added=0.0, cost_cny=9.0, channel="social", stratum="s"),
        person("2", "gift", added=7.0, left=21.0, cost_cny=8.0, channel="online", stratum="t"),
        person("3", "coupon", added=7.5, channel="social"),
        person("4", "coupon"),
        person("5", "coupon", added=2.0, left=30.0, channel="social"),
    ]


def rows(experiment, *columns):
    table = experiment.people.sort_values(["arm", "added_days"], ignore_index=True)
    return table[list(columns)].to_numpy().tolist()


def test_five_people_are_counted_as_by_hand(tmp_path):
    found = find_experiment(pool(tmp_path, five()), GIVEN)
    assert (found.arms, found.first_day) == (("coupon", "gift"), START.date())
    assert found.shares == (0.5, 0.5)
    # Coupon: the 5th at 2 days and left at 30 sharp, the 3rd at 7.5, the 4th never; gift: 1 and 2.
    assert rows(found, "arm", "converted", "retained_7", "retained_30", "cost_cny") == [
        [0, True, True, False, 0.0],
        [0, False, False, True, 0.0],
        [0, False, False, False, 0.0],
        [1, True, True, True, 9.0],
        [1, True, True, False, 8.0],
    ]
    assert found.channels == ("online", "social")
    assert rows(found, "channel", "stratum") == [[1, -1], [1, -1], [-1, -1], [1, 0], [0, 1]]
    # From noon of 10 January to the end of 28 February.
    assert found.people["followed_days"].unique().tolist() == [49.5]
    assert found.left_out.empty
    assert found.count().tolist() == [3, 2]
    assert found.drawn["n"].sum() == 5


def test_what_people_did_before_the_draw_and_bought_after_it(tmp_path):
    events = [
        {"user_id": "1", "occurred_at": after(day), "event": event}
        for day, event in ((-3, "expose"), (-2, "scan"), (0, "browse"), (1, "scan"))
    ]
    orders = [
        # user, day, amount, margin, coupon, refund
        ("3", 8.0, 80.0, 20.0, 15.0, 0.0),  # the first: its coupon is the lure's
        ("3", 9.0, 50.0, 10.0, 5.0, 0.0),
        ("5", 3.0, 60.0, 15.0, 15.0, 60.0),  # refunded: no order, but the coupon is gone
        ("5", 30.0, 40.0, 8.0, 0.0, 10.0),  # the last moment
        ("5", 30.1, 90.0, 30.0, 0.0, 0.0),  # too late
        ("1", -5.0, 70.0, 20.0, 0.0, 0.0),
        ("1", 5.0, 20.0, 6.0, 15.0, 0.0),  # no coupon's arm
        ("4", 31.0, 20.0, 6.0, 15.0, 0.0),  # the first, too late
    ]
    orders = [
        {"order_id": str(i), "user_id": user, "paid_at": after(day), "amount_cny": amount,
         "margin_cny": margin, "coupon_cny": coupon, "refunded_cny": back}
        for i, (user, day, amount, margin, coupon, back) in enumerate(orders)
    ]  # fmt: skip
    found = find_experiment(pool(tmp_path, five(), events=events, orders=orders), GIVEN)
    assert rows(found, "redeemed_cny", "orders", "amount_cny", "margin_cny") == [
        [15.0, 1.0, 30.0, 8.0],
        [15.0, 2.0, 130.0, 30.0],
        [0.0, 0.0, 0.0, 0.0],
        [0.0, 1.0, 20.0, 6.0],
        [0.0, 0.0, 0.0, 0.0],
    ]
    before = ("exposures_before", "events_before", "orders_before", "amount_cny_before")
    assert rows(found, *before)[3] == [1.0, 2.0, 1.0, 70.0]
    assert found.people[list(before)].sum().tolist() == [1.0, 2.0, 1.0, 70.0]
    # 20 yuan for who is there after 30 days, less cost and coupon, and the day that was given.
    worth = value_people(found, value_per_retained_cny=20)
    worth = worth.sort_values(["arm", "added_days"])["net_cny"]
    assert worth.tolist() == [-15.0, 20.0 - 15.0, 0.0, 20.0 - 9.0, -8.0]


def test_an_earlier_draw_for_another_lure_is_known_and_a_later_or_the_same_one_is_not(tmp_path):
    people = five()
    more = [
        ("1", "coupon", -1.0, "old"),
        ("2", "gift", -1.0, "old"),
        ("3", "gift", 1.0, "new"),
        ("4", "push", -1.0, "pushes"),
        ("5", "virtual", -9.0, "old"),
    ]
    people[0][1]["cost_cny"] = None
    draws = [draw for _, draw in people] + [
        {"experiment": name, "user_id": user, "arm": arm, "assigned_at": after(day)}
        for user, arm, day, name in more
    ]
    found = find_experiment(pool(tmp_path, people, assignments=draws), GIVEN)
    assert rows(found, "offered_before") == [[True], [False], [False], [True], [False]]
    assert found.people["cost_cny"].sum() == 8.0


def test_members_and_strangers_are_left_out_and_counted(tmp_path):
    people = [
        *five(),
        person("6", "gift", added=-0.1, left=3.0),
        person("7", "gift", added=-9.0),
        person("8", "coupon", added=1.0),
    ]
    source = pool(tmp_path, people)
    users = [user for user, _ in people if user["user_id"] != "8"]
    source = pool(tmp_path, people, users=users)
    found = find_experiment(source, GIVEN)
    assert found.left_out.to_numpy().tolist() == [["member", 1, 2], ["stranger", 0, 1]]
    assert (len(found.people), found.drawn["n"].sum()) == (5, 8)
    said = say_counted(found)
    assert "8 people were drawn" in said
    assert "2 of them" in said
    assert "not in users" in said


def test_an_event_as_the_outcome_counts_from_the_draw_on_and_leaves_nobody_out(tmp_path):
    events = [
        {"user_id": user, "occurred_at": after(day), "event": event}
        for user, day, event in (
            ("1", -1.0, "visit"), ("1", 3.0, "visit"), ("2", 7.0, "order"), ("3", 8.0, "visit"),
            ("6", 0.0, "visit"), ("4", 2.0, "scan"),
        )
    ]  # fmt: skip
    people = [*five(), person("6", "gift", added=-9.0)]
    asked = Definition(experiment="test", conversion="visit or order")
    found = find_experiment(pool(tmp_path, people, events=events), asked)
    assert found.left_out.empty
    assert found.people.groupby("arm")["converted"].sum().tolist() == [0, 3]
    assert sorted(found.people["convert_days"].dropna()) == [0.0, 3.0, 7.0, 8.0]


def test_without_times_of_addition_nobody_knows_who_stays(tmp_path):
    events = [{"user_id": "1", "occurred_at": after(1.0), "event": "visit"}]
    people = [person(user["user_id"], draw["arm"]) for user, draw in five()]
    source = pool(tmp_path, people, events=events)
    found = find_experiment(source, Definition(experiment="test", conversion="visit"))
    assert found.retention_days == ()
    assert "retained_7" not in found.people
    assert "whether people stayed is not told" in say_counted(found)
    assert value_people(found, value_per_retained_cny=20)["net_cny"].sum() == 20
    with pytest.raises(LureError, match="no user has a time of addition"):
        find_experiment(source, GIVEN)


def test_order_of_rows_and_names_of_users_change_nothing(tmp_path):
    (tmp_path / "b").mkdir()
    first = find_experiment(pool(tmp_path, five()), GIVEN)
    renamed = [
        (user | {"user_id": f"x{user['user_id']}"}, draw | {"user_id": f"x{draw['user_id']}"})
        for user, draw in reversed(five())
    ]
    second = find_experiment(pool(tmp_path / "b", renamed), GIVEN)
    assert first.people.equals(second.people)
    assert first.drawn.equals(second.drawn)


def test_who_is_followed_long_enough_is_by_the_clock_of_each(tmp_path):
    people = five()
    people[3][1]["assigned_at"] = after(42.5)  # seven days before the end
    people[4][1]["assigned_at"] = after(42.5) + dt.timedelta(seconds=1)
    found = find_experiment(pool(tmp_path, people), GIVEN)
    assert len(found.followed(7)) == 4
    assert found.people["day"].max() == 43


def test_clusters_are_a_column_of_users_or_of_the_draw(tmp_path):
    people = five()
    for i, (user, draw) in enumerate(people):
        user["staff_id"] = f"s{i % 2}" if i else None
        draw["shop"] = "north"
    source = pool(tmp_path, people)
    by_staff = find_experiment(source, Definition(experiment="test", cluster="staff_id"))
    assert by_staff.clusters == ("s0", "s1")
    assert sorted(by_staff.people["cluster"]) == [-1, 0, 0, 1, 1]
    by_shop = find_experiment(source, Definition(experiment="test", cluster="shop"))
    assert by_shop.clusters == ("north",)
    with pytest.raises(LureError, match="no column of users or assignments"):
        find_experiment(source, Definition(experiment="test", cluster="village"))


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"experiment": "test", "arm_shares": [1]}, "one share for each of coupon, gift"),
        ({"experiment": "test", "conversion": "visit"}, "has no event 'visit'"),
    ],
)
def test_what_is_not_there_is_named_with_what_is(tmp_path, asked, message):
    with pytest.raises(LureError, match=message):
        find_experiment(pool(tmp_path, five()), Definition(**asked))


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"conversion_days": 0}, "from 1 to 366"),
        ({"worth_days": 400}, "from 1 to 366"),
        ({"retention_days": [30, 7]}, "ascending"),
        ({"retention_days": [0]}, "from 1 to 366"),
        ({"arm_shares": [1, 0]}, "above 0"),
        ({"conversion": ""}, "joined by ' or '"),
        ({"conversion": "visit or "}, "joined by ' or '"),
        ({"coupon_arms": "coupon"}, "must be a list"),
    ],
)
def test_a_definition_that_cannot_be_is_refused(asked, message):
    with pytest.raises(LureError, match=message):
        Definition(**asked)


def test_a_person_in_two_arms_is_refused_with_the_source(tmp_path):
    """The contract wants one row per experiment and user: nothing is chosen for the merchant."""
    people = five()
    twice = [draw for _, draw in people] + [people[0][1] | {"arm": "coupon"}]
    with pytest.raises(SourceError, match="duplicate key"):
        pool(tmp_path, people, assignments=twice)


def test_one_arm_no_experiment_and_nobody_are_told(tmp_path):
    source = pool(tmp_path, five()[:2])
    one = find_experiment(source, GIVEN)
    assert one.refused == "one_arm"
    assert "one arm only" in say_counted(one)
    none = find_experiment(source, Definition())
    assert none.refused == "none"
    assert "No experiment of lures is named" in say_counted(none)
    absent = find_experiment(source, Definition(experiment="tset", control_arm="x"))
    assert absent.refused == "absent"
    assert "assignments has “test”" in say_counted(absent)
    assert ratio.check_ratio(absent).refused == "absent"
    with speaking("zh"):
        assert "assignments 里有“test”" in say_counted(absent)
    members = [person(str(i), arm, added=-1.0) for i, arm in enumerate(("gift", "coupon"))]
    nobody = find_experiment(pool(tmp_path, members), GIVEN)
    assert (nobody.refused, len(nobody.people)) == ("nobody", 0)
    assert "2 of them are left out" in say_counted(nobody)
    with pytest.raises(LureError, match="min_users"):
        find_experiment(source, GIVEN, min_users=0)


@pytest.mark.parametrize(
    "asked", [{"control_arm": "none"}, {"coupon_arms": ["voucher"]}, {"arm_shares": [1, 1, 1]}]
)
def test_arms_into_which_nobody_has_been_drawn_yet_are_told_and_nothing_is_read(tmp_path, asked):
    """A run as of the first days of a test may know some of its arms only."""
    found = find_experiment(pool(tmp_path, five()), Definition(experiment="test", **asked))
    assert (found.refused, found.arms, len(found.people)) == ("undrawn", (), 0)
    assert "into “coupon”, “gift” only" in say_counted(found)
    assert ratio.check_ratio(found).refused == "undrawn"
    with speaking("zh"):
        assert "只往“优惠券”、“gift”里抽过人" in say_counted(found)


def test_without_assignments_there_is_no_experiment(tmp_path):
    pool(tmp_path, five())
    (tmp_path / "assignments.parquet").unlink()
    assert find_experiment(open_source(tmp_path), GIVEN).refused == "none"


def test_control_comes_first_and_shares_follow_it(tmp_path):
    asked = Definition(experiment="test", control_arm="gift", arm_shares=[1, 3])
    found = find_experiment(pool(tmp_path, five()), asked)
    assert found.arms == ("gift", "coupon")
    assert found.shares == (0.25, 0.75)
    assert found.has_control
