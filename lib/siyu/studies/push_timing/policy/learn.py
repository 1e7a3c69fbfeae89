"""Learn which hours to choose: rates shrunk towards their segment's, and each user's own hours."""

from __future__ import annotations

import numpy as np

from siyu.stats.checks import FloatArray
from siyu.stats.off_policy import Logged
from siyu.studies.push_timing.policy.measures import Ints


def learn_rates(logged: Logged, segment: Ints, n_segments: int) -> FloatArray:
    """Learn the chance of an answer per segment and hour, shrunk towards that of the segment.

    Returns:
        (segments, hours); the level of all where a segment has no pushes.

    Source: the normal model of Efron and Morris (1975), J. Am. Stat. Assoc. 70, with the variance
    between hours by moments (DerSimonian and Laird 1986).
    """
    weight, answered, squared = (
        np.stack([column[segment == one].sum(axis=0) for one in range(n_segments)])
        for column in (logged.weight, logged.answered_weight, logged.squared_weight)
    )
    everyone = answered.sum() / max(weight.sum(), 1)
    return np.stack(
        [_shrink(*sums, everyone=everyone) for sums in zip(weight, answered, squared, strict=True)]
    )


def _shrink(
    weight: FloatArray, answered: FloatArray, squared: FloatArray, *, everyone: float
) -> FloatArray:
    """Shrink the rates of a segment's hours towards their mean; "everyone" if it has none."""
    drawn = weight > 0
    level = answered.sum() / weight.sum() if drawn.any() else everyone
    rates = np.full(len(weight), level)
    # Errors by the level of the segment: an hour without answers is not without error.
    spread = level * (1 - level)
    if drawn.sum() < 2 or not spread:
        return rates
    found = answered[drawn] / weight[drawn]
    precision = weight[drawn] ** 2 / (spread * squared[drawn])
    mean = precision @ found / precision.sum()
    chance = precision @ (found - mean) ** 2
    scale = precision.sum() - (precision**2).sum() / precision.sum()
    between = max((chance - (len(found) - 1)) / scale, 0)
    kept = between * precision / (1 + between * precision)
    rates[drawn] = mean + kept * (found - mean)
    return rates


def own_hours(earlier: Logged, expected: FloatArray) -> FloatArray:
    """Learn from their earlier pushes how likely each user answers at each hour.

    What a user answered at an hour is held against what was to be expected of them there: the rate
    of the segment at that hour, times the user's own level. Both factors are shrunk towards 1 by
    how much users, and hours of the same user, really differ (gamma-Poisson, by moments).

    Args:
        earlier: sums per user and hour.
        expected: (users, hours), rates of their segments.

    Returns:
        (users, hours), on any scale: only the order within a user counts.

    Source: Clayton and Kaldor (1987), Biometrics 43, 671-681.
    """
    due = earlier.n * expected
    answered, due_all = earlier.answered.sum(axis=1), due.sum(axis=1)
    # Answers at different hours of a user tell how much users differ, and pairs at the same hour
    # how much more the hours of a user do.
    apart = (answered**2 - (earlier.answered**2).sum(axis=1)).sum()
    due_apart = (due_all**2 - (due**2).sum(axis=1)).sum()
    same = (earlier.answered * (earlier.answered - 1)).sum()
    due_same = (earlier.n * (earlier.n - 1) * expected**2).sum()
    users_differ = apart / due_apart - 1 if due_apart > 0 else 0.0
    hours_differ = 0.0
    if users_differ > -1 and due_same > 0 and apart > 0:
        hours_differ = same / due_same / (apart / due_apart) - 1
    level = _shrunk_factor(answered, due_all, users_differ)
    return np.asarray(
        expected * _shrunk_factor(earlier.answered, level[:, None] * due, hours_differ)
    )


def _shrunk_factor(answered: FloatArray, due: FloatArray, variance: float) -> FloatArray:
    if variance <= 0:
        return np.ones_like(due)
    return np.asarray((answered + 1 / variance) / (due + 1 / variance))
