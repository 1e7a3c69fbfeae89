"""What sent pushes are reduced to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import pandas as pd


@dataclass(frozen=True, kw_only=True)
class Measures:
    """Sent pushes, alike ones counted together.

    outcome, horizon_hours: what counts as an answer. segments, crossings: as in `Pushes`.
    rows: one row per user (`number`), `segment` (index into `segments`), `hour` of sending (0 to
        23), `content` (code; 0 for none), `kind` of day (index into `calendar.KINDS`) and whether
        the hour `is_drawn` by lot: `n` pushes, `k` of them answered.
    n_contents: codes of contents there are. n_sent: pushes sent in the period. every: users of
        which one in so many is taken, all their pushes with them. n_rare: pushes of those users
        that are left out since too many contents are seldom sent.
    country: whose holidays count; unsure: years in which they are known in part.
    """

    outcome: str
    horizon_hours: int
    source: str
    first: date
    as_of: date
    min_users: int
    segments: tuple[str, ...]
    crossings: Mapping[str, Mapping[str, str]]
    rows: pd.DataFrame
    n_contents: int
    n_sent: int
    every: int
    n_rare: int
    country: str
    unsure: tuple[int, ...]
