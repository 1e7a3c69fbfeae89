"""Instants by hand, for a shop in Shanghai (UTC+8) observed until 31 January 2026."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from siyu.studies.funnel.definition import Definition, FunnelError
from siyu.studies.funnel.spans import INSTANT, entry_span, midnight

from tests.studies.funnel.builders import at, log

WEEK = Definition(steps=["A", "B"], window_days=7)
NO_WINDOW = Definition(steps=["A", "B"], window_days=None)


@pytest.fixture
def lay_out(open_shop):
    def lay_out(definition=WEEK, *, period_days=28, first="2025-12-01", compare=True, as_of=""):
        pool = open_shop(log("a 2026-01-05 10:00 A"), observed=(first, "2026-01-31"), as_of=as_of)
        return entry_span(pool, definition, period_days=period_days, compare_to_previous=compare)

    return lay_out


def test_four_weeks_begin_at_a_local_midnight_and_end_a_window_before_the_end(lay_out):
    span = lay_out()
    assert span.entry_from == at("2026-01-04 00:00")
    assert span.as_of_end == at("2026-02-01 00:00")
    assert span.eligible_until == at("2026-01-25 00:00") - INSTANT
    assert span.eligible_days == 21


def test_an_earlier_as_of_moves_everything_back(lay_out):
    span = lay_out(as_of="2026-01-30")
    assert span.entry_from == at("2026-01-03 00:00")
    assert span.eligible_until == at("2026-01-24 00:00") - INSTANT


def test_the_span_before_is_equally_long_and_ends_an_instant_before_this_one(lay_out):
    span = lay_out()
    assert span.previous_from == at("2025-12-14 00:00")
    assert (span.entry_from - INSTANT) - span.previous_from == span.eligible_until - span.entry_from
    assert span.no_previous == ""


def test_a_period_longer_than_the_log_begins_with_the_log(lay_out):
    span = lay_out(first="2026-01-20", period_days=28)
    assert span.entry_from == at("2026-01-20 00:00")


def test_without_a_window_every_start_counts_to_the_last_instant(lay_out):
    span = lay_out(NO_WINDOW, period_days=1)
    assert span.entry_from == at("2026-01-31 00:00")
    assert span.eligible_until == at("2026-02-01 00:00") - timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        ({"compare": False}, "not_asked"),
        (
            {"definition": NO_WINDOW},
            "no_window",
        ),
        ({"period_days": 6}, "immature"),
        ({"first": "2025-12-15"}, "short_log"),
    ],
)
def test_it_is_said_why_there_is_no_earlier_span(lay_out, case, reason):
    span = lay_out(**case)
    assert span.previous_from is None
    assert span.no_previous == reason


def test_a_log_that_just_reaches_back_over_the_span_before_is_long_enough(lay_out):
    assert lay_out(first="2025-12-14").previous_from == at("2025-12-14 00:00")


def test_in_a_period_shorter_than_the_window_no_day_is_eligible(lay_out):
    assert lay_out(period_days=6).eligible_days == 0
    assert lay_out(period_days=8).eligible_days == 1


@pytest.mark.parametrize(
    ("period_days", "window_days", "whole"),
    [(28, 7, True), (14, 7, True), (27, 7, False), (28, 6.5, False), (9, 7, False), (6, 7, False)],
)
def test_a_span_of_whole_weeks_holds_every_weekday_equally_often(
    lay_out, period_days, window_days, whole
):
    """21, 7, 20, 21.5 and 2 days, and none."""
    definition = Definition(steps=["A", "B"], window_days=window_days)
    assert lay_out(definition, period_days=period_days).has_whole_weeks is whole


@pytest.mark.parametrize("hours", [-1, 1])
def test_weeks_in_which_clocks_change_are_whole(lay_out, hours):
    span = lay_out()
    changed = replace(span, entry_from=span.entry_from + timedelta(hours=hours))
    assert changed.has_whole_weeks


@pytest.mark.parametrize("period_days", [0, -1])
def test_a_period_has_a_day(lay_out, period_days):
    with pytest.raises(FunnelError, match=f"period_days = {period_days} must be at least 1; use"):
        lay_out(period_days=period_days)


def test_every_week_of_the_period_says_whether_it_is_whole(lay_out):
    """The period begins on Sunday the 4th; the last start that can be judged is on the 24th."""
    weeks = lay_out().weeks("Asia/Shanghai")
    assert [(f"{monday:%m-%d}", state) for monday, state in weeks] == [
        ("12-29", "cut"),
        ("01-05", "whole"),
        ("01-12", "whole"),
        ("01-19", "unfinished"),
        ("01-26", "unfinished"),
    ]


def test_a_week_that_ends_with_the_last_start_that_can_be_judged_is_whole(lay_out):
    """With windows of six days starts until Sunday the 25th are judged, with seven not."""
    six = Definition(steps=["A", "B"], window_days=6)
    states = [dict(lay_out(window).weeks("Asia/Shanghai")) for window in (six, WEEK)]
    assert [of[date(2026, 1, 19)] for of in states] == ["whole", "unfinished"]


def test_a_period_that_begins_on_a_monday_cuts_no_week(lay_out):
    monday, state = lay_out(period_days=27).weeks("Asia/Shanghai")[0]
    assert (monday, state) == (date(2026, 1, 5), "whole")


def test_midnight_is_that_of_the_zone_on_that_day():
    utc = ZoneInfo("UTC")
    days = [datetime(2026, 1, 4).date(), datetime(2026, 7, 4).date()]
    assert [midnight(day, "Europe/Berlin") for day in days] == [
        datetime(2026, 1, 3, 23, tzinfo=utc),
        datetime(2026, 7, 3, 22, tzinfo=utc),
    ]
