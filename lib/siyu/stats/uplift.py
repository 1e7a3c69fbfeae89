"""Who is to be treated: scores learnt on others, and Qini curves that say whether they tell."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from siyu.stats.checks import FloatArray, normal_quantile

FOLDS = 5
ONLY_TEACH = 2
"""Of the folds: the first, by which the others are scored, and which get no score."""
RIDGE = 1.0
"""Penalty on the slopes of standardised covariates: it keeps them finite where two are alike."""
DRAWS = 500
_AT_ONCE = 2_000_000
"""Weights held at once while units are drawn again."""
_POINTS = 2_000
"""Points of a curve that tell its area to far less than the interval that is drawn from them."""


@dataclass(frozen=True, kw_only=True)
class Qini:
    """What a score tells: its coefficient, and what is gained by treating the first of its order.

    coefficient: area between the curve and the straight line to its end, over that of the best
        order there can be; 0 for a score that is no better than lots, at most 1. Not a number where
        no order is better than another.
    share: of the units treated, in tenths from 0 to 1. gain: of the outcome, per unit of all, with
        `gain_lower` and `gain_upper` (pointwise).
    """

    coefficient: float
    ci_lower: float
    ci_upper: float
    share: FloatArray
    gain: FloatArray
    gain_lower: FloatArray
    gain_upper: FloatArray


@dataclass(frozen=True, kw_only=True)
class _Order:
    """Units in the order in which they are treated, and where ties end."""

    unit: NDArray[np.int64]
    ends: NDArray[np.int64]
    treated: FloatArray
    outcome: FloatArray


def qini_curve(
    score: ArrayLike, treated: ArrayLike, outcome: ArrayLike
) -> tuple[FloatArray, FloatArray]:
    """Give the Qini curve of a score.

    Args:
        score: per unit; those with the highest are treated first, ties together.
        treated: 1 for a unit that was treated, 0 for one of the control.
        outcome: of each unit, larger is better.

    Returns:
        The number of units, from 0 to all, and at each the outcomes of the treated among them, less
        those of the control scaled to as many.

    Raises:
        ValueError: arrays of different lengths, or a side without units.

    Source: Radcliffe (2007), Direct Marketing Analytics Journal 1, 14-21.
    """
    order = _sort(score, treated, outcome)
    units, gain = _curve(order, np.ones((1, len(order.unit))))
    return units[0], gain[0]


def qini_coefficient(score: ArrayLike, treated: ArrayLike, outcome: ArrayLike) -> float:
    """Give the normalised Qini coefficient of a score (see `Qini`).

    Args and errors as in `qini_curve`. Source: there; the digits are those of `qini_auc_score` in
    scikit-uplift 0.5.1.
    """
    own, best = (
        _area(*qini_curve(each, treated, outcome)) for each in (score, _best(treated, outcome))
    )
    return float(own / best) if best > 0 else float("nan")


def score_forward(
    covariates: ArrayLike,
    treated: ArrayLike,
    outcome: ArrayLike,
    *,
    groups: ArrayLike,
    rng: np.random.Generator,
) -> FloatArray:
    """Predict each unit's effect by a rule that was learnt on other units.

    The rule is a line per side on the covariates, one less the other (T-learner). Each fold of the
    units is scored by what all folds before it teach. (Scored by all the others, two folds judge
    each other's noise: of scores that tell nothing, 8% had an interval above 0, and not 2.5%.)

    Args:
        covariates: one row per unit, known before the draw; they are standardised here.
        treated: 1 or 0 per unit.
        outcome: of each unit.
        groups: a number per unit; the five folds are filled within each side and group, so that
            every rule has learnt of every group.
        rng: puts units into folds.

    Returns:
        A score per unit, missing for the first two folds, which only teach.

    Raises:
        ValueError: a side with fewer units than there are folds.

    Sources: Künzel et al. (2019), PNAS 116, 4156-4165; Luedtke and van der Laan (2016), Ann. Stat.
    44, 713-742 (each part by those before it).
    """
    x, given, y = (np.asarray(part, dtype=np.float64) for part in (covariates, treated, outcome))
    for side in (0, 1):
        if (n := int((given == side).sum())) < FOLDS:
            raise ValueError(f"treated: {n} units on one side must be at least {FOLDS}")
    fold = np.empty(len(y), dtype=np.int64)
    fold[np.lexsort((rng.random(len(y)), np.asarray(groups), given))] = np.arange(len(y)) % FOLDS
    spread = x.std(axis=0)
    x = (x - x.mean(axis=0)) / np.where(spread > 0, spread, 1)
    score = np.full(len(y), np.nan)
    for one in range(ONLY_TEACH, FOLDS):
        here, before = fold == one, fold < one
        control, other = (
            _predict(x[before & (given == side)], y[before & (given == side)], x[here])
            for side in (0, 1)
        )
        score[here] = other - control
    return score


def judge_score(
    score: ArrayLike,
    treated: ArrayLike,
    outcome: ArrayLike,
    *,
    level: float,
    rng: np.random.Generator,
) -> Qini:
    """Give the Qini curve and coefficient of a score with intervals: units are drawn again.

    Args:
        score: as in `qini_curve`, learnt on other units (see `score_forward`): judged on those
            it was learnt on, a score is better than lots even where nothing tells.
        treated: as there.
        outcome: as there.
        level: coverage, between 0 and 1.
        rng: draws the units again, 500 times, each side by itself.

    Raises:
        ValueError: as in `qini_curve`, or a level out of range.

    Assumes independent units, and takes the score as given. Source: Efron and Tibshirani (1993), An
    Introduction to the Bootstrap, 13.3 (percentile interval).
    """
    normal_quantile(level)
    order, best = (_sort(each, treated, outcome) for each in (score, _best(treated, outcome)))
    given, share = np.asarray(treated, dtype=np.float64), np.linspace(0, 1, 11)
    at_once = max(1, min(DRAWS, _AT_ONCE // len(given)))
    found = [_judge(order, best, np.ones((1, len(given))), share)]
    order, best = _thin(order), _thin(best)
    for first in range(0, DRAWS, at_once):
        weight = _draw_again(given, min(at_once, DRAWS - first), rng)
        found.append(_judge(order, best, weight, share))
    coefficient, gain = (np.concatenate(part) for part in zip(*found, strict=True))
    ends = [(1 - level) / 2, (1 + level) / 2]
    lower, upper = np.quantile(coefficient[1:], ends)
    gain_lower, gain_upper = np.quantile(gain[1:], ends, axis=0)
    return Qini(
        coefficient=float(coefficient[0]),
        ci_lower=float(lower),
        ci_upper=float(upper),
        share=share,
        gain=gain[0],
        gain_lower=gain_lower,
        gain_upper=gain_upper,
    )


def _sort(score: ArrayLike, treated: ArrayLike, outcome: ArrayLike) -> _Order:
    rank, given, y = (np.asarray(part, dtype=np.float64) for part in (score, treated, outcome))
    if not len(rank) == len(given) == len(y):
        raise ValueError(
            f"score, treated, outcome have {len(rank)}, {len(given)} and {len(y)} units; "
            "give one of each per unit"
        )
    if not 0 < given.sum() < len(given):
        raise ValueError("treated: one side has no units; give some of both")
    unit = np.argsort(-rank, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(rank[unit])), len(unit) - 1)
    return _Order(unit=unit, ends=ends, treated=given[unit], outcome=y[unit])


def _best(treated: ArrayLike, outcome: ArrayLike) -> FloatArray:
    """Score units as only who knows all outcomes can: no order has a larger area."""
    given, y = np.asarray(treated, dtype=np.float64), np.asarray(outcome, dtype=np.float64)
    return np.asarray(y * (2 * given - 1))


def _thin(order: _Order) -> _Order:
    """Keep so many ends of ties that the curve is told, where there are many more."""
    if len(order.ends) <= _POINTS:
        return order
    kept = np.linspace(0, len(order.ends) - 1, _POINTS).astype(np.int64)
    return replace(order, ends=order.ends[kept])


def _sums(order: _Order, weight: FloatArray) -> tuple[FloatArray, ...]:
    """Sum up outcomes and numbers of both sides from the first unit to each end of ties."""
    own = weight[:, order.unit]
    begins = np.append(0, order.ends[:-1] + 1)
    parts = []
    for each in (order.outcome, np.ones(len(order.unit))):
        for side in (order.treated, 1 - order.treated):
            total = np.cumsum(np.add.reduceat(own * (each * side), begins, axis=1), axis=1)
            parts.append(np.concatenate([np.zeros((len(own), 1)), total], axis=1))
    return tuple(parts)


def _curve(order: _Order, weight: FloatArray) -> tuple[FloatArray, FloatArray]:
    y_treated, y_control, n_treated, n_control = _sums(order, weight)
    return n_treated + n_control, y_treated - y_control * _ratio(n_treated, n_control)


def _ratio(above: FloatArray, below: FloatArray) -> FloatArray:
    return np.divide(above, below, out=np.zeros_like(above), where=below > 0)


def _area(units: FloatArray, gain: FloatArray) -> FloatArray:
    """Give the area between each curve and the straight line to its end."""
    whole = np.trapezoid(gain, units, axis=-1)
    return np.asarray(whole - units[..., -1] * gain[..., -1] / 2)


def _judge(
    order: _Order, best: _Order, weight: FloatArray, share: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Give the coefficient for each row of weights, and the gain per unit at each share."""
    units, gain = _curve(order, weight)
    most = _area(*_curve(best, weight))
    coefficient = np.divide(
        _area(units, gain), most, out=np.full(len(most), np.nan), where=most > 0
    )
    per_unit = gain / order.treated.sum()  # as many treated in each row: sides are drawn apart
    at = [np.interp(share, own / own[-1], y) for own, y in zip(units, per_unit, strict=True)]
    return coefficient, np.array(at)


def _draw_again(treated: FloatArray, times: int, rng: np.random.Generator) -> FloatArray:
    """Draw the units of each side again: how often each comes, a row per time."""
    weight = np.empty((times, len(treated)))
    for side in (0, 1):
        here = np.flatnonzero(treated == side)
        drawn = rng.integers(len(here), size=(times, len(here)))
        drawn += len(here) * np.arange(times)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=times * len(here))
        weight[:, here] = counts.reshape(times, len(here))
    return weight


def _predict(x: FloatArray, y: FloatArray, new: FloatArray) -> FloatArray:
    """Fit a line, its slopes drawn a little towards 0, and predict new units by it."""
    centre = x.mean(axis=0)
    apart = x - centre
    slopes = np.linalg.solve(apart.T @ apart + RIDGE * np.eye(x.shape[1]), apart.T @ (y - y.mean()))
    return np.asarray(y.mean() + (new - centre) @ slopes)
