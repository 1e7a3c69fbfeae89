"""Estimates by hand, and by a second route: statsmodels, or the formula written out anew.

The counts are those of users who got exactly 1, 2, 3 steps far: (60, 30, 10) entered as 100, of
whom 40 reached the second and 10 the last step.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import fisher_exact, hypergeom, norm
from siyu.stats.intervals import difference_pvalue
from siyu.studies.funnel import estimate
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from tests.studies.funnel.builders import reduced

LEVEL = 0.95
TWO = {"ads": (60, 30, 10), "group": (30, 10, 60)}
MINUTES = 1440


def wilson(count, n, alpha=0.05):
    return proportion_confint(count, n, alpha=alpha, method="wilson")


def newcombe(a, n_a, b, n_b, alpha=0.05):
    return confint_proportions_2indep(a, n_a, b, n_b, method="newcomb", alpha=alpha)


class TestSteps:
    TABLE = estimate.steps(reduced(TWO), level=LEVEL)

    def test_reached_rate_and_step_rate_are_those_of_the_counts(self):
        ads = self.TABLE[self.TABLE["segment"] == "ads"]
        assert ads["reached"].tolist() == [100, 40, 10]
        assert ads["entered"].tolist() == [100, 100, 100]
        assert ads["rate"].tolist() == [1, 0.4, 0.1]
        assert ads["step_rate"].tolist() == [1, 0.4, 0.25]
        assert ads["step"].tolist() == ["A", "B", "C"]
        assert ads["k"].tolist() == [1, 2, 3]

    def test_everyone_comes_first_and_is_the_sum_of_the_segments(self):
        assert self.TABLE["segment"].tolist() == ["all"] * 3 + ["ads"] * 3 + ["group"] * 3
        assert self.TABLE["reached"].tolist()[:3] == [200, 110, 70]

    def test_intervals_are_those_of_wilson(self):
        for row in self.TABLE.itertuples():
            assert (row.ci_lower, row.ci_upper) == pytest.approx(wilson(row.reached, row.entered))
        last = self.TABLE.iloc[2]
        assert (last.step_ci_lower, last.step_ci_upper) == pytest.approx(wilson(70, 110))

    def test_a_step_that_nobody_could_take_has_no_rate(self):
        table = estimate.steps(reduced({"all": (7, 0, 0)}), level=LEVEL)
        assert table["rate"].tolist() == [1, 0, 0]
        assert table["step_rate"].isna().tolist() == [False, False, True]
        assert table["step_ci_lower"].isna().tolist() == [False, False, True]

    def test_without_a_breakdown_there_is_only_everyone(self):
        assert set(estimate.steps(reduced({"all": (7, 2, 1)}), level=LEVEL)["segment"]) == {"all"}

    def test_a_small_group_is_in_the_whole_but_not_shown(self):
        measures = reduced({**TWO, "(small groups)": (1, 1, 1)}, min_users=30)
        table = estimate.steps(measures, level=LEVEL)
        assert set(table["segment"]) == {"all", "ads", "group"}
        assert table["entered"].iloc[0] == 203

    def test_a_lower_level_gives_narrower_intervals(self):
        narrow = estimate.steps(reduced(TWO), level=0.8)
        assert (narrow["ci_lower"] >= self.TABLE["ci_lower"]).all()
        assert (narrow["ci_upper"] < self.TABLE["ci_upper"])[self.TABLE["rate"] < 1].all()


class TestSegments:
    THREE = reduced({"ads": (90, 0, 10), "group": (60, 0, 40), "shop": (80, 0, 20)})
    TABLE = estimate.compare_segments(THREE, level=LEVEL)

    def test_the_best_comes_first_each_against_all_others(self):
        assert self.TABLE["segment"].tolist() == ["group", "shop", "ads"]
        assert self.TABLE["rate"].tolist() == [0.4, 0.2, 0.1]
        assert self.TABLE["rest_rate"].tolist() == [30 / 200, 50 / 200, 60 / 200]
        assert self.TABLE["difference"].tolist() == pytest.approx([0.25, -0.05, -0.2])
        assert self.TABLE["converted"].tolist() == [40, 20, 10]

    def test_differences_have_newcombes_interval(self):
        group = self.TABLE.iloc[0]
        found = (group.difference_lower, group.difference_upper)
        assert found == pytest.approx(newcombe(40, 100, 30, 200))

    def test_verdicts_are_those_of_holm_over_the_segments(self):
        """Fisher's mid-p by the definition: the tables as extreme on that side, half the own."""
        raw = []
        for row in self.TABLE.itertuples():
            rest = (70 - row.converted, 200)
            table = [
                [row.converted, row.entered - row.converted],
                [rest[0], rest[1] - rest[0]],
            ]
            tails = [fisher_exact(table, alternative=side)[1] for side in ("less", "greater")]
            own = hypergeom.pmf(row.converted, 300, 70, row.entered)
            raw.append(2 * (min(tails) - own / 2))
        expected = multipletests(raw, method="holm")[1]
        assert self.TABLE["p_holm"].to_numpy() == pytest.approx(expected)
        assert self.TABLE["verdict"].tolist() == ["higher", "unclear", "lower"]

    def test_what_is_clear_alone_may_be_unclear_among_many(self):
        """21 of 80 against 41 of 280: p = 0.02, times the number of segments by Holm."""
        pair = {"one": (59, 0, 21), "rest": (239, 0, 41)}
        many = {"one": (59, 0, 21)} | {f"rest {i}": (34, 0, 6) for i in range(6)}
        many["rest 6"] = (35, 0, 5)
        alone = estimate.compare_segments(reduced(pair), level=LEVEL).set_index("segment")
        among = estimate.compare_segments(reduced(many), level=LEVEL).set_index("segment")
        assert among["rest_rate"]["one"] == alone["rest_rate"]["one"]
        assert (alone["verdict"]["one"], among["verdict"]["one"]) == ("higher", "unclear")
        assert among["p_holm"]["one"] == pytest.approx(8 / 2 * alone["p_holm"]["one"], rel=0.01)

    def test_equal_rates_stand_in_the_order_of_their_names(self):
        table = estimate.compare_segments(reduced({"b": (5, 0, 5), "a": (5, 0, 5)}), level=LEVEL)
        assert table["segment"].tolist() == ["a", "b"]
        assert table["verdict"].tolist() == ["unclear", "unclear"]

    def test_one_segment_has_nothing_to_be_compared_with(self):
        assert estimate.compare_segments(reduced({"all": (5, 0, 5)}), level=LEVEL).empty


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
    TABLE = estimate.trend(MEASURES, level=LEVEL)

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
        table = estimate.trend(replace(self.MEASURES, min_users=9), level=LEVEL)
        assert table["rate"].notna().tolist() == [False, True, True, True, False]

    def test_without_a_window_there_is_no_trend(self):
        assert estimate.trend(reduced({"all": ()}), level=LEVEL).empty
        assert estimate.late_against_early(reduced({"all": ()}), level=LEVEL).empty


