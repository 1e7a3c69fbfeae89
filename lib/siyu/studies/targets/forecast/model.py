"""Two forecasts of additions by touchpoint and week, as draws: a model, and the last four weeks."""

from __future__ import annotations

import numpy as np

from siyu.stats.checks import FloatArray
from siyu.stats.drifting_shares import fit_drifting_shares
from siyu.stats.local_level import fit_local_level
from siyu.studies.targets.forecast.days import Effects

WEEK = 7
LAST_WEEKS = 4
"""Of which the naive forecast is the mean, weekday by weekday."""
_HALF = 0.5
"""Added to counts before logarithms are taken."""
_MOST_LOG = 14.0
"""No level is above a million a day, however wide the tail of a draw."""


def chunks_of(days: int) -> list[int]:
    """Cut days into whole weeks and what is left."""
    return [WEEK] * (days // WEEK) + ([days % WEEK] if days % WEEK else [])


def sum_weeks(counts: FloatArray) -> FloatArray:
    """Sum days (first axis) into whole weeks counted back from the last day."""
    whole = len(counts) // WEEK * WEEK
    shape = (whole // WEEK, WEEK, *counts.shape[1:])
    return np.asarray(counts[len(counts) - whole :].reshape(shape).sum(axis=1))


def sum_chunks(days: FloatArray) -> FloatArray:
    """Sum days (last axis) to come into their weeks, the last of which may be short."""
    starts = np.arange(0, days.shape[-1], WEEK)
    return np.asarray(np.add.reduceat(days, starts, axis=-1))


def begin_of(counts: FloatArray) -> int:
    """Give the day (by its place) with which the history begins that tells of the weeks to come.

    Weeks of the launch are left out: those before the first that had half of the median. There
    additions multiply from week to week, and the level would seem to drift as fast for ever.
    """
    weekly = sum_weeks(counts.sum(axis=1))
    if not len(weekly):
        return 0
    launched = int(np.argmax(weekly >= np.median(weekly) / 2))
    return len(counts) - (len(weekly) - launched) * WEEK


def draw_model(
    counts: FloatArray,
    effects: Effects,
    marks: FloatArray,
    marks_ahead: FloatArray,
    *,
    rng: np.random.Generator,
    draws: int,
) -> FloatArray:
    """Draw additions from the model: a drifting total in the rhythm of days, and drifting shares.

    The total of a week is its level x the factors of its days, on the logarithm with noise; the
    level drifts by independent steps. What is not known (level, drift, noise, effects of days,
    shares, how fast these move) is drawn too. Shares are those of all touchpoints, so that what
    hits all of them hits their sum.

    Args:
        counts: days x touchpoints, the latest day last; at least four weeks.
        effects: what marks of days do.
        marks: of the same days.
        marks_ahead: of the days to come.
        rng: the stream of random numbers.
        draws: how many.

    Returns:
        draws x weeks to come (the last may be short) x touchpoints, whole numbers.
    """
    weekly = sum_weeks(counts)
    whole = len(weekly) * WEEK
    size = sum_weeks(effects.factors(marks)[-whole:])
    total = weekly.sum(axis=1)
    known = fit_local_level(
        np.log((total + _HALF) / size), floor=1 / max(float(total.mean()), _HALF)
    )
    lengths = np.array(chunks_of(len(marks_ahead)))
    factors = sum_chunks(effects.factors(marks_ahead, effects.draw(rng, draws=draws)))
    level = known.draw(rng, sizes=lengths / WEEK, draws=draws)
    mean = np.maximum(np.exp(np.minimum(level, _MOST_LOG)) * factors - _HALF * lengths / WEEK, 0)
    people = np.floor(mean + rng.random(mean.shape)).astype(np.int64)
    shares = fit_drifting_shares(weekly).draw(rng, periods=len(lengths), draws=draws)
    return np.asarray(rng.multinomial(people, shares), dtype=np.float64)


def naive_bases(counts: FloatArray, days: int) -> FloatArray:
    """Give the mean of the last four weeks on the same weekdays: weeks to come x columns."""
    last = counts[-LAST_WEEKS * WEEK :].reshape(LAST_WEEKS, WEEK, -1).mean(axis=0)
    ahead = np.resize(last, (days, last.shape[1]))
    return np.asarray(np.add.reduceat(ahead, np.arange(0, days, WEEK), axis=0))


def naive_errors(counts: FloatArray, days: int) -> FloatArray:
    """Give how much more came, after every earlier week, than the naive forecast made then said.

    Args:
        counts: days x columns, the latest day last.
        days: to come.

    Returns:
        Origins (the latest last) x weeks to come x columns: the logarithm of the ratio, half a
        person added to both.
    """
    found = []
    for origin in range(len(counts) - days, LAST_WEEKS * WEEK - 1, -WEEK):
        ahead = counts[origin : origin + days]
        came = np.add.reduceat(ahead, np.arange(0, days, WEEK), axis=0)
        found.append(np.log((came + _HALF) / (naive_bases(counts[:origin], days) + _HALF)))
    return np.array(found[::-1]).reshape(len(found), len(chunks_of(days)), counts.shape[1])


def draw_naive(
    counts: FloatArray, days: int, *, rng: np.random.Generator, draws: int
) -> FloatArray:
    """Draw additions from the naive forecast with the errors it made before, week by week.

    Args:
        counts: days x touchpoints, the latest day last.
        days: to come.
        rng: the stream of random numbers.
        draws: how many.

    Returns:
        draws x weeks to come x touchpoints, whole numbers; shares are those of the last four weeks,
        as uncertain as so many people leave them.
    """
    everyone = counts.sum(axis=1, keepdims=True)
    errors = naive_errors(everyone, days)[:, :, 0]
    base = naive_bases(everyone, days)[:, 0]
    total = np.maximum(
        (base + _HALF) * np.exp(errors[rng.integers(len(errors), size=draws)]) - _HALF, 0
    )
    people = np.floor(total + rng.random(total.shape)).astype(np.int64)
    seen = counts[-LAST_WEEKS * WEEK :].sum(axis=0)
    shares = rng.dirichlet(seen + 1 / len(seen), size=draws)
    return np.asarray(rng.multinomial(people, shares[:, None, :]), dtype=np.float64)
