"""Spring Festival's days off, as the State Council set them."""

import datetime as dt

import pytest
from siyu.studies.calendar import find_spring_festival


@pytest.mark.parametrize(
    ("year", "first", "last"),
    [(2025, "2025-01-28", "2025-02-04"), (2026, "2026-02-15", "2026-02-23")],
)
def test_spring_festival_is_free_from_its_first_to_its_last_day(year, first, last):
    found = find_spring_festival(dt.date(year, 1, 1), dt.date(year, 12, 31), country="CN")
    assert (found[0], found[-1]) == (dt.date.fromisoformat(first), dt.date.fromisoformat(last))
    assert len(found) == (found[-1] - found[0]).days + 1


def test_only_days_asked_for_are_listed_and_other_countries_have_none():
    day = dt.date(2026, 2, 16)
    assert find_spring_festival(day, day, country="CN") == [day]
    assert find_spring_festival(day, day, country="DE") == []
    assert find_spring_festival(day, day, country="") == []
