"""What a pool is reduced to: its users by state and week, and the members of each tier."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd

WINDOW_WEEKS, WINDOW_DAYS = 4, 28
"""A window of 28 days is so many weeks: each has every weekday equally often."""

Starts = tuple[date | None, date | None]


@dataclass(frozen=True, kw_only=True)
class Measures:
    """The life cycle of one pool, reduced; all counts are of users.

    A week is named by its Monday. It counts when all of it, and all of the week before, was
    observed. In the state of a week is everybody who was ever added by its end:
    - lost: left by the end of the week;
    - else new: added in the week;
    - else active: came back, and was new, active or resurrected the week before;
    - else resurrected: came back after a dormant week;
    - else dormant: did not come back.

    weeks: the Mondays of the weeks shown, in order.
    tiers: their names, the lowest first.
    states: per `week`, `added` (ever, the sum of the states), the five states, `fell_dormant` (from
        new, active or resurrected), and who left in the week by where from: `left_at_once` (added
        in the same week), `left_new` (added the week before), `left_engaged` (came back the week
        before), `left_dormant`.
    members: per `tier` and `week`: `members` of the tier at the beginning of the week, and those
        `active` in it. Who has no review yet is in no tier. None: there is no table of tiers.
    windows: for the four weeks to the last one, and for 28 days before: `tier_before`,
        `active_before` (1 or 0), `tier` (each at the beginning of its window, None: no member
        then), `weeks_active` in the later window, `n`. None as above.
    starts: the first days of the windows, the earlier one first; None where it was not observed.
    after_days: days from a review to the beginning of either window; None where members are not
        reviewed on common days.
    refused: why there are no weeks although they were observed; "" where it is not so.
    """

    source: str
    as_of: date
    min_users: int
    weeks: tuple[date, ...]
    tiers: tuple[str, ...]
    states: pd.DataFrame
    members: pd.DataFrame | None
    windows: pd.DataFrame | None
    starts: Starts = (None, None)
    after_days: int | None = None
    refused: str = ""

    @property
    def last_day(self) -> date:
        """The last day of the last week."""
        return self.weeks[-1] + timedelta(days=6)
