"""Does an effect fade, or grow, in the course of an experiment? From what each day's people did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import chi2
from scipy.stats import t as student

from siyu.stats.checks import FloatArray, count_of, normal_quantile

WEEK = 7
FEWEST_DAYS = 14
"""Two weeks: one to be held against the other."""


@dataclass(frozen=True, kw_only=True)
class Span:
    """A difference over some days, with its interval by how much days differ."""

    value: float
    ci_lower: float
    ci_upper: float


@dataclass(frozen=True, kw_only=True)
class Course:
    """A difference of two shares in the course of an experiment.

    spans: of "all" days, the "first" week, the "later" days, and the "change" from the first week
        to later.
    trend_p: of a trend with the logarithm of the day, two-sided; trend: its sign.
    spread: variance of the daily differences relative to that of chance alone (1: no more), and
        spread_p, that it is larger.
    """

    spans: Mapping[str, Span]
    trend: float
    trend_p: float
    spread: float
    spread_p: float
    n_days: int


def follow_effect(
    day: ArrayLike,
    *,
    count: ArrayLike,
    n: ArrayLike,
    other_count: ArrayLike,
    other_n: ArrayLike,
    level: float,
) -> Course | None:
    """Follow a difference of two shares through the days on which people were drawn.

    Both sides of a day live through the same weather, holidays and campaigns, so that only the
    difference of a day counts; days weigh by their people, and their spread is the error.

    Args:
        day: days since the first of the experiment, 0 or more, each once.
        count: people with the outcome, of those drawn on that day.
        n: people drawn on it.
        other_count: the same of the other side.
        other_n: the same.
        level: coverage of each interval, between 0 and 1.

    Returns:
        None where days with people on both sides are fewer than 14, or lack a first week or a later
        one.

    Raises:
        ValueError: counts that are none, or exceed their n; the level is out of range.

    A new thing's effect falls fast at first and slowly then, so the trend is one with the logarithm
    of the day: of an effect that fades by e^(-d/4) it sees over 28 days 1.2 times as much as a
    straight line. Assumes days independent. Source: weighted least squares with the spread found,
    e.g. Kutner et al. (2005), Applied Linear Statistical Models, 11.1.
    """
    normal_quantile(level)
    came, people = count_of(count, n)
    other_came, others = count_of(other_count, other_n)
    at, both = np.asarray(day, dtype=np.float64), (people > 0) & (others > 0)
    at, came, people, other_came, others = (
        part[both] for part in (at, came, people, other_came, others)
    )
    early = at < WEEK
    if len(at) < FEWEST_DAYS or min(early.sum(), (~early).sum()) < 2:
        return None
    difference = came / people - other_came / others
    weight = people * others / (people + others)
    one = np.ones(len(at))
    whole = _fit(difference, one[:, None], weight)
    parts = _fit(difference, np.column_stack([early, ~early]), weight)
    lines = _fit(difference, np.column_stack([one, np.log1p(at)]), weight)
    spans = {
        "all": _span(whole, np.ones(1), level),
        "first": _span(parts, np.array([1.0, 0.0]), level),
        "later": _span(parts, np.array([0.0, 1.0]), level),
        "change": _span(parts, np.array([-1.0, 1.0]), level),
    }
    slope, error, degrees = _contrast(lines, np.array([0.0, 1.0]))
    share = (came.sum() + other_came.sum()) / (people.sum() + others.sum())
    chance = share * (1 - share)
    spread = whole.variance / chance if chance else np.nan
    return Course(
        spans=spans,
        trend=slope,
        trend_p=float(2 * student.sf(abs(slope) / error, degrees)) if error else np.nan,
        spread=spread,
        spread_p=float(chi2.sf(spread * whole.degrees, whole.degrees)),
        n_days=len(at),
    )


@dataclass(frozen=True, kw_only=True)
class _Fit:
    beta: FloatArray
    inverse: FloatArray
    variance: float
    """Of a day's difference times its weight."""
    degrees: int


def _fit(y: FloatArray, columns: ArrayLike, weight: FloatArray) -> _Fit:
    x = np.asarray(columns, dtype=np.float64)
    inverse = np.asarray(np.linalg.inv(x.T @ (x * weight[:, None])), dtype=np.float64)
    beta = inverse @ (x.T @ (weight * y))
    degrees = len(y) - x.shape[1]
    variance = float(weight @ (y - x @ beta) ** 2) / degrees
    return _Fit(beta=beta, inverse=inverse, variance=variance, degrees=degrees)


def _contrast(fit: _Fit, wanted: FloatArray) -> tuple[float, float, int]:
    error = np.sqrt(fit.variance * wanted @ fit.inverse @ wanted)
    return float(wanted @ fit.beta), float(error), fit.degrees


def _span(fit: _Fit, wanted: FloatArray, level: float) -> Span:
    value, error, degrees = _contrast(fit, wanted)
    reach = float(student.ppf((1 + level) / 2, degrees)) * error
    return Span(value=value, ci_lower=value - reach, ci_upper=value + reach)
