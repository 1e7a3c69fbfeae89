"""The funnel by hand: each case is one short log of one user, its answer visible in the test."""

import pytest

from tests.studies.funnel.builders import reached

AFTER = "00.000001"
"""A microsecond past a full minute."""


class TestEntry:
    LOG = "A 13:00, A 13:30, B 13:45, C 14:15"

    def test_the_first_start_reaches_b_only_because_c_comes_after_its_hour(self):
        assert reached(self.LOG, "A B C", window="1:00", entry="first") == ["13:00", "13:45", None]

    def test_the_best_start_converts_through_the_second_a(self):
        assert reached(self.LOG, "A B C", window="1:00") == ["13:00", "13:45", "14:15"]

    def test_after_a_window_has_ended_a_new_start_converts_only_if_the_best_counts(self):
        log = "A 1:00, A 3:00, B 3:30"
        assert reached(log, "A B", window="1:00", entry="first") == ["1:00", None]
        assert reached(log, "A B", window="1:00", entry="best") == ["1:00", "3:30"]

    def test_each_step_is_dated_by_the_earliest_chain_that_gets_there(self):
        log = "A 1:00, B 2:00, A 3:00, B 3:30, C 4:15"
        assert reached(log, "A B C", window="1:30") == ["1:00", "2:00", "4:15"]

    def test_a_step_done_before_the_start_does_not_count(self):
        assert reached("B 1:00, A 2:00", "A B") == ["2:00", None]

    def test_a_step_that_is_left_out_ends_the_chain_whatever_follows(self):
        assert reached("A 1:00, C 2:00", "A B C") == ["1:00", None, None]

    def test_without_a_start_there_is_no_row(self):
        assert reached("B 1:00, C 2:00", "A B C") == []


class TestWindow:
    def test_the_very_end_of_the_window_is_inside(self):
        assert reached("A 1:00, B 2:00", "A B", window="1:00") == ["1:00", "2:00"]

    def test_a_microsecond_later_is_outside(self):
        assert reached(f"A 1:00, B 2:00:{AFTER}", "A B", window="1:00") == ["1:00", None]

    def test_the_window_runs_from_the_start_not_from_the_step_before(self):
        log = "A 1:00, B 1:50, C 2:10"
        assert reached(log, "A B C", window="1:00") == ["1:00", "1:50", None]

    def test_without_a_window_any_time_will_do(self):
        assert reached("A 1:00, B 99:00", "A B") == ["1:00", "99:00"]


class TestEligibility:
    def test_a_start_at_the_last_eligible_instant_counts_and_is_followed_past_it(self):
        assert reached("A 2:00, B 5:00", "A B", until="2:00") == ["2:00", "5:00"]

    def test_a_microsecond_later_it_does_not(self):
        assert reached(f"A 2:00:{AFTER}, B 5:00", "A B", until="2:00") == []

    def test_a_late_start_cannot_save_an_early_one(self):
        log = "A 1:00, A 3:00, B 3:30"
        assert reached(log, "A B", window="1:00", until="2:00") == ["1:00", None]

    def test_a_start_at_the_first_instant_of_the_period_counts(self):
        assert reached("A 0:00, B 1:00", "A B") == ["0:00", "1:00"]

    @pytest.mark.parametrize("order", ["ordered", "strict", "any"])
    def test_nothing_before_the_period_counts_as_a_start_or_a_step(self, order):
        log = "A -1:00, B -1:30, C 2:00"
        assert reached(log, "A B C", order=order) == (["2:00", None, None] * (order == "any"))


class TestTies:
    """Of two rows at one instant neither is known to be the first."""

    @pytest.mark.parametrize("log", ["A 1:00, B 1:00", "B 1:00, A 1:00"])
    @pytest.mark.parametrize("order", ["ordered", "strict"])
    def test_either_counts_them_as_a_chain_in_any_row_order(self, log, order):
        assert reached(log, "A B", ties="either", order=order) == ["1:00", "1:00"]

    @pytest.mark.parametrize("log", ["A 1:00, B 1:00", "B 1:00, A 1:00"])
    @pytest.mark.parametrize("order", ["ordered", "strict"])
    def test_strict_counts_neither_as_after_the_other(self, log, order):
        assert reached(log, "A B", ties="strict", order=order) == ["1:00", None]

    def test_strict_goes_on_to_the_next_b(self):
        log = "A 1:00, B 1:00, B 2:00"
        assert reached(log, "A B", ties="strict") == ["1:00", "2:00"]

    def test_a_whole_chain_can_stand_at_one_instant(self):
        assert reached("C 1:00, B 1:00, A 1:00", "A B C") == ["1:00", "1:00", "1:00"]


