"""What the pushes whose hour was drawn by lot are reduced to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from siyu.stats.off_policy import Design, Logged, check_design

Ints = NDArray[np.int_]


@dataclass(frozen=True, kw_only=True)
class Measures:
    """Planned pushes whose hour was drawn by lot, per user and hour.

    hours: those drawn, ascending; the arms of all that is `Logged`. segments, crossings, n_users:
    as in `Pushes`.
    segment: of each user with such pushes, index into `segments`. fold: of each, by lot.
    earlier, later: their pushes planned up to `split_at`, and after it (UTC); half of all each.
    clip_at: the bound for the report on heavy weights.
    habits: per user, index into `hours` of the local hour in which they themselves did most up to
    `split_at`; -1 where the log knows of nothing. no_habits: "" or "no_events".
    planned: per `segment` (its name) and `hour`, `n` planned pushes, by lot or not, how many of
        them were `answered`, `n_by_hand` not by lot, and `n_recent` and `n_recent_by_hand` of them
        in the `recent_weeks` before the last day whose pushes were all followed (four, or as many
        as there are).
    weeks: that the period has. counts: as in `Pushes`, for what was left out.
    """

    source: str
    first: date
    as_of: date
    outcome: str
    horizon_hours: int
    min_users: int
    segments: tuple[str, ...]
    crossings: Mapping[str, Mapping[str, str]]
    n_users: Mapping[str, int]
    hours: tuple[int, ...]
    segment: Ints
    fold: Ints
    earlier: Logged
    later: Logged
    clip_at: float
    split_at: datetime | None
    habits: Ints
    no_habits: str
    planned: pd.DataFrame
    weeks: float
    recent_weeks: float
    counts: Mapping[str, int]

    @cached_property
    def logged(self) -> Logged:
        """All pushes, whenever planned."""
        return self.earlier + self.later

    @cached_property
    def design(self) -> Design:
        """Whether the logged chances are right, and which hours only a part of the users got."""
        return check_design(self.logged, self.segment, min_users=self.min_users)

    @property
    def n(self) -> int:
        """How many pushes there are whose hour was drawn."""
        return int(self.logged.n.sum())
