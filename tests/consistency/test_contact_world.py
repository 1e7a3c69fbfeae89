"""Contacts do in simulated pools what was planted there, from the files to the intervals.

200 small pools with the same truths are reduced in one source, the pool being a column for which is
adjusted, and judged one by one. Their seeds are 1 to 200, none picked. The truths speak of people
who are neither pushed nor brought by friends, and so are these.
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import date
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy.stats import binom, norm
from siyu.data.world import Settings
from siyu.data.world.draws import DAY
from siyu.data.world.truths.staying import _draw_members
from siyu.stats.hazards import hazard_ratio
from siyu.studies.retention import contact

from tests.consistency.worlds import open_worlds
from tests.data.world.care import draw_care

pytestmark = pytest.mark.slow

SAMPLE = Path(__file__).parents[2] / "data" / "sample"
WORLDS, USERS = 200, 4_000
LEVEL = 0.95
SETTINGS = Settings(users=USERS)
PERIOD_DAYS = (SETTINGS.frame.last_day - SETTINGS.frame.first_day).days + 1
ADJUST = ["channel", "lure", "staff_id"]
STAY_DAYS = 30
CONTACTS = ["greet within 1h", "recommend within 24h", "follow_up on day 2"]
CARE = {"greet.1h": "greeting", "recommend.24h": "recommendation", "follow_up.day_2": "follow_up"}
EFFECTS = {**CARE, "greet.1h": "greeting.usual"}


@pytest.fixture(scope="module")
def truths():
    """Value and Monte Carlo standard error by id; they do not depend on users and seed."""
    document = json.loads((SAMPLE / "truth.json").read_text("utf-8"))
    drawn = document["settings"] | {"users": USERS, "seed": SETTINGS.seed}
    assert drawn == json.loads(json.dumps(asdict(SETTINGS), default=date.isoformat))
    return {t["id"]: (t["value"], t["standard_error"]) for t in document["truths"]}


def ratio_if_all_or_none(care: str) -> float:
    """The log hazard ratio between everybody with the care and the same people without it.

    Expected leavers per day, from each member's own hazards, of members who are alike in what is
    adjusted for and acts on them, in a model of grouped proportional hazards (Prentice and
    Gloeckler, 1978). It is not quite the ratio that was planted: members of one kind who are active
    or got the booklet stay longer, so that those left without the care become ever more like those
    with it; and a follow-up acts for seven of the thirty days.
    """
    members = _draw_members(SETTINGS, 0)
    landmark, plan = members.landmark(care), members.plan
    kind = {"lure": plan.lure, "channel": members.people.channel}
    kind |= {"slow": plan.slow, "night": plan.night}
    days = []
    for with_it in (0, 1):
        lives = members.treat(care, bool(with_it))
        at = [members.stay(landmark + day * DAY, lives) for day in range(STAY_DAYS + 1)]
        there = members.stay(landmark) / at[0]
        for day, (before, after) in enumerate(pairwise(at)):
            left = {"left": there * (before - after), "stayed": there * after}
            table = pd.DataFrame(kind | left | {"care": with_it, "day": day})
            table = table[members.followed(landmark + STAY_DAYS * DAY)]
            days.append(table.groupby([*kind, "care", "day"], as_index=False).sum())
    table = pd.concat(days)
    levels = [*kind, "day"]
    design = pd.get_dummies(table[["care", *levels]], columns=levels, drop_first=True)
    link = sm.families.Binomial(sm.families.links.CLogLog())
    model = sm.GLM(table[["left", "stayed"]], sm.add_constant(design.astype(float)), family=link)
    return float(model.fit().params["care"])


@pytest.fixture(scope="module")
def worlds(tmp_path_factory):
    return open_worlds(tmp_path_factory.mktemp("worlds"), draw_care, SETTINGS, WORLDS)


@pytest.fixture(scope="module")
def measured(worlds):
    """What each pool is reduced to, as if it had been alone."""
    together = contact.measure(
        worlds,
        CONTACTS,
        period_days=PERIOD_DAYS,
        stay_days=STAY_DAYS,
        adjust=["world", *ADJUST],
        experiment="greet_1h",
    )
    assert together.refused == ()
    tables = {name: dict(iter(t.groupby("by world"))) for name, t in together.counts.items()}
    return [
        replace(
            together,
            adjust=tuple(ADJUST),
            counts={name: own[f"{seed:03}"] for name, own in tables.items()},
        )
        for seed in range(1, WORLDS + 1)
    ]


@pytest.fixture(scope="module")
def found(measured):
    """A row per pool and contact, with what naive comparisons say as well."""
    table = pd.concat([contact.effects(one, level=LEVEL).table for one in measured])
    assert table["refused"].eq("").all()
    return table


def of_one(found, name):
    return found[found["contact"] == name]


def held(value, lower, upper, truth, error=0.0):
    """Say where intervals hold the truth, its own Monte Carlo error added in quadrature."""
    beside = norm.ppf((1 + LEVEL) / 2) * error
    below, above = np.hypot(value - lower, beside), np.hypot(upper - value, beside)
    return (value - below <= truth) & (truth <= value + above)


def within_band(holds):
    """Whether as many intervals hold as 99.9% of all runs would show at 95% coverage.

    Of 200 that is 179 to 198: so wide that one of the seven coverages asked for here would fall
    outside in less than one of 140 choices of seeds, and yet none of the naive ones lies inside.
    """
    least, most = binom.interval(0.999, len(holds), LEVEL)
    return bool(least <= np.sum(holds) <= most)


def unbiased(values, truth):
    """Whether the mean lies no further from the truth than 99.9% of all runs would show."""
    error = np.std(values, ddof=1) / len(values) ** 0.5
    return bool(abs(np.mean(values) - truth) <= norm.ppf(0.9995) * error)


@pytest.mark.parametrize("name", EFFECTS)
def test_what_a_contact_does_to_staying_is_covered(found, truths, name):
    own = of_one(found, name)
    truth, error = truths[f"staying.effect.{EFFECTS[name]}"]
    assert unbiased(own["difference"], truth)
    assert within_band(held(own["difference"], own["ci_lower"], own["ci_upper"], truth, error))


@pytest.mark.parametrize("name", EFFECTS)
def test_comparing_everyone_would_not_be_covered(found, truths, name):
    """The naive difference with the interval of the estimate about it."""
    own = of_one(found, name)
    truth, error = truths[f"staying.effect.{EFFECTS[name]}"]
    lower, upper = own["ci_lower"] - own["difference"], own["ci_upper"] - own["difference"]
    naive = own["everyone"]
    assert not unbiased(naive, truth)
    assert not within_band(held(naive, naive + lower, naive + upper, truth, error))


@pytest.mark.parametrize("name", CARE)
def test_the_hazard_ratio_of_a_contact_is_covered(found, name):
    own = of_one(found, name)
    truth = ratio_if_all_or_none(CARE[name])
    ratios = np.log(own[["hazard_ratio", "hazard_ratio_lower", "hazard_ratio_upper"]])
    assert unbiased(ratios["hazard_ratio"], truth)
    assert within_band(held(*ratios.to_numpy().T, truth))
    # The errors, from the information of the model, are as large as the estimates vary.
    half = (ratios["hazard_ratio_upper"] - ratios["hazard_ratio_lower"]) / 2
    errors = half / norm.ppf((1 + LEVEL) / 2)
    assert errors.mean() == pytest.approx(ratios["hazard_ratio"].std(), rel=0.17)


def test_the_ratio_that_was_planted_is_drawn_a_little_towards_1():
    """By less than two percent; a follow-up acts for 7 of 30 days."""
    for care, planted in (("greeting", 0.6), ("recommendation", 0.7)):
        assert planted < np.exp(ratio_if_all_or_none(care)) < 1.02 * planted
    assert 0.8 < np.exp(ratio_if_all_or_none("follow_up")) < 0.9


@pytest.mark.parametrize("name", ["greet.1h", "recommend.24h"])
def test_a_ratio_that_is_not_adjusted_would_not_be_covered(measured, name):
    """Quick staff contact more members, and members of quick staff stay."""
    truth = ratio_if_all_or_none(CARE[name])
    found = []
    for one in measured:
        counts = one.counts[name]
        counts = counts[(counts["there"] == 1) & (counts.get("arm", "") == "")]
        lives = counts.assign(time=counts["stayed_days"], outcome=1 - counts["outcome"])
        found.append(hazard_ratio(lives, covariates=[], level=LEVEL))
    ratios = np.log(found).T
    assert not unbiased(ratios[0], truth)
    assert not within_band(held(*ratios, truth))


def test_what_lots_say_is_covered(measured, truths):
    judged = [contact.judge(one, level=LEVEL) for one in measured]
    assert {one.refused for one in judged} == {""}
    truth, error = truths["staying.itt.greeting"]
    table = np.array([(one.difference, one.ci_lower, one.ci_upper) for one in judged])
    assert unbiased(table[:, 0], truth)
    assert within_band(held(*table.T, truth, error))
