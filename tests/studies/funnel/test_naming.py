"""Names of segments by hand: no two share one, and small groups do."""

from functools import partial

import pandas as pd
import pytest
from siyu.studies.funnel.definition import Definition
from siyu.studies.funnel.estimate import steps
from siyu.studies.funnel.measure import measure
from siyu.studies.funnel.naming import large

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
