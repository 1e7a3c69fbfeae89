"""Values and their parts: by hand, invariants, what is refused, and the sample's planted truths."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from siyu.data import open_source
from siyu.studies.tiers import Definition, find_members, value
from siyu.studies.tiers.value.estimate import compare_ends

SAMPLE = Path(__file__).parents[4] / "data" / "sample"
LEVEL = 0.95
TIERS = ("ordinary", "gold", "diamond")


def members(seed=1, sizes=(400, 90, 60), orders=(0.3, 1.5, 3.0), prices=(40, 40, 40)):
    """Members of three tiers at a review; most were in the same tier at the one before."""
    rng = np.random.default_rng(seed)
    parts = []
    for code, (n, mean, price) in enumerate(zip(sizes, orders, prices, strict=True)):
        rate = rng.gamma(2, mean / 2, n)
        table = pd.DataFrame({"tier": code, "tier_before": np.where(rng.random(n) < 0.8, code, -1)})
        for ending in ("", "_before"):
            count = rng.poisson(rate)
            table[f"orders{ending}"] = count
            table[f"refunded{ending}"] = rng.binomial(count, 0.05)
            margin = rng.gamma(2 * np.maximum(count, 1), price / 2)
            table[f"margin_cny{ending}"] = np.where(count > 0, margin.round(2), 0)
            table[f"friends{ending}"] = rng.binomial(1, 0.05, n)
        parts.append(table)
    return pd.concat(parts, ignore_index=True).assign(n=1)


def measures(**other):
    given = {
        "source": "shop",
        "as_of": dt.date(2026, 3, 31),
        "value_days": 60,
        "min_users": 30,
        "tiers": TIERS,
        "review": dt.date(2026, 1, 1),
        "previous": dt.date(2025, 11, 1),
        "members": members(),
        "has_orders": True,
        "has_margin": True,
        "has_invites": True,
    }
    return value.Measures(**given | other)


def test_the_factors_are_means_per_member_and_their_product_is_the_value():
    one = measures()
    row = value.estimate(one, level=LEVEL).tiers.set_index("tier").loc["gold"]
    own = one.members[one.members["tier"] == 1]
    assert row["n"] == 90
    assert row["orders"] == pytest.approx(own["orders"].mean())
    assert row["margin"] == pytest.approx(own["margin_cny"].sum() / own["orders"].sum())
    assert row["referral"] == pytest.approx(1 + own["friends"].mean())
    assert row["value"] == pytest.approx(row["orders"] * row["margin"] * row["referral"])
    assert row["placed"] == pytest.approx((own["orders"] + own["refunded"]).mean())
    for name in ("orders", "margin", "referral", "value", "earned", "placed"):
        assert row[f"{name}_lower"] < row[name] < row[f"{name}_upper"]


def test_the_interval_agrees_with_a_bootstrap_by_member():
    """Where enough buy, percentiles of 4,000 resamples: to a tenth of the width."""
    one = measures(members=members(sizes=(400, 900, 60)))
    row = value.estimate(one, level=LEVEL).tiers.set_index("tier").loc["gold"]
    own = one.members[one.members["tier"] == 1][["orders", "margin_cny", "friends"]].to_numpy()
    rng = np.random.default_rng(8)
    means = rng.multinomial(len(own), [1 / len(own)] * len(own), 4_000) @ own / len(own)
    drawn = {"value": means[:, 1] * (1 + means[:, 2]), "margin": means[:, 1] / means[:, 0]}
    for name, values in drawn.items():
        ends = np.quantile(values, [0.025, 0.975])
        found = [row[f"{name}_lower"], row[f"{name}_upper"]]
        assert found == pytest.approx(ends, abs=0.1 * np.ptp(ends)), name


def test_parts_sum_to_the_gap():
    found = value.estimate(measures(), level=LEVEL)
    sums = found.parts.groupby("tier")["part"].sum()
    gaps = found.gaps.set_index("tier")["gap"]
    assert sums.to_dict() == pytest.approx(gaps.to_dict(), abs=1e-9)
    worth = found.tiers.set_index("tier")["value"]
    assert gaps["gold"] == pytest.approx(worth["gold"] - worth["ordinary"])
    assert (found.gaps["ci_lower"] < found.gaps["gap"]).all()


def test_the_factor_that_differs_leads():
    often = value.estimate(measures(), level=LEVEL)
    assert list(often.gaps["leads"]) == ["orders", "orders"]
    dear = members(orders=(1.5, 1.5, 1.5), prices=(20, 60, 61))
    found = value.estimate(measures(members=dear), level=LEVEL)
    assert list(found.gaps["leads"]) == ["margin", ""]


def test_neither_the_order_of_rows_nor_counting_those_alike_matters():
    one = measures()
    names = list(one.members.columns[:-1])
    counted = one.members.groupby(names, as_index=False)["n"].sum()
    again = replace(one, members=counted.sample(frac=1, random_state=3, ignore_index=True))
    for which in ("tiers", "parts", "gaps", "changes"):
        first, second = (getattr(value.estimate(each, level=LEVEL), which) for each in (one, again))
        pd.testing.assert_frame_equal(first, second, check_exact=False, rtol=1e-9)


def test_yuan_scale_values_and_leave_factors_alone():
    one = measures()
    scaled = one.members.assign(
        margin_cny=10 * one.members["margin_cny"],
        margin_cny_before=10 * one.members["margin_cny_before"],
    )
    plain = value.estimate(one, level=LEVEL)
    found = value.estimate(replace(one, members=scaled), level=LEVEL)
    for name in ("value", "value_upper", "margin_lower"):
        assert found.tiers[name].to_numpy() == pytest.approx(10 * plain.tiers[name].to_numpy())
    assert found.tiers["orders_upper"].to_numpy() == pytest.approx(
        plain.tiers["orders_upper"].to_numpy()
    )
    assert list(found.gaps["leads"]) == list(plain.gaps["leads"])


def test_a_change_counts_that_members_are_in_both_reviews():
    one = measures()
    own = value.estimate(one, level=LEVEL).changes.set_index("tier")
    apart = one.members[["tier", "orders", "refunded", "margin_cny", "friends", "n"]]
    before = one.members[[f"{name}_before" for name in apart.columns[:-1]]]
    nobody = dict.fromkeys(before.columns, 0) | {"tier_before": -1}
    split = pd.concat(
        [
            apart.assign(**nobody),
            before.assign(tier=-1, orders=0, refunded=0, margin_cny=0.0, friends=0, n=1),
        ]
    )
    found = value.estimate(replace(one, members=split), level=LEVEL).changes.set_index("tier")
    assert own["change"].to_dict() == pytest.approx(found["change"].to_dict())
    # The same members order at the same rates both times: their difference varies less.
    width = own["ci_upper"] - own["ci_lower"]
    assert (width < 0.98 * (found["ci_upper"] - found["ci_lower"])).all()


def test_a_margin_that_is_lost_has_an_interval_too():
    lost = members()
    lost["margin_cny"] -= 60.0 * (lost["orders"] > 0)
    row = value.estimate(measures(members=lost), level=LEVEL).tiers.iloc[0]
    assert row["value"] < 0
    assert row["value_lower"] < row["value"] < row["value_upper"]


@pytest.mark.parametrize(
    ("other", "refused"),
    [
        ({"tiers": ()}, "tiers"),
        ({"has_orders": False}, "orders"),
        ({"review": None, "previous": None, "members": members()[:0]}, "review"),
        ({"members": members(orders=(0, 0, 0))}, "few"),
        ({"members": members(sizes=(5, 5, 5))}, "few"),
        ({"members": members(sizes=(1, 0, 0))}, "few"),
    ],
)
def test_what_cannot_be_valued_is_refused(other, refused):
    found = value.estimate(measures(**other), level=LEVEL)
    assert found.refused == refused
    assert found.parts.empty
    assert compare_ends(found) == ""


def test_a_small_tier_is_not_told_nor_to_be_had_by_subtraction():
    found = value.estimate(measures(members=members(sizes=(400, 90, 12))), level=LEVEL)
    assert list(found.tiers["refused"]) == ["", "small", "small"]
    assert found.tiers["n"].tolist() == pytest.approx([400, np.nan, np.nan], nan_ok=True)
    few = value.estimate(measures(members=members(orders=(0.01, 1.5, 3.0))), level=LEVEL)
    assert list(few.tiers["refused"]) == ["few", "", ""]
    assert list(few.gaps["below"]) == ["gold"]


@pytest.mark.parametrize("flat", [TIERS, TIERS[1:2]])
def test_where_nobody_brings_any_margin_no_value_is_told(flat):
    table = members()
    for ending in ("", "_before"):
        inside = table[f"tier{ending}"].isin([TIERS.index(tier) for tier in flat])
        table.loc[inside, f"margin_cny{ending}"] = 0.0
    one = measures(members=table)
    found = value.estimate(one, level=LEVEL)
    assert found.tiers.loc[found.tiers["refused"] == "flat", "tier"].tolist() == list(flat)
    assert found.refused == ("flat" if flat == TIERS else "")
    told = {each.id: each for each in value.conclude(one, found, level=LEVEL)}
    refused = told["tiers.value" if flat == TIERS else "tiers.value.gold"]
    assert (refused.status, refused.value) == ("insufficient", None)
    assert "brought" in refused.message
    assert "tiers.value.change.gold" not in told
    assert value.draw_values(one, found, level=LEVEL).alt


@pytest.mark.filterwarnings("error")
def test_without_friends_the_referral_index_is_drawn_all_the_same():
    table = members().assign(friends=0, friends_before=0)
    one = measures(members=table, has_invites=False)
    assert value.draw_values(one, value.estimate(one, level=LEVEL), level=LEVEL).alt


@pytest.mark.slow
def test_the_sample_recovers_what_members_order_and_bring():
    """The truth counts orders before refunds, and margins after them, without friends."""
    document = json.loads((SAMPLE / "truth.json").read_text("utf-8"))
    truths = {one["id"]: one for one in document["truths"]}
    planted = truths["tiering.value.gold.orders"]["settings"]
    # On this day the planted review is the last one that was followed.
    members = find_members(open_source(SAMPLE, as_of="2026-01-31"), Definition(), period_days=365)
    measured = value.measure(members, value_days=planted["horizon_days"])
    assert f"{measured.review}" == planted["review"]
    found = value.estimate(measured, level=LEVEL ** (1 / 8)).tiers.set_index("tier")
    assert len(found) == 4
    for tier, row in found.iterrows():
        for name, outcome in (("placed", "orders"), ("earned", "margin")):
            truth = truths[f"tiering.value.{tier}.{outcome}"]["value"]
            assert row[f"{name}_lower"] <= truth <= row[f"{name}_upper"], (tier, outcome)
