"""The retention study finds what is true of simulated pools, from the files to the intervals.

200 small pools with the same truths lie side by side in one source, so that the engine judges all
of them at once; pool and channel, or pool and lure, are the segments. Their seeds are 1 to 200,
none picked. The truths speak of people who are neither pushed nor brought by friends, and so are
these. Pushes begin 33 days after the addition: what is asked here, no push can change.
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom, norm
from siyu.data.contract import CHANNELS, LURES
from siyu.data.world import Settings
from siyu.stats.intervals import wilson
from siyu.studies import retention
from siyu.studies.retention import Definition

from tests.consistency.worlds import open_worlds
from tests.data.world.returns import draw_returns

pytestmark = pytest.mark.slow

SAMPLE = Path(__file__).parents[2] / "data" / "sample"
WORLDS, USERS = 200, 1_000
LEVEL = 0.95
SETTINGS = Settings(users=USERS)
PERIOD_DAYS = (SETTINGS.frame.last_day - SETTINGS.frame.first_day).days + 1
RETURNS = ["browse", "compare", "cart", "moments_like", "moments_comment", "sign_in", "order"]
ACTIVE = Definition(days=[7], return_events=RETURNS)
CLOCKS = ("calendar", "24h")


@pytest.fixture(scope="module")
def truths():
    """Value and Monte Carlo standard error by id; they do not depend on users and seed."""
    document = json.loads((SAMPLE / "truth.json").read_text("utf-8"))
    drawn = document["settings"] | {"users": USERS, "seed": SETTINGS.seed}
    assert drawn == json.loads(json.dumps(asdict(SETTINGS), default=date.isoformat))
    return {t["id"]: (t["value"], t["standard_error"]) for t in document["truths"]}


@pytest.fixture(scope="module")
def worlds(tmp_path_factory):
    return open_worlds(tmp_path_factory.mktemp("worlds"), draw_returns, SETTINGS, WORLDS)


def study(worlds, definition, *, by, period_days=PERIOD_DAYS):
    measures = retention.measure(
        worlds, definition, period_days=period_days, by=["world", by], min_users=1
    )
    assert measures.refused == ()
    return measures


@pytest.fixture(scope="module", params=CLOCKS)
def connected(request, worlds):
    definition = Definition(retained_as="connected", clock=request.param, days=[1, 7, 30])
    return study(worlds, definition, by="lure")


def rated(measures, k):
    """The rates of all pools' groups on a day, with the name of the group."""
    table = retention.rates(measures, level=LEVEL)
    table = table[(table["segment"] != "all") & (table["k"] == k)].dropna(subset=["rate"])
    return table.assign(group=table["segment"].str.split(" × ").str[1])


def known(truths, table, name):
    """The truth of each row and its error; `name` has a place for the group."""
    return np.transpose([truths[name.format(group)] for group in table["group"]])


def hold(table, truth, error, *, value="rate"):
    """Say where intervals hold the truth, its own Monte Carlo error added in quadrature."""
    beside = norm.ppf((1 + LEVEL) / 2) * error
    below = np.hypot(table[value] - table["ci_lower"], beside)
    above = np.hypot(table["ci_upper"] - table[value], beside)
    return (table[value] - below <= truth) & (truth <= table[value] + above)


def within_band(held):
    """Whether as many intervals hold as 99.9% of all runs would show at 95% coverage."""
    least, most = binom.interval(0.999, len(held), LEVEL)
    return least <= np.sum(held) <= most


def test_coming_back_from_day_7_on_is_covered_by_channel(worlds, truths):
    table = rated(study(worlds, ACTIVE, by="channel"), 7)
    assert len(table) == WORLDS * len(CHANNELS)
    truth, error = known(truths, table, "retention.active_from_7.{}")
    assert within_band(hold(table, truth, error))


@pytest.mark.parametrize("k", [7, 30])
def test_staying_to_a_day_is_covered_by_lure_and_clock(connected, truths, k):
    table = rated(connected, k)
    assert len(table) == WORLDS * len(LURES)
    clock = connected.definition.clock
    truth, error = known(truths, table, f"staying.survival.{{}}.{clock}.{k}")
    assert within_band(hold(table, truth, error))


def test_the_curve_of_the_stay_is_covered_at_30_days(worlds, truths):
    """Of people of the last weeks, too, for as long as they were followed."""
    measures = study(worlds, Definition(retained_as="connected", days=[30]), by="lure")
    curves = retention.stay(measures, horizon_days=30, level=LEVEL)
    table = curves[curves["segment"] != "all"].groupby("segment", as_index=False).last()
    table = table.assign(group=table["segment"].str.split(" × ").str[1]).dropna()
    assert len(table) > 0.99 * WORLDS * len(LURES)
    truth, error = known(truths, table, "staying.survival.{}.24h.30")
    assert within_band(hold(table, truth, error, value="share"))


def test_everybody_added_in_two_months_would_not_be_covered(worlds, truths):
    """Half of them have not had 30 days: counted as gone, they lower the rate."""
    definition = Definition(retained_as="connected", days=[30])
    measures = study(worlds, definition, by="lure", period_days=60)
    table = rated(measures, 30)
    truth, error = known(truths, table, "staying.survival.{}.calendar.30")
    assert within_band(hold(table, truth, error))
    lower, upper = wilson(table["retained"].to_numpy(), table["added"].to_numpy(), level=LEVEL)
    naive = pd.DataFrame({"rate": table["retained"] / table["added"]}).assign(
        ci_lower=lower, ci_upper=upper
    )
    assert np.mean(hold(naive, truth, error)) < 0.2


def test_coming_back_ever_since_would_not_be_covered(worlds, truths):
    """Who was added a year ago has had a year to come back, and nearly always has."""
    ever = replace(ACTIVE, follow_days=90)
    table = rated(study(worlds, ever, by="channel"), 7)
    truth, error = known(truths, table, "retention.active_from_7.{}")
    assert np.mean(hold(table, truth, error)) < 0.5
