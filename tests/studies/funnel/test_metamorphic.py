"""What must not change the answer, and what can change it one way only.

Each example is a log of many users, so that one call of the engine judges all of them.
"""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.studies.funnel.builders import engine, hours
from tests.studies.funnel.oracle import Funnel, Row

pytestmark = pytest.mark.slow

USERS = 40
UNTIL = hours(8)
batches = settings(
    max_examples=10, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)
windows = st.sampled_from([None, timedelta(hours=1), timedelta(hours=3)])
orders = st.sampled_from(["ordered", "strict", "any"])
disjoint = st.sampled_from([(("A",), ("B",)), (("A",), ("B",), ("C",)), (("A", "D"), ("C",))])
overlapping = st.sampled_from(
    [(("A",), ("A",)), (("A", "B"), ("B",)), (("A",), ("B", "C"), ("C",), ("C",))]
)


def funnels(steps=disjoint | overlapping, **fixed):
    options = {
        "steps": steps,
        "window": windows,
        "entry": st.sampled_from(["best", "first"]),
        "order": orders,
        "exclude": st.sampled_from([(), ("X",)]),
        "hold": st.booleans(),
        "ties": st.sampled_from(["either", "strict"]),
    }
    built = st.builds(Funnel, **options | {k: st.just(v) for k, v in fixed.items()})
    return built.filter(lambda funnel: funnel.order != "any" or not _overlap(funnel.steps))


def _overlap(steps):
    return any(set(a) != set(b) and set(a) & set(b) for a in steps for b in steps)


@st.composite
def logs(draw):
    """Rows of many users on a grid of half hours, so that ties and full windows are common."""
    random = draw(st.randoms(use_true_random=False))
    return [
        Row(
            f"{user:03}",
            hours(random.randrange(24) / 2),
            random.choice("AABBCDX"),
            random.choice(["p", "q", None]),
        )
        for user in range(USERS)
        for _ in range(random.randrange(10))
    ]


def follow(rows, funnel, **span):
    return engine(rows, funnel, **{"until": UNTIL, **span})


def depths(answer):
    return {user: sum(at is not None for at in found) for user, found in answer.items()}


