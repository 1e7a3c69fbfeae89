"""Small habits with small tables, shared by the studies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd


def each_row(table: pd.DataFrame) -> Iterator[Any]:
    """Go through the rows of a small table as named tuples, their fields not typed."""
    return iter(table.itertuples())
