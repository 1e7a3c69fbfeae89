"""The plan by hand: the chance, what it takes for another, and what a lever moves."""

import numpy as np
import pytest
from siyu.findings import to_json
from siyu.studies.naming import EVERYONE
from siyu.studies.targets import plan
from siyu.studies.targets.forecast import Forecast

from tests.studies.targets.builders import adds_of, costs_of, forecast_of, user

# A thousand draws of one week: 1 to 1,000 added at a, always 200 at b; half of them stay.
ONE = np.column_stack([np.arange(1.0, 1001), np.full(1000, 200.0)])[:, None, :]


def planned(*, target=300.0, costs=None, most=2_000.0, adds=ONE, share=(0.5, 0.5)):
    found = forecast_of(adds, share, most=most)
    prices = costs_of(a=4.0, b=1.0) if costs is None else costs
    return plan.plan(found, target=target, costs=prices, has_exposed=True, level=0.95)


@pytest.fixture
def adds(tmp_path):
    return adds_of(tmp_path, {"users": [user(f"{n}", n % 90) for n in range(200)]})


def way(found, chance, which):
    rows = found.ways.set_index(["chance", "way"])
    return rows.loc[(chance, which)]


def test_the_chance_is_the_share_of_draws_that_reach_the_target():
    # (a + 200) / 2 >= 300 where a >= 400: 601 of 1,000.
    found = planned()
    assert found.chance == 0.601
    assert found.ci_lower < 0.601 < found.ci_upper
    assert found.ci_upper - found.ci_lower == pytest.approx(
        2 * 1.96 * np.sqrt(0.24 / 1000), rel=0.03
    )
    assert found.expected == pytest.approx((500.5 + 200) / 2)


def test_raised_alike_the_draws_reach_the_target_as_often_as_asked():
    found = planned()
    total = ONE.sum(axis=(1, 2)) / 2
    for chance in plan.CHANCES:
        row = way(found, chance, "even")
        times = row["adds"] / ONE.mean(axis=0).sum()
        assert (times * total >= 300 - 1e-9).mean() == pytest.approx(chance, abs=0.002)
        assert row["adds_lower"] < row["adds"] < row["adds_upper"]


def test_the_cheapest_member_is_bought_first_and_only_as_much_as_it_takes():
    # 80%: a of 200 draws is at most 200. 200 kept then; 100 more, at b, are 200 additions.
    row = way(planned(), 0.8, "cheap")
    assert row["reached"]
    assert row["extra"] == pytest.approx(199, abs=1.5)
    assert row["cost_cny"] == pytest.approx(row["extra"] * 1.0)
    assert row["cost_upper"] - row["cost_cny"] == pytest.approx(1.96 * row["extra"] / 10, rel=1e-3)
    found = planned()
    assert found.cheapest == ("b", "a")
    needs = found.needs[(found.needs["chance"] == 0.8) & (found.needs["way"] == "cheap")]
    assert needs.set_index("touchpoint")["needed"]["a"] == pytest.approx(500.5)


def test_cheap_is_a_member_who_stays_not_an_addition():
    found = planned(costs=costs_of(a=4.0, b=3.0), share=(0.8, 0.2))
    assert found.cheapest == ("a", "b")  # 5 and 15 yuan per member


def test_no_week_is_filled_above_the_most_there_was():
    found = planned(most=250.0)
    row = way(found, 0.8, "cheap")
    # b has room for 50; a, which is expected to bring 500, for none.
    assert not row["reached"]
    assert row["extra"] == pytest.approx(50)
    even = found.needs[(found.needs["chance"] == 0.8) & (found.needs["way"] == "even")]
    assert even.set_index("touchpoint")["beyond"].all()
    said = plan.say_plan(found, level=0.95)
    assert "would not give this chance" in said
    assert "than they ever did: “a”, “b”" in said


def test_without_costs_only_raising_all_alike_is_told(adds):
    found = planned(target=900.0, costs=costs_of(a=np.nan, b=np.nan))
    assert set(found.ways["way"]) == {"even"}
    assert np.isnan(way(found, 0.8, "even")["cost_cny"])
    assert "What that costs is not known." in plan.say_plan(found, level=0.95)
    told = {one.id: one for one in plan.conclude(adds, found, level=0.95)}
    assert told["targets.plan.chance"].status == "alert"
    assert "set a later day or a smaller target" in told["targets.plan.chance"].action
    assert "targets.plan.cost.80" not in told


