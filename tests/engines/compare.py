"""Hold what one engine answered against what another did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pytest
from siyu.data import Source

_RELATIVE = 1e-9


def assert_same(found: Any, expected: Any, *, at: str = "answer") -> None:
    """Counts, names and days are equal, and floating-point numbers to one part in 10^9."""
    if isinstance(expected, ir.Expr | Source):
        return  # what stays in the engine is asked through the tables made of it
    if isinstance(expected, pd.DataFrame):
        one, other = _with_none(found), _with_none(expected)
        pd.testing.assert_frame_equal(one, other, check_dtype=False, rtol=_RELATIVE, obj=at)
    elif isinstance(expected, pd.Series):
        pd.testing.assert_series_equal(found, expected, check_dtype=False, rtol=_RELATIVE, obj=at)
    elif isinstance(expected, np.ndarray):
        np.testing.assert_allclose(found, expected, rtol=_RELATIVE, err_msg=at)
    elif is_dataclass(expected):
        for field in fields(expected):
            if field.compare:
                ours, theirs = (getattr(one, field.name) for one in (found, expected))
                assert_same(ours, theirs, at=f"{at}.{field.name}")
    elif isinstance(expected, Mapping):
        assert list(found) == list(expected), at
        for key, value in expected.items():
            assert_same(found[key], value, at=f"{at}[{key!r}]")
    elif isinstance(expected, Sequence) and not isinstance(expected, str):
        assert len(found) == len(expected), at
        for place, value in enumerate(expected):
            assert_same(found[place], value, at=f"{at}[{place}]")
    elif isinstance(expected, float):
        assert found == pytest.approx(expected, rel=_RELATIVE, abs=0, nan_ok=True), at
    else:
        assert found == expected, at


def _with_none(rows: pd.DataFrame) -> pd.DataFrame:
    """Write what is missing one way in columns of objects: drivers differ in how they say it."""
    objects = rows.loc[:, [pd.api.types.is_object_dtype(kind) for kind in rows.dtypes]]
    return rows.assign(
        **{name: column.where(column.notna(), None) for name, column in objects.items()}
    )


def count_rows(answer: Any) -> int:
    """Count the rows of all tables in an answer: one that is empty everywhere proves nothing."""
    if isinstance(answer, pd.DataFrame | pd.Series | np.ndarray):
        return len(answer)
    if is_dataclass(answer):
        return sum(count_rows(getattr(answer, field.name)) for field in fields(answer))
    if isinstance(answer, Mapping):
        return sum(map(count_rows, answer.values()))
    if isinstance(answer, list | tuple):
        return sum(map(count_rows, answer))
    return 0
