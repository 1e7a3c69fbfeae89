"""Who invited whom: counted by hand, against a slow walk, and whatever is wrong in the log."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from siyu.studies import referral
from siyu.studies.referral import Definition, ReferralError, find_invites

from tests.studies.referral.builders import (
    DAY,
    HOUR,
    OPENS,
    SAMPLE,
    START,
    family,
    grow,
    invite,
    invites_of,
    open_pool,
    user,
)

NAMES = "abcdefxyz"
AT = OPENS + 8 * HOUR


def friends_of(found):
    """Each friend with who invited, the root, and the generation."""
    own = found.friends
    return {
        NAMES[row.person]: (NAMES[row.inviter], NAMES[row.seed], row.generation)
        for row in own.itertuples()
    }


def test_friends_stand_where_they_were_invited_first(tmp_path):
    found = invites_of(tmp_path, family())
    assert friends_of(found) == {
        "d": ("a", "a", 1),
        "e": ("d", "a", 2),
        "f": ("b", "b", 1),
        "x": ("y", "y", 1),
    }
    assert found.friends.set_index("person")["is_late"].to_dict() == {3: 0, 4: 0, 5: 0, 6: 1}
    assert found.campaigns.to_dict("records") == [
        {
            "campaign": "tea",
            "first_day": OPENS.date(),
            "opens_us": int(OPENS.timestamp() * 1e6),
            "is_whole": True,
            "seeds": 3,
        }
    ]
    left = {kind: n for kind, n in found.left_out.items() if n}
    assert left == {"known": 1, "again": 1, "late_inviter": 1}


def test_everybody_who_could_invite_is_a_member_once(tmp_path):
    found = invites_of(tmp_path, family())
    members = found.members.to_pandas().sort_values("person")
    assert "".join(NAMES[i] for i in members["person"]) == "abcdefx"  # y was late, z had left
    assert members["generation"].tolist() == [0, 0, 0, 1, 2, 1, 1]
    assert "".join(NAMES[i] for i in members["seed"]) == "abcaaby"


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        (invite("a", "d", AT, AT + HOUR, campaign=None), "no_campaign"),
        (invite("a", "a", AT, AT + HOUR), "self"),
        (invite("a", "d", AT + HOUR, AT), "accepted_early"),
        (invite("nobody", "d", AT, AT + HOUR), "unknown_inviter"),
        (invite("never", "d", AT, AT + HOUR), "unknown_inviter"),
        (invite("d", "b", AT - HOUR, AT), "early_inviter"),
        (invite("a", "nobody", AT, AT + HOUR), "nameless"),
        (invite("a", None, AT, AT + HOUR), "nameless"),
        (invite("a", "never", AT, AT + HOUR), "not_added"),
        (invite("a", "b", AT, AT + HOUR), "known"),
    ],
)
def test_what_does_not_count_is_counted_once(tmp_path, row, kind):
    users = [user("a", START + DAY), user("b", START + DAY), user("d", AT + HOUR)]
    users += [user("never", None)]
    sound = invite("b", None, AT)
    found = invites_of(tmp_path, {"users": users, "invites": [sound, row]})
    assert {name: n for name, n in found.left_out.items() if n} == {kind: 1}
    assert len(found.friends) == 0


def test_who_invited_each_other_at_one_instant_came_of_nobody(tmp_path):
    """d and e brought each other, and g came of e: g stays, in a tree that no seed began."""
    users = [user("a", START), *(user(name, AT) for name in "deg")]
    rows = [
        invite("a", None, AT),
        invite("d", "e", AT, AT),
        invite("e", "d", AT, AT),
        invite("e", "g", AT, AT),
    ]
    found = invites_of(tmp_path, {"users": users, "invites": rows})
    assert found.left_out["circular"] == 2
    assert found.friends[["person", "inviter", "generation", "is_late"]].values.tolist() == [
        [3, 2, 1, True]
    ]


def test_trees_are_those_of_a_slow_walk(tmp_path):
    tables = grow(2, seeds=150, share=0.4, mean=1.8)
    found = invites_of(tmp_path, tables)
    names = sorted(each["user_id"] for each in tables["users"])
    above = {row["invitee_id"]: row["inviter_id"] for row in tables["invites"] if row["invitee_id"]}
    assert len(found.friends) == len(above) > 60
    for row in found.friends.itertuples():
        name, steps = names[row.person], 0
        while name in above:
            name, steps = above[name], steps + 1
        assert (names[row.seed], row.generation) == (name, steps)
    assert found.friends["generation"].max() > 3


def test_the_order_of_rows_and_the_names_of_people_change_nothing(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
    tables = family()
    found = invites_of(first, tables)
    turned = {name: rows[::-1] for name, rows in tables.items()}
    again = invites_of(second, turned)
    for name in ("sent", "friends", "campaigns"):
        pd.testing.assert_frame_equal(getattr(found, name), getattr(again, name))


def test_a_campaign_begins_on_its_own_day_where_that_is_known(tmp_path):
    pool = open_pool(tmp_path, family())
    later = find_invites(pool, Definition(first_days={"tea": "2026-01-13"}), min_users=1)
    assert later.campaigns["first_day"].iloc[0].isoformat() == "2026-01-13"
    assert later.left_out["too_early"] == 3
    assert later.campaigns["seeds"].iloc[0] == 4  # d had come


def test_a_campaign_that_runs_on_the_first_day_may_have_begun_before(tmp_path):
    rows = [invite("a", "d", START + 8 * HOUR, START + 9 * HOUR)]
    tables = {"users": [user("a", START - DAY), user("d", START + 9 * HOUR)], "invites": rows}
    found = invites_of(tmp_path, tables)
    assert not found.campaigns["is_whole"].iloc[0]
    assert "tea" in referral.say_counted(found)


@pytest.mark.parametrize(
    ("tables", "refused"),
    [
        ({"users": family()["users"]}, "no_invites"),
        (
            family() | {"invites": [row | {"campaign": None} for row in family()["invites"]]},
            "no_campaign",
        ),
        (
            {
                "users": [{"user_id": "a"}],
                "invites": [invite("a", None, AT)],
            },
            "no_added_at",
        ),
    ],
)
def test_what_is_missing_is_said_and_nothing_is_told(tmp_path, tables, refused):
    found = invites_of(tmp_path, tables)
    assert found.refused == refused
    assert (len(found.sent), len(found.friends), len(found.campaigns)) == (0, 0, 0)
    assert len(found.members.to_pandas()) == 0
    assert referral.say_counted(found)


def test_a_log_without_the_column_of_campaigns_is_refused(tmp_path):
    rows = [
        {name: value for name, value in row.items() if name != "campaign"}
        for row in family()["invites"]
    ]
    assert invites_of(tmp_path, family() | {"invites": rows}).refused == "no_campaign"


def test_a_campaign_that_is_not_there_is_an_error_and_an_old_one_is_left_out(tmp_path):
    pool = open_pool(tmp_path, family())
    with pytest.raises(ReferralError, match="names coffee, of which there is no invitation"):
        find_invites(pool, Definition(campaigns=["coffee"]))
    assert find_invites(pool, Definition(), period_days=10).campaigns.empty
    assert len(find_invites(pool, Definition(campaigns=["tea"]), period_days=10).campaigns) == 1


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"cycle_days": 0}, "cycle_days = 0 must be at least 1"),
        ({"arriving_days": 0}, "arriving_days = 0"),
        ({"kept_days": -1}, "kept_days = -1"),
        ({"campaigns": ["a", "a"]}, "must name each campaign once"),
        ({"campaigns": "tea"}, "must be a list of names"),
        ({"first_days": {"tea": "soon"}}, "'soon' must be a day such as 2026-03-01"),
    ],
)
def test_what_cannot_be_asked_is_an_error(asked, said):
    with pytest.raises(ReferralError, match=said):
        Definition(**asked)


@pytest.mark.parametrize("asked", [{"period_days": 0}, {"min_users": 0}])
def test_a_number_below_one_is_an_error(tmp_path, asked):
    with pytest.raises(ReferralError, match="must be at least 1"):
        find_invites(open_pool(tmp_path, family()), Definition(), **asked)


def test_on_the_sample_the_friends_are_those_with_a_referrer():
    from siyu.data import open_source

    pool = open_source(SAMPLE)
    found = find_invites(pool, Definition())
    users = pool.table("users").to_pandas().sort_values("user_id", ignore_index=True)
    number = pd.Series(users.index, index=users["user_id"])
    friends = found.friends.set_index("person")
    known = users[users["referrer_id"].notna()]
    np.testing.assert_array_equal(friends.index.sort_values(), known.index)
    np.testing.assert_array_equal(friends.loc[known.index, "inviter"], number[known["referrer_id"]])
