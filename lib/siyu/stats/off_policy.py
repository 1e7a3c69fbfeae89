"""Values of policies from choices drawn by lot with known chances: IPS, SNIPS, doubly robust.

Everything is computed from sums per user, so that intervals allow for what the choices of one user
have in common.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import f as f_distribution
from scipy.stats import t as t_distribution

from siyu.stats.checks import FloatArray, normal_quantile

Method = Literal["ips", "snips", "dr", "clipped"]
BLOCKING_P = 0.001
"""Logged chances less plausible than this are wrong: a wrong alarm in a thousand readings."""
ROUNDED = 0.01
"""Chances that are off by less than this part move no value by more: 0.077 for 1/13."""
_ROUNDING = 1e-10
"""Below this part of the largest, an eigenvalue of a covariance is the rounding of a zero."""


@dataclass(frozen=True, kw_only=True)
class Logged:
    """Choices drawn by lot, summed per user and arm: every array of shape (users, arms).

    n: choices; answered: of them with the outcome 1; weight: sum of 1/p, p the logged chance of
    the arm drawn; answered_weight: the same over the answered; squared_weight and
    squared_answered_weight: sums of 1/p^2. above: choices with a weight above a bound;
    clipped_weight and clipped_answered_weight: sums of the weights, none above that bound.
    """

    n: FloatArray
    answered: FloatArray
    weight: FloatArray
    answered_weight: FloatArray
    squared_weight: FloatArray
    squared_answered_weight: FloatArray
    above: FloatArray
    clipped_weight: FloatArray
    clipped_answered_weight: FloatArray

    def of(self, users: NDArray[np.bool_]) -> Logged:
        """Give the choices of some users."""
        if users.all():
            return self
        return Logged(**{one.name: getattr(self, one.name)[users] for one in fields(self)})

    @cached_property
    def total(self) -> FloatArray:
        """How many choices each user made, whatever the arm."""
        return np.asarray(self.n.sum(axis=1))

    def __add__(self, other: Logged) -> Logged:
        return Logged(
            **{one.name: getattr(self, one.name) + getattr(other, one.name) for one in fields(self)}
        )


@dataclass(frozen=True, kw_only=True)
class Value:
    """A mean outcome, and what each user adds to its error (their influence, summing to 0)."""

    value: float
    influence: FloatArray
    n_users: int

    @property
    def error(self) -> float:
        """The standard error, users as clusters, with the correction G / (G - 1)."""
        return float(np.sqrt(covariance([self])[0, 0]))

    def interval(self, level: float) -> tuple[float, float]:
        """Give the interval by Student's t with as many degrees of freedom as users, less one."""
        half = self.error * _quantile(level, self.n_users)
        return self.value - half, self.value + half


@dataclass(frozen=True, kw_only=True)
class Design:
    """Whether logged chances are those by which the arms were drawn.

    ratios: per arm, the mean of 1{arm}/p over all choices that could have got it: 1 if the logged
    chances are right; NaN for arms that too few users got. p: of the joint test; NaN without one.
    """

    ratios: FloatArray
    p: float

    @property
    def is_wrong(self) -> bool:
        """Whether it is out of the question that they are right, but for their rounding."""
        off = np.nanmax(np.abs(self.ratios - 1), initial=0)
        return bool(self.p < BLOCKING_P and off > ROUNDED)


def value(
    logged: Logged, policy: FloatArray, *, method: Method, model: FloatArray | None = None
) -> Value:
    """Give the mean outcome, had every choice been made by a policy.

    Args:
        logged: sums per user and arm.
        policy: (users, arms), the chance with which the policy takes each arm for that user; what
            it was learnt from must not be the outcomes of the same choices.
        method: "ips": the sum of weighted outcomes by the number of choices; "snips": by the sum of
            weights, so that it stays within the range of outcomes; "dr": a model's mean, plus the
            weighted mean of what the model missed; "clipped": SNIPS with the clipped weights, less
            spread for some bias.
        model: (users, arms), expected outcomes, for "dr"; not fitted on the same users.

    Assumes that each logged chance is right and above 0 wherever the policy's is. Sources: Horvitz
    and Thompson (1952), J. Am. Stat. Assoc. 47; Li et al. (2011), WSDM; Hájek (1971); Swaminathan
    and Joachims (2015), NeurIPS; Dudík et al. (2014), Stat. Sci. 29. Errors are those of ratios of
    sums over users (linearised).
    """
    n = logged.total
    if method == "clipped":
        clipped = _taken(policy, logged.clipped_weight)
        return _ratio(_taken(policy, logged.clipped_answered_weight), clipped, n)
    matched = _taken(policy, logged.weight)
    answered = _taken(policy, logged.answered_weight)
    if method == "snips":
        return _ratio(answered, matched, n)
    if method == "ips" or model is None:
        return _ratio(answered, n, n)
    expected = n * _taken(policy, model)
    missed = answered - _taken(policy * model, logged.weight)
    return _ratio(expected + missed, n, n)


def each_arm(logged: Logged) -> list[Value]:
    """Give the value of always taking each arm, by SNIPS: as `value` does, for all at once."""
    n, totals = logged.total, logged.weight.sum(axis=0)
    return [
        _ratio(logged.answered_weight[:, arm], logged.weight[:, arm], n)
        for arm in range(len(totals))
    ]


def as_drawn(logged: Logged) -> Value:
    """Give the mean outcome of the choices as they were drawn."""
    n = logged.total
    return _ratio(logged.answered.sum(axis=1), n, n)


