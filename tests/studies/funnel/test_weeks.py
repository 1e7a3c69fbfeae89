"""Entry weeks by hand: from small shops in Shanghai, and from reduced tables.

Unless said otherwise the shop is observed in January 2026, a user has 7 days, and the period is 28
days: starts from Sunday 4 January to Saturday 24 January, both included, can be judged.
"""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from scipy.stats import norm
from siyu.studies.funnel.definition import Definition
from siyu.studies.funnel.measure import measure
from siyu.studies.funnel.weeks import late_against_early, trend

from tests.studies.funnel.builders import log, reduced
from tests.studies.funnel.routes import wilson

AB = Definition(steps=["A", "B"])
four_weeks = partial(measure, period_days=28, min_users=1)
LEVEL = 0.95
WEEKLY = ["entered", "converted", "waiting"]


def test_weeks_begin_on_monday_at_local_midnight(open_shop):
    """5 January 2026 is a Monday; its midnight in Shanghai is still Sunday in UTC."""
    rows = log(
        """
        a 2026-01-04 23:59:59 A
        b 2026-01-05 00:00 A
        c 2026-01-26 00:00 A
        c 2026-01-26 00:00 B
        """
    )
    weekly = four_weeks(open_shop(rows), AB).weekly
    assert weekly["week"].dt.strftime("%m-%d").tolist() == [
        "12-29",
        "01-05",
        "01-12",
        "01-19",
        "01-26",
    ]
    assert weekly[WEEKLY].to_numpy().tolist() == [
        [1, 0, 0],
        [1, 0, 0],
        [0, 0, 0],
        [0, 0, 0],
        [0, 0, 1],
    ]


def test_each_week_follows_its_own_first_start(open_shop):
    """again starts in three weeks and converts from the third; on Friday a second start of that
    week would do too, but one is enough. The best of the period converts.
    """
    rows = log(
        """
        again 2026-01-05 10:00 A
        again 2026-01-13 10:00 A
        again 2026-01-20 10:00 A
        again 2026-01-23 10:00 A
        again 2026-01-24 10:00 B
        """
    )
    measures = four_weeks(open_shop(rows), AB)
    assert measures.counts[["depth", "n"]].to_numpy().tolist() == [[2, 1]]
    assert measures.weekly[WEEKLY].to_numpy().tolist() == [
        [0, 0, 0],
        [1, 0, 0],
        [1, 0, 0],
        [1, 1, 0],
        [0, 0, 0],
    ]


def test_a_later_start_of_the_week_does_not_save_its_first(open_shop):
    """B comes 8 days after Monday's start and 4 after Friday's."""
    rows = log("a 2026-01-05 10:00 A\n a 2026-01-09 10:00 A\n a 2026-01-13 10:00 B")
    measures = four_weeks(open_shop(rows), AB)
    assert measures.counts[["depth", "n"]].to_numpy().tolist() == [[2, 1]]
    assert measures.weekly["entered"].sum() == 1
    assert measures.weekly["converted"].sum() == 0


def test_the_drift_tells_who_started_in_early_and_late_weeks(open_shop):
    """The whole weeks are those of the 5th (early) and the 12th (late)."""
    rows = log(
        """
        both  2026-01-05 10:00 A
        both  2026-01-12 10:00 A
        both  2026-01-13 10:00 B
        early 2026-01-11 10:00 A
        early 2026-01-11 10:00 B
        none  2026-01-19 10:00 A
        none  2026-01-19 10:00 B
        """
    )
    drift = four_weeks(open_shop(rows), AB).drift
    names = ["early", "early_converted", "late", "late_converted", "n"]
    drift = drift[drift[["early", "late"]].sum(axis=1) > 0]
    assert sorted(drift[names].to_numpy().tolist()) == [[1, 0, 1, 1, 1], [1, 1, 0, 0, 1]]


