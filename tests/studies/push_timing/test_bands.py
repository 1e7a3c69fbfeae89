"""Hours of the day, one by one or in bands; and what kind of day a day is."""

import datetime as dt

import pytest
from siyu.studies.calendar import KINDS, CalendarError, find_kinds
from siyu.studies.push_timing import PushError
from siyu.studies.push_timing.bands import each_hour, read_bands


def kinds(first, last, country="CN"):
    calendar = find_kinds(
        dt.date.fromisoformat(first), dt.date.fromisoformat(last), country=country
    )
    return [KINDS[kind] for kind in calendar.days["kind"]], calendar.unsure


def test_bands_are_read_in_order_of_the_day():
    late, early = "20:00-22:00", "9:00-11:00"
    found = read_bands([late, early])
    assert [band.name for band in found] == ["09:00–11:00", "20:00–22:00"]
    assert [band.hours for band in found] == [(9, 10), (20, 21)]


def test_each_hour_is_a_band_of_its_own():
    assert [band.hours for band in each_hour()] == [(hour,) for hour in range(24)]
    assert each_hour()[9].name == "09:00"


@pytest.mark.parametrize("text", ["20-22", "22:00-20:00", "22:00-25:00", "20:30-22:00"])
def test_what_is_no_band_is_refused(text):
    with pytest.raises(PushError, match=f"'{text}' must be like '20:00-22:00'"):
        read_bands([text])


def test_an_hour_in_two_bands_is_refused():
    with pytest.raises(PushError, match="10:00 lies in two bands"):
        read_bands(["9:00-11:00", "10:00-12:00"])


def test_holidays_and_worked_weekends_are_no_weekdays():
    # Spring Festival 2026: off to 23 February, worked on the Saturday before and on one after.
    found, unsure = kinds("2026-02-13", "2026-02-16")
    assert found == ["friday", "made_up", "sunday", "holiday"]
    assert unsure == ()


def test_a_plain_week_has_its_weekdays():
    assert kinds("2026-03-02", "2026-03-08")[0] == list(KINDS[:7])


def test_without_a_country_every_day_is_its_weekday():
    assert kinds("2026-02-13", "2026-02-16", country="")[0] == [
        *("friday", "saturday", "sunday", "monday")
    ]


def test_a_year_whose_worked_weekends_are_not_published_is_named():
    assert kinds("2050-12-31", "2051-01-01")[1] == (2050, 2051)


def test_a_year_beyond_the_calendar_is_named():
    assert kinds("2101-06-01", "2101-06-02", country="DE")[1] == (2101,)


def test_a_country_that_works_no_weekends_for_holidays_is_sure():
    found, unsure = kinds("2026-12-24", "2026-12-25", country="DE")
    assert (found, unsure) == (["thursday", "holiday"], ())


def test_an_unknown_country_is_refused():
    with pytest.raises(CalendarError, match="holidays_country = 'XX' must be a country"):
        kinds("2026-01-01", "2026-01-02", country="XX")
