"""Segments by hand: what a user was when entering, never what the user went on to be."""

from functools import partial

import pandas as pd
import pytest
from siyu.studies.funnel.definition import Definition
from siyu.studies.funnel.leaks import leak
from siyu.studies.funnel.measure import measure

from tests.studies.funnel.builders import at, log

AB = Definition(steps=["A", "B"])
four_weeks = partial(measure, definition=AB, period_days=28, min_users=1)
TWO = log("a 2026-01-05 10:00 A\n a 2026-01-06 10:00 B\n b 2026-01-05 10:00 A")


def sizes(table):
    return table.groupby("segment")["n"].sum().to_dict()


def by_depth(table):
    return {(row.segment, row.depth): row.n for row in table.itertuples()}


def refusal(measures):
    assert measures.by == ()
    assert set(measures.counts["segment"]) == {"all"}
    (reason,) = measures.refused
    return reason


class TestTraits:
    USERS = (
        {"user_id": "a", "channel": "social", "city": None},
        {"user_id": "b", "channel": "online", "city": "上海"},
    )

    def test_a_trait_of_the_user_is_a_segment(self, open_shop):
        measures = four_weeks(open_shop(TWO, users=self.USERS), by=["channel"])
        assert by_depth(measures.counts) == {("social", 2): 1, ("online", 1): 1}
        assert (measures.by, measures.refused) == (("channel",), ())

    def test_two_traits_make_a_segment_and_a_missing_one_is_said_to_be_unknown(self, open_shop):
        by = ["channel", "city", "channel"]
        measures = four_weeks(open_shop(TWO, users=self.USERS), by=by)
        assert sizes(measures.counts) == {"social × (unknown)": 1, "online × 上海": 1}
        assert measures.by == ("channel", "city")

    def test_a_user_who_is_not_in_users_is_in_no_known_segment(self, open_shop):
        rows = TWO + log("stranger 2026-01-05 10:00 A")
        measures = four_weeks(open_shop(rows, users=self.USERS), by=["channel"])
        assert sizes(measures.counts)["(unknown)"] == 1

    def test_those_who_wait_and_the_times_have_segments_too(self, open_shop):
        rows = TWO + log("b 2026-01-30 10:00 A\n c 2026-01-30 10:00 A")
        users = [*self.USERS, {"user_id": "c", "channel": "online"}]
        measures = four_weeks(open_shop(rows, users=users), by=["channel"])
        assert sizes(measures.waiting) == {"online": 1}
        assert sizes(measures.times) == {"online": 2, "social": 1}

    def test_a_user_may_come_from_another_segment_before(self, open_shop):
        """By the touchpoint of the first start of each span."""
        rows = log(
            """
            a 2025-12-20 10:00 A group
            a 2026-01-06 10:00 A ads
            a 2026-01-06 11:00 B ads
            """,
            "touchpoint",
        )
        pool = open_shop(rows, observed=("2025-12-01", "2026-01-31"))
        (pair,) = four_weeks(pool, by=["touchpoint"]).pairs.to_dict("records")
        expected = {"segment_before": "group", "segment": "ads", "depth_before": 1, "depth": 2}
        assert pair == {**expected, "n": 1}


class TestValueAtTheFirstStart:
    def test_it_is_that_of_the_first_eligible_start_even_if_a_later_one_converts(self, open_shop):
        rows = log(
            """
            a 2026-01-03 10:00 A poster
            a 2026-01-05 10:00 A group
            a 2026-01-20 10:00 A ads
            a 2026-01-21 10:00 B shop
            """,
            "touchpoint",
        )
        measures = four_weeks(open_shop(rows), by=["touchpoint"])
        assert by_depth(measures.counts) == {("group", 2): 1}

    def test_of_two_starts_at_one_instant_the_value_that_sorts_first_is_taken(self, open_shop):
        rows = log(
            """
            a 2026-01-05 10:00 A group
            a 2026-01-05 10:00 A ads
            a 2026-01-05 10:00 A -
            a 2026-01-06 10:00 B -
            """,
            "touchpoint",
        )
        for ordered in (rows, rows[::-1]):
            measures = four_weeks(open_shop(ordered), by=["touchpoint"])
            assert by_depth(measures.counts) == {("ads", 2): 1}

    def test_an_own_text_column_of_the_events_can_be_used(self, open_shop):
        rows = log("a 2026-01-05 10:00 A 直播\n a 2026-01-06 10:00 B -", "场景")
        assert by_depth(four_weeks(open_shop(rows), by=["场景"]).counts) == {("直播", 2): 1}