def test_a_week_begins_with_a_row_that_can_start(open_shop):
    """With a value held, Monday's row without one does not; in any order, B does."""
    rows = log(
        """
        a 2026-01-05 10:00 A -
        a 2026-01-07 10:00 A mask
        a 2026-01-13 10:00 B mask
        """,
        "item",
    )
    held = four_weeks(open_shop(rows), Definition(steps=["A", "B"], hold="item")).weekly
    assert held[WEEKLY].to_numpy().tolist()[1:3] == [[1, 1, 0], [0, 0, 0]]
    loose = four_weeks(open_shop(rows), Definition(steps=["A", "B"], order="any")).weekly
    assert loose[WEEKLY].to_numpy().tolist()[1:3] == [[1, 0, 0], [1, 0, 0]]


class TestTrend:
    """The period begins on a Sunday, 4 January; starts until the 24th can be judged."""

    MEASURES = reduced(
        {"all": ()},
        weekly=[
            ("2025-12-29", 3, 0, 0),
            ("2026-01-05", 100, 40, 0),
            ("2026-01-12", 100, 20, 0),
            ("2026-01-19", 9, 5, 2),
            ("2026-01-26", 0, 0, 9),
        ],
        min_users=10,
    )
    TABLE = trend(MEASURES, level=LEVEL)

    def test_each_week_has_its_rate_and_its_state(self):
        assert self.TABLE["state"].tolist() == ["cut", "whole", "whole", "unfinished", "unfinished"]
        assert self.TABLE["waiting"].tolist() == [0, 0, 0, 2, 9]
        assert self.TABLE["rate"].tolist()[1:3] == [0.4, 0.2]
        week = self.TABLE.iloc[1]
        assert (week.entered, week.converted) == (100, 40)
        assert (week.ci_lower, week.ci_upper) == pytest.approx(wilson(40, 100))

    def test_a_week_of_few_users_shows_nothing_of_them(self):
        shown = ["entered", "converted", "rate", "ci_lower", "ci_upper"]
        assert self.TABLE.loc[[0, 3, 4], shown].isna().all(axis=None)
        assert self.TABLE.loc[[1, 2], shown].notna().all(axis=None)

    def test_a_week_of_just_enough_users_is_shown(self):
        table = trend(replace(self.MEASURES, min_users=9), level=LEVEL)
        assert table["rate"].notna().tolist() == [False, True, True, True, False]

    def test_without_a_window_there_is_no_trend(self):
        assert trend(reduced({"all": ()}), level=LEVEL).empty
        assert late_against_early(reduced({"all": ()}), level=LEVEL).empty


def test_a_week_of_few_users_is_in_neither_half_of_the_drift(open_shop):
    """Of the weeks of the 5th, 12th and 19th the second has one user: the others are the halves."""
    rows = log(
        """
        a 2026-01-05 10:00 A
        b 2026-01-06 10:00 A
        b 2026-01-12 10:00 A
        b 2026-01-12 11:00 B
        c 2026-01-20 10:00 A
        d 2026-01-20 10:00 A
        d 2026-01-20 11:00 B
        """
    )
    pool = open_shop(rows, observed=("2025-12-29", "2026-02-07"))
    measures = measure(pool, AB, period_days=34, min_users=2)
    assert measures.weekly["entered"].tolist() == [2, 1, 2, 0, 0]
    names = ["early", "early_converted", "late", "late_converted", "n"]
    drift = sorted(measures.drift[names].to_numpy().tolist())
    assert drift == [[0, 0, 1, 0, 1], [0, 0, 1, 1, 1], [1, 0, 0, 0, 1], [1, 1, 0, 0, 1]]


