"""Compare one outcome between the arms: as drawn, and adjusted for what was known before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import t as student

from siyu.stats.amounts import skewed_mean
from siyu.stats.best import compare_shares_with_best, compare_with_best, constrain_to_best
from siyu.stats.checks import FloatArray
from siyu.stats.clusters import clustered_means
from siyu.stats.design import indicators
from siyu.stats.experiments import adjusted_means
from siyu.stats.intervals import wilson
from siyu.stats.many_to_one import (
    compare_shares_with_control,
    compare_with_control,
    welch_degrees,
)
from siyu.stats.multiplicity import bonferroni_level, holm
from siyu.stats.sequential import always_valid_reach
from siyu.studies.lures.experiment import Experiment

BEST, CONTROL = "best", "control"
NET = "net_cny"
_PER_COVARIATE = 10
"""People of the smallest arm for each covariate that its regression has."""
_BEFORE = ("offered_before", "events_before", "orders_before", "amount_cny_before")
_ENDS = ["gap", "ci_lower", "ci_upper"]


@dataclass(frozen=True, kw_only=True)
class Means:
    """The mean of an outcome per arm, with its variance and the degrees of freedom of that."""

    value: FloatArray
    variance: FloatArray
    degrees: FloatArray


@dataclass(frozen=True, kw_only=True)
class Running:
    """How far an experiment is that has not come to its end: people per arm.

    n: read so far. planned: it is to have, at which intervals are narrowest.
    """

    n: FloatArray
    planned: FloatArray


NO_MEANS = Means(value=np.empty(0), variance=np.empty(0), degrees=np.empty(0))


def plain_means(experiment: Experiment, people: pd.DataFrame, outcome: str) -> Means:
    """Give the mean of each arm that has people, of clusters where these were drawn."""
    sides = _sides(people, people[outcome])
    if experiment.is_clustered:
        found = clustered_means(sides, _sides(people, people["cluster"]))
    else:
        n = np.array([len(side) for side in sides])
        spread = np.array([side.var(ddof=1) for side in sides])
        found = (np.array([side.mean() for side in sides]), spread / n, n - 1.0)
    value, variance, degrees = found
    # Where all did the same, rounding is left of the spread.
    flat = np.array([side.min() == side.max() for side in sides])
    return Means(value=value, variance=np.where(flat, 0.0, variance), degrees=degrees)


def adjust_means(people: pd.DataFrame, outcome: str) -> Means | None:
    """Give the means as if all arms had had the same people; None without anything to adjust for.

    Adjusted for the strata of the draw (channels where there are none), its day, earlier offers,
    and events, orders and spend before: all known before the assignment.
    """
    known = _known(people)
    if not known.shape[1]:
        return None
    sides = _sides(people, people[outcome])
    arms = np.sort(people["arm"].unique())
    before = [known[people["arm"].to_numpy() == arm] for arm in arms]
    value, variance, degrees = adjusted_means(sides, before=before)
    return Means(value=value, variance=variance, degrees=degrees)


def describe(
    experiment: Experiment, people: pd.DataFrame, outcome: str, means: Means, *, level: float
) -> pd.DataFrame:
    """Give each arm's own mean with the interval of it alone: one row per arm that has people."""
    sides = _sides(people, people[outcome])
    n = np.array([len(side) for side in sides])
    if experiment.is_clustered:
        reach = student.ppf((1 + level) / 2, means.degrees) * np.sqrt(means.variance)
        lower, upper = means.value - reach, means.value + reach
        if outcome != NET:
            lower, upper = lower.clip(0, 1), upper.clip(0, 1)
    elif outcome == NET:
        lower, upper = np.array([skewed_mean(side, level=level)[1:] for side in sides]).T
    else:
        lower, upper = wilson([side.sum() for side in sides], n, level=level)
    return pd.DataFrame(
        {"n": n, "mean": means.value, "ci_lower": lower, "ci_upper": upper}
        | {"error": np.sqrt(means.variance)}
    )


def compare_shares(
    experiment: Experiment, people: pd.DataFrame, outcome: str, *, level: float
) -> pd.DataFrame:
    """Compare the shares of persons with the best of the other arms, and with the control.

    Newcombe's bounds, at critical values with which all intervals of a comparison hold together.

    Returns:
        One row per `against` ("best", "control") and arm, the control left out of the second:
        `position` among the arms, `gap` (its mean less the other), `ci_lower`, `ci_upper`,
        `is_candidate` (may be the best) and, against the control, `p_holm`.
    """
    sides = _sides(people, people[outcome])
    count, n = [side.sum() for side in sides], [len(side) for side in sides]
    best = compare_shares_with_best(count, n, level=level)
    control = compare_shares_with_control(count, n, level=level) if experiment.has_control else None
    return _joined(best, control)


