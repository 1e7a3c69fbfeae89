"""What sent pushes are reduced to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import pandas as pd

from siyu.studies.push_timing.definition import Definition

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
HOURS = 24


@dataclass(frozen=True, kw_only=True)
class Measures:
    """Pushes sent from `first` to `as_of`, by when, to whom, and by lot or not.

    counts: one row per `segment` (index into `segments`), `weekday` (0 for Monday) and `hour` of
        sending (business zone), `is_drawn` and `person`: `n_pushes` sent, and how many of them were
        `answered`. A person is every user whose number `every` divides; -1 is all others together.
        Persons tell how alike the pushes of one user are, all rows how many there were.
    n_users: who was pushed, per segment.
    """

    definition: Definition
    source: str
    first: date
    as_of: date
    min_users: int
    segments: tuple[str, ...]
    crossings: Mapping[str, Mapping[str, str]]
    n_users: Mapping[str, int]
    counts: pd.DataFrame
    every: int

    @property
    def n_pushes(self) -> int:
        """All sent pushes."""
        return int(self.counts["n_pushes"].sum())