class TestRepeatedSteps:
    LOG = "onboarding 1:00, view 2:00, view 2:00, view 3:00"

    def test_two_views_at_one_instant_are_two_views(self):
        assert reached(self.LOG, "onboarding view view") == ["1:00", "2:00", "2:00"]

    def test_if_ties_are_strict_the_second_view_is_the_later_one(self):
        expected = ["1:00", "2:00", "3:00"]
        assert reached(self.LOG, "onboarding view view", ties="strict") == expected

    def test_one_view_is_not_two(self):
        log = "onboarding 1:00, view 2:00"
        assert reached(log, "onboarding view view") == ["1:00", "2:00", None]

    def test_a_start_is_not_its_own_second_time(self):
        assert reached("A 1:00", "A A") == ["1:00", None]
        assert reached("A 1:00, A 2:00", "A A A") == ["1:00", "2:00", None]

    def test_the_middle_event_starts_the_chain_that_fits_the_window(self):
        assert reached("A 1:00, A 3:00, A 3:30", "A A", window="1:00") == ["1:00", "3:30"]

    def test_a_repeated_name_need_not_be_repeated_at_once(self):
        assert reached("A 1:00, B 2:00, A 3:00", "A B A") == ["1:00", "2:00", "3:00"]
        assert reached("A 1:00, B 2:00", "A B A") == ["1:00", "2:00", None]


class TestStepsOfSeveralNames:
    def test_any_one_of_the_names_will_do(self):
        assert reached("B 1:00, D 2:00", "A|B C|D") == ["1:00", "2:00"]

    def test_a_row_that_could_serve_two_steps_serves_one(self):
        assert reached("B 1:00", "A|B B") == ["1:00", None]
        assert reached("B 1:00, B 2:00", "A|B B") == ["1:00", "2:00"]

    def test_tied_rows_are_shared_out_so_that_the_chain_is_longest(self):
        """A must take the first step, or B is used up before the last."""
        assert reached("B 1:00, C 1:00, A 1:00", "A|B B|C B") == ["1:00", "1:00", "1:00"]

    def test_tied_rows_are_not_shared_out_twice(self):
        """One B for the two last steps."""
        assert reached("B 1:00, A 1:00, A 1:00", "A|B B|C B") == ["1:00", "1:00", None]

    def test_a_tied_row_may_serve_a_late_step_of_an_earlier_chain(self):
        log = "A 1:00, C 2:00, B 2:00"
        assert reached(log, "A|B B|C B") == ["1:00", "2:00", "2:00"]


class TestHold:
    def test_all_rows_of_a_chain_have_one_value(self):
        log = "A:mask 1:00, B:cream 2:00, B:mask 3:00"
        assert reached(log, "A B", hold=True) == ["1:00", "3:00"]
        assert reached(log, "A B", hold=False) == ["1:00", "2:00"]

    def test_the_longest_chain_of_any_value_wins(self):
        log = "A:mask 1:00, A:cream 2:00, B:mask 3:00, B:cream 4:00, C:cream 5:00"
        assert reached(log, "A B C", hold=True) == ["1:00", "3:00", "5:00"]

    def test_the_first_start_fixes_the_value_when_the_first_counts(self):
        log = "A:mask 1:00, A:cream 2:00, B:cream 3:00"
        assert reached(log, "A B", hold=True, entry="first") == ["1:00", None]

    def test_rows_without_a_value_take_no_part(self):
        assert reached("A 1:00, B 2:00", "A B", hold=True) == []
        assert reached("A 1:00, A:mask 2:00, B 3:00", "A B", hold=True) == ["2:00", None]

    def test_the_value_is_held_in_any_order_too(self):
        log = "B:mask 1:00, A:cream 2:00, A:mask 3:00"
        assert reached(log, "A B", hold=True, order="any") == ["1:00", "3:00"]


