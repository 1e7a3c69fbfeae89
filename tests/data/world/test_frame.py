"""The observed days know weekdays, holidays, make-up workdays and shopping festivals."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from siyu.data.world.draws import DAY
from siyu.data.world.frame import Frame

YEAR = Frame(first_day=date(2025, 4, 1), last_day=date(2026, 3, 31), change_day=date(2025, 10, 1))


def at(values: np.ndarray, day: date) -> float:
    return values[YEAR.number(day)]


def test_a_year_has_its_days_and_seconds() -> None:
    assert YEAR.days == len(YEAR.dates) == 365
    assert YEAR.end == 365 * DAY
    assert YEAR.second(date(2025, 4, 2)) == DAY
    assert YEAR.number(date(2025, 3, 31)) == -1
    assert YEAR.dates[YEAR.number(YEAR.change_day)] == date(2025, 10, 1)


@pytest.mark.parametrize(
    ("day", "works"),
    [
        # State Council notices for 2025 and 2026.
        (date(2025, 10, 1), False),  # National Day, a Wednesday
        (date(2025, 10, 8), False),
        (date(2025, 10, 11), True),  # a Saturday made up
        (date(2025, 9, 28), True),  # a Sunday made up
        (date(2025, 10, 18), False),  # a plain Saturday
        (date(2026, 2, 14), True),  # a Saturday made up before Spring Festival
        (date(2026, 2, 23), False),
        (date(2026, 2, 24), True),
    ],
)
def test_holidays_and_make_up_workdays_are_those_of_china(day: date, works: bool) -> None:
    assert at(YEAR.works, day) == works


def test_holidays_go_as_saturdays_and_make_up_workdays_as_fridays() -> None:
    assert at(YEAR.rhythm, date(2025, 10, 1)) == at(YEAR.rhythm, date(2025, 10, 18)) == 1.3
    assert at(YEAR.rhythm, date(2025, 10, 11)) == at(YEAR.rhythm, date(2025, 10, 17)) == 1.05
    assert at(YEAR.rhythm, date(2025, 10, 14)) == 0.9  # a plain Tuesday


def test_spring_festival_reaches_from_two_days_before_to_six_after() -> None:
    found = np.array(YEAR.dates)[YEAR.spring_festival]
    assert (found[0], found[-1], len(found)) == (date(2026, 2, 15), date(2026, 2, 23), 9)


def test_the_great_sales_are_where_they_belong() -> None:
    high = {day for day, factor in zip(YEAR.dates, YEAR.festivals, strict=True) if factor > 1.5}
    expected = [(2025, 6, 16), (2025, 6, 17), (2025, 6, 18)]
    expected += [(2025, 11, 10), (2025, 11, 11), (2025, 12, 12)]
    assert sorted(high) == [date(*day) for day in expected]
    assert at(YEAR.festivals, date(2025, 11, 5)) == 1.3
    assert at(YEAR.festivals, date(2025, 7, 1)) == 1.0