@batches
@given(logs(), funnels(), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(rows, funnel, random):
    shuffled = random.sample(rows, len(rows))
    assert follow(shuffled, funnel) == follow(rows, funnel)


@batches
@given(logs(), funnels(), st.sampled_from([timedelta(days=-400), timedelta(microseconds=1)]))
def test_shifting_all_times_and_the_span_shifts_the_answer(rows, funnel, shift):
    moved = [row._replace(at=row.at + shift) for row in rows]
    expected = {
        user: [at and at + shift for at in found] for user, found in follow(rows, funnel).items()
    }
    span = {"starts_from": hours(0) + shift, "until": UNTIL + shift}
    assert follow(moved, funnel, **span) == expected


@batches
@given(logs(), funnels(disjoint))
def test_writing_rows_twice_changes_nothing_where_no_row_could_serve_two_steps(rows, funnel):
    assert follow(rows * 2, funnel) == follow(rows, funnel)


@batches
@given(logs(), funnels(overlapping))
def test_writing_rows_twice_can_only_help_where_a_row_could_serve_two_steps(rows, funnel):
    """There a duplicate is a second event: nobody can tell it from one."""
    once, twice = depths(follow(rows, funnel)), depths(follow(rows * 2, funnel))
    assert once.keys() == twice.keys()
    assert all(twice[user] >= depth for user, depth in once.items())


@batches
@given(logs(), logs(), funnels(order="ordered") | funnels(order="any"))
def test_events_that_are_no_steps_change_nothing(rows, more, funnel):
    noise = [row._replace(event="Z") for row in more]
    assert follow(rows + noise, funnel) == follow(rows, funnel)


@batches
@given(logs(), logs(), funnels(order="strict"))
def test_if_the_order_is_strict_events_that_are_no_steps_can_only_hurt(rows, more, funnel):
    noise = [row._replace(event="Z") for row in more]
    quiet, noisy = depths(follow(rows, funnel)), depths(follow(rows + noise, funnel))
    assert quiet.keys() == noisy.keys()
    assert all(noisy[user] <= depth for user, depth in quiet.items())


@batches
@given(logs(), funnels())
def test_a_user_called_differently_gets_the_same_answer(rows, funnel):
    renamed = [row._replace(user=f"{row.user[::-1]} 客户") for row in rows]
    expected = {f"{user[::-1]} 客户": found for user, found in follow(rows, funnel).items()}
    assert follow(renamed, funnel) == expected


@batches
@given(logs(), funnels(), st.integers(1, USERS))
def test_users_do_not_touch_each_other(rows, funnel, n):
    """The answer for some of the users is the answer without the others."""
    some = [row for row in rows if int(row.user) < n]
    everyone = follow(rows, funnel)
    assert follow(some, funnel) == {u: found for u, found in everyone.items() if int(u) < n}


@batches
@given(
    logs(),
    funnels(entry="best", order="ordered", exclude=())
    | funnels(entry="best", order="any", exclude=()),
    st.randoms(use_true_random=False),
)
def test_a_user_split_in_two_gets_no_further_than_before(rows, funnel, random):
    """Rows lost to another identity lose conversions, where no row can stand in the way."""
    split = [row._replace(user=row.user + random.choice("ab")) for row in rows]
    whole, parts = depths(follow(rows, funnel)), depths(follow(split, funnel))
    assert {user[:-1] for user in parts} == whole.keys()
    assert all(whole[user[:-1]] >= depth for user, depth in parts.items())


@batches
@given(logs(), funnels())
def test_a_wider_window_never_reaches_less_nor_later(rows, funnel):
    narrow, wide = (
        follow(rows, funnel._replace(window=window))
        for window in (timedelta(hours=1), timedelta(hours=2))
    )
    _never_less_nor_later(wide, narrow)


@batches
@given(logs(), funnels())
def test_the_best_start_never_reaches_less_nor_later_than_the_first(rows, funnel):
    best, first = (follow(rows, funnel._replace(entry=entry)) for entry in ("best", "first"))
    _never_less_nor_later(best, first)


@batches
@given(logs(), funnels())
def test_ties_in_either_order_never_reach_less_nor_later_than_strict_ones(rows, funnel):
    either, strict = (follow(rows, funnel._replace(ties=ties)) for ties in ("either", "strict"))
    _never_less_nor_later(either, strict)


@batches
@given(logs(), funnels())
def test_an_exclusion_or_a_held_value_never_helps(rows, funnel):
    free = funnel._replace(exclude=(), hold=False)
    bound = free._replace(exclude=("X",))
    _never_less_nor_later(follow(rows, free), follow(rows, bound))
    held = [row for row in rows if row.held]  # rows without a value take no part when one is held
    _never_less_nor_later(follow(held, free), follow(held, free._replace(hold=True)))


@batches
@given(logs(), funnels())
def test_steps_are_reached_in_turn_and_within_the_window(rows, funnel):
    for found in follow(rows, funnel).values():
        times = [at for at in found if at is not None]
        assert found == times + [None] * (len(found) - len(times))
        assert times == sorted(times)
        assert times[0] <= UNTIL


@batches
@given(logs(), funnels(disjoint, order="ordered", exclude=(), hold=False))
def test_one_more_step_leaves_the_steps_before_it_as_they_were(rows, funnel):
    longer = funnel._replace(steps=(*funnel.steps, ("Z",)))
    expected = {user: [*found, None] for user, found in follow(rows, funnel).items()}
    assert follow(rows, longer) == expected


@batches
@given(logs(), funnels())
def test_an_engine_that_knows_only_a_past_day_says_what_that_day_could_know(rows, funnel):
    """Rows after an instant cannot change what was reached by then."""
    now = hours(6)
    past = follow([row for row in rows if row.at <= now], funnel, until=now)
    later = follow(rows, funnel, until=now)
    cut = {u: [at if at and at <= now else None for at in f] for u, f in later.items()}
    assert past == cut


def _never_less_nor_later(more, less):
    assert more.keys() == less.keys()
    for user, found in less.items():
        assert all(a is not None and a <= b for a, b in zip(more[user], found, strict=True) if b)
