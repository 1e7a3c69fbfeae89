from datetime import timedelta

import pytest
from siyu.studies.funnel.definition import Definition, FunnelError

AB = ("A", "B")


@pytest.mark.parametrize("n", [0, 1, 13])
def test_a_funnel_has_two_to_twelve_steps(n):
    with pytest.raises(FunnelError, match=f"^steps: {n} given, must be 2 to 12$"):
        Definition(steps=[f"step {k}" for k in range(n)])


@pytest.mark.parametrize("n", [2, 12])
def test_two_steps_and_twelve_are_a_funnel(n):
    assert len(Definition(steps=[f"step {k}" for k in range(n)]).names) == n


@pytest.mark.parametrize(
    ("option", "value", "allowed"),
    [
        ("entry", "last", "best, first"),
        ("order", "loose", "ordered, strict, any"),
        ("ties", "both", "either, strict"),
    ],
)
def test_an_option_that_does_not_exist_is_answered_with_those_that_do(option, value, allowed):
    with pytest.raises(FunnelError, match=f"^{option} = '{value}' must be one of {allowed}$"):
        Definition(steps=AB, **{option: value})


@pytest.mark.parametrize("days", [0, -1, -0.5, float("inf"), float("nan")])
def test_a_window_has_a_length(days):
    with pytest.raises(FunnelError, match=f"window_days = {days} must be above 0; use 1 for a day"):
        Definition(steps=AB, window_days=days)


def test_a_window_may_be_a_part_of_a_day_or_absent():
    assert Definition(steps=AB, window_days=0.5).window == timedelta(hours=12)
    assert Definition(steps=AB, window_days=None).window is None


def test_a_step_names_an_event():
    with pytest.raises(FunnelError, match="a step names no event; give at least one name"):
        Definition(steps=["A", []])


@pytest.mark.parametrize("name", ["steps", "exclude"])
def test_a_word_is_no_list_of_its_letters(name):
    with pytest.raises(FunnelError, match=rf"^{name} = 'XY' must be a list of event names; use"):
        Definition(**{"steps": AB, name: "XY"})


def test_an_event_cannot_be_a_step_and_excluded():
    with pytest.raises(FunnelError, match="exclude = 'B' is also a step"):
        Definition(steps=["A", ["B", "C"]], exclude=["X", "B"])


def test_in_any_order_two_steps_that_share_some_names_only_are_refused():
    with pytest.raises(FunnelError, match="with order = 'any' two steps must name the same events"):
        Definition(steps=[["A", "B"], "B"], order="any")
    assert Definition(steps=[["A", "B"], ["B", "A"]], order="any").shares_events


def test_names_events_and_labels_say_what_was_asked_for():
    funnel = Definition(steps=["scan", ["order", "call"], "scan", ["order", "call"], "scan"])
    assert funnel.names[1] == {"call", "order"}
    assert funnel.events == ("call", "order", "scan")
    assert funnel.labels == (
        "scan",
        "order or call",
        "scan (2)",
        "order or call (2)",
        "scan (3)",
    )


@pytest.mark.parametrize(
    ("steps", "labels"),
    [
        (["A", "A (2)", "A"], ["A", "A (2)", "A (3)"]),
        (["A", "A", "A (2)", "A"], ["A", "A (3)", "A (2)", "A (4)"]),
        (["A", "A (2)", "A (2)", "A"], ["A", "A (2)", "A (2) (2)", "A (3)"]),
        (["A or B", ["A", "B"]], ["A or B", "A or B (2)"]),
    ],
)
def test_labels_differ_whatever_the_events_are_called(steps, labels):
    assert list(Definition(steps=steps).labels) == labels


def test_in_any_order_a_step_is_a_number_of_steps():
    assert Definition(steps=["A", "B", "C"], order="any").labels == (
        "1 of 3 steps",
        "2 of 3 steps",
        "3 of 3 steps",
    )


@pytest.mark.parametrize(
    ("steps", "shares", "overlaps"),
    [
        (("A", "B"), False, False),
        (("A", "A"), True, False),
        ((("A", "B"), "B"), True, True),
        ((("A", "B"), ("B", "A")), True, False),
    ],
)
def test_it_is_known_whether_one_row_could_serve_two_steps(steps, shares, overlaps):
    funnel = Definition(steps=steps)
    assert (funnel.shares_events, funnel.overlaps) == (shares, overlaps)


def test_an_unknown_step_is_answered_with_the_nearest_name_and_all_names():
    with pytest.raises(FunnelError) as error:
        Definition(steps=["scan", "ordr"]).require_known({"scan", "order", "add"})
    assert str(error.value) == (
        "events has no event 'ordr'; did you mean 'order'? It has: add, order, scan"
    )


def test_an_unknown_exclusion_without_a_near_name_is_answered_with_all_names():
    with pytest.raises(FunnelError) as error:
        Definition(steps=AB, exclude=["refund"]).require_known(["B", "A"])
    assert str(error.value) == "events has no event 'refund'. It has: A, B"


def test_a_log_without_events_is_said_to_have_none():
    with pytest.raises(FunnelError, match=r"events has no event 'A'\. It has: no events"):
        Definition(steps=AB).require_known([])
