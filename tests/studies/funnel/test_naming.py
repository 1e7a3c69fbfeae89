"""Names of segments by hand: no two share one, and small groups do."""

from functools import partial
from itertools import combinations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from siyu.studies.funnel.definition import Definition
from siyu.studies.funnel.estimate import steps
from siyu.studies.funnel.measure import measure
from siyu.studies.naming import large, name_of

from tests.studies.funnel.builders import at, log

AB = Definition(steps=["A", "B"])
four_weeks = partial(measure, definition=AB, period_days=28, min_users=1)
TWO = log("a 2026-01-05 10:00 A\n a 2026-01-06 10:00 B\n b 2026-01-05 10:00 A")


def sizes(table):
    return table.groupby("segment")["n"].sum().to_dict()


def merged(*counts, min_users=30):
    """Segments by their counts (entered, before, followed): which keep their names?"""
    names = ["entered", "before", "followed"]
    table = pd.DataFrame([(*c, 0, 0)[:3] for c in counts], columns=names, dtype="float64")
    table.index = list("abcdefghij")[: len(counts)]
    return "".join(sorted(large(table, min_users=min_users)))


class TestLarge:
    """What is not shown by name must not be a small group either: it is had by subtraction."""

    @pytest.mark.parametrize(
        ("sizes", "shown"),
        [
            ((50, 40), "ab"),
            ((50, 40, 20, 10), "ab"),  # the last two are 30 together
            ((50, 40, 20), "a"),  # 20 alone would be told by subtraction, so 40 joins them
            ((50, 20), ""),
            ((29,), ""),
            ((30,), "a"),
            ((), ""),
        ],
    )
    def test_segments_shown_leave_no_few_over(self, sizes, shown):
        assert merged(*((n,) for n in sizes)) == shown

    @pytest.mark.parametrize(
        ("counts", "shown"),
        [
            # b was 12 before, c is 12 now: each is few once, and together they are few in neither.
            ([(400, 380, 400), (200, 12, 200), (12, 60, 12)], "a"),
            # c is few now, and enough before; b, the next smallest, joins it.
            ([(400, 380, 400), (40, 45, 40), (12, 60, 12)], "a"),
            # Nobody is no small group: b is new, c is gone.
            ([(400, 380, 400), (50, 0, 50), (0, 50, 0)], "abc"),
            # Seven wait in a channel in which nobody can be judged yet.
            ([(300, 0, 350), (200, 0, 250), (0, 0, 7)], "a"),
        ],
    )
    def test_few_in_any_count_is_few(self, counts, shown):
        assert merged(*counts) == shown


COUNTS = st.integers(0, 12) | st.sampled_from([0, 4, 5, 6, 50])


@settings(max_examples=200, derandomize=True, deadline=None)
@given(st.lists(st.tuples(COUNTS, COUNTS, COUNTS), min_size=1, max_size=8))
def test_no_published_group_nor_what_the_named_ones_leave_over_is_a_few_persons(rows):
    """In none of the counts; unless all are together, and then the pool itself is small."""
    sizes = pd.DataFrame([(n, old, n + young) for n, old, young in rows], columns=list("abc"))
    sizes.index = sizes.index.map(str)
    sizes = sizes[(sizes > 0).any(axis=1)]
    shown = sorted(large(sizes, min_users=5))
    groups = [sizes.loc[name] for name in shown]
    if shown:
        groups += [sizes.sum() - sizes.loc[sorted(some)].sum() for some in subsets(shown)]
    for group in groups:
        assert ((group == 0) | (group >= 5)).all()


def subsets(names):
    """Every choice of published groups to subtract from the total."""
    return [some for k in range(1, len(names) + 1) for some in combinations(names, k)]


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

    def test_the_comparison_has_the_same_groups(self, open_shop):
        """C-town is one user in both spans, D-town one user before: two before, and one now."""
        measures = four_weeks(self.open(open_shop), by=["city"], min_users=2)
        before, now = (
            measures.pairs.groupby(name)["n"].sum().to_dict()
            for name in ("segment_before", "segment")
        )
        assert before == {"(small groups)": 2}
        assert now == {"A-town": 3, "(small groups)": 3}
        assert measures.segments == {"A-town": {"city": "A-town"}}

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


@pytest.mark.parametrize(
    "value", ["all", "(small groups)", "mix", "rate", "全部", "（小分组合计）", "（未知）"]
)
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