def test_a_chance_that_is_there_already_takes_nothing_more():
    found = planned(target=150.0)
    assert found.chance > 0.8
    assert way(found, 0.8, "cheap")["extra"] == 0
    assert "what is expected is enough" in plan.say_plan(found, level=0.95)


def test_a_tenth_more_of_anything_multiplies_alike():
    found = planned()
    rows = found.levers.set_index(["lever", "touchpoint"])
    total = ONE.sum(axis=(1, 2)) / 2
    expected = ((1.1 * total >= 300) & (total < 300)).mean()
    for lever in ("exposures", "add_rate", "kept"):
        assert rows.loc[(lever, EVERYONE), "change"] == pytest.approx(expected)
    assert rows.loc[("touchpoint", "a"), "extra"] == pytest.approx(0.1 * 500.5 / 2)
    assert rows.loc[("touchpoint", "b"), "extra"] == pytest.approx(10)
    each = rows.loc["touchpoint", "extra"].sum()
    assert each == pytest.approx(rows.loc[("add_rate", EVERYONE), "extra"])
    assert rows.loc[("exposures", EVERYONE), "cost_cny"] == pytest.approx(50.05 * 4 + 20)


def test_nobody_is_kept_more_than_once():
    found = planned(share=(0.95, 0.95))
    rows = found.levers.set_index(["lever", "touchpoint"])
    kept, added = (rows.loc[(lever, EVERYONE), "extra"] for lever in ("kept", "add_rate"))
    assert kept == pytest.approx(added * (1 / 0.95 - 1) / 0.1)


def test_which_touchpoint_moves_most_is_certain_only_where_the_draws_say_so():
    assert (planned().best, planned().best_clear) == ("a", False)
    steady = np.column_stack([np.full(1000, 500.0), np.arange(1000) / 10])[:, None, :]
    assert planned(adds=steady).best_clear
    assert "and that is certain" in plan.say_levers(planned(adds=steady), level=0.95)


@pytest.mark.parametrize(
    ("threshold", "status", "said"),
    [(0.5, "ok", "likely enough"), (0.9, "alert", "not likely enough"), (0.6, "watch", "about")],
)
def test_a_chance_is_held_against_its_threshold(adds, threshold, status, said):
    found = planned()
    findings = plan.conclude(adds, found, chance_threshold=threshold, level=0.95)
    assert findings[0].status == status
    assert said in findings[0].message
    assert bool(findings[0].action) == (status == "alert")
    assert (findings[0].worth_cny is not None) == (status == "alert")
    to_json(findings, notebook="x", as_of="", source="", parameters={})


def test_what_it_is_worth_is_what_the_cheaper_way_saves(adds):
    found = planned()
    (first, *_) = plan.conclude(adds, found, chance_threshold=0.9, level=0.95)
    even, cheap = (way(found, 0.8, one)["cost_cny"] for one in ("even", "cheap"))
    assert first.worth_cny == pytest.approx(even - cheap)


@pytest.mark.parametrize(
    ("forecast", "target", "reason", "said"),
    [
        (Forecast(refused="short", weeks_seen=3), 100.0, "forecast", "Without a forecast"),
        (forecast_of(ONE, (0.5, 0.5)), np.nan, "target", "Nothing says how many"),
    ],
)
def test_without_a_forecast_or_a_target_there_is_no_chance(adds, forecast, target, reason, said):
    found = plan.plan(forecast, target=target, costs=costs_of(), has_exposed=False, level=0.95)
    assert found.refused == reason
    assert said in plan.say_headline(adds, found, chance_threshold=0.5)
    (one,) = plan.conclude(adds, found, level=0.95)
    assert (one.id, one.status) == ("targets.plan.chance", "insufficient")
    assert plan.say_plan(found, level=0.95) == plan.say_levers(found, level=0.95) == ""
    assert not len(plan.draw_chance(adds, found, chance_threshold=0.5).table)
    assert not len(plan.draw_needs(adds, found).table)
    assert not len(plan.draw_levers(adds, found, level=0.95).table)
