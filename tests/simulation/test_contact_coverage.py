"""The effect of a contact is covered as often as stated, where naive comparisons miss it.

Two worlds with a known truth. Immortal time: members are contacted at some moment if they are
still there, and it does nothing; comparing everyone finds an effect. Confounding: quick staff and
daylight bring the contact and keep members for other reasons; comparing those there at the landmark
finds too much.
"""

import datetime as dt
import functools

import numpy as np
import pandas as pd
import pytest
from siyu.stats.standardise import standardise
from siyu.studies.retention import contact

pytestmark = pytest.mark.slow

LEVEL = 0.95


def covered(ends: np.ndarray, truth: float) -> float:
    lower, upper = ends.T
    return float(np.mean((lower <= truth) & (truth <= upper)))


def naive(rows: pd.DataFrame) -> tuple[float, float]:
    """The usual interval of a difference of two shares."""
    (p1, n1), (p0, n0) = (
        (own["outcome"].to_numpy() @ own["n"].to_numpy() / own["n"].sum(), own["n"].sum())
        for own in (rows[rows["treated"] == 1], rows[rows["treated"] == 0])
    )
    half = 1.96 * np.sqrt(p1 * (1 - p1) / n1 + p0 * (1 - p0) / n0)
    return p1 - p0 - half, p1 - p0 + half


# Immortal time

REPLICATIONS = 2_000
MEMBERS, LIFE_DAYS, GREETED_DAYS, LANDMARK_DAYS, STAY_DAYS = 4_000, 20.0, 4.0, 3.0, 27.0


def counted(*, there, treated, outcome, stayed_days) -> pd.DataFrame:
    """Count members who are alike, all added at noon."""
    columns = np.broadcast_arrays(12, there, treated, outcome, stayed_days)
    shape = (24, 2, 2, 2, int(STAY_DAYS) + 1)
    n = np.bincount(np.ravel_multi_index([c.astype(int) for c in columns], shape))
    names = ("hour", "there", "treated", "outcome", "stayed_days")
    kinds = np.flatnonzero(n)
    own = dict(zip(names, np.unravel_index(kinds, shape), strict=True))
    return pd.DataFrame(own | {"n": n[kinds]})


def greeted_while_there(rng) -> pd.DataFrame:
    life = rng.exponential(LIFE_DAYS, MEMBERS)
    greeted = rng.exponential(GREETED_DAYS, MEMBERS)
    return counted(
        there=life >= LANDMARK_DAYS,
        treated=(greeted <= life) & (greeted <= LANDMARK_DAYS),
        outcome=life >= LANDMARK_DAYS + STAY_DAYS,
        stayed_days=np.clip(life - LANDMARK_DAYS, 0, STAY_DAYS),
    )


def who_mostly_stay(rng, *, treated_share: float, left_share: float) -> pd.DataFrame:
    """1,200 members; who leaves does so at once, contacted or not."""
    treated = rng.random(1200) < treated_share
    stays = rng.random(1200) > left_share
    return counted(there=1, treated=treated, outcome=stays, stayed_days=STAY_DAYS * stays)


def measures(counts: pd.DataFrame) -> contact.Measures:
    return contact.Measures(
        contacts=contact.read_contacts(["greet within 72h"]),
        source="world",
        first=dt.date(2026, 1, 1),
        as_of=dt.date(2026, 6, 30),
        stay_days=int(STAY_DAYS),
        min_users=30,
        n_added=MEMBERS,
        adjust=(),
        refused=(),
        absent=(),
        counts={"greet.72h": counts},
        experiment="",
        arms=("within_1h", "later"),
        planned_share=0.5,
        tested="greet.1h",
    )


@pytest.fixture(scope="module")
def immortal():
    return [greeted_while_there(np.random.default_rng([1, i])) for i in range(REPLICATIONS)]


def test_by_the_landmark_a_contact_that_does_nothing_does_nothing(immortal):
    tables = pd.concat([contact.effects(measures(one), level=LEVEL).table for one in immortal])
    found = tables[["difference", "ci_lower", "ci_upper"]].to_numpy()
    assert abs(found[:, 0].mean()) < 0.1 * found[:, 0].std()
    assert 0.94 <= covered(found[:, 1:], 0) <= 0.96
    # Of 2,000 tests of nothing, 5% say something.
    assert 0.04 <= (tables["verdict"] != "unclear").mean() <= 0.06


