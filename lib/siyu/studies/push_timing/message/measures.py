"""What messages are reduced to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import pandas as pd

from siyu.studies.naming import UNKNOWN
from siyu.studies.push_timing.definition import Definition

OTHER = "(other)"
"""All values of a column beyond the most frequent."""


@dataclass(frozen=True, kw_only=True)
class Measures:
    """Pushes from `first` to `as_of`, by what was sent and how.

    counts: one row per `segment` (name), `medium`, `content` and `copy`: `n_planned` pushes (those
        sent without a plan included), `n_sent` of them, and of these `answered`, `opened`, and
        `opened_answered` (both).
    rows: the sent pushes of every user whose number `every` divides: `user`, `segment`, `medium`,
        `content`, `copy`, `hour` (planned; where there is no plan, of sending), `weekday`, `month`
        of the same, and `answered` (0 or 1).
    n_users: who was pushed, per segment.
    marks: texts in the name of a content that mark a kind of it.
    knows_opens: whether the source says what was opened.
    """

    definition: Definition
    source: str
    first: date
    as_of: date
    min_users: int
    segments: tuple[str, ...]
    crossings: Mapping[str, Mapping[str, str]]
    n_users: Mapping[str, int]
    marks: tuple[str, ...]
    counts: pd.DataFrame
    rows: pd.DataFrame
    every: int
    knows_opens: bool

    @property
    def n_sent(self) -> int:
        """All sent pushes."""
        return int(self.counts["n_sent"].sum())

    @property
    def knows_content(self) -> bool:
        """Whether the source says of any push what was in it."""
        return bool((self.counts["content"] != UNKNOWN).any())

    @property
    def weeks(self) -> float:
        """How long the period is."""
        return ((self.as_of - self.first).days + 1) / 7
