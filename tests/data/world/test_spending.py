"""Touchpoints cost what the settings say, and advertising is spent evenly over a week."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from functools import partial

import numpy as np
import pandas as pd
import pytest
from siyu.data.world.boosts import Boosts, list_boosts
from siyu.data.world.columns import Columns
from siyu.data.world.draws import DAY, open_stream
from siyu.data.world.frame import Frame
from siyu.data.world.people import PLACES, SHORT_VIDEO, TOUCHPOINTS, Arrivals, draw_people
from siyu.data.world.spending import (
    BOOST,
    LINES,
    PAID,
    UNPAID,
    Spending,
    count_exposed,
    tabulate_spend,
)

YEAR = Frame(first_day=date(2025, 4, 1), last_day=date(2026, 3, 31), change_day=date(2025, 10, 1))
STREAM = partial(open_stream, 1, 0)
PEOPLE = draw_people(Arrivals(), YEAR, users=30_000, stream=STREAM)
PLACE = {touchpoint: place for place, (_, touchpoint) in enumerate(PLACES)}


PLAIN = Spending(
    sigma=0.0,
    clicks=1.0,
    impressions=dict.fromkeys(PAID, 50.0),
    impression_cny=dict.fromkeys(PAID, 0.02),
    person_cny=dict.fromkeys(UNPAID, 0.25),
)


def tabulate(spending: Spending, exposed: np.ndarray) -> pd.DataFrame:
    return tabulate_spend(
        Columns(frame=YEAR), spending, Boosts(), exposed, stream=STREAM
    ).to_pandas()


def number_lines(table: pd.DataFrame) -> pd.Series:
    """Index of the line on which each row was spent."""
    return table["touchpoint"].map(PLACE).mask(table["campaign"] == BOOST, LINES - 1)


def gather(exposed: np.ndarray) -> np.ndarray:
    """Count whom a boost brings after midnight on the Friday."""
    people = exposed.copy()
    for day in list_boosts(Boosts(), YEAR).day:
        people[day, -1], people[day + 1, -1] = exposed[day : day + 2, -1].sum(), 0
    return people


def test_people_are_counted_on_the_day_and_at_the_place_of_the_first_exposure() -> None:
    counts = count_exposed(YEAR, PEOPLE)
    assert counts.shape == (365, len(PLACES) + 1)
    assert counts.sum() == 30_000
    assert counts[:, -1].sum() == PEOPLE.boosted.sum() > 0
    for day, place in ((PEOPLE.arrived_at[99] // DAY, PEOPLE.place[99]), (199, SHORT_VIDEO)):
        here = (PEOPLE.arrived_at // DAY == day) & (PEOPLE.place == place)
        assert counts[day, place] == (here & ~PEOPLE.boosted).sum() > 0


def test_each_person_exposed_costs_what_is_set() -> None:
    spending = Spending()
    exposed = count_exposed(YEAR, PEOPLE)
    table = tabulate(spending, exposed)
    table = table[table["campaign"] != BOOST]
    cost = table["cost_cny"].astype(float).groupby(table["touchpoint"]).sum()
    people = dict(zip(PLACE, exposed.sum(axis=0)[:-1], strict=True))
    for touchpoint in UNPAID:
        expected = spending.person_cny[touchpoint]
        assert cost[touchpoint] / people[touchpoint] == pytest.approx(expected, rel=1e-9)
    for touchpoint in PAID:
        expected = spending.impressions[touchpoint] * spending.impression_cny[touchpoint]
        # 365 days that each vary by 20% about the plan, weighted by people: 4 x 20% / sqrt(200).
        assert cost[touchpoint] / people[touchpoint] == pytest.approx(expected, rel=0.057)


def test_advertising_without_noise_is_spent_evenly_over_each_week() -> None:
    exposed = np.zeros((365, LINES), dtype=np.int64)
    kol = PLACE["kol"]
    exposed[3, kol], exposed[364, kol], exposed[2, 0] = 14, 3, 5
    table = tabulate(PLAIN, exposed)
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


def test_a_boost_is_bought_on_its_day_at_those_whom_it_would_bring_if_started_at_once() -> None:
    exposed = np.zeros((365, LINES), dtype=np.int64)
    # Weeks from Tuesdays 2025-04-01 and 2025-04-29 on: boosts on Fridays, the second one late.
    exposed[1, SHORT_VIDEO], exposed[3, -1], exposed[4, -1] = 14, 15, 3
    exposed[30, SHORT_VIDEO], exposed[31, -1] = 28, 4
    table = tabulate(PLAIN, exposed)
    assert set(table["touchpoint"]) == {"short_video"}
    assert set(table["channel"]) == {"commercial"}
    boosts = table[table["campaign"] == "短视频加热"]
    assert list(boosts["day"]) == [date(2025, 4, 4), date(2025, 5, 2)]
    # Half of 14 + 15 + 3 people, half of 28 + 4 people, at 50 impressions of 2 fen.
    assert list(boosts["impressions"]) == [800, 800]
    assert [float(cost) for cost in boosts["cost_cny"]] == [16.0, 16.0]
    assert list(boosts["clicks"]) == [18, 4]
    others = table[table["campaign"] == "短视频投放"]
    assert list(others["impressions"]) == [100] * 7 + [200] * 7


def test_boosts_that_start_late_bring_the_set_fraction_of_people_per_yuan() -> None:
    people = draw_people(Arrivals(), YEAR, users=200_000, stream=STREAM)
    exposed = gather(count_exposed(YEAR, people))
    table = tabulate(replace(Spending(), sigma=0.0), count_exposed(YEAR, people))
    boosts = table[table["campaign"] == BOOST]
    calendar = list_boosts(Boosts(), YEAR)
    assert [YEAR.number(day) for day in boosts["day"]] == list(calendar.day)
    cost, brought = boosts["cost_cny"].astype(float).to_numpy(), exposed[calendar.day, -1]
    per_yuan = [brought[rows].sum() / cost[rows].sum() for rows in (calendar.late, ~calendar.late)]
    error = np.sqrt(1 / brought[calendar.late].sum() + 1 / brought[~calendar.late].sum())
    assert abs(per_yuan[0] / per_yuan[1] / 0.4 - 1) < 4 * error < 0.2
    # At once a person costs what a person costs in the weekly campaign: 44 impressions at 2.4 fen.
    assert per_yuan[1] == pytest.approx(1 / (44 * 0.024), rel=0.05)
    clicks = boosts["clicks"].to_numpy()[calendar.late].sum() / brought[calendar.late].sum()
    assert clicks == pytest.approx(1.6, rel=0.05)


def test_without_boosts_there_is_no_such_campaign() -> None:
    none = Boosts(share=0.0)
    people = draw_people(Arrivals(boosts=none), YEAR, users=30_000, stream=STREAM)
    columns, exposed = Columns(frame=YEAR), count_exposed(YEAR, people)
    table = tabulate_spend(columns, Spending(), none, exposed, stream=STREAM).to_pandas()
    assert set(table["campaign"].dropna()) == {"短视频投放", "达人种草", "信息流广告"}


def test_clicks_are_at_least_the_people_and_at_most_the_impressions() -> None:
    exposed = count_exposed(YEAR, PEOPLE)
    table = tabulate(Spending(clicks=3.0), exposed)
    paid = table[table["touchpoint"].isin(PAID)]
    number = [(day - YEAR.first_day).days for day in paid["day"]]
    people = gather(exposed)[number, number_lines(paid)]
    assert (paid["clicks"] >= people).all()
    assert (paid["clicks"] <= np.maximum(paid["impressions"], people)).all()
    assert paid["clicks"].sum() / people.sum() == pytest.approx(3.0, rel=0.03)


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
