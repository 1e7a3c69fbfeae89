"""How many people a test needs: published numbers, two routes, and power that is kept."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from siyu.stats.power import units_needed
from siyu.studies.lures import LureError
from siyu.studies.lures.design import size

from tests.studies.lures.design.builders import SHARES, measures, worth

ASKED = {"arms": 2, "has_control": True, "lift_wanted": 0.25, "power": 0.8, "level": 0.95}


def sized(given=None, **other):
    found = size(given or measures(), **(ASKED | other))
    return found, found.table.set_index(["way", "outcome"])


def of_rate(rate, n=1_000):
    row = ("exposure", "all", "conversion", n, round(rate * n))
    return measures(shares=pd.DataFrame([row], columns=SHARES.columns))


def test_two_arms_with_a_control_need_what_the_plain_formula_says():
    _, table = sized(of_rate(0.2))
    plain = units_needed(
        0.05,
        null_variance=2 * 0.225 * 0.775,
        variance=0.2 * 0.8 + 0.25 * 0.75,
        critical=norm.ppf(0.975),
        power=0.8,
    )
    # statistics.md: the pooled formula gives 1,094 for 20% and 5 points.
    assert table.loc[("exposure", "conversion"), "n_per_arm"] == np.ceil(plain) == 1094


def test_three_lures_against_a_control_need_dunnetts_critical_value():
    # Three comparisons, equal arms: 2.349 (statistics.md: 2.350 simulated).
    _, table = sized(of_rate(0.2), arms=4)
    expected = units_needed(
        0.05, null_variance=2 * 0.225 * 0.775, variance=0.16 + 0.1875, critical=2.349, power=0.8
    )
    assert table.loc[("exposure", "conversion"), "n_per_arm"] == pytest.approx(expected, rel=1e-3)


def test_two_lures_without_a_control_are_judged_one_sided():
    _, table = sized(of_rate(0.2), has_control=False)
    expected = units_needed(
        0.05, null_variance=2 * 0.225 * 0.775, variance=0.16 + 0.1875, critical=1.6449, power=0.8
    )
    assert table.loc[("exposure", "conversion"), "n_per_arm"] == pytest.approx(expected, rel=2e-3)


def test_weeks_are_people_by_those_who_come_and_the_interval_holds_both():
    found, table = sized()
    row = table.loc[("exposure", "conversion")]
    assert row["base"] == pytest.approx(0.2)
    assert row["smallest"] == pytest.approx(0.05)
    assert row["n_total"] == 2 * row["n_per_arm"]
    assert row["weeks"] == pytest.approx(row["n_total"] / 100)
    assert row["n_lower"] < row["n_per_arm"] < row["n_upper"]
    assert row["weeks_lower"] < row["n_lower"] * 2 / 100
    # Within channels .3 x .7 and .1 x .9, against .2 x .8 over all.
    assert row["saved_share"] == pytest.approx(1 - (0.21 + 0.09) / 2 / 0.16)
    assert np.isnan(table.loc[("list", "conversion"), "weeks"])
    assert found.per_week == 100


def test_what_weeks_bring_finds_a_lift_that_needs_as_many():
    found, _ = sized(of_rate(0.2))
    assert set(found.found["outcome"]) == {"conversion", "cost"}
    for row in found.found.itertuples():
        _, table = sized(of_rate(0.2), lift_wanted=row.lift)
        own = table.loc[("exposure", row.outcome)]
        assert own["n_total"] == pytest.approx(row.n_total, abs=2)


def test_a_lift_beyond_everybody_is_not_sized():
    found, table = sized(of_rate(0.9), lift_wanted=0.2)
    assert np.isnan(table["n_per_arm"].iloc[0])
    assert found.looks.empty


@pytest.mark.parametrize("count", [0, 1_000])
def test_where_nobody_or_everybody_converts_nothing_is_sized(count):
    row = ("exposure", "all", "conversion", 1_000, count)
    found, table = sized(measures(shares=pd.DataFrame([row], columns=SHARES.columns)))
    assert ("exposure", "conversion") not in table.index
    assert found.refused == ""


@pytest.mark.parametrize("given", [{"shares": SHARES.iloc[:0]}, {"weeks": (0, 0)}, {"weeks": ()}])
def test_without_fresh_customers_nothing_is_sized(given):
    found, table = sized(measures(**given))
    assert (found.refused, len(table), len(found.curve)) == ("nobody", 0, 0)


def test_without_an_experiment_that_has_costs_these_are_not_sized():
    _, table = sized(measures(worth=worth().iloc[:0]), value_per_retained_cny=50.0)
    assert not {"cost", "net"} & set(table.index.get_level_values("outcome"))
    _, table = sized(measures(worth=worth().assign(cost=0.0)))
    assert "cost" not in table.index.get_level_values("outcome")


def test_a_dearer_currency_changes_yuan_and_no_people():
    _, table = sized(value_per_retained_cny=50.0)
    _, fen = sized(
        measures(worth=worth().assign(cost=100 * worth()["cost"])), value_per_retained_cny=5_000.0
    )
    for outcome in ("cost", "net"):
        own, other = table.loc[("exposure", outcome)], fen.loc[("exposure", outcome)]
        assert other["n_per_arm"] == own["n_per_arm"]
        assert other["base"] == pytest.approx(100 * own["base"])
        assert other["smallest"] == pytest.approx(100 * own["smallest"])


def test_weekly_looks_end_with_all_people_and_cost_a_few_more():
    found, table = sized()
    looks = found.looks
    assert len(looks) == np.ceil(table.loc[("exposure", "conversion"), "weeks"])
    assert looks["share"].iloc[-1] == 1
    assert (np.diff(looks["z"]) < 0).all()
    assert looks["z"].iloc[-1] > norm.ppf(0.975)
    assert 1 < found.price < 1.1


def test_whole_staff_accounts_by_hand():
    """Four accounts of 40 to 60: the likeness decides how many times more people."""
    found, table = sized()
    own = found.clusters
    sizes = np.array([50, 60, 40, 50])
    weighted = (sizes**2).sum() / sizes.sum()
    assert own.effect == pytest.approx(1 + (weighted - 1) * max(own.likeness.value, 0))
    each = table.loc[("exposure", "retention"), "n_per_arm"]
    assert own.needed == np.ceil(each * own.effect / 50) + 1
    assert own.needed_upper >= own.needed
    assert own.there == 4


@pytest.mark.parametrize(
    "staff",
    [
        {"n": [], "count": []},
        {"n": [50], "count": [20]},
        {"n": [1, 1, 1], "count": [1, 0, 1]},  # clusters of one say nothing
        {"n": [50, 50], "count": [0, 0]},
    ],
)
def test_clusters_that_tell_nothing_are_not_sized(staff):
    found, _ = sized(measures(staff=pd.DataFrame(staff)))
    assert found.clusters is None


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"arms": 1}, "arms = 1"),
        ({"power": 0}, "power = 0"),
        ({"power": 1}, "power = 1"),
        ({"lift_wanted": 0}, "lift_wanted = 0"),
        ({"lift_wanted": 1}, "lift_wanted = 1"),
        ({"value_per_retained_cny": 0}, "value_per_retained_cny = 0"),
    ],
)
def test_what_cannot_be_is_refused(wrong, said):
    with pytest.raises(LureError, match=said):
        sized(**wrong)
