"""The truths about returns are those of drawn pools, counted from the written tables."""

from __future__ import annotations

import math
from functools import cache

import pandas as pd
import pytest
from siyu.data.world.boosts import Boosts
from siyu.data.world.people import PLACES, Arrivals
from siyu.data.world.settings import Settings
from siyu.data.world.spending import PAID, Spending
from siyu.data.world.truths.facts import Truth
from siyu.data.world.truths.returns import state_returns
from siyu.data.world.write import draw_tables

pytestmark = pytest.mark.slow

TOUCHPOINTS = [touchpoint for _, touchpoint in PLACES]


def state(settings: Settings) -> dict[str, Truth]:
    return {truth.id.removeprefix("spending.return."): truth for truth in state_returns(settings)}


@cache
def truths() -> dict[str, Truth]:
    return state(Settings())


def test_two_paid_touchpoints_return_clearly_more_than_one_and_a_half_and_one_clearly_less() -> (
    None
):
    above, below = ("short_video", "kol"), "paid_feed"
    assert {*above, below} == set(PAID)
    for touchpoint in above:
        truth = truths()[touchpoint]
        assert truth.value - 4 * truth.standard_error > 2
    assert truths()[below].value + 4 * truths()[below].standard_error < 0.8


def test_a_return_halves_when_a_person_costs_twice_as_much_and_what_is_free_has_none() -> None:
    spending = Spending()
    dear = Spending(
        impressions={**spending.impressions, "kol": 64.0},
        person_cny={**spending.person_cny, "moments": 0.0},
    )
    changed = state(Settings(spending=dear))
    assert changed["kol"].value == pytest.approx(truths()["kol"].value / 2, rel=1e-5)
    assert changed["paid_feed"] == truths()["paid_feed"]
    assert "moments" not in changed


def test_boosts_that_all_start_late_cost_the_return_what_they_fail_to_bring() -> None:
    late, once = (
        Boosts(late_every=1, late_factor=0.5, share=0.8, every_weeks=1),
        Boosts(late_every=100, share=0.4, every_weeks=1),
    )
    # Both bring 40% of the people, at the same hours but for the four; late at twice their cost.
    after_late, after_once = (
        state(Settings(arrivals=Arrivals(boosts=each)))["short_video"].value
        for each in (late, once)
    )
    assert after_late / after_once == pytest.approx(1 / 1.4, rel=0.06)


@cache
def drawn() -> pd.DataFrame:
    """Margin and its variance, and cost, per touchpoint of a large pool, from its tables."""
    tables = draw_tables(Settings(users=60_000, seed=5))
    last = pd.Timestamp(str(truths()["kol"].settings["last_exposed"]))
    events, orders, spend = (tables[name].to_pandas() for name in ("events", "orders", "spend"))
    first = (
        events[events["event"] == "expose"]
        .sort_values("occurred_at")
        .drop_duplicates("user_id")[["user_id", "occurred_at", "touchpoint"]]
    )
    local = first["occurred_at"].dt.tz_convert("Asia/Shanghai").dt.tz_localize(None)
    first = first[local < last + pd.Timedelta(days=1)]
    orders = orders.merge(first, on="user_id")
    soon = orders["paid_at"] < orders["occurred_at"] + pd.Timedelta(days=30)
    margin = orders[soon].groupby("user_id")["margin_cny"].sum().astype(float)
    first = first.assign(margin=first["user_id"].map(margin).fillna(0.0))
    spent = spend[pd.to_datetime(spend["day"]) <= last]
    found = first.groupby("touchpoint")["margin"].agg(["sum", "var", "count"])
    found["cost"] = spent["cost_cny"].astype(float).groupby(spent["touchpoint"]).sum()
    return found


@pytest.mark.parametrize("touchpoint", TOUCHPOINTS)
def test_the_return_is_that_of_a_drawn_pool_with_pushes_and_friends(touchpoint: str) -> None:
    found, truth = drawn().loc[touchpoint], truths()[touchpoint]
    # Impressions about the plan: 20% a day, over days of which the busiest half count most.
    noise = truth.value * (0.2 / math.sqrt(150) if touchpoint in PAID else 0.0)
    error = math.hypot(
        math.sqrt(found["var"] * found["count"]) / found["cost"], truth.standard_error, noise
    )
    assert found["count"] > 1000
    assert abs(found["sum"] / found["cost"] - truth.value) < 4 * error


def test_the_truths_depend_on_neither_seed_nor_users() -> None:
    assert state(Settings(seed=1, users=9)) == truths()
