"""What a pool is reduced to: the small tables from which every number of the study is computed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import ibis.expr.types as ir
import pandas as pd

from siyu.studies.retention.definition import Definition


@dataclass(frozen=True, kw_only=True)
class Measures:
    """The staying of one pool, reduced.

    Segments are named in the column `segment` by the values of the columns `by` that users had when
    they were added; groups under `min_users` share one name. Users count who were added from
    `first` to `as_of`.

    by, refused, segments: as in the funnel.
    risk: per `segment`, `cohort` (its first day) and `seen` (the last day on which a user was
        followed to the end): `n` users.
    kept: per segment, cohort, seen and day `k`: `n` users who stayed on day k, whether it can be
        judged or not.
    stays: per segment, whole `hours` from the addition to the end of what is known, and `outcome`
        (1 left, 0 still there): `n` users.
    basis: rows behind the counts, in the engine: as long as they are held, another definition of
        the same returns is measured without finding them again.
    """

    definition: Definition
    source: str
    first: date
    as_of: date
    min_users: int
    by: tuple[str, ...]
    refused: tuple[str, ...]
    segments: Mapping[str, Mapping[str, str]]
    risk: pd.DataFrame
    kept: pd.DataFrame
    stays: pd.DataFrame
    basis: ir.Table | None = field(default=None, repr=False, compare=False)

    @property
    def n_added(self) -> int:
        """Users added in the period."""
        return int(self.risk["n"].sum())