class TestTier:
    REVIEWS = (
        {"user_id": "a", "tier": "silver", "since": at("2025-06-01 00:00")},
        {"user_id": "a", "tier": "ordinary", "since": at("2026-01-01 00:00")},
        {"user_id": "a", "tier": "gold", "since": at("2026-01-05 10:00:01")},
        {"user_id": "b", "tier": "gold", "since": at("2026-01-05 10:00")},
    )

    def test_it_is_that_of_the_last_review_at_or_before_entering(self, open_shop):
        """a reaches gold a second after entering; b is reviewed at that instant; c never."""
        rows = TWO + log("c 2026-01-05 10:00 A")
        measures = four_weeks(open_shop(rows, tiers=self.REVIEWS), by=["tier"])
        assert by_depth(measures.counts) == {
            ("ordinary", 2): 1,
            ("gold", 1): 1,
            ("(unknown)", 1): 1,
        }

    def test_the_tier_of_today_is_refused(self, open_shop):
        users = [{"user_id": "a", "tier": "gold"}, {"user_id": "b", "tier": "ordinary"}]
        reason = refusal(four_weeks(open_shop(TWO, users=users), by=["tier"]))
        assert reason.startswith("by = 'tier': users holds the tier of today")
        assert reason.endswith(
            "give the reviews in a tiers table, and the tier on entering is used"
        )

    def test_with_reviews_the_tier_of_today_does_not_matter(self, open_shop):
        users = [{"user_id": "a", "tier": "diamond"}, {"user_id": "b", "tier": "diamond"}]
        measures = four_weeks(open_shop(TWO, users=users, tiers=self.REVIEWS), by=["tier"])
        assert set(sizes(measures.counts)) == {"ordinary", "gold"}


class TestRefusal:
    @pytest.mark.parametrize("column", ["user_id", "referrer_id"])
    def test_a_column_that_names_persons(self, open_shop, column):
        users = [{"user_id": "a", "referrer_id": "b"}, {"user_id": "b", "referrer_id": None}]
        reason = refusal(four_weeks(open_shop(TWO, users=users), by=[column]))
        assert reason == f"by = '{column}': would list persons; reports show groups only"

    @pytest.mark.parametrize(
        ("column", "value", "kind"),
        [
            ("left_at", at("2026-01-20 00:00"), r"timestamp\('UTC'"),
            ("visits", 3, "int64"),
        ],
    )
    def test_a_column_that_holds_no_groups(self, open_shop, column, value, kind):
        users = [{"user_id": "a", column: value}, {"user_id": "b", column: None}]
        reason = refusal(four_weeks(open_shop(TWO, users=users), by=[column]))
        assert (
            pd.Series([reason]).str.match(f"by = '{column}': holds {kind}.*, not groups; add").all()
        )

    def test_a_column_that_is_not_there_with_the_nearest(self, open_shop):
        users = [{"user_id": "a", "channel": "social"}, {"user_id": "b", "channel": "online"}]
        reason = refusal(four_weeks(open_shop(TWO, users=users), by=["chanel"]))
        assert reason.startswith(
            "by = 'chanel': no such column; did you mean 'channel'? There are:"
        )
        assert "event" not in reason

    def test_a_column_like_no_other_with_all_there_are(self, open_shop):
        reason = refusal(four_weeks(open_shop(TWO), by=["weather"]))
        assert reason == "by = 'weather': no such column. There are: user_id"

    def test_the_columns_that_can_be_used_still_are(self, open_shop):
        users = [{"user_id": "a", "channel": "social"}, {"user_id": "b", "channel": "online"}]
        measures = four_weeks(open_shop(TWO, users=users), by=["user_id", "channel"])
        assert measures.by == ("channel",)
        assert len(measures.refused) == 1
        assert sizes(measures.counts) == {"social": 1, "online": 1}


