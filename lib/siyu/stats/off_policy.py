"""Values of policies from choices drawn by lot with known chances: IPS, SNIPS, doubly robust.

Everything is computed from sums per user, so that intervals allow for what the choices of one user
have in common.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as t_distribution

from siyu.stats.checks import FloatArray, normal_quantile
from siyu.stats.multiplicity import holm

Method = Literal["ips", "snips", "dr", "clipped"]
BLOCKING_P = 0.001
"""Logged chances less plausible than this are wrong: a wrong alarm in a thousand readings."""
ROUNDED = 0.01
"""Chances that are off by less than this part move no value by more: 0.077 for 1/13."""


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
        """Give the interval by Student's t with as many degrees of freedom as users, less one.

        On the log scale where the value is above 0: the error of a rate grows with the rate, so
        that a plain interval around one that came out low is too short. Of an hour of thirteen,
        at 60, 100 and 200 users with 25 pushes each and a rate of 6%, it covers the
        truth 95% of the time, where a plain one does 91%, 92% and 93%. No upper end is above 1, as
        no outcome is, unless the value itself is.
        """
        half = self.error * _quantile(level, self.n_users)
        if not self.value > 0:
            return self.value - half, self.value + half
        factor = float(np.exp(half / self.value))
        return self.value / factor, min(self.value * factor, max(self.value, 1.0))


@dataclass(frozen=True, kw_only=True)
class Difference(Value):
    """What one value is more than another: of either sign, so on the plain scale."""

    def interval(self, level: float) -> tuple[float, float]:
        """Give the interval by Student's t with as many degrees of freedom as users, less one."""
        half = self.error * _quantile(level, self.n_users)
        return self.value - half, self.value + half


@dataclass(frozen=True, kw_only=True)
class Design:
    """Whether logged chances are those by which the arms were drawn, arm by arm.

    ratios: per arm, the mean of 1{arm}/p over all choices that could have got it: 1 if the logged
    chances are right; NaN for arms that too few users got. p_holm: per arm, that its ratio is 1,
    by Holm over the arms; NaN for the same arms.
    """

    ratios: FloatArray
    p_holm: FloatArray

    @property
    def is_untested(self) -> bool:
        """Whether too few users got any arm for a test: nothing is known of the chances."""
        return bool(np.isnan(self.ratios).all())

    @property
    def above(self) -> NDArray[np.bool_]:
        """Arms drawn clearly more often than logged, by more than rounding."""
        return np.asarray((self.p_holm < BLOCKING_P) & (self.ratios > 1 + ROUNDED))

    @property
    def below(self) -> NDArray[np.bool_]:
        """Arms drawn clearly less often than logged, by more than rounding."""
        return np.asarray((self.p_holm < BLOCKING_P) & (self.ratios < 1 - ROUNDED))

    @property
    def is_wrong(self) -> bool:
        """Whether it is out of the question that the chances are right, but for their rounding.

        Right chances put no arm above 1: an arm that only some can get is below. So they are wrong
        if an arm is clearly above, and if all arms are clearly below.
        """
        tested = ~np.isnan(self.ratios)
        return bool(self.above.any() or (tested.any() and self.below[tested].all()))

    @property
    def partial(self) -> NDArray[np.bool_]:
        """Arms that only a part of the choices could get, if the chances are not wrong.

        The value of always taking one is unknown: who could not get it is not in it.
        """
        return self.below & (not self.is_wrong)

    @property
    def p(self) -> float:
        """The smallest p-value of the arms that everybody could get; NaN if none was tested."""
        shown = self.p_holm[~self.partial & ~np.isnan(self.p_holm)]
        return float(shown.min()) if len(shown) else np.nan


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


def mix(values: Sequence[Value], shares: FloatArray) -> Value:
    """Give the value of choices of which shares are made by several policies, among the same users.

    Args:
        values: of the policies.
        shares: of each, summing to 1.
    """
    return Value(
        value=float(shares @ [one.value for one in values]),
        influence=shares @ np.stack([one.influence for one in values]),
        n_users=values[0].n_users,
    )


def less(one: Value, other: Value) -> Difference:
    """Give the difference of two values among the same users, with their joint variance."""
    return Difference(
        value=one.value - other.value,
        influence=one.influence - other.influence,
        n_users=one.n_users,
    )


