"""Judge the change of a share between two spans that some users are in both of."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from siyu.stats.checks import normal_quantile
from siyu.stats.intervals import difference_pvalue, newcombe_difference


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
    p = 2 * norm.sf(np.abs(delta["value"]) / half * normal_quantile(level))
    return pd.DataFrame(
        {
            "value": np.atleast_1d(value),
            "ci_lower": np.fmin(delta["ci_lower"], lower),
            "ci_upper": np.fmax(delta["ci_upper"], upper),
            "p": np.fmax(p, difference_pvalue(x1, n1, x0, n0)),
        }
    )
