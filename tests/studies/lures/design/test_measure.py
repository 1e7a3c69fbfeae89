"""Who comes and who waits, counted by hand."""

from __future__ import annotations

import numpy as np
import pytest
from siyu.studies.lures import Definition, LureError, find_experiment
from siyu.studies.lures.design import measure

from tests.studies.lures.pools import at, drawn, exposed, pool

PLAN = Definition(conversion_days=7, retention_days=(7, 14))


def read(shop, **other):
    given = {"period_days": 28, "fresh_days": 14, "min_users": 1} | other
    return measure(shop, PLAN, find_experiment(shop, PLAN), **given)


def counted(found, way, outcome):
    own = found.shares[(found.shares["way"] == way) & (found.shares["outcome"] == outcome)]
    return int(own["count"].sum()), int(own["n"].sum())


def test_of_who_comes_the_first_fresh_exposure_counts_once(tmp_path):
    users = [
        {"user_id": "quick", "added_at": at(8)},  # three days after the first exposure
        {"user_id": "slow", "added_at": at(15)},  # ten days after it, four after the second
        {"user_id": "never"},
        {"user_id": "member", "added_at": at(4)},  # before the exposure
        {"user_id": "tested", "added_at": at(12)},  # drawn before the exposure
        {"user_id": "drawn then", "added_at": at(12)},  # drawn at it
        {"user_id": "late"},  # not yet followed for a week
    ]
    events = [
        *exposed("quick", 5, 7), *exposed("slow", 5, 11), *exposed("never", 6),
        *exposed("member", 9), *exposed("tested", 10), *exposed("drawn then", 10),
        *exposed("late", 27),
    ]  # fmt: skip
    found = read(pool(tmp_path, users, events, [drawn("tested", 9), drawn("drawn then", 10)]))
    assert counted(found, "exposure", "conversion") == (2, 4)
    assert sum(found.weeks) == 5
    assert found.weeks == (4, 0, 0, 1)  # the last of four weeks ends on the last day


def test_weeks_before_the_first_observed_day_are_not_weeks_of_nobody(tmp_path):
    """March has four whole weeks, though half a year is asked for."""
    users = [{"user_id": "a", "added_at": at(21)}]
    found = read(pool(tmp_path, users, exposed("a", 20)), period_days=182)
    assert found.weeks == (0, 0, 1, 0)


def test_costs_are_not_those_of_an_experiment_whose_arms_are_not_as_planned(tmp_path):
    for name, sizes in (("even", (30, 30)), ("uneven", (55, 5))):
        arms = [arm for arm, n in zip(("coupon", "gift"), sizes, strict=True) for _ in range(n)]
        users = [{"user_id": str(i), "added_at": at(3)} for i in range(60)]
        draws = [drawn(str(i), 2, arm) | {"cost_cny": 1.0} for i, arm in enumerate(arms)]
        folder = tmp_path / name
        folder.mkdir()
        shop = pool(folder, users, exposed("0", 1), draws)
        plan = Definition(experiment="old", retention_days=(7,), worth_days=7)
        test = find_experiment(shop, plan)
        found = measure(shop, plan, test, period_days=28, fresh_days=14, min_users=1)
        assert len(found.worth) == (60 if name == "even" else 0)


def test_a_person_stays_who_is_added_and_there_on_the_day(tmp_path):
    users = [
        {"user_id": "stays", "added_at": at(6)},
        {"user_id": "leaves", "added_at": at(6), "left_at": at(18)},
        {"user_id": "leaves later", "added_at": at(6), "left_at": at(25)},
        {"user_id": "adds too late", "added_at": at(22)},
    ]
    events = [row for user in users for row in exposed(user["user_id"], 5)]
    assert counted(read(pool(tmp_path, users, events)), "exposure", "retention") == (2, 4)


def test_of_who_waits_those_fresh_a_window_ago_count(tmp_path):
    """A week before the end of 31 March is the end of 24 March."""
    users = [
        {"user_id": "converts", "added_at": at(27)},
        {"user_id": "waits"},
        {"user_id": "was member", "added_at": at(20)},
        {"user_id": "long ago"},
        {"user_id": "came later", "added_at": at(28)},
    ]
    events = [
        *exposed("converts", 20), *exposed("waits", 20), *exposed("was member", 18),
        *exposed("long ago", 5), *exposed("came later", 26),
    ]  # fmt: skip
    found = read(pool(tmp_path, users, events))
    assert counted(found, "list", "conversion") == (1, 2)
    assert found.waiting == 1  # at the end: "waits"; "long ago" is stale


def test_customers_of_a_staff_account_count_once_followed(tmp_path):
    users = [
        {"user_id": str(i), "staff_id": "s" if i < 3 else "t", "added_at": at(day), "left_at": left}
        for i, (day, left) in enumerate([(5, None), (6, at(10)), (30, None), (5, None)])
    ]
    events = [row for user in users for row in exposed(user["user_id"], 5)]
    found = read(pool(tmp_path, users, events))
    assert found.staff.to_numpy().tolist() == [[1, 1], [2, 1]]


def test_few_people_of_a_channel_share_a_name(tmp_path):
    users = [{"user_id": str(i), "channel": "social" if i else "online"} for i in range(40)]
    users[1]["added_at"] = at(9)
    events = [row for user in users for row in exposed(user["user_id"], 5)]
    found = read(pool(tmp_path, users, events), min_users=30)
    assert set(found.shares["stratum"]) == {"(small groups)"}


def test_who_counts_does_not_hang_on_the_order_of_rows(tmp_path):
    rng, shops = np.random.default_rng(1), []
    users = [{"user_id": f"{i}", "added_at": at(6 + i % 20) if i % 3 else None} for i in range(60)]
    events = [row for i in range(60) for row in exposed(f"{i}", 3 + i % 20)]
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        shops.append(read(pool(tmp_path / name, users, events)))
        users, events = ([rows[i] for i in rng.permutation(len(rows))] for rows in (users, events))
    assert shops[0].shares.equals(shops[1].shares)
    assert shops[0].weeks == shops[1].weeks


def test_without_times_of_addition_or_events_there_is_nothing_to_size(tmp_path):
    (tmp_path / "silent").mkdir()
    shop = pool(tmp_path / "silent", [{"user_id": "a", "added_at": at(5)}])
    assert read(shop).refused == "events"
    assert read(pool(tmp_path, [{"user_id": "a"}], exposed("a", 5))).refused == "added"


@pytest.mark.parametrize("name", ["period_days", "min_users", "fresh_days"])
def test_a_number_below_one_is_refused(tmp_path, name):
    shop = pool(tmp_path, [{"user_id": "a", "added_at": at(9)}], exposed("a", 5))
    with pytest.raises(LureError, match=f"{name} = 0"):
        read(shop, **{name: 0})
