"""Find the rounds of review, and windows of days that stand alike towards them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from siyu.data.zones import start_of_day
from siyu.phrases import phrase

_DAY = timedelta(days=1)
_TICK = timedelta(microseconds=1)
_NEARLY_ALL, _TENTH = 0.95, 0.1
_APART_DAYS, _LONGEST_DAYS = 4, 7


@dataclass(frozen=True, kw_only=True)
class Rounds:
    """Rounds of review, the earliest first.

    unit: "day" where members are reviewed on common days, else "month". days: by which each round
    is named, its last common day or that of the month. ends: the first instant after each (UTC,
    without a zone). A review belongs to the first round that ends after it. odd: reviews on another
    than a common day. later: those after the last round.
    """

    unit: str
    days: tuple[date, ...]
    ends: tuple[datetime, ...]
    odd: int
    later: int

    def place(self, at: ir.TimestampValue) -> ir.IntegerValue:
        """Give the place of the first round that ends after an instant; their number if none."""
        if not self.ends:
            return ibis.literal(0)
        return ibis.cases(
            *((at < ibis.literal(end), place) for place, end in enumerate(self.ends)),
            else_=len(self.ends),
        )


def find_rounds(reviews: ir.Table, *, timezone: str, begins: date, as_of: date) -> Rounds:
    """Find the rounds of review.

    A day is common on which at least a tenth as many are reviewed as on the day of the typical
    review; common days fewer than four days apart are one round. Where hardly any review is held on
    other days, and no round takes over a week, these are the rounds. Otherwise, as where each
    member is reviewed a year after joining, months are: those observed whole.

    Args:
        reviews: with `since` (UTC, without a zone) and `on` (business day of it).
        timezone: IANA name of the business time zone.
        begins: the first observed business day.
        as_of: the last one.
    """
    found = reviews.group_by("on").agg(n=reviews.count(), last=reviews.since.max()).to_pandas()
    found = found.sort_values("on", ignore_index=True)
    found["on"] = [day.date() for day in pd.to_datetime(found["on"])]
    if found.empty:
        return Rounds(unit="day", days=(), ends=(), odd=0, later=0)
    common = found[found["n"] >= _TENTH * _typical(found["n"])]
    odd = int(found["n"].sum() - common["n"].sum())
    apart = np.diff(common["on"]) >= timedelta(days=_APART_DAYS)
    each = common.groupby(np.append(0, apart.cumsum()))
    lasted = each["on"].last() - each["on"].first()
    if (
        odd <= (1 - _NEARLY_ALL) * found["n"].sum()
        and (lasted < timedelta(days=_LONGEST_DAYS)).all()
    ):
        unit, days = "day", list(each["on"].last())
        ends = [last.to_pydatetime() + _TICK for last in each["last"].last()]
    else:
        unit, days, odd = "month", _months(found["on"], begins, as_of), 0
        ends = [begin_of(day + _DAY, timezone) for day in days]
    later = found.loc[[not days or day > days[-1] for day in found["on"]], "n"].sum()
    return Rounds(unit=unit, days=tuple(days), ends=tuple(ends), odd=odd, later=int(later))


def find_earlier(
    rounds: Rounds | None, start: date, *, window_days: int, timezone: str, begins: date
) -> tuple[date | None, int | None]:
    """Find the window with which one is compared that begins on a day.

    Where members are reviewed on common days, it begins as many days after an earlier review as the
    given one does after its own: the latest such window that ends before the given one begins. Else
    one window would have picked its members just now at their best, the other a month ago, and
    they would fall though nothing has changed. Otherwise it is the window just before.

    Args:
        rounds: of review; None: there are none.
        start: the first day of the window.
        window_days: days in a window.
        timezone: IANA name of the business time zone.
        begins: the first observed business day.

    Returns:
        The first day of the earlier window, None where there is none that was observed; and days
        from a review to the beginning of either, None where members have no common days.
    """
    before: date | None = start - window_days * _DAY
    after_days = None
    if rounds is not None and rounds.unit == "day":
        # A review at the very beginning of a window counts for it.
        over = begin_of(start, timezone) + _TICK
        held = [day for day, end in zip(rounds.days, rounds.ends, strict=True) if end <= over]
        before = None
        if held:
            after = start - held[-1]
            after_days = after.days
            early = [day + after for day in held if day + after + window_days * _DAY <= start]
            before = early[-1] if early else None
    return (None if before is None or before < begins else before), after_days


def say_picked(after_days: int | None) -> str:
    """Say how the members of two windows are picked, given the days from `find_earlier`."""
    return phrase(f"windows.{'month' if after_days is None else 'day'}", days=after_days)


def begin_of(day: date, timezone: str) -> datetime:
    """Give the first instant of a business day (UTC, without a zone)."""
    return start_of_day(day, ZoneInfo(timezone)).replace(tzinfo=None)


def _typical(n: pd.Series) -> float:
    """Give how many reviews are held on the day of the median review."""
    ordered = np.sort(n.to_numpy())
    return float(ordered[np.searchsorted(ordered.cumsum(), ordered.sum() / 2)])


def _months(days: Sequence[date], begins: date, as_of: date) -> list[date]:
    """Give the last days of the months with reviews that were observed whole."""
    firsts = sorted({day.replace(day=1) for day in days})
    ends = [((first + 31 * _DAY).replace(day=1) - _DAY) for first in firsts]
    return [
        end for first, end in zip(firsts, ends, strict=True) if first >= begins and end <= as_of
    ]
