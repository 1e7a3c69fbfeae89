"""The reduced tables by hand, from small shops in Shanghai.

Unless said otherwise the shop is observed in January 2026, a user has 7 days, and the period is 28
days: starts from Sunday 4 January to Saturday 24 January, both included, can be judged.
"""

from functools import partial

import pandas as pd
import pytest
from siyu.studies import funnel
from siyu.studies.funnel.definition import Definition, FunnelError
from siyu.studies.funnel.measure import measure

from tests.studies.funnel.builders import at, log

AB = Definition(steps=["A", "B"])
four_weeks = partial(measure, period_days=28, min_users=1)
LEVEL = 0.95


def depths(table):
    return table.groupby("depth")["n"].sum().to_dict()


MATURITY = log(
    """
    early  2026-01-03 23:59:59 A
    early  2026-01-05 10:00    B
    first  2026-01-04 00:00    A
    first  2026-01-11 00:00    B
    slow   2026-01-05 10:00    A
    slow   2026-01-12 10:00:01 B
    last   2026-01-24 23:59:59.999999 A
    last   2026-01-31 23:59:59 B
    young  2026-01-25 00:00    A
    young  2026-01-25 01:00    B
    again  2026-01-20 10:00    A
    again  2026-01-30 10:00    A
    again  2026-01-30 11:00    B
    """
)


def test_only_starts_whose_window_has_closed_are_judged_and_the_others_are_counted(open_shop):
    """first and last convert, slow is a second late; of again only the first start can be judged.
    early began before the period; young has converted, but its window is open.
    """
    measures = four_weeks(open_shop(MATURITY), AB)
    assert depths(measures.counts) == {1: 2, 2: 2}
    assert measures.n_entered == 4
    assert measures.n_waiting == 1
    assert funnel.steps(measures, level=LEVEL)["rate"].tolist() == [1, 0.5]


def test_a_user_who_converts_after_the_last_eligible_start_is_followed_there(open_shop):
    pool = open_shop(log("a 2026-01-24 10:00 A\n a 2026-01-31 10:00 B"))
    assert depths(four_weeks(pool, AB).counts) == {2: 1}


def test_a_past_day_sees_neither_later_starts_nor_later_conversions(open_shop):
    """b starts on the 9th at midnight: on the 15th the last instant of its window is to come."""
    rows = log(
        """
        a 2026-01-03 10:00 A
        a 2026-01-09 10:00 B
        b 2026-01-09 00:00 A
        b 2026-01-16 00:00 B
        c 2026-01-16 00:00 A
        """
    )
    past = measure(open_shop(rows, as_of="2026-01-15"), AB, period_days=14, min_users=1)
    assert (depths(past.counts), past.n_waiting) == ({2: 1}, 1)
    assert past.times.groupby("outcome")["n"].sum().to_dict() == {0: 1, 1: 1}
    later = measure(open_shop(rows, as_of="2026-01-16"), AB, period_days=14, min_users=1)
    assert (depths(later.counts), later.n_waiting) == ({2: 2}, 1)


def test_another_time_zone_has_other_weeks_and_another_period(open_shop):
    """In Berlin (UTC+1) b starts at 17:00 on Sunday, and a before the period."""
    rows = log("a 2026-01-04 00:00 A\n b 2026-01-05 00:00 A\n b 2026-01-05 00:01 B")
    measures = four_weeks(open_shop(rows, layout={"timezone": "Europe/Berlin"}), AB)
    assert depths(measures.counts) == {2: 1}
    assert measures.weekly[["entered", "converted", "waiting"]].to_numpy().tolist()[:2] == [
        [1, 1, 0],
        [0, 0, 0],
    ]


def test_without_a_window_nobody_waits(open_shop):
    measures = four_weeks(open_shop(MATURITY), Definition(steps=["A", "B"], window_days=None))
    assert depths(measures.counts) == {2: 5}
    assert measures.n_waiting == 0
    assert measures.pairs.empty
    assert measures.weekly.empty
    assert measures.drift.empty


def test_the_placebo_halves_are_those_of_the_minute(open_shop):
    pool = open_shop(
        log(
            """
            a 2026-01-05 10:00:00 A
            b 2026-01-05 10:00:29.999999 A
            c 2026-01-05 10:00:30 A
            c 2026-01-05 10:00:59 B
            """
        )
    )
    counts = four_weeks(pool, AB).counts
    assert counts.groupby("half")["n"].sum().to_dict() == {"first": 2, "second": 1}


def test_pairs_tell_who_entered_in_both_spans_and_how_far_they_got_in_each(open_shop):
    """The span before has starts from 14 December to 3 January; its conversions go on after it."""
    rows = log(
        """
        stay  2025-12-20 10:00 A
        stay  2025-12-21 10:00 B
        stay  2026-01-06 10:00 A
        gone  2025-12-20 10:00 A
        new   2026-01-06 10:00 A
        new   2026-01-07 10:00 B
        new2  2026-01-06 10:00 A
        new2  2026-01-07 10:00 B
        cross 2026-01-03 10:00 A
        cross 2026-01-05 10:00 B
        older 2025-12-13 23:59 A
        older 2025-12-14 10:00 B
        edge  2025-12-14 00:00 A
        """
    )
    pool = open_shop(rows, observed=("2025-12-01", "2026-01-31"))
    pairs = four_weeks(pool, AB).pairs.fillna({"depth": 0, "depth_before": 0})
    found = {(row.depth_before, row.depth): row.n for row in pairs.itertuples()}
    assert found == {(2, 1): 1, (1, 0): 2, (0, 2): 2, (2, 0): 1}


