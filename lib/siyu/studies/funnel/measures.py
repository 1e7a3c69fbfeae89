"""What a log is reduced to: the small tables from which every number of the study is computed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import pandas as pd

from siyu.studies.funnel.definition import Definition
from siyu.studies.funnel.spans import Span


@dataclass(frozen=True, kw_only=True)
class Measures:
    """The funnel of one pool, reduced.

    Segments are named in the column `segment` by the values of the columns `by` that users had on
    entering; groups under `min_users` share one name.

    by: the columns of the segments. refused: why a breakdown that was asked for is not made.
    segments: for each segment that is shown by name, its value of each column.
    counts: per segment, half and depth: `n` users with an eligible start. `half` tells starts in
        the first half of a minute from the others (a placebo), `depth` counts the steps reached.
    waiting: per segment and half: `n` immature users, whose window is still open.
    weekly: per entry week (`week`, its Monday): users with a start in it that can be judged
        (`entered`), those of them who converted from their first start of the week, and those too
        recent (`waiting`). A user counts once in each week with a start. Empty without a window.
    drift: users by the weeks they started in and converted from, among the whole weeks of at least
        min_users: `early`, `early_converted`, `late`, `late_converted` (weeks) and `n` users.
    pairs: per segment and depth now and before (`_before`; null: not entered then): `n` users.
        Empty without a comparison.
    times: per segment, whole minutes since the first start and outcome (0 still waiting,
        1 converted, 2 left): `n` users, mature and immature.
    done: per step, users who entered and did one of its events since the period began, in whatever
        order.
    tied_share: share of the entered users' step rows that stand at the instant of another of their
        step rows.
    """

    definition: Definition
    span: Span
    source: str
    timezone: str
    min_users: int
    by: tuple[str, ...]
    refused: tuple[str, ...]
    segments: Mapping[str, Mapping[str, str]]
    counts: pd.DataFrame
    waiting: pd.DataFrame
    weekly: pd.DataFrame
    drift: pd.DataFrame
    pairs: pd.DataFrame
    times: pd.DataFrame
    done: pd.Series
    tied_share: float

    @property
    def n_entered(self) -> int:
        """Users with an eligible start."""
        return int(self.counts["n"].sum())

    @property
    def n_waiting(self) -> int:
        """Immature users: started, but the window is still open."""
        return int(self.waiting["n"].sum())

    @property
    def tz(self) -> ZoneInfo:
        """The business time zone."""
        return ZoneInfo(self.timezone)
