"""Policies to be valued: who would be sent a push at which hour, chosen on other users or before.

A policy is an array (users, hours) of chances; a row of zeros is a user of whom it says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from siyu.stats.best import not_worse
from siyu.stats.checks import FloatArray
from siyu.stats.off_policy import Logged, Value, covariance, each_arm, effective
from siyu.studies.push_timing.policy.learn import learn_rates, own_hours
from siyu.studies.push_timing.policy.measures import Ints, Measures

FEWEST_EFFECTIVE = 100
"""Equally weighted pushes below which nothing is valued: the interval covers less than it says."""
FEWEST_EFFECTIVE_USERS = 30
"""The same for equally weighted users: they are the clusters, and with fewer the error itself is a
guess. No matter of privacy: of how many users anything may be shown, `min_users` says."""
FEWEST_EXPECTED = 10
"""Answers to be expected below which an interval around a rate is no use. Expected, not seen: if
hours stayed by their own answers, the lucky ones would, and would be flattered."""
TEACHING_FOLDS = 2
"""Of five: on fewer users hours are chosen badly, with more there are fewer to value them on."""
LEAST_INSIDE = 0.95
"""Share of the pushes planned without lots at hours that were drawn, below which they differ."""
SEED = 20_260_402
"""Of the draws from joint normal distributions: the same data give the same set, run after run."""

Bools = NDArray[np.bool_]


class Limits(TypedDict):
    """What hours are refused by: see `find_curve`."""

    min_users: int
    partial: Bools


@dataclass(frozen=True, kw_only=True)
class Curve:
    """The value of each hour among some users: (hours,) each.

    refused: "" or why an hour has no value ("support", "few", "part", "thin", "few_answers",
    "no_answers"); pushes, users: effective sizes; n: pushes drawn at the hour; n_users: who got
    them.
    """

    values: list[Value]
    refused: list[str]
    pushes: FloatArray
    users: FloatArray
    n: FloatArray
    n_users: Ints

    @property
    def usable(self) -> Ints:
        """The hours that have a value."""
        return np.flatnonzero([not why for why in self.refused])

    def covariance(self) -> FloatArray:
        """Give the covariance of the values of usable hours."""
        return covariance([self.values[hour] for hour in self.usable])

    def estimates(self) -> FloatArray:
        """Give the values of usable hours."""
        return np.array([self.values[hour].value for hour in self.usable])


def find_curve(logged: Logged, *, min_users: int, partial: Bools) -> Curve:
    """Value each hour for everybody who is logged, by SNIPS.

    Args:
        logged: sums per user and hour.
        min_users: hours that fewer users got have no value.
        partial: (hours,), which ones only a part of the users could get.
    """
    weight, per_user = logged.weight.sum(axis=0), (logged.weight**2).sum(axis=0)
    pushes = _ratio(weight**2, logged.squared_weight.sum(axis=0))
    users = _ratio(weight**2, per_user)
    n_users = (logged.n > 0).sum(axis=0)
    answered, rate = logged.answered.sum(axis=0), _pooled_rate(logged)
    refused = [
        _refuse(
            *sizes, expected=sizes[0] * rate, is_few=own < min_users, is_partial=part, answers=some
        )
        for *sizes, own, part, some in zip(pushes, users, n_users, partial, answered, strict=True)
    ]
    if (logged.total > 0).sum() < min_users:
        refused = ["few"] * len(refused)
    return Curve(
        values=each_arm(logged),
        refused=refused,
        pushes=pushes,
        users=users,
        n=logged.n.sum(axis=0),
        n_users=n_users,
    )


def find_refusal(logged: Logged, policy: FloatArray, *, min_users: int, partial: Bools) -> str:
    """Say why a policy has no value; "" where it has.

    Args:
        logged: sums per user and hour.
        policy: (users, hours).
        min_users: policies that speak of, or were followed by lot in the pushes of, fewer users
            have no value.
        partial: (hours,), which ones only a part of the users could get.

    Returns:
        "few"; "support": no push followed it; "part": it takes an hour that only a part could get;
        "thin": effective sizes below the floors; "few_answers": so few pushes followed it that not
        enough answers are to be expected of them at the rate of all that is logged; "no_answers":
        enough were, but there is none, so that the error is unknown (by chance less than once in
        a thousand where an hour is like the others).
    """
    picked = policy > 0
    if (picked.any(axis=1) & (logged.total > 0)).sum() < min_users:
        return "few"
    followed = picked & (logged.n > 0)
    pushes, users = effective(logged, policy)
    return _refuse(
        pushes,
        users,
        expected=pushes * _pooled_rate(logged),
        is_few=bool(followed.any(axis=1).sum() < min_users),
        is_partial=bool(picked[:, partial].any()),
        answers=float(logged.answered[picked].sum()),
    )


def _refuse(
    pushes: float, users: float, *, expected: float, is_few: bool, is_partial: bool, answers: float
) -> str:
    reasons = {
        "support": not pushes,
        "few": is_few,
        "part": is_partial,
        "thin": pushes < FEWEST_EFFECTIVE or users < FEWEST_EFFECTIVE_USERS,
        "few_answers": expected < FEWEST_EXPECTED,
        "no_answers": not answers,
    }
    return next((why for why, holds in reasons.items() if holds), "")


def _pooled_rate(logged: Logged) -> float:
    return float(logged.answered.sum() / max(logged.n.sum(), 1))


def _ratio(above: FloatArray, below: FloatArray) -> FloatArray:
    return np.divide(above, below, out=np.zeros_like(above), where=below > 0)


def find_not_worse(curve: Curve, *, level: float) -> Ints:
    """Find the hours not clearly worse than the best, among those that have a value."""
    kept = not_worse(
        curve.estimates(), curve.covariance(), level=level, rng=np.random.default_rng(SEED)
    )
    return np.asarray(curve.usable[kept])


def at_hour(n_users: int, n_hours: int, hour: int) -> FloatArray:
    """Send everybody's pushes at one hour."""
    policy = np.zeros((n_users, n_hours))
    policy[:, hour] = 1
    return policy


