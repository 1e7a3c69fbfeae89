"""Estimates by hand, and by a second route: statsmodels, or the formula written out anew.

The counts are those of users who got exactly 1, 2, 3 steps far: (60, 30, 10) entered as 100, of
whom 40 reached the second and 10 the last step.
"""

import pytest
from scipy.stats import fisher_exact, hypergeom
from siyu.studies.funnel import estimate
from statsmodels.stats.multitest import multipletests

from tests.studies.funnel.builders import reduced
from tests.studies.funnel.routes import newcombe, wilson

LEVEL = 0.95
TWO = {"ads": (60, 30, 10), "group": (30, 10, 60)}
MINUTES = 1440


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


def compared(**exact):
    return estimate.compare_segments(reduced(exact, min_users=2), level=LEVEL)


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
        """21 of 80 against 41 of 280: p = 0.02, times the number of segments by Holm; two segments
        that make up everyone are a single comparison.
        """
        pair = {"one": (59, 0, 21), "rest": (239, 0, 41)}
        many = {"one": (59, 0, 21)} | {f"rest {i}": (34, 0, 6) for i in range(6)}
        many["rest 6"] = (35, 0, 5)
        alone = estimate.compare_segments(reduced(pair), level=LEVEL).set_index("segment")
        among = estimate.compare_segments(reduced(many), level=LEVEL).set_index("segment")
        assert among["rest_rate"]["one"] == alone["rest_rate"]["one"]
        assert (alone["verdict"]["one"], among["verdict"]["one"]) == ("higher", "unclear")
        assert among["p_holm"]["one"] == pytest.approx(8 * alone["p_holm"]["one"], rel=0.01)

    def test_two_segments_that_make_up_everyone_are_one_comparison(self):
        """3 of 4 against 1 of 4. Of the 70 ways to choose 4 of 8 users 16 give 3 and 1 gives 4
        converts: mid-p is 2 x (1 + 16 / 2) / 70, the same seen from either side.
        """
        table = compared(a=(1, 0, 3), b=(3, 0, 1))
        assert table["p_holm"].tolist() == pytest.approx([18 / 70, 18 / 70])
        assert table["difference"].tolist() == [0.5, -0.5]

    def test_two_segments_beside_a_group_too_small_to_be_shown_are_two(self):
        """a's 3 of 4 against 2 of 5, b's 1 of 4 against 4 of 5. Of the 126 ways to choose 4 of 9
        users 40 give 3 and 5 give 4 of the 5 converts; 20 give 1 and 1 gives none.
        """
        table = compared(**{"a": (1, 0, 3), "b": (3, 0, 1), "(small groups)": (0, 0, 1)})
        assert table["segment"].tolist() == ["a", "b"]
        own = 2 * (5 + 40 / 2) / 126, 2 * (1 + 20 / 2) / 126
        assert table["p_holm"].tolist() == pytest.approx([max(own[0], 2 * own[1]), 2 * own[1]])

    def test_equal_rates_stand_in_the_order_of_their_names(self):
        table = estimate.compare_segments(reduced({"b": (5, 0, 5), "a": (5, 0, 5)}), level=LEVEL)
        assert table["segment"].tolist() == ["a", "b"]
        assert table["verdict"].tolist() == ["unclear", "unclear"]

    def test_one_segment_has_nothing_to_be_compared_with(self):
        assert estimate.compare_segments(reduced({"all": (5, 0, 5)}), level=LEVEL).empty


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
