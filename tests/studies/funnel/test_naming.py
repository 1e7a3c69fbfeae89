"""Names of segments by hand: no two share one, and small groups do."""

from functools import partial

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from siyu.studies.funnel.definition import Definition
from siyu.studies.funnel.estimate import steps
from siyu.studies.funnel.measure import measure
from siyu.studies.funnel.naming import large, name_of

from tests.studies.funnel.builders import at, log

AB = Definition(steps=["A", "B"])
four_weeks = partial(measure, definition=AB, period_days=28, min_users=1)
TWO = log("a 2026-01-05 10:00 A\n a 2026-01-06 10:00 B\n b 2026-01-05 10:00 A")


def sizes(table):
    return table.groupby("segment")["n"].sum().to_dict()


class TestLarge:
    """What is not shown by name must not be a small group either: it is had by subtraction."""

    @pytest.mark.parametrize(
        ("sizes", "shown"),
        [
            ((50, 40), {"0", "1"}),
            ((50, 40, 20, 10), {"0", "1"}),  # the last two are 30 together
            ((50, 40, 20), {"0"}),  # 20 alone would be told by subtraction, so 40 joins them
            ((50, 20), set()),
            ((29,), set()),
            ((30,), {"0"}),
            ((), set()),
        ],
    )
    def test_segments_shown_leave_no_few_over(self, sizes, shown):
        entered = pd.Series({str(i): n for i, n in enumerate(sizes)}, dtype="int64")
        assert large(entered, min_users=30) == shown


class TestSmallGroups:
    USERS = tuple(
        {"user_id": f"{city}{i}", "city": city}
        for city, n in (("A-town", 3), ("B-town", 2), ("C-town", 1), ("D-town", 1))
        for i in range(n)
    )

    def open(self, open_shop):
        """Three enter in A-town, two in B-town, one in C-town; D-town had entered before only."""
        rows = [
            {"user_id": user["user_id"], "occurred_at": at("2026-01-05 10:00"), "event": event}
            for user in self.USERS
            for event in "AB"
            if user["city"] != "D-town"
        ]
        rows += log("D-town0 2025-12-20 10:00 A\n C-town0 2025-12-20 10:00 A")
        return open_shop(rows, users=self.USERS, observed=("2025-12-01", "2026-01-31"))

    def test_they_share_one_name(self, open_shop):
        measures = four_weeks(self.open(open_shop), by=["city"], min_users=2)
        assert sizes(measures.counts) == {"A-town": 3, "(small groups)": 3}
        assert sizes(measures.times) == {"A-town": 3, "(small groups)": 3}

    def test_in_the_comparison_those_that_were_small_in_either_span_share_it(self, open_shop):
        """C-town is one user in both spans, D-town one user before."""
        measures = four_weeks(self.open(open_shop), by=["city"], min_users=2)
        before, now = (
            measures.pairs.groupby(name)["n"].sum().to_dict()
            for name in ("segment_before", "segment")
        )
        assert before == {"(small groups)": 2}
        assert now == {"A-town": 3, "B-town": 2, "(small groups)": 1}

    def test_a_group_that_is_large_enough_in_each_span_keeps_its_name(self, open_shop):
        measures = four_weeks(self.open(open_shop), by=["city"], min_users=1)
        assert set(measures.pairs["segment_before"].dropna()) == {"C-town", "D-town"}

    def test_without_a_breakdown_a_small_pool_is_still_everybody(self, open_shop):
        measures = four_weeks(self.open(open_shop), min_users=1_000)
        assert sizes(measures.counts) == {"all": 6}

    @pytest.mark.parametrize("min_users", [1, 2, 3, 100])
    def test_totals_are_the_sums_of_the_segments(self, open_shop, min_users):
        pool = self.open(open_shop)
        whole, split = (four_weeks(pool, by=by, min_users=min_users) for by in ([], ["city"]))
        for name in ("counts", "waiting", "pairs", "times"):
            table, parts = getattr(whole, name), getattr(split, name)
            keys = [c for c in table.columns if c not in ("segment", "segment_before", "n")]
            pd.testing.assert_series_equal(
                *(t.groupby(keys, dropna=False)["n"].sum() for t in (table, parts))
            )