class TestLearntLater:
    """a converts and b does not; who was added later had no staff account when entering."""

    @staticmethod
    def users(*added):
        return [
            {"user_id": name, "staff_id": f"staff {name}", "lure": "coupon", "added_at": at(when)}
            for name, when in zip("ab", added, strict=True)
        ]

    @pytest.mark.parametrize("column", ["staff_id", "lure"])
    def test_what_most_users_got_only_after_entering_is_refused(self, open_shop, column):
        users = self.users("2026-01-05 10:05", "2026-01-05 10:05")
        reason = refusal(four_weeks(open_shop(TWO, users=users), by=[column]))
        assert reason == (
            f"by = '{column}': most users got a value only after they entered, so it tells the "
            "outcome, not who they were; choose a column known on entering, or declare known_from "
            "in source.yaml"
        )

    def test_what_was_known_on_entering_is_used(self, open_shop):
        users = self.users("2026-01-05 10:00", "2025-12-31 10:00")
        measures = four_weeks(open_shop(TWO, users=users), by=["staff_id"])
        assert sizes(measures.counts) == {"staff a": 1, "staff b": 1}

    def test_a_staff_account_may_be_a_breakdown_but_not_one_of_few_users(self, open_shop):
        """Staff are no persons of the pool; who has a single user would show that user."""
        users = self.users("2026-01-05 10:00", "2025-12-31 10:00")
        users += [{**users[0], "user_id": "c"}, {**users[0], "user_id": "d", "staff_id": "x"}]
        rows = TWO + log("c 2026-01-05 10:00 A\n d 2026-01-05 10:00 A")
        measures = four_weeks(open_shop(rows, users=users), by=["staff_id"], min_users=2)
        assert measures.refused == ()
        assert sizes(measures.counts) == {"staff a": 2, "(small groups)": 2}

    def test_the_few_who_learnt_it_later_are_unknown(self, open_shop):
        users = self.users("2026-01-20 10:05", "2025-12-31 10:00")
        measures = four_weeks(open_shop(TWO, users=users), by=["staff_id"])
        assert sizes(measures.counts) == {"staff b": 1, "(unknown)": 1}

    def test_an_own_column_can_be_declared_known_since(self, open_shop):
        users = [
            {"user_id": name, "score": "high", "scored_at": at("2026-01-05 10:05")} for name in "ab"
        ]
        layout = {"tables": {"users": {"known_from": {"score": "scored_at"}}}}
        pool = open_shop(TWO, users=users, layout=layout)
        assert "most users got a value only after they entered" in refusal(
            four_weeks(pool, by=["score"])
        )

    def test_without_a_time_of_adding_the_lure_is_taken_as_always_known(self, open_shop):
        users = [{"user_id": "a", "lure": "coupon"}, {"user_id": "b", "lure": "service"}]
        measures = four_weeks(open_shop(TWO, users=users), by=["lure"])
        assert sizes(measures.counts) == {"coupon": 1, "service": 1}

    # 30 users convert, and have a first item; one does neither.
    BUYERS = (
        *(log(f"a{i} 2026-01-05 10:00 A\n a{i} 2026-01-06 10:00 B") for i in range(30)),
        log("b 2026-01-05 10:00 A"),
    )
    BUYERS = tuple(row for rows in BUYERS for row in rows)
    MASKED = (
        *({"user_id": f"a{i}", "first_item": "mask", "channel": "social"} for i in range(30)),
        {"user_id": "b", "first_item": None, "channel": "online"},
    )

    def test_an_undeclared_column_that_only_converts_have_is_refused(self, open_shop):
        """Nothing says since when it is known, but it is filled at the step `B`."""
        pool = open_shop(self.BUYERS, users=self.MASKED)
        reason = refusal(four_weeks(pool, by=["first_item"]))
        assert reason.startswith("by = 'first_item': nearly all who have a value reached “B” and")

    def test_taking_a_column_out_leaves_the_counts_of_the_others(self, open_shop):
        pool = open_shop(self.BUYERS, users=self.MASKED, observed=("2025-12-01", "2026-01-31"))
        measures = four_weeks(pool, by=["channel", "first_item"])
        assert measures.by == ("channel",)
        assert by_depth(measures.counts) == {("social", 2): 30, ("online", 1): 1}
        assert measures.pairs["n"].sum() == measures.times["n"].sum() == 31

    def test_a_column_that_nobody_has_a_value_in_is_refused(self, open_shop):
        users = [{"user_id": "a", "city": None}, {"user_id": "b", "city": None}]
        reason = refusal(four_weeks(open_shop(TWO, users=users), by=["city"]))
        assert reason.startswith("by = 'city': no user had a value on entering")