def lift(one: Value, other: Value) -> Difference:
    """Give one value relative to another, less 1 (delta method); NaN where the other is 0."""
    if not other.value:
        return Difference(value=np.nan, influence=one.influence * np.nan, n_users=one.n_users)
    ratio = one.value / other.value
    return Difference(
        value=ratio - 1,
        influence=(one.influence - ratio * other.influence) / other.value,
        n_users=one.n_users,
    )


def pvalue(difference: Difference) -> float:
    """Give the two-sided p-value that a difference is 0; NaN where it has no spread."""
    if not difference.error > 0:
        return np.nan
    return _two_sided(difference.value / difference.error, difference.n_users)


def pvalue_against(found: Value, truth: float) -> float:
    """Give the two-sided p-value that a value is some number above 0, as its interval would.

    NaN where the value is not above 0, and has no place on the log scale. Where it has no spread,
    1 if it is that number, else 0.
    """
    if not found.value > 0:
        return np.nan
    off = np.log(found.value / truth)
    if not found.error > 0:
        return float(np.isclose(off, 0))
    return _two_sided(off * found.value / found.error, found.n_users)


def covariance(values: Sequence[Value]) -> FloatArray:
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


def design_effect(logged: Logged, arm: int) -> float:
    """Give by how much answers of the same user widen what an arm is more than all as drawn.

    What a user answers at all arms alike is in both, so it is less than that of the arm's value. 1
    or more; NaN where the arm was never drawn, or all outcomes are alike.
    """
    found, base = each_arm(logged)[arm], as_drawn(logged)
    total, n = logged.weight[:, arm].sum(), logged.total.sum()
    if not total:
        return np.nan
    weight, answered, squared, both = (
        getattr(logged, name)[:, arm].sum()
        for name in ("weight", "answered_weight", "squared_weight", "squared_answered_weight")
    )
    v, b = found.value, base.value
    # The sum over choices of (1{arm} w (y - v) / total - (y - b) / n)^2; outcomes are 0 or 1.
    own = (both * (1 - 2 * v) + squared * v**2) / total**2
    joint = (answered * (1 - v - b) + weight * v * b) / total / n
    alone = own - 2 * joint + b * (1 - b) / n
    error = less(found, base).error
    return float(max(error**2 / alone, 1)) if alone > 0 else np.nan


def lacks_support(logged: Logged, policy: FloatArray, groups: NDArray[np.int_]) -> bool:
    """Tell whether a policy takes an arm that was never drawn in that group of users."""
    drawn = _by_group(logged.n, groups) > 0
    return bool(((_by_group(policy, groups) > 0) & ~drawn).any())


def check_design(logged: Logged, groups: NDArray[np.int_], *, min_users: int) -> Design:
    """Test whether the logged chances are those by which the arms were drawn.

    The mean of 1{arm}/p is 1 for every arm if they are, over the choices that could have got it:
    those of the groups in which it was ever drawn. As with unequal groups of an experiment, a tiny
    p-value says that something was lost or chosen on the way, and no value can be read; but an arm
    that only some users of a group could get is below 1 with right chances too.

    Args:
        logged: sums per user and arm.
        groups: of each user.
        min_users: arms that fewer users got are not tested.

    Source: each ratio against 1 by Student's t on the log scale, users as clusters, with Holm's
    correction (the sample-ratio test in Kohavi, Tang, Xu (2020), chapter 21, arm by arm).
    """
    drawn = _by_group(logged.n, groups) > 0
    n = logged.total
    found = [
        _ratio(logged.weight[:, arm], n * drawn[groups, arm], n) for arm in range(logged.n.shape[1])
    ]
    kept = (logged.n > 0).sum(axis=0) >= max(min_users, 2)  # one user has no spread
    ratios = np.where(kept, [one.value for one in found], np.nan)
    p = np.where(kept, [pvalue_against(one, 1) for one in found], np.nan)
    return Design(ratios=ratios, p_holm=holm(p))


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


def _two_sided(score: float, n_users: int) -> float:
    return float(2 * t_distribution.sf(abs(score), max(n_users - 1, 1)))