class TestLateAgainstEarly:
    """Users by weeks early, of them converted, weeks late, of them converted."""

    def test_users_of_one_week_each_are_two_independent_samples(self):
        drift = [(1, 0, 0, 0, 70), (1, 1, 0, 0, 30), (0, 0, 1, 0, 80), (0, 0, 1, 1, 20)]
        (row,) = estimate.late_against_early(
            reduced({"all": ()}, drift=drift), level=LEVEL
        ).itertuples()
        half = norm.ppf(0.975) * np.sqrt(0.3 * 0.7 / 100 + 0.2 * 0.8 / 100)
        assert row.difference == pytest.approx(-0.1)
        assert (row.ci_lower, row.ci_upper) == pytest.approx((-0.1 - half, -0.1 + half), rel=1e-6)

    def test_the_weeks_of_a_user_are_one_cluster(self):
        """By hand: each user adds (converted - rate x weeks) / all weeks, late less early."""
        drift = [(2, 1, 1, 0, 40), (1, 1, 2, 2, 30), (1, 0, 1, 0, 60), (0, 0, 1, 1, 20)]
        (row,) = estimate.late_against_early(
            reduced({"all": ()}, drift=drift), level=LEVEL
        ).itertuples()
        early, early_done, late, late_done, n = np.transpose(drift).astype(float)
        rates = (n @ early_done) / (n @ early), (n @ late_done) / (n @ late)
        influence = (late_done - rates[1] * late) / (n @ late)
        influence -= (early_done - rates[0] * early) / (n @ early)
        half = norm.ppf(0.975) * np.sqrt(n @ influence**2)
        assert row.difference == pytest.approx(rates[1] - rates[0])
        assert (row.ci_upper - row.ci_lower) / 2 == pytest.approx(half, rel=1e-6)

    @pytest.mark.parametrize(("min_users", "empty"), [(30, False), (31, True)])
    def test_a_half_of_few_users_is_not_compared(self, min_users, empty):
        drift = [(1, 0, 0, 0, 70), (1, 1, 0, 0, 30), (0, 0, 1, 0, 20), (0, 0, 1, 1, 10)]
        measures = reduced({"all": ()}, drift=drift, min_users=min_users)
        assert estimate.late_against_early(measures, level=LEVEL).empty == empty

    def test_if_nobody_converts_there_is_no_interval_and_no_comparison(self):
        drift = [(1, 0, 0, 0, 70), (0, 0, 1, 0, 70)]
        measures = reduced({"all": ()}, drift=drift)
        assert estimate.late_against_early(measures, level=LEVEL).empty