class TestLeak:
    LABELS = ("A", "B", "C")

    def leak(self, *rows, labels=LABELS, dated=False):
        counts = pd.DataFrame(rows, columns=["by city", "depth", "n"])
        return leak(counts, "city", labels, dated=dated)

    def test_a_column_filled_for_users_of_every_depth_leaks_nothing(self):
        assert self.leak(("x", 1, 50), ("x", 3, 20), ("y", 1, 50), ("y", 3, 50)) == ""

    def test_a_column_missing_for_users_of_every_depth_leaks_nothing(self):
        assert self.leak(("x", 1, 50), ("x", 3, 50), (None, 1, 50), (None, 3, 50)) == ""

    def test_a_column_filled_from_a_step_on_leaks_that_step(self):
        reason = self.leak((None, 1, 50), ("x", 2, 50), ("x", 3, 50), (None, 3, 1))
        assert reason.startswith("by = 'city': nearly all who have a value reached “B” and few")

    @pytest.mark.parametrize(("before", "leaks"), [(5, True), (6, False)])
    def test_nearly_all_are_95_of_100(self, before, leaks):
        """Of those with a value, `before` did not get to B."""
        rows = ("x", 1, before), ("x", 2, 100 - before), (None, 1, 50)
        assert bool(self.leak(*rows)) == leaks

    @pytest.mark.parametrize(("others", "leaks"), [(49, True), (50, False)])
    def test_few_others_are_less_than_half(self, others, leaks):
        rows = ("x", 2, 100), (None, 1, 100 - others), (None, 2, others)
        assert bool(self.leak(*rows)) == leaks

    @pytest.mark.parametrize(("n", "leaks"), [(30, True), (29, False)])
    def test_a_value_of_few_users_proves_nothing(self, n, leaks):
        assert bool(self.leak(("yes", 3, 100), ("no", 1, n - 1), ("no", 2, 1))) == leaks
        assert bool(self.leak(("vip", 2, n), (None, 1, 5_000), (None, 2, 800))) == leaks

    @pytest.mark.parametrize(("others", "leaks"), [(5, True), (6, False)])
    def test_a_value_with_which_nearly_all_convert_and_another_with_which_none_does_leak(
        self, others, leaks
    ):
        """Of 100 with "yes", `others` did not convert: bought later, and were marked then."""
        reason = self.leak(("yes", 3, 100 - others), ("yes", 1, others), ("no", 1, 2_000))
        assert bool(reason) == leaks
        assert reason == "" or "of each value nearly all users convert or none does" in reason

    def test_a_code_that_is_broken_beside_one_that_adds_by_itself_is_a_finding(self):
        """A short funnel may look so; and where a third code is ordinary, nothing is told."""
        rows = ("auto-add", 2, 300), ("broken", 1, 40)
        assert self.leak(*rows, labels=("scan", "add")) == ""
        longer = ("auto-add", 3, 300), ("broken", 1, 40), ("paper", 1, 70), ("paper", 3, 30)
        assert self.leak(*longer) == ""

    def test_a_status_written_after_the_outcome_is_refused_however_many_values_it_has(self):
        rows = ("lost", 1, 500), ("never", 2, 300), ("bought", 3, 200), ("refunded", 3, 40)
        assert self.leak(*rows)

    def test_what_is_read_as_of_the_start_cannot_tell_what_came_after(self):
        """Members of a tier get on, and newcomers do not: that is a finding."""
        rows = ("gold", 1, 2), ("gold", 3, 98), (None, 1, 900), (None, 3, 100)
        assert self.leak(*rows)
        assert self.leak(*rows, dated=True) == ""

    def test_what_nobody_had_on_entering_is_refused_dated_or_not(self):
        assert "no user had a value on entering" in self.leak((None, 1, 50), dated=True)

    def test_all_converting_or_none_alone_is_no_leak(self):
        assert self.leak(("x", 3, 100), ("y", 1, 50), ("y", 3, 50)) == ""
        assert self.leak(("x", 1, 100), ("y", 1, 50), ("y", 3, 50)) == ""

    def test_nobody_leaks_nothing(self):
        assert self.leak() == ""
