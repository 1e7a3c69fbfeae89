"""RFM: buyers counted by hand and by brute force, on both days, and what must not matter."""

import datetime as dt
import random

import numpy as np
import pytest
from siyu.studies.tiers import TierError, rfm
from siyu.studies.tiers.rfm.measure import measure
from siyu.studies.tiers.rfm.rule import BANDS, SEGMENTS, STATES, tabulate_rule

from tests.studies.tiers.rfm.builders import (
    LAST,
    at,
    code,
    count_by_hand,
    members_of,
    order,
)

END = 179
SCORED = ("recency", "frequency", "amount", "margin", "r", "f", "m")


def user(name, added=-10, left=None):
    when = None if added is None else at(added)
    return {"user_id": name, "added_at": when, "left_at": None if left is None else at(left)}


def rows_of(measures, time):
    names = [f"{name}_{time}" for name in SCORED]
    buyers = measures.buyers[measures.buyers[f"state_{time}"] < len(SEGMENTS)]
    told = [STATES[state] for state in buyers[f"state_{time}"]]
    return sorted(zip(told, *(buyers[name].tolist() for name in names), strict=True))


def test_five_members_are_scored_as_by_hand(tmp_path):
    users = [user(name) for name in "abcde"] + [user("f"), user("g", left=170)]
    orders = [
        order(1, "a", 179, 50.0, 10.0),
        order(2, "a", 179, 50.0, 10.0, hour=18),  # the same day: one purchase day
        order(3, "a", 100, 100.0, None, refunded=40.0),  # no margin: 60, what was not refunded
        order(4, "b", 150, 30.0, 5.0),
        order(5, "b", 151, 80.0, 9.0, refunded=80.0),  # refunded: as if it had not been
        order(6, "c", 150, 30.0, 6.0),
        order(7, "d", 120, 20.0, 4.0),
        order(8, "e", 60, 900.0, 90.0),  # before the period
        order(9, "g", 160, 70.0, 7.0),  # left since
    ]
    found = measure(members_of(tmp_path, users, orders), compare_days=None)
    # All but d and a, who bought before the last 30 days, are new. Of four, b and c share a rank.
    assert rows_of(found, "now") == [
        ("champions", 0, 2, 160, 80, 5, 5, 5),
        ("lost", 59, 1, 20, 4, 1, 2, 1),
        ("new", 29, 1, 30, 5, 3, 2, 3),
        ("new", 29, 1, 30, 6, 3, 2, 3),
    ]
    others = {STATES[row.state_now]: row.n for row in found.others.itertuples()}
    assert others == {"inactive": 1, "never": 1, "absent": 1}
    assert (found.n_gone, found.margin_gone) == (1, 7)
    assert found.n_unsure == 2  # b and c were members before the log begins
    assert found.earlier is None


def drawn(seed):
    rng = random.Random(seed)
    n = rng.randint(1, 25)
    users = []
    for i in range(n):
        added = rng.choice([None, -20, 0, 30, 100, 150])
        left = rng.choice([None, None, 95, 160]) if added is not None else None
        users.append(user(f"u{i:02}", added, left if left and left > added else None))
    orders = []
    for i in range(rng.randint(0, 80)):
        amount = rng.choice([10.0, 10.0, 20.0, 0.1, 0.2, 99.99])
        refunded = rng.choice([0.0, 0.0, 0.0, amount, amount / 2])
        day = rng.choice([3, 60, 89, 90, 91, 120, 150, 178, 179])
        earned, hour = rng.choice([None, 1.0, -2.0]), rng.choice([0, 12, 23.9])
        back = round(refunded, 2)
        orders.append(order(i, f"u{rng.randrange(n):02}", day, amount, earned, back, hour))
    return users, orders


@pytest.mark.parametrize("seed", range(25))
def test_both_days_are_those_of_counting_each_buyer(seed, tmp_path):
    users, orders = drawn(seed)
    if not orders:
        return
    found = measure(
        members_of(tmp_path, users, orders, period_days=60), compare_days=50, new_days=20
    )
    for time, end in (("now", END), ("before", END - 50)):
        told = count_by_hand(users, orders, end=end, period_days=60, new_days=20)
        assert rows_of(found, time) == sorted(one for one in told.values() if len(one) > 1)
        idle = np.bincount(
            [code(one[0]) for one in told.values() if len(one) == 1], minlength=len(STATES)
        )
        counted = np.bincount(
            found.buyers[f"state_{time}"].astype(int), minlength=len(STATES)
        ) + np.bincount(
            found.others[f"state_{time}"].astype(int), found.others["n"], minlength=len(STATES)
        )
        assert counted[len(SEGMENTS) :].tolist() == idle[len(SEGMENTS) :].tolist()


def test_the_earlier_day_is_what_was_known_then(tmp_path):
    """Orders after it change nothing of it."""
    users = [user(f"u{i}") for i in range(6)]
    early = [order(i, f"u{i}", 60 + 5 * i, 10.0 * (i + 1)) for i in range(6)]
    late = [order(10 + i, f"u{i}", 150 + i, 500.0) for i in range(6)]
    told = []
    for name, orders in (("all", early + late), ("early", [*early, late[5]])):
        folder = tmp_path / name
        folder.mkdir()
        told.append(rows_of(measure(members_of(folder, users, orders)), "before"))
    assert told[0] == told[1]