@pytest.mark.parametrize(
    ("observed", "options", "reason"),
    [
        (
            ("2025-12-01", "2026-01-31"),
            {"compare_to_previous": False},
            "not_asked",
        ),
        (
            ("2026-01-01", "2026-01-31"),
            {},
            "short_log",
        ),
    ],
)
def test_without_a_span_before_there_are_no_pairs_and_no_change(
    open_shop, observed, options, reason
):
    pool = open_shop(MATURITY, observed=observed)
    measures = four_weeks(pool, AB, **options)
    assert measures.pairs.empty
    assert measures.span.no_previous == reason
    assert funnel.compare_periods(measures, level=LEVEL) is None


TIMES = log(
    """
    converts 2026-01-05 00:00    A
    converts 2026-01-06 00:00:59 B
    leaves   2026-01-05 00:00    A
    tooLate  2026-01-05 00:00    A
    tooLate  2026-01-07 00:00    B
    farewell 2026-01-05 00:00    A
    farewell 2026-01-06 00:00    B
    returns  2026-01-05 00:00    A
    young    2026-01-31 12:00    A
    """
)
LEFT = {
    "leaves": "2026-01-07 00:00",
    "tooLate": "2026-01-06 00:00",
    "farewell": "2026-01-06 00:00",
    "returns": "2026-01-04 12:00",
}


def test_times_end_with_conversion_leaving_or_as_of_whichever_comes_first(open_shop):
    """A day is 1,440 minutes. tooLate converts a day after leaving; farewell at the same instant;
    returns left an earlier stay; young is followed for 12 hours, returns for 27 days.
    """
    names = dict.fromkeys(row["user_id"] for row in TIMES)
    users = [
        {"user_id": name, "left_at": at(LEFT[name]) if name in LEFT else None} for name in names
    ]
    times = four_weeks(open_shop(TIMES, users=users), AB).times
    assert {(row.outcome, row.minutes): row.n for row in times.itertuples()} == {
        (1, 1440): 2,  # converts, to the whole minute, and farewell
        (2, 2880): 1,  # leaves
        (2, 1440): 1,  # tooLate
        (0, 27 * 1440): 1,  # returns
        (0, 720): 1,  # young
    }


def test_without_departures_everybody_is_followed_to_conversion_or_as_of(open_shop):
    times = four_weeks(open_shop(TIMES), AB).times
    assert times.groupby("outcome")["n"].sum().to_dict() == {0: 3, 1: 3}


def test_done_counts_the_step_in_whatever_order_among_those_who_entered(open_shop):
    rows = log(
        """
        chain   2026-01-05 10:00 A
        chain   2026-01-05 11:00 B
        reverse 2026-01-05 10:00 B
        reverse 2026-01-05 11:00 A
        before  2026-01-03 10:00 B
        before  2026-01-05 11:00 A
        never   2026-01-05 10:00 B
        """
    )
    measures = four_weeks(open_shop(rows), AB)
    assert measures.done.to_dict() == {"A": 3, "B": 2}
    assert depths(measures.counts) == {1: 2, 2: 1}


def test_the_tied_share_is_that_of_step_rows_at_the_instant_of_another(open_shop):
    """Of the five step rows of those who entered, two stand at one instant; Z is no step."""
    rows = log(
        """
        a 2026-01-05 10:00 A
        a 2026-01-05 10:00 B
        a 2026-01-05 11:00 B
        a 2026-01-05 11:00 Z
        b 2026-01-05 10:00 A
        b 2026-01-05 11:00 B
        c 2026-01-05 10:00 B
        c 2026-01-05 10:00 B
        """
    )
    assert four_weeks(open_shop(rows), AB).tied_share == pytest.approx(2 / 5)


def test_ids_that_differ_by_leading_zeros_are_two_users(open_shop):
    rows = log("007 2026-01-05 10:00 A\n 7 2026-01-05 11:00 B\n 7 2026-01-05 12:00 A")
    assert depths(four_weeks(open_shop(rows), AB).counts) == {1: 2}


def test_chinese_event_names_are_names(open_shop):
    rows = log("客户 2026-01-05 10:00 扫码\n 客户 2026-01-05 11:00 下单")
    assert depths(four_weeks(open_shop(rows), Definition(steps=["扫码", "下单"])).counts) == {2: 1}