class TestLateAgainstEarly:
    """Users by weeks early, of them converted, weeks late, of them converted."""

    def late(self, drift, **options):
        return late_against_early(reduced({"all": ()}, drift=drift, **options), level=LEVEL)

    def test_users_of_one_week_each_are_two_independent_samples(self):
        """30 of 100 early, 20 of 80 late; two pseudo-users more in each half make it wider."""
        (row,) = self.late(
            [(1, 0, 0, 0, 70), (1, 1, 0, 0, 30), (0, 0, 1, 0, 60), (0, 0, 1, 1, 20)]
        ).itertuples()
        early, late = 31 / 102, 21 / 82
        half = norm.ppf(0.975) * np.sqrt(early * (1 - early) / 102 + late * (1 - late) / 82)
        plain = norm.ppf(0.975) * np.sqrt(0.3 * 0.7 / 100 + 0.25 * 0.75 / 80)
        assert row.difference == pytest.approx(-0.05)
        expected = max(half, plain)
        assert row.ci_lower == pytest.approx(-0.05 - expected, rel=1e-6)
        assert row.ci_upper == pytest.approx(-0.05 + expected, rel=1e-6)

    def test_a_half_in_which_nobody_converts_says_little_if_it_is_small(self):
        """0 of 60 against 6 of 600, by hand: one of 62 and 7 of 602 give the width."""
        (row,) = self.late(
            [(1, 0, 0, 0, 60), (0, 0, 1, 0, 594), (0, 0, 1, 1, 6)], min_users=30
        ).itertuples()
        half = norm.ppf(0.975) * np.sqrt(1 / 62 * 61 / 62 / 62 + 7 / 602 * 595 / 602 / 602)
        assert row.difference == pytest.approx(0.01)
        assert (row.ci_lower, row.ci_upper) == pytest.approx((0.01 - half, 0.01 + half), rel=1e-6)
        assert row.ci_lower < 0

    def test_the_weeks_of_a_user_are_one_cluster(self):
        """By hand: each user adds (converted - rate x weeks) / all weeks, late less early."""
        drift = [(2, 1, 1, 0, 40), (1, 1, 2, 2, 30), (1, 0, 1, 0, 60), (0, 0, 1, 1, 20)]
        (row,) = self.late(drift).itertuples()

        def spread(rows):
            early, early_done, late, late_done, n = np.transpose(rows).astype(float)
            rates = (n @ early_done) / (n @ early), (n @ late_done) / (n @ late)
            influence = (late_done - rates[1] * late) / (n @ late)
            influence -= (early_done - rates[0] * early) / (n @ early)
            return rates[1] - rates[0], norm.ppf(0.975) * np.sqrt(n @ influence**2)

        # 130 users were in 170 early weeks, 150 in 180 late ones: so are the pseudo-users.
        early, late = 170 / 130, 180 / 150
        pseudo = [(early, early, 0, 0, 1), (early, 0, 0, 0, 1)]
        pseudo += [(0, 0, late, late, 1), (0, 0, late, 0, 1)]
        difference, plain = spread(drift)
        assert row.difference == pytest.approx(difference)
        half = max(plain, spread([*drift, *pseudo])[1])
        assert (row.ci_upper - row.ci_lower) / 2 == pytest.approx(half, rel=1e-6)

    @pytest.mark.parametrize(("min_users", "empty"), [(30, False), (31, True)])
    def test_a_half_of_few_users_is_not_compared(self, min_users, empty):
        """30 users were there in the late weeks, each in two of them: 60 user-weeks are not 60."""
        drift = [(1, 0, 0, 0, 70), (1, 1, 0, 0, 30), (0, 0, 2, 0, 20), (0, 0, 2, 1, 10)]
        assert self.late(drift, min_users=min_users).empty == empty

    def test_everybody_against_nobody_is_a_clear_difference_of_at_most_everything(self):
        (row,) = self.late([(1, 1, 0, 0, 40), (0, 0, 1, 0, 40)], min_users=30).itertuples()
        assert (row.difference, row.ci_lower) == (-1, -1)
        assert -1 < row.ci_upper < -0.9

    def test_if_nobody_converts_there_is_no_difference_within_a_width(self):
        (row,) = self.late([(1, 0, 0, 0, 70), (0, 0, 1, 0, 70)]).itertuples()
        assert row.difference == 0
        assert row.ci_upper == pytest.approx(-row.ci_lower)
        assert row.ci_upper > 0.02