def compare_means(
    means: Means, *, level: float, has_control: bool, running: Running | None = None
) -> pd.DataFrame:
    """Compare means, such as those of clusters, as `compare_shares` does shares, by t.

    While the experiment is `running`, by intervals that hold at any number of looks; `p_holm` is
    then missing, since a test of one look is none of many.
    """
    if running:
        return _compare_at_any_look(means, running, level=level, has_control=has_control)
    best = compare_with_best(
        means.value, np.sqrt(means.variance), level=level, degrees=_least_degrees(means)
    )
    if not has_control:
        return _joined(best, None)
    control = compare_with_control(
        means.value,
        means.variance,
        degrees=welch_degrees(means.variance, means.degrees),
        level=level,
    )
    return _joined(best, control.assign(p_holm=holm(control["p"])))


def _compare_at_any_look(
    means: Means, running: Running, *, level: float, has_control: bool
) -> pd.DataFrame:
    reach = find_reach(np.sqrt(means.variance), running.n, planned=running.planned, level=level)
    apart = means.value[:, None] - means.value[None, :]
    best = constrain_to_best(apart, apart + reach)
    if not has_control:
        return _joined(best, None)
    gap, half = apart[1:, 0], reach[1:, 0]
    control = pd.DataFrame({"gap": gap, "ci_lower": gap - half, "ci_upper": gap + half})
    return _joined(best, control.assign(p_holm=np.nan))


def find_reach(errors: ArrayLike, n: ArrayLike, *, planned: ArrayLike, level: float) -> FloatArray:
    """Give how far differences of arms reach that hold at any number of looks, all pairs at once.

    Args:
        errors: standard error of each arm's mean, in the last axis; others are other looks.
        n: people in it.
        planned: people whom each arm is to have, at which intervals are narrowest.
        level: coverage of all pairs at all looks together.

    Returns:
        Arms x arms in the last two axes (see `always_valid_reach`); all pairs by Bonferroni.
    """
    error, size, end = (np.asarray(one, dtype=np.float64) for one in (errors, n, planned))
    arms = len(end)
    return always_valid_reach(
        np.hypot(error[..., :, None], error[..., None, :]),
        size[..., :, None] + size[..., None, :],
        planned=end[:, None] + end[None, :],
        level=bonferroni_level(level, arms * (arms - 1) // 2),
    )


def _joined(best: pd.DataFrame, control: pd.DataFrame | None) -> pd.DataFrame:
    parts = [best.assign(against=BEST, position=range(len(best)), p_holm=np.nan)]
    if control is not None:
        control = control.rename(columns={"difference": "gap"})
        candidate = best["is_candidate"].iloc[1:].to_numpy()
        parts.append(
            control.assign(against=CONTROL, position=range(1, len(best)), is_candidate=candidate)
        )
    columns = ["against", "position", *_ENDS, "is_candidate", "p_holm"]
    return pd.concat([part[columns] for part in parts], ignore_index=True)


def _least_degrees(means: Means) -> FloatArray:
    """Give each arm the fewest degrees of freedom of its comparisons (Welch)."""
    found = []
    for own in range(len(means.value)):
        order = [own, *np.delete(np.arange(len(means.value)), own)]
        found.append(welch_degrees(means.variance[order], means.degrees[order]).min())
    return np.array(found)


def _sides(people: pd.DataFrame, values: pd.Series) -> list[FloatArray]:
    return [side.to_numpy(dtype=np.float64) for _, side in values.groupby(people["arm"])]


def _known(people: pd.DataFrame) -> FloatArray:
    """Lay out what was known before the assignment, as much of it as the smallest arm can bear."""
    # A channel that is not known of all may be known of those who joined: that came after.
    known = [name for name in ("stratum", "channel") if people[name].min() >= 0]
    apart = [name for name in known if people[name].max() > people[name].min()]
    columns = [indicators(people, apart[:1], np.ones(len(people)))]
    columns += [np.log1p(_column(people, name)) for name in ("day", *_BEFORE)]
    columns = [one[:, np.ptp(one, axis=0) > 0] for one in columns]
    most = int(people["arm"].value_counts().min()) // _PER_COVARIATE
    kept: list[FloatArray] = []
    for one in columns:
        if sum(part.shape[1] for part in (*kept, one)) <= most:
            kept.append(one)
    return np.column_stack([np.empty((len(people), 0)), *kept])


def _column(people: pd.DataFrame, name: str) -> FloatArray:
    return people[[name]].to_numpy(dtype=np.float64)


def count_clusters(experiment: Experiment) -> tuple[int, ...]:
    """Count the clusters of each arm; nothing where persons were drawn."""
    if not experiment.is_clustered:
        return ()
    own = experiment.people.groupby("arm")["cluster"].nunique()
    return tuple(int(own.get(i, 0)) for i in range(len(experiment.arms)))
