"""The change against the span before, by hand and by a second route.

Cells are (segment, depth before, segment, depth now, users); depth 2 of "A B C" has reached B.
"""

import numpy as np
import pytest
from scipy.stats import norm
from siyu.stats.intervals import difference_pvalue
from siyu.studies.funnel.change import compare_periods

from tests.studies.funnel.builders import reduced
from tests.studies.funnel.routes import newcombe

LEVEL = 0.95
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
    CHANGE = compare_periods(reduced(NOW, pairs=APART), level=LEVEL)

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
        twice = self.total(compare_periods(reduced(NOW, pairs=paired), level=LEVEL))
        once = self.total()
        assert twice["value"].to_dict() == pytest.approx(once["value"].to_dict())
        once, twice = (t.ci_upper["rate"] - t.ci_lower["rate"] for t in (once, twice))
        assert twice < 0.9 * once

    def test_users_of_both_spans_who_change_sides_make_the_change_wider(self):
        """Those who converted do not again, and the others now do: no luck evens out."""
        opposed = (("all", 3, "all", 1, 50), ("all", 1, "all", 3, 50), ("all", 1, "all", 1, 100))
        measures = reduced({"all": (150, 0, 50)}, pairs=opposed)
        row = self.total(compare_periods(measures, level=LEVEL)).loc["change"]
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
        (row,) = compare_periods(measures, level=LEVEL).segments.itertuples()
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
        pseudo = [("all", d, *NOBODY, 1) for d in (1, 2, 3)]
        pseudo += [(*NOBODY, "all", d, 1) for d in (1, 2, 3)]

        def influence(rows):
            entered = sum(e * n for _, e, n in rows)
            rate = sum(x * n for x, _, n in rows) / entered
            return rate, [(x - rate * e) / entered for x, e, _ in rows]

        def spread(cells):
            old, first = influence([(d == 3, d > 0, n) for _, d, _, _, n in cells])
            new, second = influence([(d == 3, d > 0, n) for _, _, _, d, n in cells])
            each = zip(first, second, cells, strict=True)
            return new - old, np.sqrt(sum(n * (b - a) ** 2 for a, b, (*_, n) in each))

        change = compare_periods(reduced({"all": (500, 0, 100)}, pairs=cells), level=LEVEL)
        row = self.total(change).loc["rate"]  # one segment: its rate part is the whole change
        difference, error = spread(cells)
        assert row.value == pytest.approx(difference)
        half = norm.ppf(0.975) * max(error, spread([*cells, *pseudo])[1])
        assert (row.ci_upper - row.ci_lower) / 2 == pytest.approx(half, rel=1e-6)

    def test_verdicts_of_segments_are_holms_over_the_larger_p(self):
        table = self.CHANGE.segments.set_index("segment")
        ads = table.loc["ads"]
        found = (ads.change_lower, ads.change_upper)
        # One pseudo-user at each of three depths in either span makes 11 of 103 and 61 of 303.
        error = np.sqrt(11 / 103 * 92 / 103 / 103 + 61 / 303 * 242 / 303 / 303)
        delta = 0.1 - 1.959964 * error, 0.1 + 1.959964 * error
        other = newcombe(60, 300, 10, 100)
        expected = min(delta[0], other[0]), max(delta[1], other[1])
        assert found == pytest.approx(expected, abs=1e-6)
        assert table["verdict"].to_dict() == {"ads": "higher", "group": "unclear"}
        wald = 2 * norm.sf(0.1 / error)
        midp = difference_pvalue(60, 300, 10, 100)
        assert ads.p_holm == pytest.approx(2 * max(wald, midp), rel=1e-6)

    @pytest.mark.parametrize(
        ("before", "now", "interval_says", "p_says"),
        [((40, 2), (40, 8), True, False), ((30, 0), (3_000, 300), False, True)],
    )
    def test_a_change_is_clear_only_if_interval_and_p_value_both_say_so(
        self, before, now, interval_says, p_says
    ):
        (n0, x0), (n1, x1) = before, now
        cells = [("all", 1, *NOBODY, n0 - x0), ("all", 3, *NOBODY, x0)]
        cells += [(*NOBODY, "all", 1, n1 - x1), (*NOBODY, "all", 3, x1)]
        measures = reduced({"all": (n1 - x1, 0, x1)}, pairs=[cell for cell in cells if cell[-1]])
        change = compare_periods(measures, level=LEVEL)
        (row,) = change.segments.itertuples()
        assert (row.change_lower > 0) == interval_says
        assert (row.p_holm <= 0.05) == p_says
        assert row.verdict == change.verdict == "unclear"

    @pytest.mark.parametrize(("was", "verdict"), [(10, "higher"), (30, "unclear"), (60, "lower")])
    def test_the_whole_is_higher_lower_or_unclear(self, was, verdict):
        cells = (("all", 1, *NOBODY, 100 - was), ("all", 3, *NOBODY, was), (*NOBODY, "all", 3, 60))
        cells = (*cells, (*NOBODY, "all", 1, 140))
        change = compare_periods(reduced({"all": (140, 0, 60)}, pairs=cells), level=LEVEL)
        assert change.verdict == verdict

    def test_with_two_steps_the_part_of_the_second_is_the_change_itself(self):
        cells = (("all", 1, *NOBODY, 40), ("all", 2, *NOBODY, 1), (*NOBODY, "all", 1, 99))
        measures = reduced({"all": (99, 0)}, steps=("A", "B"), pairs=cells)
        change = compare_periods(measures, level=LEVEL)
        (part,) = change.steps[["part", "part_lower", "part_upper"]].to_numpy()
        whole = self.total(change).loc["change", ["value", "ci_lower", "ci_upper"]]
        assert part.tolist() == pytest.approx(whole.tolist())

    def test_a_segment_of_which_nobody_converted_before_says_little(self):
        """0 of 40, now 20 of 400: by hand from 1 of 43 and 21 of 403; the plain delta is sure."""
        cells = (("all", 1, *NOBODY, 40), (*NOBODY, "all", 1, 380), (*NOBODY, "all", 3, 20))
        change = compare_periods(reduced({"all": (380, 0, 20)}, pairs=cells), level=LEVEL)
        row = self.total(change).loc["rate"]
        half = norm.ppf(0.975) * np.sqrt(1 / 43 * 42 / 43 / 43 + 21 / 403 * 382 / 403 / 403)
        assert row.ci_lower == pytest.approx(0.05 - half, rel=1e-6)
        assert row.ci_lower < 0 < 0.05 - norm.ppf(0.975) * np.sqrt(0.05 * 0.95 / 400)

    def test_a_segment_that_comes_does_not_blur_the_rate_part_of_the_others(self):
        """Nobody is made up where nobody was: its rate before is the one it has now."""
        cells = (
            ("stay", 1, *NOBODY, 4_000),
            ("stay", 3, *NOBODY, 1_000),
            (*NOBODY, "stay", 1, 4_000),
            (*NOBODY, "stay", 3, 1_000),
            (*NOBODY, "new", 3, 5_000),
        )
        now = {"stay": (4_000, 0, 1_000), "new": (0, 0, 5_000)}
        total = self.total(compare_periods(reduced(now, pairs=cells), level=LEVEL))
        assert total["value"]["rate"] == pytest.approx(0, abs=1e-12)
        assert total["ci_upper"]["rate"] < 0.02

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
        change = compare_periods(measures, level=LEVEL)
        table = change.segments.set_index("segment")
        assert table["rate"].tolist() == pytest.approx([0, 0, 0])
        assert table["mix"].sum() == pytest.approx(0.6 - 0.1)
        assert np.isnan(table["rate_before"]["new"])
        assert np.isnan(table["rate_now"]["old"])
        assert table["verdict"]["old"] == table["verdict"]["new"] == "unclear"

    @pytest.mark.parametrize(("min_users", "none"), [(200, False), (201, True)])
    def test_a_span_of_few_users_is_not_compared(self, min_users, none):
        measures = reduced(NOW, pairs=self.APART, min_users=min_users)
        assert (compare_periods(measures, level=LEVEL) is None) == none

    def test_no_row_is_hidden_so_that_none_can_be_had_by_subtraction(self):
        small = ((*NOBODY, "(small groups)", 3, 99),)
        measures = reduced(NOW, pairs=(*self.APART, *small), min_users=10)
        table = compare_periods(measures, level=LEVEL).segments
        assert table["segment"].tolist() == ["(small groups)", "ads", "group"]
        assert table["entered"].sum() == 499
        assert table["entered_before"].sum() == 200

    @pytest.mark.parametrize("cell", [("all", 1, *NOBODY, 9), (*NOBODY, "all", 1, 9)])
    def test_with_nobody_in_one_of_the_spans_there_is_no_change(self, cell):
        measures = reduced({"all": (9, 0, 0)}, pairs=[cell])
        assert compare_periods(measures, level=LEVEL) is None