class TestBadInput:
    """Each is a clear error, or honest empties all the way to an `insufficient` finding."""

    @staticmethod
    def insufficient(measures):
        """Run every estimate; give the message of the only finding."""
        none = {"entry": "best", "window_days": 7.0, "ties": "either", "asked": True}
        definitions = pd.DataFrame([{**none, "entered": 0, "converted": 0}])
        assert funnel.trend(measures, level=LEVEL)["rate"].isna().all()
        assert funnel.late_against_early(measures, level=LEVEL).empty
        assert funnel.placebo(measures, level=LEVEL).empty
        assert funnel.repair(measures, level=LEVEL).empty
        assert len(funnel.per_point(measures, level=LEVEL)) == 1
        (finding,) = funnel.conclude(
            measures,
            steps=funnel.steps(measures, level=LEVEL),
            compared=funnel.compare_segments(measures, level=LEVEL),
            change=funnel.compare_periods(measures, level=LEVEL),
            medians=funnel.times(measures, level=LEVEL)[1],
            repairs=funnel.repair(measures, level=LEVEL),
            definitions=funnel.with_intervals(definitions, level=LEVEL, min_users=1),
            level=LEVEL,
        )
        assert finding.id == "funnel.conversion"
        assert (finding.status, finding.value) == ("insufficient", None)
        return finding.message

    def test_an_unknown_step_is_answered_with_the_nearest_name(self, open_shop):
        pool = open_shop(log("a 2026-01-05 10:00 scan\n a 2026-01-05 11:00 order"))
        with pytest.raises(
            FunnelError, match=r"no event 'scam'; did you mean 'scan'\? It has: order"
        ):
            four_weeks(pool, Definition(steps=["scam", "order"]))

    def test_an_unknown_held_column_is_answered_with_those_there_are(self, open_shop):
        held = Definition(steps=["A", "B"], hold="itm")
        with pytest.raises(
            FunnelError, match="hold = 'itm': events has no such column; it has use"
        ):
            four_weeks(open_shop(MATURITY), held)

    def test_an_empty_period_is_refused(self, open_shop):
        with pytest.raises(FunnelError, match="period_days = 0 must be at least 1"):
            measure(open_shop(MATURITY), AB, period_days=0)

    @pytest.mark.parametrize("min_users", [0, -30])
    def test_a_smallest_segment_of_nobody_is_refused(self, open_shop, min_users):
        with pytest.raises(FunnelError, match=f"min_users = {min_users} must be at least 1; use"):
            measure(open_shop(MATURITY), AB, period_days=28, min_users=min_users)

    def test_a_log_without_a_row_has_no_events(self, open_shop):
        with pytest.raises(FunnelError, match=r"events has no event 'A'\. It has: no events"):
            four_weeks(open_shop([]), AB)

    @pytest.mark.parametrize("by", [(), ("touchpoint",)])
    @pytest.mark.parametrize("observed_from", ["2026-01-01", "2025-12-01"])
    def test_nobody_starts(self, open_shop, by, observed_from):
        rows = log("a 2026-01-05 10:00 B group\n b 2026-01-01 10:00 A group", "touchpoint")
        pool = open_shop(rows, observed=(observed_from, "2026-01-31"))
        measures = four_weeks(pool, AB, by=by)
        assert (measures.n_entered, measures.n_waiting) == (0, 0)
        assert measures.done.tolist() == [0, 0]
        assert measures.tied_share == 0
        assert self.insufficient(measures) == (
            "No user did “A” in 4 Jan 2026 to 24 Jan 2026: there is no funnel to measure."
        )

    @pytest.mark.parametrize("by", [(), ("touchpoint",)])
    def test_everybody_is_still_inside_the_window(self, open_shop, by):
        rows = log(
            "a 2026-01-28 10:00 A group\n b 2026-01-28 10:00 A -\n b 2026-01-28 11:00 B -",
            "touchpoint",
        )
        measures = four_weeks(open_shop(rows), AB, by=by)
        assert (measures.n_entered, measures.n_waiting) == (0, 2)
        assert measures.weekly["waiting"].tolist() == [0, 0, 0, 0, 2]
        assert self.insufficient(measures) == (
            "All 2 users who started are still inside their window: nobody can be judged yet."
        )

    @pytest.mark.parametrize("by", [(), ("touchpoint",)])
    def test_a_period_shorter_than_the_window(self, open_shop, by):
        rows = log("a 2026-01-28 10:00 A group\n b 2026-01-28 11:00 B -", "touchpoint")
        measures = measure(open_shop(rows), AB, period_days=6, by=by)
        assert self.insufficient(measures) == (
            "No start can be judged yet: the entry period is not longer than the window of 7 "
            "days. Use a longer period_days or a shorter window_days."
        )

    @pytest.mark.parametrize("by", [(), ("touchpoint",)])
    def test_one_user_is_measured_but_not_shown(self, open_shop, by):
        rows = log("a 2026-01-05 10:00 A group\n a 2026-01-05 11:00 B group", "touchpoint")
        measures = measure(open_shop(rows), AB, period_days=28, by=by)
        assert measures.n_entered == 1
        assert funnel.steps(measures, level=LEVEL)["rate"].tolist() == [1, 1]
        assert self.insufficient(measures) == (
            "Only 1 user has a start that can be judged; at least 30 are needed (min_users)."
        )
