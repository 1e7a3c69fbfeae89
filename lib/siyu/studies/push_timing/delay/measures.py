"""What planned and sent pushes are reduced to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import pandas as pd

from siyu.studies.push_timing.bands import Band

AT_ONCE = ("service_notice", "sms")
"""Media that leave by themselves; for all others staff press a button."""
MINUTES = (1, 2, 3, 5, 10, 15, 20, 30, 45, 60, 90, 120)
"""After as many, the share of pushes that have left is counted."""
LATE_MINUTES = 60
MOVED = 0
"""In the place of minutes: pushes that left in another hour than planned are counted."""


@dataclass(frozen=True, kw_only=True)
class Measures:
    """Pushes that were planned and sent, by how long it took, and what they brought.

    outcome, horizon_hours: what counts as an answer. segments, crossings: as in `Pushes`.
    by_staff, by_medium, by_lot: one row per `staff` ("" where not known) and (by_staff) whether
        sent `by_hand`, or `medium`, or whether the hour `is_drawn` by lot, and per `minutes` (of
        MINUTES, or MOVED): `clusters` users, `n` pushes and the `count` of them sent by then;
        and over users the sums of squares `n_squared` and `count_squared`, and `both` multiplied.
    by_day: one row per `staff` and `day` of the plan, by hand alone: `n` pushes, `late` of them
        more than LATE_MINUTES.
    band: the hours for which plan and sending are compared.
    drawn: one row per user (`number`, `segment`) of pushes whose hour was drawn: for `planned` and
        `sent` hour, `in` the band and `out` of it: the sum of weights (inverse chance of the hour)
        `w_…`, of those of the answered `k_…`, and the numbers `n_…` and `answers_…`.
    strayed: per `staff` and `segment`, `n` pushes by hand planned for the band and sent out of it.
    n_early: pushes sent before they were planned, in none of these.
    """

    outcome: str
    horizon_hours: int
    source: str
    first: date
    as_of: date
    min_users: int
    segments: tuple[str, ...]
    crossings: Mapping[str, Mapping[str, str]]
    by_staff: pd.DataFrame
    by_medium: pd.DataFrame
    by_lot: pd.DataFrame
    by_day: pd.DataFrame
    band: Band
    drawn: pd.DataFrame
    strayed: pd.DataFrame
    n_early: int

    @property
    def weeks(self) -> float:
        """Length of the period."""
        return ((self.as_of - self.first).days + 1) / 7
