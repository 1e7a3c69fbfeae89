"""Lives under changing hazards end where the cumulative hazard says."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import kstest
from siyu.data.world.draws import DAY, NEVER
from siyu.data.world.lives import Lives, Spell, build_lives


def spell(begins: int, ends: int, *factor: float) -> Spell:
    ones = np.ones(len(factor), dtype=np.int64)
    return Spell(begins=begins * DAY * ones, ends=ends * DAY * ones, factor=np.array(factor))


@pytest.fixture
def two() -> Lives:
    """One person whom a spell of half the hazard concerns from day 2 to day 5, and one without."""
    return build_lives(np.array([0.1, 0.1]), [spell(2, 5, 0.5, 1.0)])


@pytest.mark.parametrize(
    ("day", "risks"),
    [
        (0, (0.0, 0.0)),
        (2, (0.2, 0.2)),
        (4, (0.2 + 2 * 0.05, 0.4)),
        (5, (0.2 + 3 * 0.05, 0.5)),
        (9, (0.2 + 3 * 0.05 + 4 * 0.1, 0.9)),
    ],
)
def test_survival_is_one_over_e_to_the_hazards_lived_through(
    two: Lives, day: int, risks: tuple[float, float]
) -> None:
    np.testing.assert_allclose(two.survive(day * DAY), [math.exp(-risk) for risk in risks])


def test_a_life_ends_where_its_cumulative_hazard_reaches_the_draw(two: Lives) -> None:
    assert (two.end(np.array([0.2, 0.4])) / DAY).tolist() == pytest.approx([2, 4], abs=1e-4)
    assert (two.end(np.array([0.3, 0.3])) / DAY).tolist() == pytest.approx([4, 3], abs=1e-4)
    assert (two.end(np.array([0.45, 0.9])) / DAY).tolist() == pytest.approx([6, 9], abs=1e-4)


def test_spells_that_overlap_multiply_and_may_come_in_any_order() -> None:
    spells = [spell(1, 5, 0.5), spell(3, 9, 0.4), spell(0, 2, 3.0)]
    risk = 0.1 * (3 + 3 * 0.5 + 0.5 + 2 * 0.5 * 0.4 + 4 * 0.4 + 1)
    for order in (spells, spells[::-1]):
        lives = build_lives(np.array([0.1]), order)
        assert lives.survive(10 * DAY) == pytest.approx(math.exp(-risk))


def test_nobody_leaves_while_the_hazard_is_nothing() -> None:
    lives = build_lives(np.array([0.1, 0.0, 0.1]), [spell(2, 5, 0.0, 1.0, 1.0)])
    ends = lives.end(np.array([0.2 + 1e-9, 0.2, 0.2]))
    assert ends[0] == 5 * DAY + 1
    assert ends[1] == NEVER
    assert ends[2] == 2 * DAY


def test_a_hazard_that_ends_for_good_leaves_the_rest_for_ever() -> None:
    forever = Spell(begins=np.array([DAY]), ends=np.array([NEVER]), factor=np.array([0.0]))
    lives = build_lives(np.array([0.1]), [forever])
    assert lives.end(np.array([0.11])).tolist() == [NEVER]
    assert lives.survive(10**4 * DAY) == pytest.approx(math.exp(-0.1))


def test_even_the_shortest_life_lasts_a_second() -> None:
    assert build_lives(np.array([0.1]), []).end(np.array([0.0])).tolist() == [1]


def test_ends_survive_as_often_as_stated() -> None:
    people = 20_000
    factor = np.full(people, 0.3)
    lives = build_lives(np.full(people, 0.2), [spell(1, 4, *factor)])
    ends = lives.end(np.random.default_rng(1).standard_exponential(people))
    reached = 1 - lives.survive(ends)
    assert kstest(reached, "uniform").pvalue > 0.001
