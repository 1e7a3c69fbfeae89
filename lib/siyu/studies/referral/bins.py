"""Put neighbouring values together, so that no few persons are shown."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

STARTS = (1, 2, 3, 5, 9, 17, 33, 65, 129, 257, 513, 1025)
"""Where bins of sizes may begin: twice as wide from one to the next."""


def bin_counts(
    values: pd.Series, persons: pd.Series, *, starts: Sequence[int] | None = None, least: int
) -> pd.DataFrame:
    """Count persons by value, neighbouring values together where they are few.

    Args:
        values: whole numbers.
        persons: with each of them.
        starts: where bins may begin; None: at each value from the first to the last.
        least: persons in a bin, at the least, at least 1.

    Returns:
        One row per bin, in order: `first` and `last` value of it that may be, and `n`. None where
        there are not so many persons at all.
    """
    if persons.sum() < least:
        return pd.DataFrame({"first": [], "last": [], "n": []}, dtype="int64")
    top = int(values.max())
    begins = np.array(starts if starts is not None else range(int(values.min()), top + 1))
    begins = begins[begins <= top]
    place = np.searchsorted(begins, values, side="right") - 1
    counts = np.bincount(place, weights=persons, minlength=len(begins))
    rows: list[list[int]] = []
    for begin, end, n in zip(begins, [*(begins[1:] - 1), top], counts, strict=True):
        if rows and rows[-1][2] < least:
            rows[-1][1:] = [int(end), rows[-1][2] + int(n)]
        else:
            rows.append([int(begin), int(end), int(n)])
    if len(rows) > 1 and rows[-1][2] < least:
        _, end, n = rows.pop()
        rows[-1][1:] = [end, rows[-1][2] + n]
    return pd.DataFrame(rows, columns=["first", "last", "n"])