def test_the_last_day_counts_to_its_end_and_nothing_after_it(tmp_path):
    users = [user(f"u{i}") for i in range(3)]
    inside = [order(i, f"u{i}", 179 - i, 10.0 * (i + 1), hour=23.99) for i in range(3)]
    after = [order(9 + i, f"u{i}", 180 + i, 500.0, hour=0.0) for i in range(3)]
    told = []
    for name, orders in (("inside", inside), ("both", inside + after)):
        folder = tmp_path / name
        folder.mkdir()
        told.append(rows_of(measure(members_of(folder, users, orders)), "now"))
    assert told[0] == told[1]
    assert sorted(row[1] for row in told[0]) == [0, 1, 2]


def test_rows_names_and_currency_do_not_matter(tmp_path):
    users, orders = drawn(7)
    told = []
    renamed = {one["user_id"]: f"x{99 - i}" for i, one in enumerate(users)}
    given = {
        "as drawn": (users, orders),
        "shuffled": (users[::-1], orders[::-1]),
        "renamed": (
            [one | {"user_id": renamed[one["user_id"]]} for one in users],
            [one | {"user_id": renamed[one["user_id"]]} for one in orders],
        ),
    }
    for name, (some_users, some_orders) in given.items():
        folder = tmp_path / name
        folder.mkdir()
        told.append(measure(members_of(folder, some_users, some_orders)).buyers)
    assert told[0].equals(told[1])
    assert told[0].equals(told[2])
    in_fen = [
        one | {name: 100 * one[name] for name in ("amount_cny", "refunded_cny")} for one in orders
    ]
    (tmp_path / "fen").mkdir()
    fen = measure(members_of(tmp_path / "fen", users, in_fen))
    columns = [f"{name}_now" for name in ("r", "f", "m", "state")]
    keys = ["amount_now", "frequency_now", "recency_now", "amount_before", "state_before"]
    both = [one.sort_values(keys)[columns].to_numpy() for one in (told[0], fen.buyers)]
    assert (both[0] == both[1]).all()


def test_the_cut_points_of_then_name_the_buyers_of_now(tmp_path):
    """All buy ten times as much as then: by ranks of now nobody stands out, by then all do."""
    users = [user(f"u{i}") for i in range(10)]
    orders = []
    for i in range(10):
        orders.append(order(i, f"u{i}", 60 + i, 10.0 * (i + 1)))
        orders += [order(100 + 10 * i + k, f"u{i}", 150 + i + k, 1000.0) for k in range(10)]
    found = measure(members_of(tmp_path, users, orders, period_days=60), compare_days=60)
    assert set(found.buyers["m_now"]) == {3}
    assert {STATES[state] for state in found.buyers["state_fixed"]} == {"champions"}
    assert "champions" not in {STATES[state] for state in found.buyers["state_now"]}


def test_who_is_new_is_not_told_by_a_log_that_begins_too_late(tmp_path):
    users, orders = [user("a")], [order(1, "a", 170, 10.0)]
    assert measure(members_of(tmp_path, users, orders), compare_days=None).new_days == 30
    found = measure(members_of(tmp_path, users, orders), compare_days=None, new_days=91)
    assert found.new_days == 0
    assert [row[0] for row in rows_of(found, "now")] == ["needs_attention"]


def test_an_earlier_period_that_begins_before_the_log_is_not_compared(tmp_path):
    users, orders = [user("a")], [order(1, "a", 170, 10.0)]
    members = members_of(tmp_path, users, orders, period_days=120)
    found = measure(members, compare_days=90)
    assert found.unseen == 30
    assert found.earlier == LAST - dt.timedelta(days=90)
    assert "state_before" not in found.buyers
    moved = rfm.move(found, level=0.95)
    assert moved.refused == "unseen"
    assert "at most 90" in rfm.say_moves(found, moved)


def test_sources_without_times_of_adding_have_all_as_members(tmp_path):
    users = [{"user_id": name} for name in "ab"]
    found = measure(members_of(tmp_path, users, [order(1, "a", 170, 10.0)]), compare_days=None)
    assert len(found.buyers) == 1
    assert found.others["n"].tolist() == [1]
    assert found.n_unsure == 1


def test_without_orders_there_is_nothing_to_measure(tmp_path):
    found = measure(members_of(tmp_path, [user("a")], None))
    assert not found.has_orders
    assert found.buyers.empty


@pytest.mark.parametrize("asked", [{"compare_days": 0}, {"new_days": 0}])
def test_numbers_out_of_range_are_refused(asked, tmp_path):
    with pytest.raises(TierError, match="= 0 must be at least 1"):
        measure(members_of(tmp_path, [user("a")], None), **asked)


def test_the_written_rule_names_every_combination_of_scores():
    table = tabulate_rule()
    assert table["recency_score"].tolist() == [5, 4, 3, 2, 1]
    assert set(table[list(BANDS)].to_numpy().ravel()) == set(SEGMENTS) - {"new"}


def test_no_row_tells_who(tmp_path):
    users, orders = drawn(3)
    found = measure(members_of(tmp_path, users, orders))
    assert not {"user_id", "number"} & set(found.buyers.columns)
