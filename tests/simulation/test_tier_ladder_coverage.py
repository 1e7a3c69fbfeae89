"""The ladder of interactions: a landmark finds nothing where there is nothing, looking back does.

Also: how often any of five equal rungs is called different, and whether what is expected of who
stands there today is covered.
"""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from siyu.stats.intervals import difference_pvalue, newcombe_difference
from siyu.studies.tiers import ladder

pytestmark = pytest.mark.slow

LEVEL = 0.95


def _covered_zero(count_a, n_a, count_b, n_b):
    _, lower, upper = newcombe_difference(count_a, n_a, count_b, n_b, level=LEVEL)
    return ((lower <= 0) & (upper >= 0)).mean()


def test_the_landmark_finds_no_difference_where_carts_say_nothing_and_looking_back_finds_one():
    """600 followers fill carts by chance, and once more on the way to any order.

    2,000 replications: .95 and two Monte Carlo errors of .0049, Newcombe a little above.
    """
    rng = np.random.default_rng(20261127)
    size = (2_000, 600)
    by_chance, orders = rng.random(size) < 0.2, rng.random(size) < 0.08
    cart, none = by_chance.sum(axis=1), (~by_chance).sum(axis=1)
    bought = [(orders & mask).sum(axis=1) for mask in (by_chance, ~by_chance)]
    assert 0.94 <= _covered_zero(bought[0], cart, bought[1], none) <= 0.97
    # Back from the order, each buyer has just had a cart; the others are as they are.
    seen = by_chance | orders
    back = [(orders & mask).sum(axis=1) for mask in (seen, ~seen)]
    assert _covered_zero(back[0], seen.sum(axis=1), back[1], (~seen).sum(axis=1)) == 0


RATES = np.full(6, 0.06)
N, TODAY = np.array([744, 229, 63, 144, 235, 384]), np.array([781, 231, 57, 115, 227, 342])
REPLICATIONS = 400


def _measures(rng):
    rungs = ("(none)", *ladder.RUNGS)
    followed = pd.DataFrame({"rung": rungs, "n": N, "ordered": rng.binomial(N, RATES)})
    own = 4.0 / rng.gamma(4.5, 1, 300)
    return ladder.Measures(
        source="shop",
        as_of=dt.date(2026, 3, 31),
        has_margin=True,
        min_users=30,
        ladder_days=30,
        order_days=30,
        rungs=rungs,
        unknown=(),
        followed=followed,
        today=pd.DataFrame({"rung": rungs, "n": TODAY}),
        earned=pd.DataFrame({"earned_cny": 50 * rng.gamma(2, own / 2), "n": 1}),
        n_before=0,
        has_events=True,
        has_orders=True,
        has_added=True,
    )


@pytest.fixture(scope="module")
def estimates():
    rng = np.random.default_rng(5)
    return [ladder.estimate(_measures(rng), level=LEVEL) for _ in range(REPLICATIONS)]


def test_equal_rungs_are_seldom_called_different_and_often_when_not_adjusted(estimates):
    called = [(one.steps["verdict"] != "unclear").any() for one in estimates]
    assert np.mean(called) <= 0.05 + 2 * 0.0109
    alone = []
    for one in estimates:
        above, below = one.rungs.iloc[1:], one.rungs.iloc[:-1]
        p = difference_pvalue(above["ordered"], above["n"], below["ordered"], below["n"])
        alone.append((p <= 0.05).any())
    assert np.mean(alone) >= 0.12


def test_steps_hold_at_once(estimates):
    held = [
        ((one.steps["ci_lower"] <= 0) & (one.steps["ci_upper"] >= 0)).all() for one in estimates
    ]
    assert np.mean(held) >= 0.95 - 3 * 0.0109


def test_what_is_expected_and_its_worth_are_covered(estimates):
    """Of 600 replications: .95 and three Monte Carlo errors of .0089."""
    margin = 50 * 4 / 3.5
    total = (RATES * TODAY).sum()
    held = np.mean([one.total[1] <= total <= one.total[2] for one in estimates])
    assert 0.917 <= held <= 0.983
    cart = [one.rungs.iloc[-1] for one in estimates]
    worth = RATES[-1] * TODAY[-1] * margin
    held = np.mean([row["worth_lower"] <= worth <= row["worth_upper"] for row in cart])
    assert 0.917 <= held <= 0.99
    first = np.mean([one.margin[1] <= margin <= one.margin[2] for one in estimates])
    assert 0.917 <= first <= 0.983
