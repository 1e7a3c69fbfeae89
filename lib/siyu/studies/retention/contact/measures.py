"""What the members and their contacts are reduced to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import pandas as pd

from siyu.studies.retention.contact.definition import Contact


@dataclass(frozen=True, kw_only=True)
class Measures:
    """Members added from `first` to `as_of`, by contact, and whether they were still there.

    contacts: those whose event the log has seen; absent: what is wrong with the others.
    adjust: the columns of users for which the comparison is adjusted; refused: why others are not.
    stay_days: from the landmark to the day of reading.
    counts: per contact id, one row per value of the columns `by …` and of `hour` (of the addition,
        0 to 23), of the flags of earlier contacts (a column by id each), of `arm` (of the
        experiment, "" for none; only for the contact it was about), and of `there` (1: still there
        at the landmark), `treated` (1: contacted in time), `outcome` (1: still there stay_days
        later) and `stayed_days` (whole days there after the landmark, at most stay_days): `n`
        members, all of whom were followed so long.
    experiment: its name; "" where the source has none. `arms`: the one contacted in time, then the
        other. `planned_share`: that of the first in both. `tested`: the id of the contact it was
        about.
    """

    contacts: Sequence[Contact]
    source: str
    first: date
    as_of: date
    stay_days: int
    min_users: int
    n_added: int
    adjust: tuple[str, ...]
    refused: tuple[str, ...]
    absent: tuple[str, ...]
    counts: Mapping[str, pd.DataFrame]
    experiment: str
    arms: tuple[str, str]
    planned_share: float
    tested: str

    def earlier(self, contact: Contact) -> list[str]:
        """Name the contacts that may be a reason for this one."""
        return [other.id for other in self.contacts if contact.comes_after(other)]