NOBODY = (None, 0)
NOW = {"ads": (240, 0, 60), "group": (60, 0, 40)}


class TestChange:
    """ads: 100 before at 10%, 300 now at 20%; group: 100 before at 50%, 100 now at 40%.

    Together 60 of 200 (30%) before and 100 of 400 (25%) now. By hand, with mean shares 0.625 and
    0.375, mean rates 0.15 and 0.45, mean crude rate 0.275: the rate parts are 0.625 x 0.1 and
    0.375 x -0.1; the mix parts 0.25 x (0.15 - 0.275) and -0.25 x (0.45 - 0.275).
    """

    APART = (
        ("ads", 1, *NOBODY, 90),
        ("ads", 3, *NOBODY, 10),
        ("group", 2, *NOBODY, 50),
        ("group", 3, *NOBODY, 50),
        (*NOBODY, "ads", 1, 240),
        (*NOBODY, "ads", 3, 60),
        (*NOBODY, "group", 1, 60),
        (*NOBODY, "group", 3, 40),
    )
    CHANGE = estimate.compare_periods(reduced(NOW, pairs=APART), level=LEVEL)

    def total(self, change=CHANGE):
        return change.total.set_index("part")

    def test_the_total_is_split_into_mix_and_rate(self):
        assert self.total()["value"].to_dict() == pytest.approx(
            {"before": 0.3, "now": 0.25, "change": -0.05, "mix": -0.075, "rate": 0.025}
        )

    def test_each_segment_has_its_part(self):
        table = self.CHANGE.segments.set_index("segment")
        assert table["mix"].to_dict() == pytest.approx({"ads": -0.03125, "group": -0.04375})
        assert table["rate"].to_dict() == pytest.approx({"ads": 0.0625, "group": -0.0375})
        assert table["entered_before"].to_dict() == {"ads": 100, "group": 100}
        assert table["entered"].to_dict() == {"ads": 300, "group": 100}
        assert table["rate_before"].to_dict() == pytest.approx({"ads": 0.1, "group": 0.5})
        assert table["rate_now"].to_dict() == pytest.approx({"ads": 0.2, "group": 0.4})

    def test_the_parts_of_the_steps_are_shapleys(self):
        """Before 110 of 200 and 60 of 110 went on, now 100 of 400 and 100 of 100: with two steps
        each part is its change times the mean of the other.
        """
        table = self.CHANGE.steps.set_index("step")
        before, now = (0.55, 60 / 110), (0.25, 1)
        assert table["before"].tolist() == pytest.approx(before)
        assert table["now"].tolist() == pytest.approx(now)
        assert table["part"].tolist() == pytest.approx(
            [-0.3 * (before[1] + 1) / 2, (1 - before[1]) * (0.55 + 0.25) / 2]
        )

    def test_all_parts_sum_exactly_to_the_change(self):
        change = self.total()["value"]["change"]
        segments = self.CHANGE.segments
        assert segments["mix"].sum() + segments["rate"].sum() == pytest.approx(change, abs=1e-14)
        assert self.CHANGE.steps["part"].sum() == pytest.approx(change, abs=1e-14)

    def test_without_users_in_both_spans_it_is_the_wider_of_the_delta_and_newcombes(self):
        """Independent samples: the plain two-sample interval, and Newcombe's by statsmodels."""
        error = np.sqrt(0.3 * 0.7 / 200 + 0.25 * 0.75 / 400)
        delta = -0.05 - 1.959964 * error, -0.05 + 1.959964 * error
        other = newcombe(100, 400, 60, 200)
        row = self.total().loc["change"]
        expected = min(delta[0], other[0]), max(delta[1], other[1])
        assert (row.ci_lower, row.ci_upper) == pytest.approx(expected, abs=1e-6)

    def test_users_of_both_spans_who_stay_as_they_are_make_the_parts_narrower(self):
        """The same counts, but 50 converts and 90 others came back unchanged."""
        paired = (
            ("ads", 1, "ads", 1, 90),
            ("ads", 3, "ads", 3, 10),
            ("group", 2, *NOBODY, 50),
            ("group", 3, "group", 3, 40),
            ("group", 3, *NOBODY, 10),
            (*NOBODY, "ads", 1, 150),
            (*NOBODY, "ads", 3, 50),
            (*NOBODY, "group", 1, 60),
        )
        twice = self.total(estimate.compare_periods(reduced(NOW, pairs=paired), level=LEVEL))
        once = self.total()
        assert twice["value"].to_dict() == pytest.approx(once["value"].to_dict())
        once, twice = (t.ci_upper["rate"] - t.ci_lower["rate"] for t in (once, twice))
        assert twice < 0.9 * once

    def test_users_of_both_spans_who_change_sides_make_the_change_wider(self):
        """Those who converted do not again, and the others now do: no luck evens out."""
        opposed = (("all", 3, "all", 1, 50), ("all", 1, "all", 3, 50), ("all", 1, "all", 1, 100))
        measures = reduced({"all": (150, 0, 50)}, pairs=opposed)
        row = self.total(estimate.compare_periods(measures, level=LEVEL)).loc["change"]
        # A user changes by -1, 0 or 1 of 200: the variance is that of 100 such users.
        half = norm.ppf(0.975) * np.sqrt(100) / 200
        assert (row.ci_lower, row.ci_upper) == pytest.approx((-half, half), rel=1e-6)
        assert half > newcombe(50, 200, 50, 200)[1]

    def test_the_larger_p_counts_where_users_change_sides(self):
        """30% to 15%, by 60 users who no longer convert and 30 who now do: of 200 changes by -1,
        0 and 1 the variance is 90 - 30^2 / 200, more than of independent spans.
        """
        cells = (("all", 3, "all", 1, 60), ("all", 1, "all", 3, 30), ("all", 1, "all", 1, 110))
        measures = reduced({"all": (170, 0, 30)}, pairs=cells)
        (row,) = estimate.compare_periods(measures, level=LEVEL).segments.itertuples()
        expected = 2 * norm.sf(30 / np.sqrt(90 - 30**2 / 200))
        assert row.p_holm == pytest.approx(expected, rel=1e-5)
        assert row.p_holm > difference_pvalue(30, 200, 60, 200)

    def test_the_interval_is_that_of_a_sum_over_users(self):
        """Linearised by hand: a user adds (x - r) / n now less the same before."""
        cells = (
            ("all", 1, "all", 1, 300),
            ("all", 3, "all", 3, 80),
            ("all", 1, "all", 3, 20),
            ("all", 3, *NOBODY, 40),
            ("all", 1, *NOBODY, 160),
            (*NOBODY, "all", 1, 200),
        )
        change = estimate.compare_periods(reduced({"all": (500, 0, 100)}, pairs=cells), level=LEVEL)
        before = [(d == 3, d > 0, n) for _, d, _, _, n in cells]
        now = [(d == 3, d > 0, n) for _, _, _, d, n in cells]

        def influence(rows):
            entered = sum(e * n for _, e, n in rows)
            rate = sum(x * n for x, _, n in rows) / entered
            return rate, [(x - rate * e) / entered for x, e, _ in rows]

        (old, first), (new, second) = influence(before), influence(now)
        variance = sum(n * (b - a) ** 2 for a, b, (*_, n) in zip(first, second, cells, strict=True))
        row = self.total(change).loc["rate"]  # one segment: its rate part is the whole change
        assert row.value == pytest.approx(new - old)
        half = norm.ppf(0.975) * np.sqrt(variance)
        assert (row.ci_upper - row.ci_lower) / 2 == pytest.approx(half, rel=1e-6)

    def test_verdicts_of_segments_are_holms_over_the_larger_p(self):
        table = self.CHANGE.segments.set_index("segment")
        ads = table.loc["ads"]
        found = (ads.change_lower, ads.change_upper)
        error = np.sqrt(0.1 * 0.9 / 100 + 0.2 * 0.8 / 300)
        delta = 0.1 - 1.959964 * error, 0.1 + 1.959964 * error
        other = newcombe(60, 300, 10, 100)
        expected = min(delta[0], other[0]), max(delta[1], other[1])
        assert found == pytest.approx(expected, abs=1e-6)
        assert table["verdict"].to_dict() == {"ads": "higher", "group": "unclear"}
        wald = 2 * norm.sf(0.1 / error)
        midp = difference_pvalue(60, 300, 10, 100)
        assert ads.p_holm == pytest.approx(2 * max(wald, midp), rel=1e-6)

    def test_a_segment_that_comes_or_goes_is_all_mix(self):
        cells = (
            ("old", 1, *NOBODY, 50),
            ("stay", 1, *NOBODY, 40),
            ("stay", 3, *NOBODY, 10),
            (*NOBODY, "stay", 1, 40),
            (*NOBODY, "stay", 3, 10),
            (*NOBODY, "new", 3, 50),
        )
        measures = reduced({"new": (0, 0, 50), "stay": (40, 0, 10)}, pairs=cells)
        change = estimate.compare_periods(measures, level=LEVEL)
        table = change.segments.set_index("segment")
        assert table["rate"].tolist() == pytest.approx([0, 0, 0])
        assert table["mix"].sum() == pytest.approx(0.6 - 0.1)
        assert np.isnan(table["rate_before"]["new"])
        assert np.isnan(table["rate_now"]["old"])
        assert table["verdict"]["old"] == table["verdict"]["new"] == "unclear"

    @pytest.mark.parametrize(("min_users", "none"), [(200, False), (201, True)])
    def test_a_span_of_few_users_is_not_compared(self, min_users, none):
        measures = reduced(NOW, pairs=self.APART, min_users=min_users)
        assert (estimate.compare_periods(measures, level=LEVEL) is None) == none

    def test_small_groups_of_few_users_are_in_the_whole_but_not_shown(self):
        small = (("(small groups)", 1, *NOBODY, 9), (*NOBODY, "(small groups)", 3, 99))
        measures = reduced(NOW, pairs=(*self.APART, *small), min_users=10)
        change = estimate.compare_periods(measures, level=LEVEL)
        assert change.segments["segment"].tolist() == ["ads", "group"]
        assert self.total(change)["value"]["before"] == pytest.approx(60 / 209)
        assert self.total(change)["value"]["now"] == pytest.approx(199 / 499)

    @pytest.mark.parametrize("cell", [("all", 1, *NOBODY, 9), (*NOBODY, "all", 1, 9)])
    def test_with_nobody_in_one_of_the_spans_there_is_no_change(self, cell):
        measures = reduced({"all": (9, 0, 0)}, pairs=[cell])
        assert estimate.compare_periods(measures, level=LEVEL) is None


