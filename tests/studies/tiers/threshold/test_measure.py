"""What members bought after each review, counted by hand; thresholds found, named and refused."""

from __future__ import annotations

import datetime as dt
import random

import pandas as pd
import pytest
from siyu.data import open_source
from siyu.studies.tiers import Definition, TierError, find_members
from siyu.studies.tiers.threshold import measure

DAY, HOUR = dt.timedelta(days=1), dt.timedelta(hours=1)
START = dt.datetime(2026, 1, 1, tzinfo=dt.timezone(8 * HOUR))
FEBRUARY, MARCH = START + 31 * DAY, START + 59 * DAY
TIERS = ["plain", "silver", "gold"]
INSTANTS = ("added_at", "left_at", "paid_at", "since", "assigned_at")


def open_pool(folder, **tables):
    folder.mkdir(exist_ok=True)
    for name, rows in tables.items():
        table = pd.DataFrame(rows)
        for column in set(INSTANTS) & set(table.columns):
            table[column] = pd.to_datetime(table[column], utc=True).astype("datetime64[us, UTC]")
        table.to_parquet(folder / f"{name}.parquet", index=False)
    observed = "observed: {from: 2026-01-01, to: 2026-03-31}\n"
    (folder / "source.yaml").write_text(f"timezone: Asia/Shanghai\n{observed}", "utf-8")
    return open_source(folder)


def review(user, tier, basis, since=FEBRUARY):
    return {"user_id": user, "tier": tier, "since": since, "basis_cny": basis}


def order(user, at, amount=10.0, earned=4.0, refund=0.0):
    return {"order_id": f"{user}{at}", "user_id": user, "paid_at": at, "amount_cny": amount,
            "margin_cny": earned, "refunded_cny": refund}  # fmt: skip


def tables():
    """Five members at the review of February, one of them again in March; a leaves at once."""
    users = [
        {"user_id": name, "added_at": START + i * DAY, "left_at": None, "channel": channel}
        for i, (name, channel) in enumerate(zip("abcde", ["x", "x", "y", None, "x"], strict=True))
    ]
    users[0]["left_at"] = FEBRUARY + 2 * DAY
    reviews = [
        review("a", "plain", 90.0), review("b", "silver", 105.0),
        review("c", "gold", 330.0), review("d", "plain", 0.0),
        review("e", "silver", 280.0), review("b", "silver", 120.0, MARCH),
    ]  # fmt: skip
    orders = [
        order("a", FEBRUARY),
        order("b", FEBRUARY - HOUR),  # before the review
        order("b", FEBRUARY + 10 * DAY - HOUR, 20.0, 8.0, 5.0),
        order("b", FEBRUARY + 10 * DAY, 70.0),  # too late
        order("c", FEBRUARY + DAY, 50.0, 20.0, 50.0),  # refunded: does not count
        order("e", FEBRUARY + DAY),
        order("e", FEBRUARY + 2 * DAY, 30.0, 9.0),
    ]
    assignments = [
        {"experiment": "offer", "user_id": "b", "arm": "some", "assigned_at": MARCH + DAY},
        {"experiment": "offer", "user_id": "c", "arm": "none", "assigned_at": FEBRUARY - 9 * DAY},
        {"experiment": "other", "user_id": "a", "arm": "some", "assigned_at": FEBRUARY},
    ]
    return {"users": users, "tiers": reviews, "orders": orders, "assignments": assignments}


def members_of(folder, given, *, tiers=TIERS, period_days=90):
    pool = open_pool(folder, **given)
    return find_members(pool, Definition(tiers=tiers), period_days=period_days)


def measured(folder, given, *, tiers=TIERS, period_days=90, **other):
    members = members_of(folder, given, tiers=tiers, period_days=period_days)
    return measure(members, **{"jump_days": 10} | other)


