"""When the pool is observed, and what kind of day each day is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

import holidays
import numpy as np

from siyu.data.world.draws import DAY, Bools, Floats, Ints

TIMEZONE = "Asia/Shanghai"
"""It has had no clock change since 1991, so seconds since the first midnight are enough."""
WEEKDAYS = np.array([0.95, 0.9, 0.9, 0.95, 1.05, 1.3, 1.25])
"""Relative activity from Monday to Sunday."""
_HOLIDAY = 1.3
_PEAKS = (
    # month, first day, last day, factor: the shopping festivals and their run-up
    (6, 16, 18, 2.2),
    (11, 1, 9, 1.3),
    (11, 10, 11, 3.2),
    (12, 12, 12, 1.8),
)


@dataclass(frozen=True, kw_only=True)
class Frame:
    """The observed days, and the day on which the mix of channels and the step rates change.

    Seconds count from the first midnight of the observation (business time); day numbers too.
    """

    first_day: date
    last_day: date
    change_day: date

    @property
    def days(self) -> int:
        """Number of observed days."""
        return (self.last_day - self.first_day).days + 1

    @property
    def end(self) -> int:
        """The first second after the observation."""
        return self.days * DAY

    def number(self, day: date) -> int:
        """Number of a day, 0 for the first; negative before it."""
        return (day - self.first_day).days

    def second(self, day: date) -> int:
        """The second at which a day begins."""
        return self.number(day) * DAY

    @cached_property
    def dates(self) -> list[date]:
        """The observed days."""
        return [self.first_day + timedelta(days=number) for number in range(self.days)]

    @cached_property
    def weekday(self) -> Ints:
        """Per day, 0 (Monday) to 6."""
        return np.array([day.weekday() for day in self.dates])

    @cached_property
    def works(self) -> Bools:
        """Per day, whether people work: make-up workdays do, statutory holidays do not."""
        china = holidays.country_holidays("CN")
        return np.array([china.is_working_day(day) for day in self.dates])

    @cached_property
    def spring_festival(self) -> Bools:
        """Per day, whether parcels rest: from two days before Spring Festival to six days after."""
        years = sorted({day.year for day in self.dates})
        china = holidays.country_holidays("CN", years=years, language="en_US")
        named = china.get_named("Chinese New Year (Spring Festival)", lookup="exact")
        first = [min(day for day in named if day.year == year) for year in years]
        return np.array(
            [any(-2 <= (d - new_year).days <= 6 for new_year in first) for d in self.dates]
        )

    @cached_property
    def rhythm(self) -> Floats:
        """Per day, relative activity: holidays as Saturdays, make-up workdays as Fridays."""
        free = ~self.works & (self.weekday < 5)
        made_up = self.works & (self.weekday >= 5)
        return np.where(free, _HOLIDAY, np.where(made_up, WEEKDAYS[4], WEEKDAYS[self.weekday]))

    @cached_property
    def festivals(self) -> Floats:
        """Per day, the factor of the shopping festivals (618, 双11, 双12) on buying."""
        return np.array([_peak(day) for day in self.dates])


def _peak(day: date) -> float:
    found: Iterable[float] = (
        factor
        for month, first, last, factor in _PEAKS
        if day.month == month and first <= day.day <= last
    )
    return max(found, default=1.0)