def less(one: Value, other: Value) -> Value:
    """Give the difference of two values among the same users, with their joint variance."""
    return Value(
        value=one.value - other.value,
        influence=one.influence - other.influence,
        n_users=one.n_users,
    )


def lift(one: Value, other: Value) -> Value:
    """Give one value relative to another, less 1 (delta method); NaN where the other is 0."""
    if not other.value:
        return Value(value=np.nan, influence=one.influence * np.nan, n_users=one.n_users)
    ratio = one.value / other.value
    return Value(
        value=ratio - 1,
        influence=(one.influence - ratio * other.influence) / other.value,
        n_users=one.n_users,
    )


def pvalue(difference: Value) -> float:
    """Give the two-sided p-value that a difference is 0; NaN where it has no spread."""
    if not difference.error > 0:
        return np.nan
    score = abs(difference.value) / difference.error
    return float(2 * t_distribution.sf(score, max(difference.n_users - 1, 1)))


def covariance(values: list[Value]) -> FloatArray:
    """Give the covariance of values among the same users, who are the clusters."""
    influence = np.stack([one.influence for one in values])
    n = values[0].n_users
    return np.asarray(influence @ influence.T * (n / max(n - 1, 1)))


def effective(logged: Logged, policy: FloatArray) -> tuple[float, float]:
    """Give how many equally weighted choices, and users, a policy's value rests on; 0 for none.

    Source: Kish (1965), Survey Sampling: (sum of weights)^2 / sum of squared weights.
    """
    per_user = _taken(policy, logged.weight)
    total = per_user.sum()
    if not total:
        return 0.0, 0.0
    squared = _taken(policy**2, logged.squared_weight).sum()
    return float(total**2 / squared), float(total**2 / (per_user**2).sum())


def design_effect(logged: Logged, policy: FloatArray) -> float:
    """Give by how much answers of the same user widen the variance of a policy's value (SNIPS).

    1 or more; NaN where no choice followed the policy, or all outcomes are alike.
    """
    found = value(logged, policy, method="snips")
    total = _taken(policy, logged.weight).sum()
    squared = _taken(policy**2, logged.squared_weight).sum()
    answered = _taken(policy**2, logged.squared_answered_weight).sum()
    alone = answered * (1 - 2 * found.value) + squared * found.value**2
    return float(max(found.error**2 * total**2 / alone, 1)) if alone > 0 else np.nan


def lacks_support(logged: Logged, policy: FloatArray, groups: NDArray[np.int_]) -> bool:
    """Tell whether a policy takes an arm that was never drawn in that group of users."""
    drawn = _by_group(logged.n, groups) > 0
    return bool(((_by_group(policy, groups) > 0) & ~drawn).any())


def check_design(logged: Logged, groups: NDArray[np.int_], *, min_users: int) -> Design:
    """Test whether the logged chances are those by which the arms were drawn.

    The mean of 1{arm}/p is 1 for every arm if they are, over the choices that could have got it:
    those of the groups in which it was ever drawn. As with unequal groups of an experiment, a tiny
    p-value says that something was lost or chosen on the way, and no value can be read.

    Args:
        logged: sums per user and arm.
        groups: of each user.
        min_users: arms that fewer users got are left out.

    Source: Hotelling's T^2 of the ratios, users as clusters (the joint form of the sample-ratio
    test in Kohavi, Tang, Xu (2020), chapter 21).
    """
    drawn = _by_group(logged.n, groups) > 0
    n = logged.total
    found = [
        _ratio(logged.weight[:, arm], n * drawn[groups, arm], n) for arm in range(logged.n.shape[1])
    ]
    kept = (logged.n > 0).sum(axis=0) >= min_users
    ratios = np.where(kept, [one.value for one in found], np.nan)
    if not kept.any():
        return Design(ratios=ratios, p=np.nan)
    n_users = found[0].n_users
    spread, directions = np.linalg.eigh(
        covariance([one for one, keep in zip(found, kept, strict=True) if keep])
    )
    free = spread > _ROUNDING * max(spread.max(), np.finfo(float).tiny)
    off = directions.T @ (ratios[kept] - 1)
    if (np.abs(off[~free]) > 1e-6).any():  # there is no chance in it, and it is off all the same
        return Design(ratios=ratios, p=0.0)
    rank = int(free.sum())
    if not rank or n_users <= rank:
        return Design(ratios=ratios, p=np.nan)
    squared = float((off[free] ** 2 / spread[free]).sum())
    scaled = squared * (n_users - rank) / (rank * (n_users - 1))
    return Design(ratios=ratios, p=float(f_distribution.sf(scaled, rank, n_users - rank)))


def _ratio(above: FloatArray, below: FloatArray, n: FloatArray) -> Value:
    """Give the ratio of two sums over users; NaN where there is nothing below."""
    total = below.sum()
    found = above.sum() / total if total else np.nan
    return Value(
        value=float(found),
        influence=(above - found * below) / total if total else np.full(len(n), np.nan),
        n_users=int((n > 0).sum()),
    )


def _taken(policy: FloatArray, sums: FloatArray) -> FloatArray:
    """Sum over the arms that a policy takes, per user."""
    return np.asarray(np.einsum("ua,ua->u", policy, sums))


def _by_group(values: FloatArray, groups: NDArray[np.int_]) -> FloatArray:
    size = int(groups.max(initial=-1)) + 1
    return np.stack(
        [np.bincount(groups, weights=column, minlength=size) for column in values.T], axis=1
    )


def _quantile(level: float, n_users: int) -> float:
    normal_quantile(level)  # for its check: Student's t would give NaN for a wrong level
    return float(t_distribution.ppf((1 + level) / 2, max(n_users - 1, 1)))
