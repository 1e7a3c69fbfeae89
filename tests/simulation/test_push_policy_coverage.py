"""Values of hours drawn by lot are covered as often as stated, where naive ones miss the truth.

Three worlds with a known truth. Chances that depend on who is pushed: the mean of the pushes that
happened to be sent at an hour speaks of the active ones. Hours that are all alike: the one that
looks best is flattered. And lots that are planned: the power that was asked for is there, unless
what the answers of a user have in common is forgotten.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from types import MappingProxyType

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from siyu.stats import best, off_policy
from siyu.stats.off_policy import Logged
from siyu.studies.push_timing.policy import Measures, choose, segments
from siyu.studies.push_timing.schedule import power

pytestmark = pytest.mark.slow

LEVEL, REPLICATIONS = 0.95, 2_000


def covered(ends: np.ndarray, truth: float) -> float:
    lower, upper = ends.T
    return float(np.mean((lower <= truth) & (truth <= upper)))


def summed(user, arm, propensity, y, *, shape) -> Logged:
    weight = 1 / propensity
    each = {
        "n": np.ones(len(y)),
        "answered": y,
        "weight": weight,
        "answered_weight": y * weight,
        "squared_weight": weight**2,
        "squared_answered_weight": y * weight**2,
    }
    cell = user * shape[1] + arm
    size = shape[0] * shape[1]
    sums = {
        name: np.bincount(cell, weights=values, minlength=size).reshape(shape)
        for name, values in each.items()
    }
    nothing = np.zeros(shape)
    return Logged(**sums, above=nothing, clipped_weight=nothing, clipped_answered_weight=nothing)


# Chances that depend on who is pushed

USERS, PUSHES, ARMS = 400, 8, 3
ACTIVE = np.arange(USERS) % 2 == 0
CHANCES = np.where(ACTIVE[:, None], [0.15, 0.25, 0.6], [0.5, 0.3, 0.2])
LEVELS = np.where(ACTIVE, 0.16, 0.08)
EFFECT = np.array([1.0, 1.0, 1.25])
TRUTH = 1.25 * 0.12
MODEL = 0.12 * EFFECT
"""Of everybody: a model that knows hours and not who is active."""


def pushed(rng) -> Logged:
    user = np.repeat(np.arange(USERS), PUSHES)
    own = LEVELS * rng.gamma(3, 1 / 3, USERS)
    arm = (rng.random(len(user))[:, None] > CHANCES.cumsum(axis=1)[user]).sum(axis=1)
    y = (rng.random(len(user)) < own[user] * EFFECT[arm]).astype(float)
    return summed(user, arm, CHANCES[user, arm], y, shape=(USERS, ARMS))


@pytest.fixture(scope="module")
def worlds():
    return [pushed(np.random.default_rng([16, i])) for i in range(REPLICATIONS)]


def at_last(logged: Logged) -> np.ndarray:
    return choose.at_hour(*logged.n.shape, ARMS - 1)


@pytest.mark.parametrize("method", ["ips", "snips", "dr"])
def test_the_value_of_an_hour_is_covered(worlds, method):
    model = np.tile(MODEL, (USERS, 1))
    found = [off_policy.value(one, at_last(one), method=method, model=model) for one in worlds]
    values = np.array([one.value for one in found])
    errors = np.array([one.error for one in found])
    assert 0.94 <= covered(np.array([one.interval(LEVEL) for one in found]), TRUTH) <= 0.96
    assert abs(values.mean() - TRUTH) < 0.1 * errors.mean()
    assert 0.95 <= errors.mean() / values.std() <= 1.05


def test_the_difference_to_the_hours_of_now_is_covered(worlds):
    now = (LEVELS[:, None] * CHANCES * EFFECT).sum(axis=1).mean()
    ends = [
        off_policy.less(
            off_policy.value(one, at_last(one), method="snips"), off_policy.as_drawn(one)
        ).interval(LEVEL)
        for one in worlds
    ]
    assert 0.94 <= covered(np.array(ends), TRUTH - now) <= 0.96


def test_the_mean_of_the_pushes_that_were_sent_then_is_not(worlds):
    n, answered = (
        np.array([getattr(one, name)[:, -1].sum() for one in worlds]) for name in ("n", "answered")
    )
    mean = answered / n
    half = 1.96 * np.sqrt(mean * (1 - mean) / n)
    assert covered(np.column_stack([mean - half, mean + half]), TRUTH) < 0.6
    assert mean.mean() > 1.1 * TRUTH


def test_right_chances_are_called_wrong_as_often_as_stated(worlds):
    groups = np.zeros(USERS, dtype=int)
    p = np.array([off_policy.check_design(one, groups, min_users=30).p for one in worlds])
    assert 0.04 <= (p <= 0.05).mean() <= 0.06
    assert (p < off_policy.BLOCKING_P).mean() <= 0.001 + 3 * np.sqrt(0.001 / REPLICATIONS)


# Few users

RATE_OF_ALL, PUSHES_EACH = 0.06, 25
MORNING = np.array([0.1, 0.13, 0.12, 0.12, 0.08, 0.06, 0.06, 0.05, 0.05, 0.05, 0.06, 0.07, 0.05])
EVENING = np.array([0.04, 0.05, 0.05, 0.08, 0.05, 0.05, 0.05, 0.05, 0.06, 0.09, 0.14, 0.17, 0.12])


def laid_out(n: np.ndarray, answered: np.ndarray, chances: np.ndarray) -> Logged:
    nothing = np.zeros(n.shape)
    return Logged(
        n=n,
        answered=answered,
        weight=n / chances,
        answered_weight=answered / chances,
        squared_weight=n / chances**2,
        squared_answered_weight=answered / chances**2,
        above=nothing,
        clipped_weight=nothing,
        clipped_answered_weight=nothing,
    )


@pytest.mark.parametrize("users", [60, 100, 200])
def test_the_value_of_an_hour_is_covered_with_few_users_and_not_on_the_plain_scale(users):
    rng = np.random.default_rng([60, users])
    chances = np.where((np.arange(users) % 2 == 0)[:, None], MORNING, EVENING)
    log, plain = [], []
    for _ in range(REPLICATIONS):
        n = rng.multinomial(rng.poisson(PUSHES_EACH, users), chances).astype(float)
        own = RATE_OF_ALL * rng.gamma(3, 1 / 3, users)
        answered = rng.binomial(n.astype(int), np.minimum(own, 1)[:, None]).astype(float)
        for found in off_policy.each_arm(laid_out(n, answered, chances))[::3]:
            log.append(found.interval(LEVEL))
            half = off_policy.less(found, replace(found, value=0.0, influence=0 * found.influence))
            plain.append(half.interval(LEVEL))
    assert 0.94 <= covered(np.array(log), RATE_OF_ALL) <= 0.96
    assert covered(np.array(plain), RATE_OF_ALL) < {60: 0.92, 100: 0.93, 200: 0.945}[users]


# Hours that are all alike

HOURS, ALIKE, PEOPLE = 8, 0.12, 250


def alike(rng) -> Logged:
    user = np.repeat(np.arange(PEOPLE), 20)
    rate = ALIKE * rng.gamma(4, 1 / 4, PEOPLE)
    arm = rng.integers(0, HOURS, len(user))
    y = (rng.random(len(user)) < rate[user]).astype(float)
    return summed(user, arm, np.full(len(user), 1 / HOURS), y, shape=(PEOPLE, HOURS))


PLANNED_COLUMNS = (
    *("segment", "hour", "n", "answered"),
    *("n_by_hand", "n_recent", "n_recent_by_hand"),
)


def measures(logged: Logged, fold: np.ndarray) -> Measures:
    nothing = Logged(**dict.fromkeys(Logged.__dataclass_fields__, 0 * logged.n))
    return Measures(
        source="world",
        first=dt.date(2026, 1, 1),
        as_of=dt.date(2026, 6, 30),
        outcome="click",
        horizon_hours=24,
        min_users=30,
        segments=("all",),
        crossings=MappingProxyType({}),
        n_users={"all": len(fold)},
        hours=tuple(range(9, 9 + logged.n.shape[1])),
        segment=np.zeros(len(fold), dtype=int),
        fold=fold,
        earlier=nothing,
        later=logged,
        clip_at=20.0,
        split_at=None,
        habits=np.full(len(fold), -1),
        no_habits="no_events",
        planned=pd.DataFrame(
            columns=[
                "segment",
                "hour",
                "n",
                "answered",
                "n_by_hand",
                "n_recent",
                "n_recent_by_hand",
            ]
        ),
        weeks=26.0,
        recent_weeks=4.0,
        counts={},
    )


def test_the_best_hour_is_not_flattered_when_it_was_chosen_on_other_users(monkeypatch):
    monkeypatch.setattr(choose, "find_not_worse", lambda curve, **_: curve.usable)
    honest, flattered = [], []
    fold = np.arange(PEOPLE) % 5
    for i in range(REPLICATIONS):
        logged = alike(np.random.default_rng([8, i]))
        rules = choose.choose_hours(measures(logged, fold), level=LEVEL)
        valued = fold >= choose.TEACHING_FOLDS
        found = off_policy.value(logged.of(valued), rules["best"][valued], method="snips")
        honest.append(found.interval(LEVEL))
        each = off_policy.each_arm(logged)
        flattered.append(max(each, key=lambda one: one.value).interval(LEVEL))
    assert 0.94 <= covered(np.array(honest), ALIKE) <= 0.96
    assert covered(np.array(flattered), ALIKE) < 0.9
    assert np.mean(flattered) > 1.1 * ALIKE


def test_the_best_hour_is_in_the_set_as_often_as_stated(monkeypatch):
    monkeypatch.setattr(best, "DRAWS", 1_000)
    kept, naive = 0, 0
    for i in range(REPLICATIONS):
        rng = np.random.default_rng([84, i])
        each = off_policy.each_arm(alike(rng))
        values, covariance = np.array([one.value for one in each]), off_policy.covariance(each)
        # All are equally good, so any may be called the best: the first.
        kept += best.not_worse(values, covariance, level=LEVEL, rng=rng)[0]
        top = int(values.argmax())
        error = np.sqrt(covariance[0, 0] + covariance[top, top] - 2 * covariance[0, top])
        naive += values[top] - values[0] <= norm.ppf(LEVEL) * error
    assert 0.94 <= kept / REPLICATIONS <= 0.96
    assert naive / REPLICATIONS < 0.85


def test_the_lift_of_a_set_chosen_on_the_same_pushes_is_covered(monkeypatch):
    monkeypatch.setattr(best, "DRAWS", 1_000)
    joint, naive, narrower = [], [], 0
    for i in range(REPLICATIONS):
        logged = alike(np.random.default_rng([48, i]))
        nowhere = np.zeros(logged.n.shape[1], dtype=bool)
        curve = choose.find_curve(logged, min_users=30, partial=nowhere)
        now = off_policy.as_drawn(logged)
        kept = choose.find_not_worse(curve, level=LEVEL)
        row = segments.value_set(curve, now, kept, level=LEVEL)
        joint.append((row["set_difference_lower"], row["set_difference_upper"]))
        policy = np.zeros(logged.n.shape)
        policy[:, kept] = 1 / len(kept)
        evenly = off_policy.value(logged, policy, method="snips")
        naive.append(off_policy.less(evenly, now).interval(LEVEL))
        narrower += len(kept) < HOURS
    assert narrower > 0.1 * REPLICATIONS
    # All hours are alike, so no set brings anything. Conservative by design: no upper bound.
    assert covered(np.array(joint), 0.0) >= LEVEL - 3 * np.sqrt(LEVEL * 0.05 / REPLICATIONS)
    assert covered(np.array(naive), 0.0) < 0.9


# Lots that are planned

RATE, LIFT = 0.1, 0.3
PLANNED = 150


def clear_share(pushes: float, hours: int, better: int, rng) -> float:
    """How often the verdict on so many pushes is clear: some of the hours bring 30% more."""
    people, clear = int(np.ceil(pushes / 20)), 0
    ahead = np.where(np.arange(hours) < better, 1 + LIFT, 1)
    for _ in range(PLANNED):
        n = rng.multinomial(np.full(people, 20), np.full(hours, 1 / hours)).astype(float)
        own = RATE * rng.gamma(4, 1 / 4, people)
        answered = rng.binomial(n.astype(int), np.minimum(own[:, None] * ahead, 1)).astype(float)
        logged = laid_out(n, answered, np.full(n.shape, 1 / hours))
        world = measures(logged, rng.permutation(people) % 5)
        rules = choose.choose_hours(world, level=LEVEL)
        curves = segments.find_curves(world, level=LEVEL)
        asked = {"level": LEVEL, "lift_wanted": LIFT}
        clear += segments.find_segments(world, rules, curves, **asked)["verdict"][0] == "clear"
    return clear / PLANNED


@pytest.mark.parametrize(("hours", "better"), [(3, 1), (8, 2), (13, 1)])
def test_planned_lots_have_the_power_that_was_asked_for(monkeypatch, hours, better):
    """The verdict asks for more than that one hour differs from the others."""
    monkeypatch.setattr(best, "DRAWS", 2_000)
    asked = {"better": better, "comparisons": 1, "level": LEVEL, "power": 0.8}
    distance = power.distance_needed((1 / hours,) * hours, **asked)
    planned = power.pushes_needed(RATE, RATE * (1 + LIFT), distance, hours=hours, deff=1.0)
    # Rather more than was asked for; two Monte Carlo errors are .065.
    assert 0.735 <= clear_share(planned, hours, better, np.random.default_rng(3)) <= 0.94
    told = power.lift_found(RATE, planned, distance, hours=hours, deff=1.0)
    assert told == pytest.approx(LIFT, rel=0.001)


def test_lots_planned_for_one_comparison_have_less(monkeypatch):
    """Fleiss, Levin, Paik (2003), 4.2, Bonferroni over the hours, on the share of users valued."""
    monkeypatch.setattr(best, "DRAWS", 2_000)
    hours, wanted = 13, RATE * (1 + LIFT)
    pooled = RATE + (wanted - RATE) / hours
    null = pooled * (1 - pooled) * (1 + 1 / (hours - 1))
    real = wanted * (1 - wanted) + RATE * (1 - RATE) / (hours - 1)
    root = norm.ppf(1 - 0.05 / 2 / hours) * np.sqrt(null) + norm.ppf(0.8) * np.sqrt(real)
    naive = hours * (root / (wanted - RATE)) ** 2 * 5 / 3
    assert clear_share(naive, hours, 1, np.random.default_rng(4)) < 0.65


# Hours that are refused

SELDOM = 0.02
"""12.5 answers are to be expected at each of 8 hours, of 250 users with 20 pushes."""


def test_hours_that_stay_by_what_is_expected_are_not_flattered_and_by_their_answers_are(
    monkeypatch,
):
    monkeypatch.setattr(best, "DRAWS", 1_000)
    shown, by_answers, kept, naive = [], [], [], []
    everybody = np.zeros(HOURS, dtype=bool)
    for i in range(REPLICATIONS):
        rng = np.random.default_rng([20, i])
        n = rng.multinomial(np.full(PEOPLE, 20), np.full(HOURS, 1 / HOURS)).astype(float)
        rate = SELDOM * rng.gamma(4, 1 / 4, PEOPLE)
        answered = rng.binomial(n.astype(int), rate[:, None]).astype(float)
        logged = laid_out(n, answered, np.full(n.shape, 1 / HOURS))
        curve = choose.find_curve(logged, min_users=30, partial=everybody)
        lucky = replace(
            curve, refused=["few_answers" if a < 10 else "" for a in answered.sum(axis=0)]
        )
        for one, values, sets in ((curve, shown, kept), (lucky, by_answers, naive)):
            values.extend(one.estimates())
            if len(one.usable):  # all are alike, so any may be called the best: the first
                sets.append(0 in choose.find_not_worse(one, level=LEVEL))
    assert len(kept) > 0.9 * REPLICATIONS
    assert np.mean(shown) == pytest.approx(SELDOM, rel=0.02)
    assert np.mean(by_answers) > 1.07 * SELDOM
    assert np.mean(kept) >= 0.93  # normal, with 12 answers an hour: not quite the level
    assert np.mean(naive) < 0.85


# Hours that only a part can get

ELIGIBLE_HOURS, ALL_USERS = 13, 600


@pytest.mark.parametrize("pushes", [40, 400])
def test_an_hour_that_some_users_cannot_get_is_refused_and_not_the_study(pushes):
    rng = np.random.default_rng(6)
    shape = (ALL_USERS, ELIGIBLE_HOURS)
    chances = np.full(shape, 1 / ELIGIBLE_HOURS)
    chances[:30] = [0, *[1 / (ELIGIBLE_HOURS - 1)] * (ELIGIBLE_HOURS - 1)]  # 5% not at hour 0
    groups, found = np.zeros(ALL_USERS, dtype=int), []
    for _ in range(REPLICATIONS // 10):
        n = rng.multinomial(np.full(ALL_USERS, pushes), chances).astype(float)
        logged = laid_out(n, 0 * n, np.where(chances > 0, chances, 1))
        found.append(off_policy.check_design(logged, groups, min_users=30))
    assert not any(one.is_wrong for one in found)
    partial = np.mean([one.partial for one in found], axis=0)
    assert partial[1:].max() == 0
    # With 40 pushes each the ratio of 0.95 has an error of 0.02: no bias that could be seen.
    assert (partial[0] > 0.5) == (pushes == 400)
    assert np.mean([one.ratios[0] for one in found]) == pytest.approx(0.95, abs=0.005)