@pytest.mark.parametrize("value", ["all", "(small groups)", "mix", "rate"])
def test_a_value_that_reads_like_a_name_of_ours_is_shown_with_its_column(open_shop, value):
    users = [{"user_id": "a", "channel": value}, {"user_id": "b", "channel": "online"}]
    measures = four_weeks(open_shop(TWO, users=users), by=["channel"])
    assert sizes(measures.counts) == {f"{value} (channel)": 1, "online": 1}
    entered = steps(measures, level=0.95).query("k == 1").set_index("segment")["entered"]
    assert entered.to_dict() == {"all": 2, f"{value} (channel)": 1, "online": 1}


class TestCrossings:
    @staticmethod
    def measured(open_shop, *crossings, by=("channel", "city")):
        users = [
            {"user_id": name, **dict(zip(by, values, strict=True))}
            for name, values in zip("ab", crossings, strict=True)
        ]
        return four_weeks(open_shop(TWO, users=users), by=list(by))

    def test_two_that_would_read_alike_have_two_names_and_keep_their_values(self, open_shop):
        measures = self.measured(open_shop, ("x × y", "z"), ("x", "y × z"))
        assert sizes(measures.counts) == {"x ×× y × z": 1, "x × y ×× z": 1}
        assert measures.segments == {
            "x ×× y × z": {"channel": "x × y", "city": "z"},
            "x × y ×× z": {"channel": "x", "city": "y × z"},
        }

    def test_a_missing_value_is_said_to_be_unknown(self, open_shop):
        measures = self.measured(open_shop, ("x", None), ("x", "上海"))
        assert measures.segments == {
            "x × (unknown)": {"channel": "x", "city": "(unknown)"},
            "x × 上海": {"channel": "x", "city": "上海"},
        }

    def test_a_times_sign_inside_a_word_stays_as_it_is(self, open_shop):
        measures = self.measured(open_shop, ("面膜×2", "z"), ("3×500ml", "z"))
        assert set(measures.segments) == {"面膜×2 × z", "3×500ml × z"}

    def test_a_single_column_shows_its_values_as_they_are(self, open_shop):
        measures = self.measured(open_shop, ("x × y",), ("x",), by=("channel",))
        assert measures.segments == {"x × y": {"channel": "x × y"}, "x": {"channel": "x"}}

    def test_everyone_and_the_small_groups_have_no_value_of_a_column(self, open_shop):
        rows = [{"user_id": name, "channel": "x"} for name in "ab"]
        assert four_weeks(open_shop(TWO, users=rows)).segments == {}
        few = measure(open_shop(TWO, users=rows), AB, period_days=28, by=["channel"], min_users=3)
        assert (few.segments, sizes(few.counts)) == ({}, {"(small groups)": 2})

    def test_a_segment_that_is_shown_only_in_the_comparison_has_its_values_too(self, open_shop):
        rows = TWO + log("c 2025-12-20 10:00 A")
        users = [
            {"user_id": name, "channel": channel}
            for name, channel in zip("abc", "xxz", strict=True)
        ]
        pool = open_shop(rows, users=users, observed=("2025-12-01", "2026-01-31"))
        assert four_weeks(pool, by=["channel"]).segments["z"] == {"channel": "z"}


VALUES = st.text("×x (al)", max_size=9) | st.sampled_from(["all", "all (city)", "mix", "× x ×"])


@pytest.mark.parametrize("by", [["city"], ["channel", "city"], ["city", "channel", "city_tier"]])
def test_no_two_segments_share_a_name_and_none_has_one_of_ours(by):
    @settings(max_examples=300, derandomize=True, deadline=None)
    @given(st.lists(st.tuples(*[VALUES] * len(by)), min_size=2, max_size=30, unique=True))
    def holds(crossings):
        names = [name_of(by, values) for values in crossings]
        assert len(set(names)) == len(names)
        assert not {"all", "(small groups)", "mix", "rate"} & set(names)

    holds()


def test_without_columns_everyone_is_one_segment():
    assert name_of([], []) == "all"
