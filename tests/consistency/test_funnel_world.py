"""The funnel study finds what is true of simulated pools, from the files to the intervals.

200 small pools with the same truths lie side by side in one source, so that the engine follows all
of them at once; pool and channel together are the segments. Their seeds are 1 to 200, none picked.
What a fault costs is a contrast of potential outcomes: no funnel can estimate it, none is asked to.
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binom, norm
from siyu.data import open_source
from siyu.data.world import Settings
from siyu.stats.intervals import wilson
from siyu.studies import funnel
from siyu.studies.funnel.definition import Definition
from siyu.studies.funnel.measure import measure

from tests.consistency.worlds import open_worlds
from tests.data.world.journeys import draw_journeys

pytestmark = pytest.mark.slow

SAMPLE = Path(__file__).parents[2] / "data" / "sample"
WORLDS, USERS = 200, 1_500
LEVEL = 0.95
SETTINGS = Settings(users=USERS)
PERIOD_DAYS = (SETTINGS.frame.last_day - SETTINGS.frame.change_day).days + 1
FUNNEL = Definition(steps=["scan", "add", "reply", "order"], window_days=14)
study = partial(measure, period_days=PERIOD_DAYS, min_users=1)


@pytest.fixture(scope="module")
def truths():
    """Value and Monte Carlo standard error by id; they do not depend on users and seed."""
    document = json.loads((SAMPLE / "truth.json").read_text("utf-8"))
    drawn = document["settings"] | {"users": USERS, "seed": SETTINGS.seed}
    assert drawn == json.loads(json.dumps(asdict(SETTINGS), default=date.isoformat))
    return {
        t["id"].removeprefix("funnel."): (t["value"], t["standard_error"])
        for t in document["truths"]
        if t["id"].startswith("funnel.")
    }


@pytest.fixture(scope="module")
def worlds(tmp_path_factory):
    return open_worlds(tmp_path_factory.mktemp("worlds"), draw_journeys, SETTINGS, WORLDS)


@pytest.fixture(scope="module")
def best(worlds):
    return study(worlds, FUNNEL, by=["world", "channel"])


def hold(lower, value, upper, truth, error, *, level=LEVEL):
    """Say where intervals hold the truth, its own Monte Carlo error added in quadrature."""
    beside = norm.ppf((1 + level) / 2) * np.asarray(error)
    below, above = np.hypot(value - lower, beside), np.hypot(upper - value, beside)
    return (value - below <= truth) & (truth <= value + above)


def within_band(held):
    """Whether as many intervals hold as 99.9% of all runs would show at 95% coverage."""
    least, most = binom.interval(0.999, len(held), LEVEL)
    return least <= np.sum(held) <= most


def by_channel(measures, truths, entry):
    table = funnel.steps(measures, level=LEVEL).query("segment != 'all' and k == 4")
    assert len(table) == WORLDS * 4
    channels = table["segment"].str.split(" × ").str[1]
    known = [truths[f"conversion.{entry}.after.{channel}"] for channel in channels]
    return table, *np.transpose(known)


def test_conversion_by_channel_is_covered(best, truths):
    table, truth, error = by_channel(best, truths, "best")
    assert within_band(hold(table["ci_lower"], table["rate"], table["ci_upper"], truth, error))


def test_conversion_from_the_first_start_by_channel_is_covered(worlds, truths):
    first = replace(FUNNEL, entry="first")
    measures = study(worlds, first, by=["world", "channel"], compare_to_previous=False)
    table, truth, error = by_channel(measures, truths, "first")
    assert within_band(hold(table["ci_lower"], table["rate"], table["ci_upper"], truth, error))


def test_immature_users_counted_as_lost_would_not_be_covered(worlds, truths):
    # Of four weeks, two are followed long enough.
    measures = study(worlds, FUNNEL, by=["world"], compare_to_previous=False, period_days=28)
    table = funnel.steps(measures, level=LEVEL).query("segment != 'all' and k == 4")
    assert len(table) == WORLDS
    truth, error = truths["conversion.best.after.all"]
    assert within_band(hold(table["ci_lower"], table["rate"], table["ci_upper"], truth, error))
    waiting = measures.waiting.groupby("segment")["n"].sum()
    n = table["entered"].to_numpy() + table["segment"].map(waiting).fillna(0).to_numpy()
    lower, upper = wilson(table["reached"].to_numpy(), n, level=LEVEL)
    assert not within_band(hold(lower, table["reached"].to_numpy() / n, upper, truth, error))


def test_the_change_and_its_mix_and_rate_parts_are_covered(best, truths):
    pairs = best.pairs.copy()
    world = pairs["segment"].fillna(pairs["segment_before"]).str.split(" × ").str[0]
    for name in ("segment", "segment_before"):
        pairs[name] = pairs[name].str.split(" × ").str[1]
    held = {"change": [], "mix": [], "rate": []}
    for _, own in pairs.groupby(world):
        total = funnel.compare_periods(replace(best, pairs=own), level=LEVEL).total
        for part, results in held.items():
            row = total.set_index("part").loc[part]
            truth = truths["change.best." + part.replace("change", "total")]
            results.append(hold(row.ci_lower, row.value, row.ci_upper, *truth))
    assert {part: len(results) for part, results in held.items()} == dict.fromkeys(held, WORLDS)
    assert {part for part, results in held.items() if not within_band(results)} == set()


def sample_rates(level):
    """Every rate of the committed sample that has a planted truth, with intervals at a level."""
    followed = SETTINGS.funnel.window_days - 1
    rows = []
    for period, until in (
        ("before", SETTINGS.frame.change_day + timedelta(days=followed)),
        ("after", SETTINGS.frame.last_day),
    ):
        pool = open_source(SAMPLE, as_of=until.isoformat())
        for entry, by in (("best", "channel"), ("best", "touchpoint"), ("first", "channel")):
            asked = replace(FUNNEL, entry=entry)
            measures = study(pool, asked, by=[by], compare_to_previous=False)
            for row in funnel.steps(measures, level=level).query("k > 1").itertuples():
                place = f"{entry}.{period}.{row.segment}"
                step = (row.step_ci_lower, row.step_rate, row.step_ci_upper)
                rows.append((f"step_rate.{place}.{row.step}", *step))
                if row.k == len(FUNNEL.steps):
                    rows.append((f"conversion.{place}", row.ci_lower, row.rate, row.ci_upper))
    return {name: interval for name, *interval in rows}


def test_every_planted_rate_lies_in_its_simultaneous_interval_on_the_sample(truths):
    planted = {name for name in truths if name.startswith(("conversion.", "step_rate."))}
    level = LEVEL ** (1 / len(planted))  # Sidak 1967: together at least 95%
    found = sample_rates(level)
    assert planted <= found.keys()
    missed = {
        name: (found[name], truths[name][0])
        for name in sorted(planted)
        if not hold(*found[name], *truths[name], level=level)
    }
    assert missed == {}


@pytest.mark.parametrize("entry", ["best", "first"])
def test_every_planted_change_lies_in_its_simultaneous_interval_on_the_sample(truths, entry):
    level = LEVEL ** (1 / 6)
    measures = study(open_source(SAMPLE), replace(FUNNEL, entry=entry), by=["channel"])
    total = funnel.compare_periods(measures, level=level).total.set_index("part")
    for part, name in (("change", "total"), ("mix", "mix"), ("rate", "rate")):
        row = total.loc[part]
        truth = truths[f"change.{entry}.{name}"]
        assert hold(row.ci_lower, row.value, row.ci_upper, *truth, level=level), (part, row, truth)


def test_a_trait_that_was_drawn_apart_makes_no_clear_difference_on_the_sample(truths):
    assert truths["difference.gender"] == (0, 0)
    measures = study(open_source(SAMPLE), FUNNEL, by=["gender"], compare_to_previous=False)
    compared = funnel.compare_segments(measures, level=0.99)
    assert set(compared["verdict"]) == {"unclear"}
