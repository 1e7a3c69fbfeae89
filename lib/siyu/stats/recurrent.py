"""Things that happen to a person again and again: how many by which time, and by when half."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import t as student

from siyu.stats.checks import FloatArray, normal_quantile

_MOST_TIMES = 160
_BLOCK = 20_000
_ROUNDING = 1e-12


@dataclass(frozen=True, kw_only=True)
class MeanFunction:
    """How many things have happened per person by some times, and the time by which half have.

    value, ci_lower, ci_upper: at each of `time`. at_risk: persons followed so long.
    half, half_lower, half_upper: the time by which half of what happens within the horizon has; the
        ends are 0 and not a number where the data do not bound them; all not a number where nothing
        happened, or nobody was followed to the horizon.
    events: within the horizon.
    """

    time: FloatArray
    value: FloatArray
    ci_lower: FloatArray
    ci_upper: FloatArray
    at_risk: FloatArray
    half: float
    half_lower: float
    half_upper: float
    events: int


def mean_function(
    times: ArrayLike, person: ArrayLike, followed: ArrayLike, *, horizon: float, level: float
) -> MeanFunction:
    """Give the mean number of things that have happened per person, by time.

    Args:
        times: when each thing happened, from the person's own beginning, 0 or more.
        person: to whom: index into followed.
        followed: how long each person was followed, those to whom nothing happened included.
        horizon: up to which time is told, above 0.
        level: coverage of each interval, between 0 and 1.

    Returns:
        At the times of events (at 160 of them spread evenly, where there are more) and the horizon.

    Raises:
        ValueError: horizon or level out of range.

    Persons followed for a shorter time count as long as they are. Assumes that how long says
    nothing about what happens. Source: Nelson (1988), J. Qual. Technol. 20; variance between
    persons, Lawless and Nadeau (1995), Technometrics 37, 158-168. Intervals of values are on the
    log scale, by Student's t with one degree less than persons to whom anything happened; that of
    the half holds the times at which twice the value does not differ from that at the horizon.
    """
    if not horizon > 0:
        raise ValueError(f"horizon = {horizon} must be above 0")
    normal_quantile(level)
    at, who = np.asarray(times, dtype=np.float64), np.asarray(person, dtype=np.int64)
    until = np.asarray(followed, dtype=np.float64)
    seen = (at <= horizon) & (at <= until[who])
    order = np.argsort(at[seen], kind="stable")
    at, who = at[seen][order], who[seen][order]
    grid = np.unique(at)
    if len(grid) > _MOST_TIMES:
        grid = np.unique(np.quantile(at, np.linspace(0, 1, _MOST_TIMES), method="lower"))
    grid = np.unique(np.append(grid, horizon))
    ordered = np.sort(until)
    at_risk = len(until) - np.searchsorted(ordered, grid, side="left").astype(np.float64)
    weight = 1 / (len(until) - np.searchsorted(ordered, at, side="left"))
    place = np.searchsorted(grid, at)
    value, drift = (
        np.cumsum(np.bincount(place, weights=part, minlength=len(grid))).astype(np.float64)
        for part in (weight, weight**2)
    )
    known = len(at) > 0 and at_risk[-1] > 0
    error, gap_error = _errors(place, weight, who, until, grid, drift)
    # Persons to whom nothing happened add little to what the spread rests on.
    quantile = float(student.ppf((1 + level) / 2, max(len(np.unique(who)) - 1, 1)))
    with np.errstate(divide="ignore", invalid="ignore"):
        width = np.exp(quantile * error / value)
    gap = value - value[-1] / 2
    half, lower, upper = np.nan, np.nan, np.nan
    if known:
        half = float(grid[np.argmax(gap >= -_ROUNDING)])
        lower = float(grid[np.argmax(gap >= -quantile * gap_error - _ROUNDING)])
        later = gap > quantile * gap_error + _ROUNDING
        upper = float(grid[np.argmax(later)]) if later.any() else np.nan
        # All of so few events lie on one side of the half too often to bound it.
        if len(at) <= 1 - np.log2(1 - level):
            lower, upper = 0.0, np.nan
    return MeanFunction(
        time=grid,
        value=np.where(at_risk > 0, value, np.nan),
        ci_lower=value / width,
        ci_upper=value * width,
        at_risk=at_risk,
        half=half,
        half_lower=lower,
        half_upper=upper,
        events=len(at),
    )


def _errors(
    place: NDArray[np.int64],
    weight: FloatArray,
    who: NDArray[np.int64],
    until: FloatArray,
    grid: FloatArray,
    drift: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """Give the errors of the values, and of each less half the last one, between persons."""
    last = np.searchsorted(grid, until, side="right") - 1
    expected = np.concatenate([[0.0], drift])
    squares = np.zeros((2, len(grid)))

    def add(influence: FloatArray, persons: FloatArray | float = 1.0) -> None:
        for i, part in enumerate((influence, influence - influence[:, -1:] / 2)):
            squares[i] += (part**2 * persons).sum(axis=0)

    steps = np.arange(len(grid))
    active, index = np.unique(who, return_inverse=True)
    idle = np.bincount(last + 1, minlength=len(grid) + 1)
    idle = idle - np.bincount(last[active] + 1, minlength=len(grid) + 1)
    ends = np.flatnonzero(idle)
    persons = idle[ends].astype(np.float64)
    add(-expected[1 + np.minimum(steps, ends[:, None] - 1)], persons[:, None])
    for begin in range(0, len(active), _BLOCK):
        own = active[begin : begin + _BLOCK]
        mine = (index >= begin) & (index < begin + _BLOCK)
        happened = np.zeros((len(own), len(grid)))
        np.add.at(happened, (index[mine] - begin, place[mine]), weight[mine])
        add(happened.cumsum(axis=1) - expected[1 + np.minimum(steps, last[own][:, None])])
    values, gaps = np.sqrt(squares)
    return values, gaps
