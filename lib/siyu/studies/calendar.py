"""What kind of day a day is: its weekday, a statutory holiday, or a weekend day worked for one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import holidays
import numpy as np
import pandas as pd

KINDS = (
    *("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"),
    *("holiday", "made_up"),
)
"""Kinds of days, by code: weekdays that are neither of the last two, holidays, worked weekends."""
MONDAY, SUNDAY, HOLIDAY, MADE_UP = 0, 6, 7, 8
_YEARS_BEFORE = 5


class CalendarError(ValueError):
    """Days that cannot be told apart as asked: what was given, the rule, and the remedy."""


@dataclass(frozen=True, kw_only=True)
class Calendar:
    """Kinds of days from a first to a last day.

    days: one row per day: `on` (date) and `kind` (index into KINDS). unsure: years whose holidays
    are only partly known, since which days are worked for them is not (yet) published.
    """

    days: pd.DataFrame
    unsure: tuple[int, ...]


def find_kinds(first: date, last: date, *, country: str) -> Calendar:
    """Say of each day of what kind it is.

    Args:
        first: first day.
        last: last day, not before the first.
        country: two-letter code of the country whose holidays count, such as "CN"; "" for none.

    Raises:
        CalendarError: the holidays of that country are not known.
    """
    dates = [first + timedelta(days=after) for after in range((last - first).days + 1)]
    kinds = np.array([day.weekday() for day in dates], dtype=np.int8)
    unsure: tuple[int, ...] = ()
    if country:
        known = _open(country, first.year - _YEARS_BEFORE, last.year)
        # A holiday that falls on a weekend is a day off for its name, not for its weekday.
        kinds[[day in known for day in dates]] = HOLIDAY
        kinds[[day in known.weekend_workdays for day in dates]] = MADE_UP
        worked = {day.year for day in known.weekend_workdays}
        years = range(first.year, last.year + 1)
        unsure = tuple(
            year
            for year in years
            if not known.start_year <= year <= known.end_year or (worked and year not in worked)
        )
    return Calendar(days=pd.DataFrame({"on": dates, "kind": kinds}), unsure=unsure)


def find_spring_festival(first: date, last: date, *, country: str) -> list[date]:
    """List the days off for Spring Festival, its weekends included: from two days before to a week
    after the first of the year.

    Args:
        first: first day.
        last: last day, not before the first.
        country: as in `find_kinds`; none but "CN" has such days here.
    """
    if country != "CN":
        return []
    known = holidays.country_holidays(
        country, years=range(first.year, last.year + 1), language="en_US"
    )
    begins = known.get_named("Chinese New Year (Spring Festival)", lookup="exact")
    starts = [min(day for day in begins if day.year == year) for year in {d.year for d in begins}]
    around = {start + timedelta(days=after) for start in starts for after in range(-2, 8)}
    free = {
        day
        for day in around
        if day in known or (day.weekday() >= 5 and day not in known.weekend_workdays)
    }
    return sorted(day for day in free if first <= day <= last)


def _open(country: str, first_year: int, last_year: int) -> holidays.HolidayBase:
    try:
        return holidays.country_holidays(country, years=range(first_year, last_year + 1))
    except NotImplementedError:
        raise CalendarError(
            f"holidays_country = {country!r} must be a country whose holidays are known, such as "
            "'CN'; use '' to count none"
        ) from None
