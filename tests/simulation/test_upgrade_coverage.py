"""Upgrades in worlds whose truth is known: regression to the mean, effects, and what breaks it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from scipy.stats import kstest, t
from siyu.stats.expected_paths import compare_with_expected

LEVEL, DRAWS = 0.95, 2_000
BAND = (0.94, 0.96)
BEFORE, AFTER = [-3, -2, -1], 1


class Found(NamedTuple):
    effect: np.ndarray
    error: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    p: np.ndarray

    def covers(self, truth: float) -> float:
        return float(((self.lower <= truth) & (truth <= self.upper)).mean())


class World:
    """Blocks -4 to 1 of members; whoever did much in the last three before 0 comes to the tier."""

    def __init__(self, rng, *, n=300, effect=0.0, growth=0.0, picked=0.0, noise=1.0):
        usual = rng.normal(size=n)
        trend = growth * rng.normal(size=n)
        self.blocks = {
            b: usual + trend * b + noise * rng.normal(size=n) for b in (-4, *BEFORE, AFTER)
        }
        basis = sum(self.blocks[b] for b in BEFORE)
        self.exposed = basis + picked * trend > 2
        self.blocks[AFTER] = self.blocks[AFTER] + effect * self.exposed

    def adjusted(self, block=AFTER):
        return compare_with_expected(
            self.blocks[block][:, None],
            history=np.column_stack([self.blocks[b] for b in BEFORE]),
            exposed=self.exposed,
            clusters=np.arange(len(self.exposed)),
        )

    def naive(self):
        change = (self.blocks[AFTER] - self.blocks[-1])[self.exposed]
        reach = t.ppf((1 + LEVEL) / 2, len(change) - 1) * change.std(ddof=1) / len(change) ** 0.5
        return change.mean(), change.mean() - reach, change.mean() + reach


def repeat(seed, draw, *, block=AFTER, draws=DRAWS, **world):
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(draws):
        found = draw(rng, **world).adjusted(block)
        lower, upper = found.interval(level=LEVEL)
        rows.append((found.effect[0], found.error[0], lower[0], upper[0], found.p[0]))
    return Found(*np.array(rows).T)


def repeat_naive(seed, **world):
    rng = np.random.default_rng(seed)
    rows = np.array([World(rng, **world).naive() for _ in range(DRAWS)])
    return rows[:, 0], float(((rows[:, 1] <= world.get("effect", 0.0)) & (
        world.get("effect", 0.0) <= rows[:, 2])).mean())  # fmt: skip


@pytest.fixture(scope="module")
def nothing():
    return repeat(12, World)


def test_a_tier_that_does_nothing_has_no_effect(nothing):
    assert BAND[0] <= nothing.covers(0) <= BAND[1]
    assert abs(nothing.effect.mean()) < 0.1 * nothing.effect.std()
    assert 0.95 <= np.sqrt((nothing.error**2).mean()) / nothing.effect.std() <= 1.05
    assert kstest(nothing.p, "uniform").pvalue > 0.001


def test_before_and_after_call_the_same_nothing_a_large_loss():
    # Statistics, row 12: the tier is set on what was done, so it falls back by itself.
    change, covered = repeat_naive(12, n=2_000)
    assert change.mean() < -0.3
    assert covered == 0


def test_a_planted_effect_is_found():
    found = repeat(13, World, effect=0.7)
    assert BAND[0] <= found.covers(0.7) <= BAND[1]
    change, covered = repeat_naive(13, effect=0.7)
    assert change.mean() < 0.5
    assert covered < 0.7


def test_orders_that_are_counts_and_amounts_that_are_skewed_are_covered():
    class Shop(World):
        def __init__(self, rng):
            rate = rng.gamma(1.1, 1 / 1.1, 600)
            counts = {b: rng.poisson(rate).astype(float) for b in (*BEFORE, AFTER)}
            amount = rng.gamma(5, 0.2, 600)
            basis = amount * sum(counts[b] for b in BEFORE)
            near = (basis > 1.5) & (basis < 4.5)
            self.exposed = (basis >= 3)[near]
            self.blocks = {b: count[near] for b, count in counts.items()}
            self.blocks["spend"] = basis[near]

        def adjusted(self, block):
            spend = self.blocks["spend"]
            return compare_with_expected(
                self.blocks[block][:, None],
                history=np.column_stack([*(self.blocks[b] for b in BEFORE), spend]),
                exposed=self.exposed,
                clusters=np.arange(len(spend)),
            )

    found = repeat(14, Shop)
    assert BAND[0] <= found.covers(0) <= BAND[1]
    assert abs(found.effect.mean()) < 0.1 * found.effect.std()


def test_effects_that_differ_are_read_near_the_threshold():
    class Uneven(World):
        """The more over the threshold, the larger the effect: 0.5 there, 1 more per unit."""

        def __init__(self, rng):
            super().__init__(rng, n=1_000)
            basis = sum(self.blocks[b] for b in BEFORE)
            over = np.maximum(basis - 2, 0)
            keep = np.abs(basis - 2) < 2
            self.blocks[AFTER] = self.blocks[AFTER] + self.exposed * (0.5 + over)
            self.blocks = {b: value[keep] for b, value in self.blocks.items()}
            self.exposed, self.mean = self.exposed[keep], 0.5 + over[keep & self.exposed].mean()

    rng = np.random.default_rng(15)
    worlds = [Uneven(rng) for _ in range(300)]
    effect = np.mean([world.adjusted().effect[0] for world in worlds])
    assert 0.4 < effect < 0.85
    assert np.mean([world.mean for world in worlds]) > 1.3


def test_growing_members_who_are_picked_look_like_an_effect_and_their_past_gives_it_away():
    grown = {"growth": 0.5, "picked": 3.0, "n": 600}
    found = repeat(16, World, draws=400, **grown)
    assert found.effect.mean() > 0.3  # too much, never too little
    assert found.covers(0) < 0.5
    past = repeat(16, World, draws=400, block=-4, **grown)
    assert past.effect.mean() < -0.2  # less than their window lets expect
    assert (past.p < 0.05).mean() > 0.8
    steady = repeat(17, World, draws=1_000, block=-4)
    assert 0.03 < (steady.p < 0.05).mean() < 0.07


def test_a_past_that_bends_at_the_threshold_is_found_out_on_a_day_without_a_review():
    class Steep(World):
        """Whoever did about 2 or more is of another kind, whatever the tier does."""

        def __init__(self, rng):
            super().__init__(rng, n=600)
            basis = sum(self.blocks[b] for b in BEFORE)
            self.blocks[AFTER] = self.blocks[AFTER] + 1 / (1 + np.exp(-4 * (basis - 2)))

    reviewed, unreviewed = (repeat(seed, Steep, draws=200) for seed in (18, 19))
    assert reviewed.covers(0) < 0.2
    assert (unreviewed.p < 0.05).mean() > 0.8  # nobody was reviewed, so nothing was to be found


def test_all_blocks_are_covered_at_once():
    rng = np.random.default_rng(20)
    covered = 0
    for _ in range(400):
        world = World(rng)
        later = np.column_stack([world.blocks[AFTER], rng.normal(size=300), rng.normal(size=300)])
        found = compare_with_expected(
            later,
            history=np.column_stack([world.blocks[b] for b in BEFORE]),
            exposed=world.exposed,
            clusters=np.arange(300),
        )
        lower, upper = found.joint_interval(level=LEVEL, rng=rng)
        covered += bool(((lower <= 0) & (upper >= 0)).all())
    assert 0.916 <= covered / 400 <= 0.978
