"""Touchpoints cost what the settings say, and advertising is spent evenly over a week."""

from __future__ import annotations

from datetime import date
from functools import partial

import numpy as np
import pandas as pd
import pytest
from siyu.data.world.columns import Columns
from siyu.data.world.draws import DAY, open_stream
from siyu.data.world.frame import Frame
from siyu.data.world.people import PLACES, TOUCHPOINTS, Arrivals, draw_people
from siyu.data.world.spending import PAID, UNPAID, Spending, count_exposed, tabulate_spend

YEAR = Frame(first_day=date(2025, 4, 1), last_day=date(2026, 3, 31), change_day=date(2025, 10, 1))
STREAM = partial(open_stream, 1, 0)
PEOPLE = draw_people(Arrivals(), YEAR, users=30_000, stream=STREAM)
PLACE = {touchpoint: place for place, (_, touchpoint) in enumerate(PLACES)}


def tabulate(spending: Spending, exposed: np.ndarray) -> pd.DataFrame:
    return tabulate_spend(Columns(frame=YEAR), spending, exposed, stream=STREAM).to_pandas()


def test_people_are_counted_on_the_day_and_at_the_place_of_the_first_exposure() -> None:
    counts = count_exposed(YEAR, PEOPLE)
    assert counts.shape == (365, len(PLACES))
    assert counts.sum() == 30_000
    day, place = PEOPLE.arrived_at[99] // DAY, PEOPLE.place[99]
    here = (PEOPLE.arrived_at // DAY == day) & (PEOPLE.place == place)
    assert counts[day, place] == here.sum() > 0


def test_each_person_exposed_costs_what_is_set() -> None:
    spending = Spending()
    exposed = count_exposed(YEAR, PEOPLE)
    table = tabulate(spending, exposed)
    cost = table["cost_cny"].astype(float).groupby(table["touchpoint"]).sum()
    people = dict(zip(PLACE, exposed.sum(axis=0), strict=True))
    for touchpoint in UNPAID:
        expected = spending.person_cny[touchpoint]
        assert cost[touchpoint] / people[touchpoint] == pytest.approx(expected, rel=1e-9)
    for touchpoint in PAID:
        expected = spending.impressions[touchpoint] * spending.impression_cny[touchpoint]
        # 365 days that each vary by 20% about the plan, weighted by people: 4 x 20% / sqrt(200).
        assert cost[touchpoint] / people[touchpoint] == pytest.approx(expected, rel=0.057)


def test_advertising_without_noise_is_spent_evenly_over_each_week() -> None:
    exposed = np.zeros((365, len(PLACES)), dtype=np.int64)
    kol = PLACE["kol"]
    exposed[3, kol], exposed[364, kol], exposed[2, 0] = 14, 3, 5
    spending = Spending(
        sigma=0.0,
        clicks=1.0,
        impressions=dict.fromkeys(PAID, 50.0),
        impression_cny=dict.fromkeys(PAID, 0.02),
        person_cny=dict.fromkeys(UNPAID, 0.25),
    )
    table = tabulate(spending, exposed)
    days = [date(2025, 4, day) for day in range(1, 8)] + [date(2026, 3, 31)]
    paid = table[table["touchpoint"] == "kol"]
    assert list(paid["day"]) == days
    assert list(paid["impressions"]) == [100] * 7 + [150]
    assert list(paid["clicks"]) == [0, 0, 0, 14, 0, 0, 0, 3]
    assert [float(cost) for cost in paid["cost_cny"]] == [2.0] * 7 + [3.0]
    assert set(paid["channel"]) == {"commercial"}
    assert set(paid["campaign"]) == {"达人种草"}
    (moments,) = table[table["touchpoint"] == "moments"].to_dict("records")
    assert (moments["day"], float(moments["cost_cny"])) == (date(2025, 4, 3), 1.25)
    assert pd.isna(moments["campaign"])
    assert pd.isna(moments["impressions"])


def test_clicks_are_at_least_the_people_and_at_most_the_impressions() -> None:
    exposed = count_exposed(YEAR, PEOPLE)
    table = tabulate(Spending(clicks=3.0), exposed)
    paid = table[table["touchpoint"].isin(PAID)]
    number = [(day - YEAR.first_day).days for day in paid["day"]]
    people = exposed[number, paid["touchpoint"].map(PLACE)]
    assert (paid["clicks"] >= people).all()
    assert (paid["clicks"] <= np.maximum(paid["impressions"], people)).all()
    assert paid["clicks"].sum() / people.sum() == pytest.approx(3.0, rel=0.02)


def test_what_one_touchpoint_costs_leaves_the_others_alone() -> None:
    exposed = count_exposed(YEAR, PEOPLE)
    dear = Spending(impressions=dict(Spending().impressions) | {"kol": 500.0})
    tables = [tabulate(spending, exposed) for spending in (Spending(), dear)]
    others = [table[table["touchpoint"] != "kol"].reset_index(drop=True) for table in tables]
    pd.testing.assert_frame_equal(*others)


def test_the_touchpoints_are_those_of_the_people() -> None:
    assert set(PAID) == set(TOUCHPOINTS["commercial"])
    assert len(PAID) + len(UNPAID) == len(PLACES)
    assert list(Spending().problems()) == []


@pytest.mark.parametrize(
    ("spending", "message"),
    [
        (
            Spending(impression_cny=dict.fromkeys(PAID, -0.1)),
            "spending.impression_cny.short_video = -0.1 must be at least 0",
        ),
        (Spending(person_cny={"moments": 1.0}), "spending.person_cny has moments; give exactly"),
        (Spending(impressions={}), "spending.impressions has nothing; give exactly"),
        (
            Spending(impressions=dict.fromkeys(PAID, 1.0)),
            "spending.impressions.short_video = 1 must be at least clicks = 1.6; nobody clicks "
            "what is not shown",
        ),
        (
            Spending(clicks=0.5),
            "spending.clicks = 0.5 must be at least 1; give clicks per person",
        ),
        (Spending(sigma=-1), "spending.sigma = -1 must be at least 0; give a positive number"),
    ],
)
def test_a_broken_rule_is_told(spending: Spending, message: str) -> None:
    assert next(iter(spending.problems())).startswith(message)
