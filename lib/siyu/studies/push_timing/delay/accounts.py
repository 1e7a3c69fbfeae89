"""Compare each account with all others together, as days make them late."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import t as student

from siyu.stats.checks import FloatArray
from siyu.stats.fixed_effects import FEWEST_CLUSTERS


@dataclass(frozen=True, kw_only=True)
class Gap:
    """Share of late pushes of each account less that of all others, over the last axis.

    gap: the difference. p: of the test that it is 0; NaN where nothing varies, or with fewer than
    ten days or users.
    """

    gap: FloatArray
    p: FloatArray


def against_others(
    late: ArrayLike, n: ArrayLike, *, user_error: ArrayLike, n_users: ArrayLike
) -> Gap:
    """Test whether accounts are late more often than all others, on the larger of two errors.

    What makes one push of an account late (somebody is ill, a meeting) makes those to its other
    users late that day too. So days are the clusters, of both sides at once: a day on which all are
    late says nothing of one of them. Users differ as well; the larger p of the two counts.

    Args:
        late: late pushes, (…, accounts, days).
        n: all pushes, likewise; 0 on days without any.
        user_error: standard error of the difference with users as clusters, (…, accounts).
        n_users: users of each account, likewise.

    Source: delta method over clusters, with G / (G - 1) and t(G - 1), G the days of the account:
    Cameron and Miller (2015), A practitioner's guide to cluster-robust inference.
    """
    counts, totals = (np.asarray(one, dtype=np.float64) for one in (late, n))
    others, others_n = (one.sum(axis=-2, keepdims=True) - one for one in (counts, totals))
    days = (totals > 0).sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        own, own_part = _share(counts, totals)
        rest, rest_part = _share(others, others_n)
        squares = ((own_part - rest_part) ** 2).sum(axis=-1)
        day_error = np.sqrt(squares * days / (days - 1))
        gap = own - rest
        p = np.maximum(
            _p(gap / day_error, days), _p(gap / np.asarray(user_error), np.asarray(n_users))
        )
    return Gap(gap=gap, p=p)


def _share(count: FloatArray, n: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Give the share over all days, and the part of each day in its error."""
    total = n.sum(axis=-1)
    share = count.sum(axis=-1) / total
    return share, (count - share[..., None] * n) / total[..., None]


def _p(t: FloatArray, clusters: ArrayLike) -> FloatArray:
    few = np.asarray(clusters) < FEWEST_CLUSTERS
    p = 2 * student.sf(np.abs(t), np.maximum(np.asarray(clusters) - 1, 1))
    return np.where(few, np.nan, p)
