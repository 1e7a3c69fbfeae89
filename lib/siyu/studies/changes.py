"""Judge the change of a share between two spans that some users are in both of."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtr

from siyu.stats.checks import FloatArray, normal_quantile
from siyu.stats.intervals import difference_pvalue, newcombe_difference, smoothed_delta

_PSEUDO = np.array([[1.0, 0, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 1, 1]])
"""One user without and one with the property in each span."""


def compare_spans(sides: Any, n: Any, *, level: float) -> pd.DataFrame:
    """Give the change of a ratio of sums, users who are in both spans being one user each.

    Args:
        sides: a row per group of users who are alike: what each adds below and above in the earlier
            span, and below and above in the later one.
        n: users in each group.
        level: coverage of the interval, between 0 and 1.

    Returns:
        One row: `value` (later less earlier), `ci_lower`, `ci_upper`: the delta method, with one
        pseudo-user with and one without the property in each span.
    """
    design = np.vstack([np.asarray(sides, dtype=np.float64), _PSEUDO])
    users = np.asarray(n, dtype=np.float64)

    def statistic(cells: FloatArray) -> FloatArray:
        n0, x0, n1, x1 = np.moveaxis(cells @ design, -1, 0)
        return np.asarray(x1 / n1 - x0 / n0)[..., None]

    value, lower, upper = smoothed_delta(
        statistic,
        np.append(users, np.zeros(len(_PSEUDO))),
        added=np.append(np.zeros(len(users)), np.ones(len(_PSEUDO))),
        level=level,
    )
    return pd.DataFrame({"value": value, "ci_lower": lower, "ci_upper": upper})


def change_of_share(sides: Any, n: Any, *, level: float) -> pd.DataFrame:
    """Give the change of a share as `compare_spans` does, joined with Newcombe's (see `widen`).

    Args:
        sides: as there; above is never more than below.
        n: as there.
        level: as there.

    Returns:
        One row: `value`, `ci_lower`, `ci_upper`, `p`.
    """
    n0, x0, n1, x1 = np.asarray(n, dtype=np.float64) @ np.asarray(sides, dtype=np.float64)
    return widen(compare_spans(sides, n, level=level), x1, n1, x0, n0, level=level)


def widen(delta: pd.DataFrame, x1: Any, n1: Any, x0: Any, n0: Any, *, level: float) -> pd.DataFrame:
    """Join the delta-method and the Newcombe interval of changes, and take the larger p-value.

    The one knows that users are in both spans, the other holds for few users; together they cover
    about as stated whichever way the spans hang together.

    Args:
        delta: a row per change: `value`, `ci_lower`, `ci_upper`, from `smoothed_delta`.
        x1: users with the property in the later span, one number or one per row.
        n1: users in the later span.
        x0: users with the property in the earlier span.
        n0: users in the earlier span.
        level: coverage of the intervals, between 0 and 1.

    Returns:
        A row per change: `value`, `ci_lower`, `ci_upper` and `p`.
    """
    value, lower, upper = newcombe_difference(x1, n1, x0, n0, level=level)
    delta = delta.reset_index(drop=True)
    half = (delta["ci_upper"] - delta["ci_lower"]) / 2
    p = 2 * ndtr(-np.abs(delta["value"]) / half * normal_quantile(level))
    return pd.DataFrame(
        {
            "value": np.atleast_1d(value),
            "ci_lower": np.fmin(delta["ci_lower"], lower),
            "ci_upper": np.fmax(delta["ci_upper"], upper),
            "p": np.fmax(p, difference_pvalue(x1, n1, x0, n0)),
        }
    )
