"""Look at arms every day while the experiment runs, with intervals that allow it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from siyu.stats.checks import FloatArray, normal_quantile
from siyu.stats.multiplicity import bonferroni_level
from siyu.stats.sequential import always_valid_reach
from siyu.studies.lures.definition import LureError
from siyu.studies.lures.experiment import Experiment
from siyu.studies.lures.ratio import find_suspect

Counts = NDArray[np.int64]
Seen = tuple[FloatArray, FloatArray, FloatArray]
"""Of a pair at each look: the difference, and how far its two intervals reach."""
_NEVER = 2**31
_LOOK = ("arm", "against", "on", "n", "n_against", "value", "reach", "naive_reach")
_PAIR = (
    *("arm", "against", "n", "n_against", "value", "ci_lower", "ci_upper", "verdict", "clear_on"),
    *("n_then", "then", "then_lower", "then_upper", "naive_on", "naive_calls"),
)


@dataclass(frozen=True, kw_only=True)
class Looks:
    """What could be known on each day of the experiment, by whom the window was over.

    looks: a row per pair of arms and look (`on`, the business day at whose end it is): people `n`
        of `arm` and `n_against`, the difference `value` of their conversions, how far its interval
        for any number of looks goes (`reach`), and that of a single test (`naive_reach`).
    pairs: a row per pair: the last look with `ci_lower` and `ci_upper`; `verdict` ("better",
        "worse", "unclear": of `arm`, by the first look that was clear), `clear_on` that day, with
        `n_then` people of both arms and the difference `then`; `naive_on`, the first day on which
        the single test would have called it, and at how many looks it did (`naive_calls`).
    winner: the first arm that was clearly better than all it is held against, on `won_on`; "" for
        none. n, n_then: people read at the last look, and on that day.
    refused: as of the experiment, or "suspect" (arms not as large as planned), "clustered",
        "young" (an arm has too few people whose window is over), "".
    """

    looks: pd.DataFrame
    pairs: pd.DataFrame
    winner: str
    won_on: date | None
    n: int
    n_then: int
    n_looks: int
    level: float
    refused: str


def watch(experiment: Experiment, *, level: float, planned_users: int = 0) -> Looks:
    """Look at the experiment at the end of every day, as if nothing later was known.

    Each arm is held against the control; without one, all arms against each other. Of a day count
    those whose conversion window is over then. Days follow each other as closely as every arm has
    `min_users` more people at each look, so that no few persons can be had by subtraction.

    Args:
        experiment: from `find_experiment`.
        level: coverage of all intervals at all looks together.
        planned_users: people of all arms whom the experiment was to have, at which intervals are
            narrowest; 0: those who were drawn so far.

    Raises:
        LureError: planned_users is below 0.

    Assumes persons drawn one by one. All pairs share the error chance (Bonferroni).
    """
    if planned_users < 0:
        raise LureError(f"planned_users = {planned_users} must be at least 0")
    days, n, came = count_days(experiment)
    if refused := find_refusal(experiment, n):
        return _nothing(refused, level)
    ends = find_ends(n, experiment.min_users)
    n, came = n.cumsum(axis=0)[ends], came.cumsum(axis=0)[ends]
    pairs = find_pairs(experiment)
    each = bonferroni_level(level, len(pairs))
    planned = planned_users or int(experiment.drawn["n"].sum())
    dates = [_read_on(experiment, int(days[end])) for end in ends]
    seen = {
        (a, b): _look(
            n[:, [a, b]],
            came[:, [a, b]],
            planned=planned * (experiment.shares[a] + experiment.shares[b]),
            each=each,
            level=level,
        )
        for a, b in pairs
    }
    names = experiment.arms
    looks = [
        (names[a], names[b], dates[at], *n[at, [a, b]], *row)
        for (a, b), rows in seen.items()
        for at, row in enumerate(zip(*rows, strict=True))
    ]
    told = [(names[a], names[b], *_tell(n[:, [a, b]], seen[a, b], dates)) for a, b in pairs]
    winner, at = _find_winner(experiment, seen)
    return Looks(
        looks=pd.DataFrame(looks, columns=list(_LOOK)),
        pairs=pd.DataFrame(told, columns=list(_PAIR)),
        winner=names[winner] if at >= 0 else "",
        won_on=dates[at] if at >= 0 else None,
        n=int(n[-1].sum()),
        n_then=int(n[at].sum()) if at >= 0 else 0,
        n_looks=len(ends),
        level=level,
        refused="",
    )


def count_days(experiment: Experiment) -> tuple[Counts, Counts, Counts]:
    """Count, by the day of the draw, people whose window is over and those who converted in it.

    Returns:
        Days since the first of the draw, on which somebody was drawn; people, and conversions: a
        row per such day and a column per arm.
    """
    if experiment.refused:
        return np.empty(0, np.int64), *[np.empty((0, 0), np.int64)] * 2  # type: ignore[return-value]
    people = experiment.followed(experiment.definition.conversion_days)
    arms = len(experiment.arms)
    days, row = np.unique(people["day"].to_numpy(np.int64), return_inverse=True)
    cell = row * arms + people["arm"].to_numpy(np.int64)
    n, came = (
        np.bincount(cell, weights=weights, minlength=len(days) * arms)
        .astype(np.int64)
        .reshape(len(days), arms)
        for weights in (None, people["converted"].to_numpy(np.float64))
    )
    return days, n, came


def find_refusal(experiment: Experiment, n: Counts) -> str:
    """Say in a word why days cannot be told; "" where they can."""
    if experiment.refused:
        return experiment.refused
    if find_suspect(experiment):
        return "suspect"
    if experiment.is_clustered:
        return "clustered"
    return "young" if n.sum(axis=0).min() < experiment.min_users else ""


def find_pairs(experiment: Experiment) -> list[tuple[int, int]]:
    """Give the pairs of arms that are compared: with the control, or without one all."""
    arms = range(len(experiment.arms))
    if experiment.has_control:
        return [(arm, 0) for arm in arms[1:]]
    return list(combinations(arms, 2))


def find_ends(n: Counts, least: int) -> list[int]:
    """Part days so that every arm has enough people in each part; give the last row of each.

    What is left at the end joins the part before it.
    """
    ends, since = [], np.zeros(n.shape[1])
    for row, own in enumerate(n):
        since += own
        if (since >= least).all():
            ends.append(row)
            since[:] = 0
    return [*ends[:-1], len(n) - 1]


def _read_on(experiment: Experiment, day: int) -> date:
    assert experiment.first_day is not None
    return experiment.first_day + timedelta(days=day + experiment.definition.conversion_days)


def _look(n: Counts, came: Counts, *, planned: float, each: float, level: float) -> Seen:
    # One more of each outcome: an arm in which nobody converts yet is not sure of that.
    share = (came + 1) / (n + 2)
    error = np.sqrt((share * (1 - share) / n).sum(axis=1))
    reach = always_valid_reach(error, n.sum(axis=1), planned=planned, level=each)
    value = came[:, 0] / n[:, 0] - came[:, 1] / n[:, 1]
    return value, reach, normal_quantile(level) * error


def _tell(n: Counts, seen: Seen, dates: list[date]) -> tuple[Any, ...]:
    value, reach, naive_reach = seen
    clear, naive = (np.flatnonzero(np.abs(value) > end) for end in (reach, naive_reach))
    last = (*n[-1], value[-1], value[-1] - reach[-1], value[-1] + reach[-1])
    called = (dates[naive[0]] if len(naive) else None, len(naive))
    if not len(clear):
        return (*last, "unclear", None, 0, np.nan, np.nan, np.nan, *called)
    at = clear[0]
    then = (n[at].sum(), value[at], value[at] - reach[at], value[at] + reach[at])
    return (*last, "better" if value[at] > 0 else "worse", dates[at], *then, *called)


def _find_winner(experiment: Experiment, seen: dict[tuple[int, int], Seen]) -> tuple[int, int]:
    """Give the first arm clearly better than all it is held against, and the look; -1 for none."""
    won = [max(_wins(arm, seen)) for arm in range(len(experiment.arms))]
    first = int(np.argmin(won))
    return (first, won[first]) if won[first] < _NEVER else (-1, -1)


def _wins(arm: int, seen: dict[tuple[int, int], Seen]) -> Iterator[int]:
    """Give the look at which an arm first was clearly better, for each it is held against."""
    for pair, (value, reach, _) in seen.items():
        if arm in pair:
            ahead = (value if arm == pair[0] else -value) > reach
            yield int(ahead.argmax()) if ahead.any() else _NEVER


def _nothing(refused: str, level: float) -> Looks:
    return Looks(
        looks=pd.DataFrame(columns=list(_LOOK)),
        pairs=pd.DataFrame(columns=list(_PAIR)),
        winner="",
        won_on=None,
        n=0,
        n_then=0,
        n_looks=0,
        level=level,
        refused=refused,
    )
