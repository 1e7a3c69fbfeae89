"""Turn counts of users who got some steps far into rates, each share with its Wilson interval."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from siyu.stats.intervals import wilson
from siyu.studies.funnel.measures import Measures
from siyu.studies.naming import EVERYONE

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[Any]


def reached_by_segment(measures: Measures) -> dict[str, IntArray]:
    """Count who reached each step, for everyone first, then per segment large enough to show."""
    last = len(measures.definition.steps)
    reached = {}
    for segment, own in by_segment(measures.counts, min_users=measures.min_users):
        depth, n = (own[name].to_numpy(dtype=np.int64) for name in ("depth", "n"))
        exact = np.bincount(depth, weights=n, minlength=last + 1)[1 : last + 1]
        reached[segment] = at_least(exact.astype(np.int64))
    return reached


def by_segment(table: pd.DataFrame, *, min_users: int) -> list[tuple[str, pd.DataFrame]]:
    """Split a table by its segments, everyone first, those under `min_users` left out."""
    found = [(str(name), own) for name, own in table.groupby("segment", sort=True)]
    if len(found) < 2:
        return [(EVERYONE, table)]
    return [(EVERYONE, table), *(one for one in found if one[1]["n"].sum() >= min_users)]


def at_least(exact: IntArray | FloatArray) -> Any:
    """Turn users at each depth into users at that depth or deeper, along the last axis."""
    return exact[..., ::-1].cumsum(axis=-1)[..., ::-1]


def exactly(reached: IntArray) -> FloatArray:
    """Turn users at each depth or deeper into users at that depth."""
    return np.asarray(reached - np.append(reached[1:], 0), dtype=np.float64)


def step_rates(reached: FloatArray) -> FloatArray:
    """Give the rate of each step from the second: of those at the step before, who got there."""
    return ratio(reached[..., 1:], reached[..., :-1])


def share(prefix: str, count: IntArray, n: IntArray, level: float) -> dict[str, FloatArray]:
    """Give the columns `rate`, `ci_lower` and `ci_upper`, their names after a prefix."""
    lower, upper = wilson(count, n, level=level)
    return {
        f"{prefix}rate": ratio(count, n),
        f"{prefix}ci_lower": lower,
        f"{prefix}ci_upper": upper,
    }


def hide_few(table: pd.DataFrame, *, min_users: int) -> pd.DataFrame:
    """Blank the counts and the rate of the rows with fewer than min_users `entered`."""
    hidden = ["entered", "converted", "rate", "ci_lower", "ci_upper"]
    shown = table[hidden].astype(float).mask(table["entered"] < min_users)
    return table.assign(**{name: shown[name] for name in hidden})


def verdicts(difference: FloatArray, p_holm: FloatArray, level: float) -> IntArray:
    """Say of each difference whether it is higher, lower or unclear at 1 - level."""
    clear = p_holm <= 1 - level
    return np.select(
        [clear & (difference > 0), clear & (difference < 0)], ["higher", "lower"], "unclear"
    )


def ratio(part: Any, whole: Any) -> FloatArray:
    """Divide, NaN where there is nothing to divide by."""
    part, whole = np.broadcast_arrays(np.asarray(part, dtype=float), np.asarray(whole, dtype=float))
    found: FloatArray = np.full(part.shape, np.nan)
    np.divide(part, whole, out=found, where=whole > 0)
    return found