class TestTimes:
    def test_if_all_are_followed_and_nobody_leaves_the_incidence_at_the_window_is_the_rate(self):
        """Of 100 users, 10 convert after one day, 20 after two, 10 at the very end of the window;
        the others are followed beyond it.
        """
        done = [(MINUTES, 10), (2 * MINUTES, 20), (7 * MINUTES, 10)]
        rows = [("all", minutes, 1, n) for minutes, n in done] + [("all", 9 * MINUTES, 0, 60)]
        measures = reduced({"all": (60, 0, 40)}, times=rows)
        curve, medians = estimate.times(measures, level=LEVEL)
        rate = estimate.steps(measures, level=LEVEL)["rate"].iloc[-1]
        assert curve["days"].tolist() == [1, 2, 7]
        assert curve["incidence"].tolist() == pytest.approx([0.1, 0.3, rate])
        assert curve["at_risk"].tolist() == [100, 90, 70]
        (median,) = medians.itertuples()
        assert (median.n, median.converted, median.median_days) == (100, 40, 2)

    def test_a_conversion_after_the_window_of_the_first_start_is_none(self):
        rows = [("all", 7 * MINUTES + 1, 1, 1), ("all", MINUTES, 1, 1)]
        curve, medians = estimate.times(reduced({"all": (1, 0, 1)}, times=rows), level=LEVEL)
        assert curve["incidence"].iloc[-1] == pytest.approx(0.5)
        assert medians["converted"].tolist() == [1]

    def test_who_has_left_cannot_convert_and_who_was_not_followed_may_have(self):
        """By hand: 10 enter; 2 leave on day 1, 4 are followed no further than day 2, and of the
        other 4 half convert on day 3: 0.8 x 2 / 4 by Aalen-Johansen.
        """
        rows = [
            ("all", MINUTES, 2, 2),
            ("all", 2 * MINUTES, 0, 4),
            ("all", 3 * MINUTES, 1, 2),
            ("all", 8 * MINUTES, 0, 2),
        ]
        curve, _ = estimate.times(reduced({"all": (8, 0, 2)}, times=rows), level=LEVEL)
        incidence = curve.set_index("days")["incidence"]
        assert incidence[3] == pytest.approx(0.4)

    def test_each_segment_has_its_curve(self):
        rows = [("a", 0, 1, 3), ("a", 8 * MINUTES, 0, 3), ("b", MINUTES, 1, 6)]
        measures = reduced({"a": (3, 0, 3), "b": (0, 0, 6)}, times=rows)
        curve, medians = estimate.times(measures, level=LEVEL)
        last = curve.groupby("segment")["incidence"].last().to_dict()
        assert last == pytest.approx({"all": 9 / 12, "a": 0.5, "b": 1})
        assert medians["segment"].tolist() == ["all", "a", "b"]
        assert medians["median_days"].tolist() == [1, 0, 1]

    @pytest.mark.parametrize(("min_users", "shown"), [(10, True), (11, False)])
    def test_the_median_of_few_converts_is_not_shown(self, min_users, shown):
        rows = [("all", MINUTES, 1, 10), ("all", 8 * MINUTES, 0, 90)]
        measures = reduced({"all": (90, 0, 10)}, times=rows, min_users=min_users)
        _, medians = estimate.times(measures, level=LEVEL)
        assert medians["median_days"].notna().tolist() == [shown]
        assert medians["horizon_days"].tolist() == [7]

    def test_without_a_window_the_last_time_is_the_horizon(self):
        rows = [("all", 40 * MINUTES, 1, 5), ("all", 60 * MINUTES, 0, 5)]
        measures = reduced({"all": (5, 0, 5)}, times=rows, window_days=None)
        curve, medians = estimate.times(measures, level=LEVEL)
        assert curve["days"].tolist() == [40, 60]
        assert medians["median_days"].tolist() == [40]

    def test_nobody_has_no_times(self):
        curve, medians = estimate.times(reduced({"all": ()}), level=LEVEL)
        assert curve.empty
        assert medians.empty