def test_comparing_everyone_finds_an_effect_that_is_not_there(immortal):
    ends = np.array([naive(one) for one in immortal])
    assert ends.mean() > 0.02
    assert covered(ends, 0) < 0.5


def test_where_few_leave_there_is_no_estimate():
    """Of 1,200 members 85% are contacted and 0.5% leave: the interval would miss in one of five."""
    refused = []
    for i in range(200):
        rng = np.random.default_rng([3, i])
        counts = who_mostly_stay(rng, treated_share=0.85, left_share=0.005)
        refused.append(contact.effects(measures(counts), level=LEVEL).table["refused"].iloc[0])
    assert set(refused) == {"few_of_each"}


def test_with_ten_who_leave_on_the_smaller_side_zero_is_covered():
    """At the least that is asked of either side: 6% leave, 12 of the 200 who are not contacted."""
    wrong = []
    for i in range(REPLICATIONS):
        rng = np.random.default_rng([4, i])
        counts = who_mostly_stay(rng, treated_share=5 / 6, left_share=0.06)
        row = contact.effects(measures(counts), level=LEVEL).table.iloc[0]
        if not row.refused:
            wrong.append(row.verdict != "unclear")
    assert len(wrong) > 1_000
    assert np.mean(wrong) <= 0.06


# Confounding

WORLDS = 1_000
EFFECT_WORLDS = 600
HAZARDS, RATIO = np.array([0.3, 0.25, 0.6, 0.15]), 0.6


@functools.cache
def truth() -> float:
    """The mean gain of the members of a large world, from their own hazards."""
    _, gain = confounded(np.random.default_rng(7), 400_000)
    return float(gain.mean())


def confounded(rng, members: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Greeting by the product of staff and hour, staying by the product of staff, hour and lure."""
    staff, hour, lure = (rng.integers(0, most, members) for most in (12, 8, 4))
    slow, night = staff >= 6, hour < 2
    treated = rng.random(members) < 0.8 * np.where(slow, 0.6, 1) * np.where(night, 0.3, 1)
    hazard = HAZARDS[lure] * np.where(slow, 1.35, 1) * np.where(night, 1.25, 1)
    stays = np.exp(-hazard * np.where(treated, RATIO, 1))
    rows = pd.DataFrame(
        {
            "staff": staff.astype(str),
            "hour": hour.astype(str),
            "lure": lure.astype(str),
            "treated": treated.astype(int),
            "outcome": (rng.random(members) < stays).astype(int),
            "n": 1,
        }
    )
    return rows, np.exp(-hazard * RATIO) - np.exp(-hazard)


@pytest.fixture(scope="module")
def worlds():
    return [confounded(np.random.default_rng([2, i]), EFFECT_WORLDS)[0] for i in range(WORLDS)]


def test_standardised_the_effect_is_covered_though_staff_and_hour_confound_it(worlds):
    found = [standardise(one, covariates=["staff", "hour", "lure"], level=LEVEL) for one in worlds]
    difference = np.array([one.difference for one in found])
    ends = np.array([(one.ci_lower, one.ci_upper) for one in found])
    assert abs(difference.mean() - truth()) < 0.1 * difference.std()
    assert 0.935 <= covered(ends, truth()) <= 0.965
    errors = np.array([one.error for one in found])
    assert 0.95 <= errors.mean() / difference.std() <= 1.05


def test_comparing_those_still_there_as_they_are_finds_too_much(worlds):
    ends = np.array([naive(one) for one in worlds])
    assert ends.mean() > 1.3 * truth()
    assert covered(ends, truth()) < 0.9


def test_a_confounder_that_is_left_out_stays_in_the_number(worlds):
    found = [standardise(one, covariates=["lure"], level=LEVEL) for one in worlds]
    assert np.mean([one.difference for one in found]) > 1.2 * truth()
