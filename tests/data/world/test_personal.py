"""Draws of one's own are uniform, and belong to the person, the day and the purpose."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import kstest
from siyu.data.world.personal import Personal, open_personal, stretch

PURPOSES = 5


def rng() -> np.random.Generator:
    return np.random.default_rng(1)


def test_the_draws_are_those_of_splitmix64() -> None:
    # The first outputs for the seed 1234567 as listed for the reference implementation
    # (S. Vigna, splitmix64.c, 2015; Rosetta Code, "Pseudo-random numbers/Splitmix64").
    listed = (
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    )
    draws = Personal(key=np.array([1234567], dtype=np.uint64), purposes=PURPOSES)
    for purpose, bits in enumerate(listed):
        assert draws.uniform(np.array([0]), 0, purpose)[0] == (bits >> 11) / 2**53


def test_the_draws_of_a_day_go_on_where_those_of_the_day_before_end() -> None:
    person = np.array([3])
    draws = open_personal(rng(), 10, purposes=PURPOSES)
    shifted = Personal(key=draws.key, purposes=1)
    assert draws.uniform(person, 2, 4) == shifted.uniform(person, 2 * PURPOSES + 4, 0)


@pytest.mark.parametrize("along", ["people", "days"])
def test_the_draws_are_uniform_and_neighbours_have_nothing_in_common(along: str) -> None:
    many = 50_000
    draws = open_personal(rng(), many, purposes=1)
    zeros, upwards = np.zeros(many, dtype=np.int64), np.arange(many)
    person, day = (upwards, zeros) if along == "people" else (zeros, upwards)
    uniform = draws.uniform(person, day, 0)
    assert kstest(uniform, "uniform").pvalue > 0.001
    # The standard error of a correlation of independent draws is 1 / sqrt(n).
    assert abs(np.corrcoef(uniform[1:], uniform[:-1])[0, 1]) < 4 / math.sqrt(many)


def test_people_who_come_later_leave_the_draws_of_the_others_alone() -> None:
    few, many = (open_personal(rng(), users, purposes=PURPOSES) for users in (10, 1000))
    person = np.arange(10)
    assert (few.uniform(person, 3, 1) == many.uniform(person, 3, 1)).all()


def test_half_of_the_waits_are_shorter_than_the_median_and_none_is_longer_than_the_most() -> None:
    uniform = np.append(rng().random(100_000), [0.0, 1 - 2**-53])
    seconds = stretch(uniform, median=600.0, sigma=1.0, most=86_400)
    # P(longer than a day without the limit) is below 1e-6, so the median is that of a lognormal.
    assert np.median(seconds) == pytest.approx(600, rel=4 * 1.2533 / math.sqrt(100_000) + 1 / 600)
    assert (seconds.min(), seconds.max()) == (1, 86_400)


def test_waits_that_are_cut_off_are_spread_as_lognormal_waits_below_the_limit() -> None:
    # Cut off at the median: the quarter of the uncut distribution becomes the median.
    seconds = stretch(np.array([0.5]), median=1000.0, sigma=1.0, most=1000)
    assert seconds[0] == math.ceil(1000 * math.exp(-0.6744897501960817))
