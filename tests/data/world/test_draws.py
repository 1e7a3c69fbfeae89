"""Draws occur as often as they should, and streams of different names go apart."""

from __future__ import annotations

from functools import partial

import numpy as np
from scipy.stats import chisquare, kstest
from siyu.data.world.draws import (
    DAY,
    HOUR,
    HOURS,
    NEVER,
    draw_seconds,
    open_stream,
    pick,
    pick_each,
    wait,
)


def test_index_draws_occur_with_their_shares_at_the_edges_too() -> None:
    uniform = np.array([0.0, 0.19999, 0.2, 0.49999, 0.5, 1 - 2**-53])
    assert pick(uniform, [0.2, 0.3, 0.5]).tolist() == [0, 0, 1, 1, 2, 2]
    assert pick(uniform, [0.0, 1.0]).tolist() == [1] * 6


def test_each_row_of_shares_is_picked_from_as_if_alone() -> None:
    uniform = np.random.default_rng(1).random(3000)
    shares = np.array([[0.2, 0.3, 0.5], [1.0, 0.0, 0.0], [0.0, 4.0, 1.0]])
    rows = np.arange(3000) % 3
    found = pick_each(uniform, shares[rows])
    for row in range(3):
        alone = pick(uniform[rows == row], list(shares[row]))
        np.testing.assert_array_equal(found[rows == row], alone)


def test_streams_depend_on_seed_block_and_name_alone() -> None:
    first = open_stream(1, 0, "a").random(3)
    assert (first == open_stream(1, 0, "a").random(3)).all()
    for other in ((2, 0, "a"), (1, 1, "a"), (1, 0, "b")):
        assert not (first == open_stream(*other).random(3)).any()


def test_people_appended_behind_leave_the_seconds_of_the_others_alone() -> None:
    few, many = (draw_seconds(open_stream(1, 0, "t"), size) for size in (100, 130))
    np.testing.assert_array_equal(few, many[:100])


def test_seconds_follow_the_rhythm_of_the_hours() -> None:
    seconds = draw_seconds(np.random.default_rng(2), 200_000)
    assert seconds.min() >= 0
    assert seconds.max() < DAY
    counts = np.bincount(seconds // HOUR, minlength=24)
    assert chisquare(counts, 200_000 * HOURS / HOURS.sum()).pvalue > 0.001


def test_waits_are_exponential_and_never_where_the_hazard_is_zero() -> None:
    draw = partial(open_stream, 3, 0)
    days = wait(draw("w"), np.full(20_000, 0.02)) / DAY
    assert kstest(days, "expon", args=(0, 50)).pvalue > 0.001
    assert (wait(draw("w"), np.zeros(5)) == NEVER).all()
    assert wait(draw("w"), np.full(1000, 1e9)).min() == 1