def test_members_bring_what_they_bought_in_the_days_after_the_review(tmp_path):
    found = measured(tmp_path, tables())
    names = ["basis_cny", "orders", "amount_cny", "margin_cny", "tenure_days", "main_channel"]
    rows = found.reviews[names].to_numpy().tolist()
    assert rows == [
        [90, 1, 10, 4, 31, 1],  # a left two days after the review, and counts
        [105, 1, 15, 8, 30, 1],
        [120, 0, 0, 0, 58, 1],
        [280, 2, 40, 13, 27, 1],
        [330, 0, 0, 0, 29, 0],
    ]
    assert found.reviews["member"].tolist() == [0, 1, 1, 2, 3]
    assert found.reviews["review"].tolist() == [0, 0, 1, 0, 0]
    assert dict(found.counts) == {"all": 6, "unknown": 0, "short": 0, "drawn": 0, "n": 6}
    assert not found.refused


def test_reviews_that_do_not_count_are_counted_by_the_reason(tmp_path):
    given = tables()
    given["tiers"] += [review("d", "plain", None, MARCH), review("a", "plain", 50.0, START)]
    given["tiers"].append(review("e", "plain", 60.0, START + 81 * DAY))  # nine days are left
    found = measured(tmp_path, given, period_days=80, without_experiments=["offer"], offer_days=9)
    # Of the drawn, b's offer of March counts, and c's was over as the review was held.
    assert dict(found.counts) == {"all": 8, "unknown": 1, "short": 1, "drawn": 1, "n": 6 - 1}
    assert 120 not in found.reviews["basis_cny"].tolist()
    assert 330 in found.reviews["basis_cny"].tolist()
    longer = measured(tmp_path, given, without_experiments=["offer"], offer_days=10)
    assert 330 not in longer.reviews["basis_cny"].tolist()


def test_reviews_that_are_all_too_recent_are_said_to_be_so(tmp_path):
    given = tables()
    given["tiers"].append(review("d", "plain", None, MARCH))
    found = measured(tmp_path, given, jump_days=80)
    assert (found.refused, found.counts["short"], found.counts["unknown"]) == ("short", 6, 1)


def test_thresholds_are_the_roundest_numbers_between_the_tiers(tmp_path):
    found = measured(tmp_path, tables()).thresholds
    assert found["tier"].tolist() == ["silver", "gold"]
    assert found["threshold_cny"].tolist() == [100, 300]  # in (90, 105], and in (280, 330]
    assert found[["off", "n"]].to_numpy().tolist() == [[0, 4], [0, 1]]


@pytest.mark.parametrize(
    ("below", "above", "expected"),
    [(79.65, 80.23, 80), (90, 105, 100), (99, 99.5, 99.2), (99.98, 99.99, 99.99), (12, 29, 20)],
)
def test_a_threshold_has_few_digits(tmp_path, below, above, expected):
    given = tables()
    given["tiers"] = [review("a", "plain", below), review("b", "silver", above)]
    found = measured(tmp_path, given, tiers=["plain", "silver"]).thresholds
    assert found["threshold_cny"].tolist() == [expected]


def test_tiers_that_do_not_follow_the_basis_have_no_threshold_until_it_is_named(tmp_path):
    given = tables()
    given["users"] += [{"user_id": f"u{i}"} for i in range(200)]
    given["tiers"] += [review(f"u{i}", "gold", 400.0) for i in range(200)]
    given["tiers"].append(review("a", "gold", 100.0, MARCH))  # a gift
    found = measured(tmp_path, given).thresholds.set_index("tier")
    assert found["threshold_cny"].isna().tolist() == [False, True]
    assert found.loc["gold", ["line_cny", "off", "n"]].tolist() == [100, 3, 205]
    named = measured(tmp_path, given, thresholds_cny={"gold": 300}).thresholds.set_index("tier")
    assert named.loc["gold", ["threshold_cny", "off", "n"]].tolist() == [300, 1, 202]
    wrong = measured(tmp_path, given, thresholds_cny={"gold": 200}).thresholds.set_index("tier")
    assert wrong.loc["gold", "off"] == 2
    assert wrong.loc["gold", "threshold_cny"] == 200  # 1 in 100 is let pass
    off = measured(tmp_path, given, thresholds_cny={"gold": 101}).thresholds.set_index("tier")
    assert off.loc["gold", "off"] == 4
    assert pd.isna(off.loc["gold", "threshold_cny"])


