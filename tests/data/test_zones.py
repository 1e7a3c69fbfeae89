from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import ibis
import pandas as pd
import pytest
from siyu.data import SourceError
from siyu.data.zones import find_zone, start_of_day, to_local, to_utc

SHANGHAI = ZoneInfo("Asia/Shanghai")
HOUR = timedelta(hours=1)
ZONES = [
    "Asia/Shanghai",
    "America/Sao_Paulo",
    "Europe/Berlin",
    "Australia/Lord_Howe",  # clocks move by half an hour
    "Africa/Casablanca",  # clocks move for Ramadan
]


def _compute(values, convert):
    """Run a conversion on the engine, in one table with the values as its rows."""
    table = ibis.memtable({"at": values}, schema={"at": _type_of(values[0])})
    engine = ibis.duckdb.connect()
    found = engine.to_pyarrow(table.select(at=table.at, found=convert(table.at))).to_pylist()
    return [row["found"] for row in sorted(found, key=lambda row: row["at"])]


def _type_of(value):
    return "timestamp('UTC')" if value.tzinfo else "timestamp"


def _half_hours(start, days):
    return [start + timedelta(minutes=30) * step for step in range(48 * days)]


@pytest.mark.parametrize("zone", ZONES)
def test_local_time_is_what_zoneinfo_says_in_every_half_hour_of_two_years(zone):
    instants = _half_hours(datetime(2017, 1, 1, tzinfo=UTC), 730)
    found = _compute(instants, lambda at: to_local(at, ZoneInfo(zone), instants[0], instants[-1]))
    expected = [at.astimezone(ZoneInfo(zone)).replace(tzinfo=None) for at in instants]
    assert found == expected


@pytest.mark.parametrize("zone", ZONES)
def test_instants_of_local_times_are_what_zoneinfo_says_in_repeated_and_skipped_hours_too(zone):
    times = _half_hours(datetime(2017, 1, 1), 730)
    first, last = (time.replace(tzinfo=UTC) for time in (times[0], times[-1]))
    found = _compute(times, lambda at: to_utc(at, ZoneInfo(zone), first, last))
    assert found == [time.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC) for time in times]


def test_shanghai_needs_one_constant_and_no_case():
    at = ibis.table({"at": "timestamp('UTC')"}, name="events").at
    span = (datetime(2024, 1, 1, tzinfo=UTC), datetime(2026, 6, 30, tzinfo=UTC))
    query = ibis.to_sql(to_local(at, SHANGHAI, *span), dialect="duckdb")
    assert "CASE" not in query
    assert "+ 28800000000" in query  # eight hours in microseconds


def test_a_sentinel_in_the_year_9999_neither_fails_nor_takes_long():
    instants = [datetime(2017, 7, 1, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)]
    found = _compute(instants, lambda at: to_local(at, ZoneInfo("Europe/Berlin"), *instants))
    assert found[0] == datetime(2017, 7, 1, 2)
    assert found[1].year == 9999


def test_the_year_1_is_no_earlier_than_the_calendar():
    instants = [datetime(1, 1, 2, tzinfo=UTC), datetime(2017, 7, 1, tzinfo=UTC)]
    found = _compute(instants, lambda at: to_local(at, SHANGHAI, *instants))
    assert found[1] == datetime(2017, 7, 1, 8)


@pytest.mark.parametrize(
    ("zone", "day", "start"),
    [
        ("Asia/Shanghai", date(2024, 3, 1), datetime(2024, 2, 29, 16, tzinfo=UTC)),
        # Clocks leapt from 0:00 to 1:00: the day began at the leap.
        ("America/Sao_Paulo", date(2017, 10, 15), datetime(2017, 10, 15, 3, tzinfo=UTC)),
        # Clocks went back from 0:00 to 23:00: midnight came at the end of the longer day.
        ("America/Sao_Paulo", date(2018, 2, 18), datetime(2018, 2, 18, 3, tzinfo=UTC)),
        # Clocks went back from 1:00 to 0:00: the day began at the first of two midnights.
        ("America/Havana", date(2018, 11, 4), datetime(2018, 11, 4, 4, tzinfo=UTC)),
    ],
)
def test_a_day_starts_at_its_first_instant(zone, day, start):
    assert start_of_day(day, ZoneInfo(zone)) == start
    just_before = (start - timedelta(microseconds=1)).astimezone(ZoneInfo(zone))
    assert just_before.date() == day - timedelta(days=1)


def test_an_unknown_zone_is_refused_with_the_nearest():
    with pytest.raises(
        SourceError, match=r"'Asia/Shanghia' is not .* did you mean 'Asia/Shanghai'"
    ):
        find_zone("Asia/Shanghia")


def test_a_zone_that_resembles_nothing_is_refused_with_an_example():
    with pytest.raises(SourceError, match="use an IANA name such as 'Asia/Shanghai'"):
        find_zone("+08:00")


def test_days_turn_at_local_midnight_to_the_microsecond():
    last, first = (
        datetime(2024, 1, 31, 15, 59, 59, 999_999, tzinfo=UTC),
        datetime(2024, 1, 31, 16, tzinfo=UTC),
    )
    found = _compute([last, first], lambda at: to_local(at, SHANGHAI, last, first).date())
    assert [pd.Timestamp(day).date() for day in found] == [date(2024, 1, 31), date(2024, 2, 1)]
