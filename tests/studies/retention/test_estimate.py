"""Rates, cohorts, means and stays: by hand, and by the fixtures that peers get wrong."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from siyu.stats.intervals import difference_pvalue, wilson
from siyu.stats.multiplicity import holm
from siyu.studies.retention import estimate
from siyu.studies.retention.definition import Definition

from tests.studies.retention.builders import reduced

LEVEL = 0.95
ON = Definition(kind="on", days=[1, 3], return_events=["browse"])
WEEK = Definition(days=[7, 30], return_events=["browse"])
OLD, MID, NEW = (dt.date(2026, 1, day) for day in (5, 12, 19))


def test_only_whoever_was_followed_long_enough_is_judged():
    """30 of 40 followed for 3 days, of whom 6 came back on day 3; 20 of 40 came back on day 1."""
    risk = [("all", OLD, 3, 30), ("all", NEW, 1, 10)]
    kept = [("all", OLD, 3, 1, 14), ("all", NEW, 1, 1, 6), ("all", OLD, 3, 3, 6)]
    table = estimate.rates(reduced(ON, risk, kept), level=LEVEL).set_index("k")
    shown = table[["added", "waiting", "at_risk", "retained"]]
    assert shown.loc[1].tolist() == [40, 0, 40, 20]
    assert shown.loc[3].tolist() == [40, 10, 30, 6]
    assert (table.loc[3, "ci_lower"], table.loc[3, "ci_upper"]) == wilson(6, 30, level=LEVEL)
    assert table.loc[2, "rate"] == 0


def test_a_return_in_the_days_from_k_on_needs_these_days_to_be_over():
    risk = [("all", OLD, 13, 40), ("all", NEW, 12, 40)]
    kept = [("all", OLD, 13, 7, 8), ("all", NEW, 12, 7, 20)]
    table = estimate.rates(reduced(WEEK, risk, kept), level=LEVEL).set_index("k")
    assert table.loc[7, ["at_risk", "retained"]].tolist() == [40, 8]


def test_a_day_on_which_few_can_be_judged_is_not_shown():
    risk = [("all", OLD, 3, 29), ("all", NEW, 1, 11)]
    kept = [("all", OLD, 3, 3, 6)]
    table = estimate.rates(reduced(ON, risk, kept, min_users=30), level=LEVEL).set_index("k")
    assert table["rate"].notna().tolist() == [True, False, False]
    assert np.isnan(table.loc[3, "retained"])


class TestCohorts:
    def test_the_mean_is_weighted_by_people_and_the_plain_one_stands_beside(self):
        """Cohorts of 10 (20%) and 100 (0%): plain mean 10%, weighted 1.8%."""
        risk = [("all", OLD, 9, 10), ("all", MID, 9, 100)]
        cohorts = estimate.by_cohort(reduced(ON, risk, [("all", OLD, 9, 1, 2)]), level=LEVEL)
        first = estimate.means(cohorts).iloc[0]
        assert (first.n_cohorts, first.at_risk) == (2, 110)
        assert first.plain == pytest.approx(0.1)
        assert first.weighted == pytest.approx(2 / 110)

    def test_an_unfinished_cohort_is_in_no_mean(self):
        """Cohorts 1000, 500, 700 with day-1 returns 500, 400, 10 (unfinished): 900 of 1500."""
        risk = [("all", OLD, 9, 1000), ("all", MID, 9, 500)]
        risk += [("all", NEW, 1, 300), ("all", NEW, 0, 400)]
        kept = [("all", OLD, 9, 1, 500), ("all", MID, 9, 1, 400), ("all", NEW, 1, 1, 10)]
        cohorts = estimate.by_cohort(reduced(ON, risk, kept), level=LEVEL)
        day_1 = cohorts[cohorts["k"] == 1].set_index("cohort")
        assert day_1["state"].tolist() == ["whole", "whole", "unfinished"]
        assert day_1["rate"].isna().tolist() == [False, False, True]
        assert estimate.means(cohorts).iloc[0].weighted == pytest.approx(0.6)

    def test_a_small_cohort_is_not_shown(self):
        risk = [("all", OLD, 9, 100), ("all", MID, 9, 40)]
        cohorts = estimate.by_cohort(reduced(ON, risk, [], min_users=41), level=LEVEL)
        few = cohorts[cohorts["state"] == "few"]
        assert few["rate"].isna().all()
        assert few["added"].isna().all()

    def test_a_small_cohort_cannot_be_had_by_subtraction_from_the_curve(self):
        """29 are few: were 30 and 31 shown, the total would tell them; so 30 join them."""
        risk = [("all", OLD, 9, 29), ("all", MID, 9, 30), ("all", NEW, 9, 31)]
        cohorts = estimate.by_cohort(reduced(ON, risk, [], min_users=30), level=LEVEL)
        states = cohorts.groupby("cohort")["state"].unique()
        assert [list(one) for one in states] == [["few"], ["few"], ["whole"]]
        assert set(estimate.means(cohorts)["at_risk"]) == {31}

    def test_a_cohort_that_may_still_grow_or_is_cut_by_the_period_is_not_whole(self):
        """January is over on the 31st: who is added then has not had a day after it."""
        month = Definition(kind="on", cohort_unit="month", days=[1], return_events=["x"])
        risk = [("all", dt.date(2026, 1, 1), 9, 50), ("all", dt.date(2025, 11, 1), 70, 50)]
        cohorts = estimate.by_cohort(reduced(month, risk, []), level=LEVEL).set_index("cohort")
        assert cohorts["state"].to_dict() == {
            dt.date(2026, 1, 1): "unfinished",
            dt.date(2025, 11, 1): "cut",
        }

    @pytest.mark.parametrize(("clock", "state"), [("calendar", "whole"), ("24h", "unfinished")])
    def test_by_24_hours_a_cohort_is_finished_a_day_later(self, clock, state):
        """Added until Sunday the 25th, followed for six days by the calendar up to the 31st."""
        asked = Definition(kind="on", clock=clock, days=[6], return_events=["x"])
        risk = [("all", NEW, 6, 50)]
        cohorts = estimate.by_cohort(reduced(asked, risk, []), level=LEVEL)
        assert cohorts["state"].tolist() == [state]


def test_the_same_people_show_that_a_rising_curve_is_a_change_of_cohorts():
    """Day 1: 50 of 100 old users and 0 of 100 new ones; day 3: 50 of the old alone."""
    risk = [("all", OLD, 3, 100), ("all", NEW, 1, 100)]
    kept = [("all", OLD, 3, 1, 50), ("all", OLD, 3, 2, 50), ("all", OLD, 3, 3, 50)]
    pool = reduced(ON, risk, kept)
    usual = estimate.rates(pool, level=LEVEL)["rate"].tolist()
    same = estimate.same_people(pool, level=LEVEL)
    assert usual == [0.25, 0.5, 0.5]
    assert same["rate"].tolist() == [0.5, 0.5, 0.5]
    assert same["at_risk"].tolist() == [100, 100, 100]
    few = reduced(ON, risk, kept, min_users=101)
    assert estimate.same_people(few, level=LEVEL).empty


def two_segments(better: int, worse: int, *, n: int = 100) -> tuple:
    risk = [("a", OLD, 9, n), ("b", OLD, 9, n)]
    return risk, [("a", OLD, 9, 3, better), ("b", OLD, 9, 3, worse)]


class TestSegments:
    def test_a_clear_difference_has_a_verdict_on_either_side(self):
        pool = reduced(ON, *two_segments(60, 20))
        table = estimate.compare_segments(pool, estimate.rates(pool, level=LEVEL), level=LEVEL)
        last = table[table["k"] == 3].set_index("segment")
        assert last["verdict"].to_dict() == {"a": "higher", "b": "lower"}
        assert last.loc["a", "rest_rate"] == 0.2
        assert last.loc["a", "difference"] == pytest.approx(0.4)
        assert (table.loc[table["k"] == 1, "verdict"] == "unclear").all()

    def test_of_three_segments_each_counts_in_holms_adjustment(self):
        one_day = Definition(kind="on", days=[3], return_events=["x"])
        risk = [(name, OLD, 9, 100) for name in "abc"]
        kept = [(name, OLD, 9, 3, n) for name, n in (("a", 30), ("b", 44), ("c", 37))]
        pool = reduced(one_day, risk, kept)
        table = estimate.compare_segments(pool, estimate.rates(pool, level=LEVEL), level=LEVEL)
        p = [float(difference_pvalue(x, 100, 111 - x, 200)) for x in table["retained"].astype(int)]
        assert table["p_holm"].tolist() == pytest.approx(holm(p).tolist())

    def test_two_segments_that_make_up_everyone_are_one_comparison(self):
        """30 and 44 of 100: p = 0.042, seen from either side, and adjusted for no second look."""
        one_day = Definition(kind="on", days=[3], return_events=["x"])
        pool = reduced(one_day, *two_segments(30, 44))
        table = estimate.compare_segments(pool, estimate.rates(pool, level=LEVEL), level=LEVEL)
        assert table["p_holm"].round(3).tolist() == [0.042, 0.042]
        assert set(table["verdict"]) == {"higher", "lower"}

    def test_a_segment_whose_rest_is_few_is_compared_with_nobody(self):
        risk = [("a", OLD, 9, 60), ("b", OLD, 0, 27), ("b", OLD, 9, 3)]
        pool = reduced(ON, risk, [("b", OLD, 9, 3, 3)], min_users=30)
        rated = estimate.rates(pool, level=LEVEL)
        assert estimate.compare_segments(pool, rated, level=LEVEL).empty

    def test_one_segment_is_compared_with_nobody(self):
        pool = reduced(ON, [("all", OLD, 9, 50)], [])
        rated = estimate.rates(pool, level=LEVEL)
        assert estimate.compare_segments(pool, rated, level=LEVEL).empty

    def test_thresholds_are_judged_by_the_binomial_and_holm(self):
        pool = reduced(ON, *two_segments(10, 29))
        judged = estimate.below(estimate.rates(pool, level=LEVEL), {3: 0.3}).set_index("segment")
        assert judged.loc["a", "p_holm"] < 1e-4
        assert judged.loc["b", "p_holm"] > 0.5
        assert judged.loc["all", "p_holm"] < 0.01
        assert estimate.below(estimate.rates(pool, level=LEVEL), {}).empty
        assert estimate.below(estimate.rates(pool, level=LEVEL), {99: 0.3}).empty


class TestStay:
    STAYS = (("a", 24, 1, 40), ("a", 2400, 0, 60), ("b", 2400, 0, 100))

    def test_the_curve_falls_where_people_leave(self):
        risk, kept = two_segments(0, 0)
        pool = reduced(ON, risk, kept, self.STAYS)
        curves = estimate.stay(pool, horizon_days=90, level=LEVEL)
        own = curves[curves["segment"] == "a"]
        assert own["share"].tolist() == [1.0, 0.6]
        assert own["days"].tolist() == [0.0, 25 / 24]
        everyone = curves[curves["segment"] == "all"]
        assert everyone["share"].iloc[-1] == pytest.approx(0.8)

    def test_the_mean_is_the_area_under_the_curve(self):
        """40 of 100 leave in the 25th hour: 25 hours, and 0.6 of what is left of ten days."""
        risk, kept = two_segments(0, 0)
        stays, p = estimate.mean_stay(
            reduced(ON, risk, kept, self.STAYS), horizon_days=10, level=LEVEL
        )
        own = stays.set_index("segment")
        first = 25 / 24  # leaving within an hour counts to its end
        assert own.loc["a", "mean_days"] == pytest.approx(first + 0.6 * (10 - first))
        assert own.loc["b", "mean_days"] == 10
        assert np.isnan(own.loc["b", "ci_lower"])
        assert p < 1e-6

    def test_only_the_days_of_the_mean_are_tested(self):
        """In 90 days 21 and 20 leave; that 150 of b leave in day 125 is another question."""
        stays = [("a", 24, 1, 21), ("a", 3000, 1, 20), ("a", 3100, 0, 159)]
        stays += [("b", 24, 1, 20), ("b", 3000, 1, 150), ("b", 3100, 0, 30)]
        risk, kept = two_segments(0, 0, n=200)
        _, p = estimate.mean_stay(reduced(ON, risk, kept, stays), horizon_days=90, level=LEVEL)
        assert p > 0.5

    def test_a_segment_not_followed_so_long_is_in_no_test(self):
        stays = [("a", 24, 1, 50), ("a", 2400, 0, 50), ("b", 24, 1, 1), ("b", 240, 0, 99)]
        risk, kept = two_segments(0, 0)
        found, p = estimate.mean_stay(reduced(ON, risk, kept, stays), horizon_days=90, level=LEVEL)
        assert np.isnan(found.set_index("segment").loc["b", "mean_days"])
        assert np.isnan(p)

    def test_without_segments_there_is_nothing_to_test(self):
        pool = reduced(ON, [("all", OLD, 9, 50)], [], [("all", 24, 1, 5), ("all", 480, 0, 45)])
        stays, p = estimate.mean_stay(pool, horizon_days=10, level=LEVEL)
        assert stays["segment"].tolist() == ["all"]
        assert np.isnan(p)
        assert isinstance(stays, pd.DataFrame)