def test_no_order_of_rows_and_no_name_changes_what_is_measured(tmp_path):
    given, rng = tables(), random.Random(1)
    one = measured(tmp_path, given)
    names = dict(zip("abcde", ["q", "p", "r", "t", "s"], strict=True))
    for rows in given.values():
        rng.shuffle(rows)
        for row in rows:
            row["user_id"] = names[row["user_id"]]
    other = measured(tmp_path, given)
    pd.testing.assert_frame_equal(one.reviews, other.reviews)
    pd.testing.assert_frame_equal(one.thresholds, other.thresholds)


def test_shifted_days_change_nothing(tmp_path):
    given = tables()
    one = measured(tmp_path, given).reviews
    for rows in given.values():
        for row in rows:
            row |= {name: row[name] + 7 * DAY for name in INSTANTS if row.get(name) is not None}
    pd.testing.assert_frame_equal(one, measured(tmp_path, given).reviews)


@pytest.mark.parametrize(
    ("change", "tiers", "refused"),
    [
        (lambda t: t.pop("orders"), TIERS, "orders"),
        (lambda t: [row.pop("basis_cny") for row in t["tiers"]], TIERS, "basis"),
        (lambda t: [row.update(basis_cny=None) for row in t["tiers"]], TIERS, "basis"),
        (lambda t: t.pop("tiers"), [], "tiers"),
    ],
)
def test_what_is_missing_is_named(tmp_path, change, tiers, refused):
    given = tables()
    change(given)
    found = measured(tmp_path, given, tiers=tiers)
    assert found.refused == refused
    assert found.reviews.empty
    assert found.thresholds.empty


def test_without_reviews_in_the_period_nothing_is_read(tmp_path):
    assert measured(tmp_path, tables(), period_days=10).refused == "tiers"


def test_columns_that_are_not_there_are_not_known(tmp_path):
    given = tables()
    given["users"] = [{"user_id": row["user_id"]} for row in given["users"]]
    for row in given["orders"]:
        del row["margin_cny"], row["refunded_cny"]
    found = measured(tmp_path, given)
    assert not found.has_margin
    assert found.reviews[["tenure_days", "main_channel"]].isna().all(axis=None)
    assert found.reviews["margin_cny"].tolist() == found.reviews["amount_cny"].tolist()


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"jump_days": 0}, "jump_days = 0 must be at least 1"),
        ({"offer_days": 0}, "offer_days = 0 must be at least 1"),
        ({"thresholds_cny": {"plain": 10}}, "names 'plain', which is no tier above the lowest"),
        ({"thresholds_cny": {"gold": 0}}, "gold = 0 must be above 0"),
        ({"thresholds_cny": {"gold": 90, "silver": 100}}, "must rise from silver to gold"),
        ({"thresholds_cny": {"silver": 350}}, "must rise from silver to gold"),
    ],
)
def test_bad_parameters_are_named(tmp_path, asked, said):
    with pytest.raises(TierError, match=said):
        measured(tmp_path, tables(), **asked)


def test_an_experiment_that_is_not_there_leaves_no_review_out(tmp_path):
    everything = measured(tmp_path, tables()).counts
    assert measured(tmp_path, tables(), without_experiments=["ofer"]).counts == everything
    given = tables()
    del given["assignments"]
    (tmp_path / "without").mkdir()
    without = measured(tmp_path / "without", given, without_experiments=["offer"])
    assert without.counts == everything