class TestRepair:
    """ads: 100, 40, 10. group: 100, 70, 60. ads' second step is 0.4 against 0.7, so 30 more
    would get there, a quarter of whom go on: 7.5. Its last is 10/40 against 60/70.
    """

    TABLE = estimate.repair(reduced(TWO), level=LEVEL).set_index(["segment", "step"])

    def test_extra_conversions_are_the_gap_times_the_own_later_rates(self):
        assert self.TABLE["extra"].to_dict() == pytest.approx(
            {
                ("ads", "C"): 40 * (60 / 70 - 0.25),
                ("ads", "B"): 100 * 0.3 * 0.25,
                ("group", "B"): 100 * -0.3 * 60 / 70,
                ("group", "C"): 70 * (0.25 - 60 / 70),
            }
        )
        assert self.TABLE["extra"].is_monotonic_decreasing
        assert self.TABLE["at_step"].to_dict()["ads", "C"] == 40

    def test_gaps_are_joint_over_all_segments_and_steps(self):
        """Four gaps at 95% together: each at 98.75%."""
        row = self.TABLE.loc[("ads", "C")]
        assert (row.gap_lower, row.gap_upper) == pytest.approx(
            newcombe(60, 70, 10, 40, alpha=0.05 / 4)
        )
        assert row.gap == pytest.approx(row.others_rate - row.step_rate)

    def test_a_step_is_clearly_behind_when_its_gap_is(self):
        assert self.TABLE["clear"].to_dict() == {
            ("ads", "C"): True,
            ("ads", "B"): True,
            ("group", "B"): False,
            ("group", "C"): False,
        }

    def test_a_gap_that_holm_does_not_find_clear_is_not_clear(self):
        """group's last step is 14 points ahead of ads' with 40 and 70 users: p = 0.1."""
        close = {"ads": (60, 20, 20), "group": (30, 25, 45)}
        table = estimate.repair(reduced(close), level=LEVEL).set_index(["segment", "step"])
        assert table["gap"]["ads", "C"] > 0
        assert table["p_holm"]["ads", "C"] > 0.05
        assert not table["clear"]["ads", "C"]
        assert table["clear"]["ads", "B"]

    def test_a_repair_that_may_add_nothing_is_not_clear(self):
        """ads' last step, 14 of 40 against 52 of 90: clear by Holm (p = 0.04), whose second pair
        is tested at half the level, but not by the interval that is joint over all four gaps.
        """
        measures = reduced({"ads": (60, 26, 14), "group": (10, 38, 52)})
        row = estimate.repair(measures, level=LEVEL).set_index(["segment", "step"]).loc["ads", "C"]
        assert row.gap > 0
        assert row.p_holm < 0.05
        assert row.extra_lower < 0
        assert not row.clear

    def test_small_groups_are_among_the_others_but_are_not_repaired(self):
        measures = reduced(TWO | {"(small groups)": (40, 0, 0)}, min_users=30)
        table = estimate.repair(measures, level=LEVEL).set_index(["segment", "step"])
        assert set(table.index.get_level_values("segment")) == {"ads", "group"}
        assert table["others_rate"]["ads", "B"] == pytest.approx(70 / 140)

    def test_extra_conversions_have_the_delta_interval(self):
        """Last step, by hand: extra = own at the step x the others' rate - own converted, with
        Poisson counts: own stuck s and converted c, others' rate q of m: variance
        s q^2 + c (1 - q)^2 + (s + c)^2 q (1 - q) / m.
        """
        row = self.TABLE.loc[("ads", "C")]
        q, m, stuck, converted = 60 / 70, 70, 30, 10
        variance = stuck * q**2 + converted * (1 - q) ** 2 + 40**2 * q * (1 - q) / m
        half = norm.ppf(1 - 0.05 / 8) * np.sqrt(variance)
        assert (row.extra_upper - row.extra_lower) / 2 == pytest.approx(half, rel=1e-6)

    def test_conversions_can_be_valued(self):
        assert self.TABLE["worth_cny"].isna().all()
        valued = estimate.repair(reduced(TWO), level=LEVEL, value_cny=20.0)
        for end in ("", "_lower", "_upper"):
            worth, extra = valued[f"worth_cny{end}"], valued[f"extra{end}"]
            assert worth.to_numpy() == pytest.approx(20 * extra.to_numpy())

    def test_a_step_that_none_of_its_own_reached_goes_on_like_the_others(self):
        """Nobody of ads got to B: at the others' 0.7 it would be 70, of whom 6/7 convert."""
        measures = reduced({"ads": (100, 0, 0), "group": (30, 10, 60)})
        table = estimate.repair(measures, level=LEVEL).set_index(["segment", "step"])
        assert table["extra"]["ads", "B"] == pytest.approx(60)

    def test_one_segment_has_no_others(self):
        assert estimate.repair(reduced({"all": (60, 30, 10)}), level=LEVEL).empty


