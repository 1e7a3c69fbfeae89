"""What the rule's 1.3 is in the data: only those followed long enough say it.

People are added every day until the last; half of those who leave do so in the first month. Whole
days do better or worse together, as when a campaign brings people for its gift.
"""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom
from siyu.studies.targets import Adds, Definition
from siyu.studies.targets.kept import kept_shares

pytestmark = pytest.mark.slow

WORLDS, DAYS, PER_DAY, KEPT_DAYS = 400, 90, 12, 30
LEAVE = 0.012
"""Mean hazard per day; that of a day's people is up to half as much more or less."""
AS_OF = dt.date(2026, 3, 31)
FIRST = AS_OF - dt.timedelta(days=DAYS + KEPT_DAYS - 1)


def truth() -> float:
    hazards = LEAVE * np.linspace(0.5, 1.5, 100_001)
    return 1 / np.exp(-hazards * (KEPT_DAYS + 1)).mean()


def world(rng) -> pd.DataFrame:
    """Give additions of 120 days at one touchpoint, as `Adds.stays` has them."""
    age = np.repeat(np.arange(DAYS + KEPT_DAYS)[::-1], rng.poisson(PER_DAY, DAYS + KEPT_DAYS))
    hazard = LEAVE * rng.uniform(0.5, 1.5, DAYS + KEPT_DAYS)[age]
    gone = np.floor(rng.exponential(1 / hazard)).astype(int)
    seen = np.minimum(age, KEPT_DAYS)
    left = gone <= seen
    rows = pd.DataFrame(
        {"age": age, "time": np.where(left, gone, seen), "outcome": left.astype(int)}
    )
    stays = rows.groupby(["age", "time", "outcome"]).size().rename("n").reset_index()
    stays["added_on"] = [AS_OF - dt.timedelta(days=int(one)) for one in stays.pop("age")]
    return stays.assign(touchpoint="card")


def adds_of(stays: pd.DataFrame) -> Adds:
    return Adds(
        definition=Definition(kept_days=KEPT_DAYS),
        source="shop",
        observed=FIRST,
        begins=FIRST,
        first=FIRST,
        mature_until=AS_OF - dt.timedelta(days=KEPT_DAYS),
        as_of=AS_OF,
        min_users=30,
        touchpoints=("card",),
        days=pd.DataFrame(),
        stays=stays,
        has_added=True,
        has_left=True,
        has_spend=False,
        has_exposed=False,
        has_orders=False,
        pool=None,
        people=None,
    )


@pytest.fixture(scope="module")
def found():
    """Per world: the factor with its ends, that of Kaplan and Meier, and two naive ones."""
    rng, rows = np.random.default_rng(20260331), []
    for _ in range(WORLDS):
        stays = world(rng)
        row = kept_shares(adds_of(stays), level=0.95).iloc[-1]
        there = stays.loc[stays["outcome"] == 0]
        done = there["time"] == KEPT_DAYS
        # Naive: who was not followed so long is lost; or, who has not left yet is kept.
        lost, all_kept = there.loc[done, "n"].sum(), there["n"].sum()
        ends = row["mature_share"], row["mature_upper"], row["mature_lower"], row["share"]
        n = row["mature"]
        alone = 1.96 * np.sqrt(row["mature_share"] * (1 - row["mature_share"]) / n)
        naive = (lost / stays["n"].sum(), all_kept / stays["n"].sum(), row["mature_share"] + alone)
        rows.append(1 / np.array([*ends, *naive, row["mature_share"] - alone]))
    return np.array(rows).T


def band(level: float) -> tuple[float, float]:
    return tuple(binom.ppf([0.0005, 0.9995], WORLDS, level) / WORLDS)


def test_the_factor_of_those_followed_long_enough_is_right_and_its_interval_covers(found):
    value, lower, upper, *_ = found
    assert abs(value.mean() - truth()) < 4 * value.std() / np.sqrt(WORLDS)
    low, high = band(0.95)
    # The wider of two intervals: of that, a little more than stated is no fault.
    assert low <= ((lower <= truth()) & (truth() <= upper)).mean() <= high + 0.01


def test_kaplan_and_meier_say_the_same_with_the_later_ones_and_less_noise(found):
    value, _, _, with_later, *_ = found
    assert abs(with_later.mean() - truth()) < 4 * with_later.std() / np.sqrt(WORLDS)
    assert with_later.std() < value.std()


def test_who_was_added_too_late_is_neither_lost_nor_kept(found):
    _, lower, upper, _, lost, kept, *_ = found
    for naive in (lost, kept):
        half = (upper - lower) / 2
        assert (np.abs(naive - truth()) <= half).mean() < 0.5
    assert lost.mean() > 1.2 * truth()
    assert kept.mean() < 0.96 * truth()


def test_people_as_independent_are_too_sure(found):
    *_, lower, upper = found
    assert ((lower <= truth()) & (truth() <= upper)).mean() < band(0.95)[0]