class TestExclude:
    """An excluded event ends every attempt begun at or before it; a step at the same instant still
    counts.
    """

    @staticmethod
    def reached(log, steps="A B", **options):
        return reached(log, steps, exclude=("X",), **options)

    def test_it_ends_the_attempt_it_falls_into(self):
        assert self.reached("A 1:00, X 2:00, B 3:00") == ["1:00", None]

    def test_before_the_start_it_does_nothing(self):
        assert self.reached("X 0:30, A 1:00, B 2:00") == ["1:00", "2:00"]

    def test_after_the_end_it_does_nothing(self):
        assert self.reached("A 1:00, B 2:00, X 3:00") == ["1:00", "2:00"]

    def test_at_the_instant_of_the_start_it_ends_the_attempt(self):
        assert self.reached("A 1:00, X 1:00, B 2:00") == ["1:00", None]

    def test_at_the_instant_of_the_step_the_step_still_counts(self):
        assert self.reached("A 1:00, X 2:00, B 2:00") == ["1:00", "2:00"]

    def test_the_step_after_that_instant_does_not_count(self):
        log = "A 1:00, X 2:00, B 2:00, C 3:00"
        assert self.reached(log, "A B C") == ["1:00", "2:00", None]

    def test_a_whole_chain_at_its_instant_still_counts(self):
        assert self.reached("X 1:00, B 1:00, A 1:00") == ["1:00", "1:00"]

    def test_a_start_after_it_is_a_new_attempt(self):
        log = "A 1:00, X 2:00, A 3:00, B 4:00"
        assert self.reached(log) == ["1:00", "4:00"]
        assert self.reached(log, entry="first") == ["1:00", None]

    def test_a_step_reached_before_it_is_no_step_of_the_new_attempt(self):
        log = "A 1:00, B 2:00, X 3:00, A 4:00, C 5:00"
        assert self.reached(log, "A B C") == ["1:00", "2:00", None]

    def test_it_ends_attempts_that_hold_another_value_too(self):
        log = "A:mask 1:00, X:cream 2:00, B:mask 3:00"
        assert self.reached(log, hold=True) == ["1:00", None]

    def test_it_ends_attempts_in_any_order_too(self):
        assert self.reached("B 1:00, X 2:00, A 3:00", order="any") == ["1:00", None]
        assert self.reached("B 1:00, X 3:00, A 3:00", order="any") == ["1:00", "3:00"]

    def test_it_also_ends_attempts_in_which_one_row_could_serve_two_steps(self):
        assert self.reached("A 1:00, X 1:00, A 2:00", "A A") == ["1:00", None]
        assert self.reached("A 1:00, X 2:00, A 2:00", "A A") == ["1:00", "2:00"]


class TestStrictOrder:
    @staticmethod
    def reached(log, steps="A B", **options):
        return reached(log, steps, order="strict", **options)

    def test_a_row_of_any_kind_between_breaks_the_chain(self):
        assert self.reached("A 1:00, Z 2:00, B 3:00") == ["1:00", None]
        assert reached("A 1:00, Z 2:00, B 3:00", "A B", order="ordered") == ["1:00", "3:00"]

    def test_a_second_start_between_breaks_the_first_chain_and_begins_another(self):
        log = "A 1:00, A 2:00, B 3:00"
        assert self.reached(log) == ["1:00", "3:00"]
        assert self.reached(log, entry="first") == ["1:00", None]

    def test_a_row_at_the_instant_of_a_step_is_not_between(self):
        assert self.reached("A 1:00, Z 1:00, B 2:00, Z 2:00") == ["1:00", "2:00"]

    def test_a_row_between_later_steps_breaks_the_chain_there(self):
        assert self.reached("A 1:00, B 2:00, Z 3:00, C 4:00", "A B C") == ["1:00", "2:00", None]

    def test_a_repeated_step_has_to_be_repeated_at_once(self):
        assert self.reached("A 1:00, A 2:00", "A A") == ["1:00", "2:00"]
        assert self.reached("A 1:00, Z 2:00, A 3:00", "A A") == ["1:00", None]

    def test_a_row_that_holds_nothing_is_still_between(self):
        assert self.reached("A:mask 1:00, Z 2:00, B:mask 3:00", hold=True) == ["1:00", None]


class TestAnyOrder:
    @staticmethod
    def reached(log, steps="A B", **options):
        return reached(log, steps, order="any", **options)

    def test_steps_count_by_how_many_are_done(self):
        assert self.reached("B 1:00, A 2:00") == ["1:00", "2:00"]
        assert self.reached("C 1:00, A 2:00, B 3:00", "A B C") == ["1:00", "2:00", "3:00"]

    def test_the_same_step_again_is_no_other_step(self):
        assert self.reached("A 1:00, A 2:00") == ["1:00", None]

    def test_a_step_asked_for_twice_has_to_be_done_twice(self):
        assert self.reached("B 1:00, A 2:00", "A A B") == ["1:00", "2:00", None]
        assert self.reached("A 1:00, B 2:00, A 3:00", "A A B") == ["1:00", "2:00", "3:00"]

    def test_the_window_runs_from_the_earliest_of_them(self):
        log = "C 1:00, A 3:00, B 3:30"
        assert self.reached(log, "A B C", window="1:00") == ["1:00", "3:30", None]
        assert self.reached(log, "A B C", window="1:00", entry="first") == ["1:00", None, None]

    def test_the_very_end_of_the_window_is_inside(self):
        assert self.reached("B 1:00, A 2:00", window="1:00") == ["1:00", "2:00"]
        assert self.reached(f"B 1:00, A 2:00:{AFTER}", window="1:00") == ["1:00", None]

    def test_steps_at_one_instant_are_different_steps(self):
        assert self.reached("A 1:00, B 1:00") == ["1:00", "1:00"]


def test_event_names_may_be_chinese():
    log = "扫码 1:00, 加好友 2:00, 下单 3:00"
    assert reached(log, "扫码 加好友|入群 下单") == ["1:00", "2:00", "3:00"]