class TestPerPoint:
    def test_a_point_more_is_a_hundredth_of_those_at_the_step_times_the_later_rates(self):
        table = estimate.per_point(reduced({"all": (60, 30, 10)}), level=LEVEL)
        assert table["step"].tolist() == ["B", "C"]
        assert table["at_step"].tolist() == [100, 40]
        assert table["step_rate"].tolist() == [0.4, 0.25]
        assert table["extra"].tolist() == pytest.approx([0.01 * 100 * 0.25, 0.01 * 40])

    def test_at_a_step_that_nobody_took_a_point_more_converts_at_once(self):
        table = estimate.per_point(reduced({"all": (60, 40, 0)}), level=LEVEL)
        assert table["extra"].tolist() == pytest.approx([0, 0.01 * 40])

    def test_where_less_than_a_point_is_lost_what_is_lost_counts(self):
        """1 of 200 is lost at the first step, nobody at the second."""
        table = estimate.per_point(reduced({"all": (1, 0, 199)}), level=LEVEL)
        assert table["extra"].tolist() == pytest.approx([1, 0])

    def test_its_interval_takes_the_counts_as_poisson(self):
        """At the last step it is a hundredth of 40 users, give or take the root of 40."""
        row = estimate.per_point(reduced({"all": (60, 30, 10)}), level=LEVEL).iloc[1]
        half = 0.01 * norm.ppf(0.975) * np.sqrt(40)
        found = (row.extra_lower, row.extra_upper)
        assert found == pytest.approx((0.4 - half, 0.4 + half), rel=1e-6)


