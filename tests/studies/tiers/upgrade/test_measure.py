"""Who came to a tier, missed it, lost it or kept it, and what was bought around it: by hand."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pandas as pd
import pytest
from siyu.studies.tiers import TierError
from siyu.studies.tiers.upgrade.measure import measure
from siyu.studies.tiers.upgrade.occasions import columns_of
from siyu.studies.tiers.upgrade.rows import blank_unseen

from tests.studies.tiers.upgrade.builders import (
    DAY,
    REVIEWS,
    SAMPLE,
    START,
    members_of,
    shop,
)


def measured(folder, tables=None, **other):
    return measure(
        members_of(folder, tables or shop()), **({"thresholds_cny": {"gold": 100}} | other)
    )


def rows_of(found, kind):
    return found.rows[found.rows["kind"] == kind]


def test_upgrades_and_near_misses_are_those_of_members_never_so_high_before(tmp_path):
    up = rows_of(measured(tmp_path), "up").sort_values("spend")
    # c missed gold at the first review, a came to it; b was gold then, with 140 yuan. Later
    # reviews of a and b are no first upgrades.
    assert up["exposed"].tolist() == [False, True, True]
    assert up["spend"].tolist() == [60, 110, 140]
    assert up["upper"].tolist() == [False, False, False]  # 75 is halfway from 50 to 100
    assert up["orders_+1"].tolist() == [0, 1, 1]  # who left buys nothing, and counts
    assert up["margin_+1"].tolist() == [0, 12, 9]
    assert up["amount_+1"].tolist() == [0, 30, 20]
    assert up["orders_+3"].tolist() == [0, 0, 0]
    assert up["orders_-1"].tolist() == [1, 1, 0]
    assert up["orders_-2"].tolist() == [0, 0, 1]
    assert up["orders_-3"].tolist() == [0, 0, 1]


def test_losses_and_those_who_kept_a_tier_are_compared_the_other_way_round(tmp_path):
    down = rows_of(measured(tmp_path, band=1), "down").sort_values("spend")
    # At the second review a and b kept gold, at the third b lost it.
    assert down["spend"].tolist() == [30, 110, 140, 160]
    assert down["exposed"].tolist() == [True, False, False, False]
    assert (down["earlier"] == 1).all()


def test_between_reviews_stands_who_would_have_come_to_the_tier(tmp_path):
    tables = shop()
    tables["orders"].append({"order_id": "o9", "user_id": "c", "paid_at": START + 92 * DAY,
                             "amount_cny": 45.0, "margin_cny": 9.0})  # fmt: skip
    found = measured(tmp_path, tables)
    date = rows_of(found, "date")
    # c has 105 yuan 15 days after the first review, but is gone; a and b are gold.
    assert not len(date)
    tables["users"][2]["left_at"] = None
    date = rows_of(measured(tmp_path, tables), "date")
    assert date["exposed"].tolist() == [True]
    assert date["spend"].tolist() == [105]
    assert found.half_days == 15


def test_blocks_that_were_not_seen_whole_are_blank(tmp_path):
    found = measured(tmp_path, band=1)
    lost = rows_of(found, "down").sort_values("spend").iloc[0]
    # The third review is on day 150, the observation ends with day 209.
    assert lost[["orders_+1", "orders_+2"]].tolist() == [0, 0]
    assert pd.isna(lost["orders_+3"])
    # Four blocks before the third review, on day 30, b was already there; before day 120, nobody.
    assert lost["orders_-4"] == 1
    assert rows_of(found, "up")["orders_-4"].isna().all()


def test_blanking_leaves_the_rows_that_it_was_given_as_they_were():
    blocks = [name for block in (-2, 1) for name in columns_of(block)]
    found = pd.DataFrame({"at": [0, 0], "added_us": [0, 0]} | dict.fromkeys(blocks, 1.0))
    given = found.copy()
    seen = blank_unseen(found, since_us=0, until_us=0, after={1: 30}, before=(-2, 60))
    assert seen[blocks].isna().all(axis=None)
    pd.testing.assert_frame_equal(found, given)


def test_what_lies_after_an_experiment_began_is_left_out(tmp_path):
    tables = shop()
    tables["assignments"] = [
        {"experiment": "offers", "user_id": "a", "arm": "x", "assigned_at": REVIEWS[1] + DAY}
    ]
    found = measured(tmp_path, tables, experiments=["offers"])
    assert found.ends == dt.date(2026, 5, 2)
    up = rows_of(found, "up")
    assert up["orders_+1"].notna().all()
    assert up["orders_+2"].isna().all()
    assert measured(tmp_path, tables, experiments=["others"]).ends is None


def test_members_whose_window_was_not_seen_are_left_out_and_counted(tmp_path):
    tables = shop()
    tables["users"][1]["added_at"] = None
    tables["tiers"] = [
        row | {"since": row["since"] - 30 * DAY, "basis_cny": spent}
        for row, spent in zip(
            tables["tiers"], (0.0, 140.0, 160.0, 140.0, 140.0, 110.0, 0.0), strict=True
        )
    ]
    for row in tables["tiers"]:
        row["tier"] = "gold" if row["basis_cny"] >= 100 else "plain"
    found = measured(tmp_path, tables, band=1)
    assert found.refused == "window"  # 160 yuan is not what was bought
    fixed = [110.0 if row["basis_cny"] == 160 else row["basis_cny"] for row in tables["tiers"]]
    spent = {0: (0.0, 110.0, 140.0), 1: (140.0, 140.0, 110.0), 2: (0.0,)}
    fixed = [each for values in spent.values() for each in values]
    for row, basis in zip(tables["tiers"], fixed, strict=True):
        row |= {"basis_cny": basis, "tier": "gold" if basis >= 100 else "plain"}
    found = measured(tmp_path, tables, band=1)
    assert found.refused == ""
    assert found.unknown == 1  # b on day 60: what came before the first day is not known
    assert len(rows_of(found, "up")) == 1


def test_near_the_threshold_and_firsts_of_the_period_are_counted(tmp_path):
    tables = shop()
    tables["orders"][7]["amount_cny"] = 97.0
    tables["tiers"][-1]["basis_cny"] = 97.0
    found = measured(tmp_path, tables)
    assert found.near.to_dict("records") == [{"target": 1, "above": 0, "below": 1}]
    assert found.reached == {1: 2}
    assert found.months == 1


def test_the_order_of_rows_and_the_names_of_members_say_nothing(tmp_path):
    tables = shop()
    first, second = tmp_path / "one", tmp_path / "two"
    first.mkdir(), second.mkdir()
    one = measured(first, tables)
    names = {"a": "z", "b": "m", "c": "k"}
    renamed = {
        name: [row | {"user_id": names[row["user_id"]]} for row in reversed(rows)]
        for name, rows in tables.items()
    }
    pd.testing.assert_frame_equal(measured(second, renamed).rows, one.rows)
    assert not {"number", "at", "user_id", "since_on"} & set(one.rows)


def test_the_roundest_number_between_two_tiers_is_the_threshold_unless_told(tmp_path):
    assert measured(tmp_path, thresholds_cny={}).thresholds == (100.0,)
    assert measured(tmp_path, thresholds_cny={"gold": 105}).thresholds == (105.0,)


def change(tables, name, **values):
    return tables | {name: [row | values for row in tables[name]]}


@pytest.mark.parametrize(
    ("tables", "refused"),
    [
        ({k: v for k, v in shop().items() if k != "orders"}, "orders"),
        ({k: v for k, v in shop().items() if k != "tiers"}, "tiers"),
        (change(shop(), "tiers", tier="gold"), "one"),
        (
            shop() | {"tiers": [
                {k: v for k, v in row.items() if k != "basis_cny"} for row in shop()["tiers"]
            ]},
            "basis",
        ),
        (change(shop(), "tiers", basis_cny=70.0), "rule"),
        (change(shop(), "orders", amount_cny=1.0), "window"),
    ],
)  # fmt: skip
def test_what_cannot_be_compared_is_refused_with_a_reason(tmp_path, tables, refused):
    found = measured(tmp_path, tables, thresholds_cny={})
    assert found.refused == refused
    assert not len(found.rows)


def test_refunded_orders_do_not_count_and_unknown_margins_are_amounts(tmp_path):
    tables = shop()
    tables["orders"][1] |= {"refunded_cny": 30.0}
    tables["orders"][5] |= {"refunded_cny": 0.0, "margin_cny": None}
    found = measured(tmp_path, tables, thresholds_cny={"gold": 110}, band=0.3)
    assert found.refused == "window"  # the basis held the refunded order
    tables["tiers"][1]["basis_cny"] = 110.0
    tables["tiers"][2]["basis_cny"] = 130.0
    up = rows_of(measured(tmp_path, tables), "up").sort_values("spend")
    assert up["orders_+1"].tolist() == [0, 0, 1]
    assert up["margin_+1"].tolist() == [0, 0, 20]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"block_days": 0}, "block_days = 0"),
        ({"blocks_after": 0}, "blocks_after = 0"),
        ({"basis_days": 100}, "multiple of block_days"),
        ({"basis_days": 0}, "multiple of block_days"),
        ({"band": 0}, "band = 0"),
        ({"band": 1.5}, "band = 1.5"),
        ({"thresholds_cny": {"silver": 20}}, "names 'silver', which is no tier above the lowest"),
        ({"thresholds_cny": {"gold": -1}}, "above 0"),
    ],
)
def test_a_number_out_of_range_is_named(tmp_path, asked, words):
    with pytest.raises(TierError, match=words):
        measured(tmp_path, **asked)


def test_without_any_day_of_joining_members_count_from_the_beginning_of_the_log(tmp_path):
    given = shop()
    given["users"] = [{"user_id": row["user_id"]} for row in given["users"]]
    early = [{"user_id": row["user_id"], "added_at": START - 99 * DAY} for row in given["users"]]
    kinds = ("none", "early")
    found = []
    for kind, users in zip(kinds, (given["users"], early), strict=True):
        (tmp_path / kind).mkdir()
        members = members_of(tmp_path / kind, given | {"users": users})
        found.append(measure(members, thresholds_cny={"gold": 100}).rows)
    pd.testing.assert_frame_equal(*found)


def test_a_past_day_knows_nothing_of_what_came_later(tmp_path):
    from siyu.data import open_source
    from siyu.studies.tiers import Definition, find_members

    measured(tmp_path)
    early = find_members(
        open_source(tmp_path, as_of="2026-04-20"), Definition(), period_days=365, min_users=1
    )
    found = measure(early, thresholds_cny={"gold": 100})
    assert found.rows["orders_+1"].isna().all()
    assert found.immature == 3


def test_the_sample_is_reviewed_by_what_was_bought_in_ninety_days():
    from siyu.data import open_source
    from siyu.studies.tiers import Definition, find_members

    members = find_members(open_source(SAMPLE), Definition(), period_days=365)
    found = measure(members, experiments=["tier_offer_2026q1"])
    assert (found.follows, found.reproduced, found.half_days) == (1, 1, 14)
    assert found.ends == dt.date(2026, 2, 1)
    assert measure(replace(members, has_basis=False)).refused == "basis"
