"""Forecasts of additions hold what comes as often as they say; the chance of a target is one.

Worlds with known truth: a level that drifts from week to week, weeks that are noisy, weekdays,
holidays, touchpoints whose shares drift, and counts that vary more than by chance alone.
"""

import numpy as np
import pytest
from scipy.stats import binom, kstest
from siyu.studies.targets.forecast.days import MARKS, fit_effects
from siyu.studies.targets.forecast.model import draw_model

pytestmark = pytest.mark.slow

WORLDS, WEEKS, AHEAD, PARTS, DRAWS = 300, 40, 28, 4, 500
SHARES = np.array([0.45, 0.3, 0.2, 0.05])
WEEKDAYS = np.array([1.0, 1.0, 0.95, 1.0, 1.1, 1.3, 1.25])
HOLIDAY = 0.7


def band(level: float, worlds: int = WORLDS) -> tuple[float, float]:
    """Give the shares of worlds between which a right method lies in 999 of 1,000 tests."""
    return tuple(binom.ppf([0.0005, 0.9995], worlds, level) / worlds)


def world(rng):
    """Give counts of all days, marks of all days: the first part is history, the last to come."""
    days = WEEKS * 7 + AHEAD
    week = np.arange(days) // 7
    level = (
        np.log(15)
        + np.cumsum(rng.normal(0, 0.05, week[-1] + 1))
        + rng.normal(0, 0.08, week[-1] + 1)
    )
    marks = np.zeros((days, len(MARKS)))
    weekday = np.arange(days) % 7
    marks[weekday > 0, weekday[weekday > 0] - 1] = 1
    free = rng.random(days) < 0.03
    marks[free, :6] = 0
    marks[free, MARKS.index("holiday")] = 1
    factor = np.where(free, HOLIDAY, WEEKDAYS[weekday])
    drift = np.log(SHARES) + np.cumsum(rng.normal(0, 0.05, (week[-1] + 1, PARTS)), axis=0)
    share = np.exp(drift) / np.exp(drift).sum(axis=1, keepdims=True)
    mean = (np.exp(level[week]) * factor)[:, None] * share[week]
    shock = rng.gamma(12, 1 / 12, (days, 1))  # hits all touchpoints of a day
    return rng.poisson(mean * shock).astype(float), marks


@pytest.fixture(scope="module")
def found():
    """Of each world: what came, the draws, a naive twin's draws, and where it lies among them."""
    rng = np.random.default_rng(20260401)
    came, drawn, naive = [], [], []
    for _ in range(WORLDS):
        counts, marks = world(rng)
        past, known = counts[:-AHEAD], marks[:-AHEAD]
        effects = fit_effects(past.sum(axis=1), known)
        ahead = draw_model(past, effects, known, marks[-AHEAD:], rng=rng, draws=DRAWS)
        came.append(counts[-AHEAD:].sum(axis=0))
        drawn.append(ahead.sum(axis=1))
        # Counts about the mean of the last four weeks: neither drift, nor what is not known of it.
        naive.append(rng.poisson(past[-AHEAD:].sum(axis=0), (DRAWS, PARTS)))
    return np.array(came), np.array(drawn), np.array(naive)


def covered(came, drawn, level):
    lower, upper = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2], axis=1)
    return ((lower <= came) & (came <= upper)).mean(axis=0)


@pytest.mark.parametrize("level", [0.8, 0.95])
def test_intervals_of_the_total_and_of_each_touchpoint_cover_as_stated(found, level):
    came, drawn, _ = found
    low, high = band(level)
    assert low <= covered(came.sum(axis=1), drawn.sum(axis=2), level) <= high
    each = covered(came, drawn, level)
    # The drift of the total is in each part's own, too: no narrower than stated, and a bit wider.
    assert (each >= low).all()
    assert (each <= high + 0.04).all()


@pytest.mark.parametrize("level", [0.8, 0.95])
def test_counts_about_the_last_weeks_mean_cover_far_too_seldom(found, level):
    came, _, naive = found
    assert covered(came.sum(axis=1), naive.sum(axis=2), level) < band(level)[0] - 0.1


def test_the_median_is_neither_too_high_nor_too_low(found):
    came, drawn, _ = found
    off = np.log(came.sum(axis=1) / np.median(drawn.sum(axis=2), axis=1))
    assert abs(off.mean()) < 3 * off.std() / np.sqrt(WORLDS)


def test_what_comes_lies_anywhere_among_the_draws_alike(found):
    """The probability integral transform of the total is uniform; that of the twin is not."""
    came, drawn, naive = found
    rng = np.random.default_rng(1)
    for told, right in ((drawn, True), (naive, False)):
        total, true = told.sum(axis=2), came.sum(axis=1)[:, None]
        below, same = (total < true).mean(axis=1), (total == true).mean(axis=1)
        p = kstest(below + same * rng.random(WORLDS), "uniform").pvalue
        assert (p > 0.001) == right


@pytest.mark.parametrize("reach", [0.9, 1.0, 1.1])
def test_a_target_is_reached_as_often_as_the_chance_says(found, reach):
    """For targets about what was expected: of worlds with like chances, as many as these say."""
    came, drawn, naive = found
    total = drawn.sum(axis=2)
    target = reach * np.median(total, axis=1)
    chance = (total >= target[:, None]).mean(axis=1)
    reached = came.sum(axis=1) >= target
    error = np.sqrt((chance * (1 - chance)).sum()) / WORLDS
    assert abs(reached.mean() - chance.mean()) < 3.3 * error
    sure = (naive.sum(axis=2) >= target[:, None]).mean(axis=1)
    # The twin is sure where nothing is: its chances are off by much more than they may be.
    brier, twin = ((chance - reached) ** 2).mean(), ((sure - reached) ** 2).mean()
    assert brier < twin