def limits_of(measures: Measures) -> Limits:
    """Give what hours are refused by, as `find_curve` and `find_refusal` take it."""
    return {"min_users": measures.min_users, "partial": measures.design.partial}


def choose_hours(measures: Measures, *, level: float) -> dict[str, FloatArray]:
    """Choose each segment's hours for the users of a fold on those of the folds before it.

    The first folds only teach. To choose for every fold on all others would use more, but then two
    folds choose by each other's noise: where no hour is better, their errors go together, and an
    interval that takes them as independent covers 83% instead of 95%.

    Returns:
        "best": pushes of a segment are sent at the hour with the highest value; "good": at the
        hours not worse than the best, each with the same chance. Where a segment has too few, at
        those of everybody. Nothing is said of users in the first folds.

    Source: Luedtke and van der Laan (2016), Ann. Stat. 44, 713-742 (inference for the value of a
    best rule that may not be unique: what is chosen before is fixed for what is valued after).
    """
    policies = {name: np.zeros_like(measures.logged.n) for name in ("best", "good")}
    limits = limits_of(measures)
    for fold in range(TEACHING_FOLDS, int(measures.fold.max(initial=-1)) + 1):
        before = measures.fold < fold
        for segment in range(len(measures.segments)):
            own = measures.segment == segment
            curve = find_curve(measures.logged.of(own & before), **limits)
            if len(curve.usable) < 2:
                curve = find_curve(measures.logged.of(before), **limits)
            if len(curve.usable):
                inside = np.flatnonzero(own & (measures.fold == fold))
                policies["best"][inside, curve.usable[int(curve.estimates().argmax())]] = 1
                hours = find_not_worse(curve, level=level)
                policies["good"][np.ix_(inside, hours)] = 1 / len(hours)
    return policies


def at_own_hours(measures: Measures) -> FloatArray:
    """Send each user's pushes at the hour at which they answered best in the earlier half.

    Of the hours that everybody can get.
    """
    own = measures.earlier
    rates = learn_rates(own, measures.segment, len(measures.segments))
    scores = own_hours(own, rates[measures.segment])
    # Only what their segment was drawn at in both halves can be learnt, and valued.
    segments = np.arange(len(measures.segments))[:, None] == measures.segment[None, :]
    drawn = ((segments @ own.n) > 0) & ((segments @ measures.later.n) > 0)
    open_to = drawn[measures.segment] & ~measures.design.partial
    policy = np.zeros_like(scores)
    some = np.flatnonzero(open_to.any(axis=1))
    policy[some, np.where(open_to, scores, -np.inf)[some].argmax(axis=1)] = 1
    return policy


def at_habits(measures: Measures) -> FloatArray:
    """Send each user's pushes at the hour in which they themselves did most before.

    Nothing is said of users busiest at an hour that only a part can get.
    """
    policy = np.zeros_like(measures.later.n)
    shut = np.flatnonzero(measures.design.partial)
    known = np.flatnonzero((measures.habits >= 0) & ~np.isin(measures.habits, shut))
    policy[known, measures.habits[known]] = 1
    return policy


def by_hand(measures: Measures) -> FloatArray:
    """Send each user's pushes at the hours that are planned for their segment without lots.

    As often at each as is planned. Nothing is said of segments with too few such pushes, or where
    over a twentieth of them is planned for hours that were not drawn for everybody.
    """
    policy = np.zeros_like(measures.logged.n)
    hours = pd.Index(measures.hours)[~measures.design.partial]
    columns = np.flatnonzero(~measures.design.partial)
    for place, segment in enumerate(measures.segments):
        own = measures.planned[measures.planned["segment"] == segment].set_index("hour")
        n = own["n_by_hand"].reindex(hours, fill_value=0).to_numpy(dtype=np.float64)
        total = own["n_by_hand"].sum()
        if total >= FEWEST_EFFECTIVE and n.sum() >= LEAST_INSIDE * total:
            inside = np.flatnonzero(measures.segment == place)
            policy[np.ix_(inside, columns)] = n / n.sum()
    return policy


def model_rates(measures: Measures) -> FloatArray:
    """Give each user the shrunk rates of their segment, learnt on users of other folds."""
    model = np.zeros_like(measures.logged.n)
    for fold in range(int(measures.fold.max(initial=-1)) + 1):
        inside = measures.fold == fold
        others = measures.logged.of(~inside)
        rates = learn_rates(others, measures.segment[~inside], len(measures.segments))
        model[inside] = rates[measures.segment[inside]]
    return model
