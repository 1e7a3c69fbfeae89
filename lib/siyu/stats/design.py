"""Lay covariates of grouped users out as the columns of a regression."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from siyu.stats.checks import FloatArray

RIDGE = 0.01
"""Penalty on coefficients of levels, which keeps them finite where all of a level had one answer,
as happens every week in a pool with a new member of staff."""
_FEWEST = 10
"""A level of a covariate with fewer users has no coefficient of its own."""


def indicators(grouped: pd.DataFrame, covariates: Sequence[str], n: FloatArray) -> FloatArray:
    """Give an indicator per level but the most frequent of each covariate.

    Args:
        grouped: one row per group of users, with the covariates; a missing value is a level too.
        covariates: columns of it.
        n: users per row. Levels of fewer than ten share one indicator.

    Returns:
        A row per row of the table; no columns without covariates.
    """
    columns = []
    for name in covariates:
        code = pd.factorize(grouped[name], sort=True)[0]
        code = np.where(code < 0, code.max(initial=-1) + 1, code)
        size = np.bincount(code, weights=n)
        rare = size < _FEWEST
        code = np.where(rare[code], len(size), code)
        size = np.append(np.where(rare, 0, size), size[rare].sum())
        there = np.flatnonzero(size)
        columns += [code == each for each in there[there != size.argmax()]]
    return np.array(columns, dtype=np.float64).reshape(len(columns), len(grouped)).T