class TestPlacebo:
    def test_halves_of_a_minute_are_compared(self):
        halves = [("first", 1, 70), ("first", 3, 30), ("second", 1, 60), ("second", 3, 20)]
        (row,) = estimate.placebo(reduced({"all": ()}, halves=halves), level=LEVEL).itertuples()
        assert (row.entered_first, row.entered_second) == (100, 80)
        assert row.difference == pytest.approx(0.3 - 0.25)
        assert (row.ci_lower, row.ci_upper) == pytest.approx(newcombe(30, 100, 20, 80))
        assert 0.3 < row.p < 0.6

    def test_a_half_of_few_users_is_no_placebo(self):
        halves = [("first", 1, 100), ("second", 1, 29)]
        for min_users, empty in ((29, False), (30, True)):
            measures = reduced({"all": ()}, halves=halves, min_users=min_users)
            assert estimate.placebo(measures, level=LEVEL).empty == empty

    def test_with_times_to_the_minute_there_is_no_placebo(self):
        assert estimate.placebo(reduced({"all": (70, 0, 30)}), level=LEVEL).empty


def test_definitions_get_wilsons_interval_where_enough_can_be_judged():
    table = pd.DataFrame({"entered": [100, 9, 0], "converted": [10, 1, 0]})
    shown = estimate.with_intervals(table, level=LEVEL, min_users=10)
    assert shown["rate"].iloc[0] == 0.1
    assert tuple(shown[["ci_lower", "ci_upper"]].iloc[0]) == pytest.approx(wilson(10, 100))
    assert shown.iloc[1:].isna().all(axis=None)
