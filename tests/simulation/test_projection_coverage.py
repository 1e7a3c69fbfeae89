"""A projection beyond the data holds the truth as often as it says, where people differ.

Each leaves in every week with a chance of their own, drawn from a beta distribution, and is
followed from a uniform entry over 13 weeks. The truth is a closed form; 2,000 worlds.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.special import betaln
from siyu.stats.shifted_beta_geometric import fit, predict, survival

pytestmark = pytest.mark.slow

WORLDS, USERS, LONGEST, AHEAD = 2_000, 600, 13, 8
ALPHA, BETA = 0.8, 5.0
WEEKS = np.array([26, 52])
TRUTH = np.exp(betaln(ALPHA, BETA + WEEKS) - betaln(ALPHA, BETA))


@pytest.fixture(scope="module")
def worlds():
    """Per world: the week of leaving of each user, and the weeks for which each was followed."""
    found = []
    for i in range(WORLDS):
        rng = np.random.default_rng([2026, i])
        leaves = rng.geometric(rng.beta(ALPHA, BETA, USERS))
        found.append((leaves, rng.integers(0, LONGEST + 1, USERS)))
    return found


def known(leaves, followed):
    gone = leaves <= followed
    table = pd.DataFrame({"time": np.where(gone, leaves, followed), "outcome": gone * 1, "n": 1})
    return table.groupby(["time", "outcome"], as_index=False)["n"].sum()


@pytest.fixture(scope="module")
def fits(worlds):
    return [fit(known(*world)) for world in worlds]


def coverage(fits):
    lower, upper = np.moveaxis([survival(one, WEEKS, level=0.95)[1:] for one in fits], 1, 0)
    return ((lower <= TRUTH) & (upper >= TRUTH)).mean(axis=0)


def test_the_share_half_a_year_and_a_year_after_joining_is_covered(fits):
    shares = np.array([survival(one, WEEKS, level=0.95)[0] for one in fits])
    held = coverage(fits)
    assert (np.abs(shares.mean(axis=0) - TRUTH) < 0.1 * shares.std(axis=0)).all()
    assert (held >= 0.94).all()
    assert (held <= 0.96).all()


def test_a_constant_share_of_leavers_does_not_cover_it(worlds):
    """As many leavers per week lived through, for ever: far too few are left after half a year."""
    held = []
    for world in worlds:
        table = known(*world)
        left, lived = (
            table.loc[table["outcome"] == 1, "n"].sum(),
            (table["time"] * table["n"]).sum(),
        )
        hazard = left / lived
        log_error = np.sqrt((1 - hazard) / left) * hazard / (1 - hazard) * WEEKS
        log_share = WEEKS * np.log1p(-hazard)
        held.append(np.abs(log_share - np.log(TRUTH)) <= 1.96 * log_error)
    assert (np.mean(held, axis=0) < 0.01).all()


def test_counting_those_still_there_as_lost_does_not_cover_it(worlds):
    naive = [known(leaves, followed) for leaves, followed in worlds]
    lost = [one.assign(time=one["time"] + (one["outcome"] == 0), outcome=1) for one in naive]
    assert (coverage([fit(one) for one in lost]) < 0.01).all()


def test_how_many_of_those_there_will_be_there_later_is_in_the_predicted_range(worlds, fits):
    held, sure, naive = 0, 0, 0
    for (leaves, followed), fitted in zip(worlds, fits, strict=True):
        there = leaves > followed
        n, ages = np.bincount(followed[there]), np.arange(LONGEST + 1)
        later = (leaves[there] > followed[there] + AHEAD).sum()
        _, lower, upper = predict(fitted, ages, n, periods=AHEAD, level=0.95)
        held += lower <= later <= upper
        # The model taken for the truth.
        certain = replace(fitted, covariance=np.zeros((2, 2)))
        _, lower, upper = predict(certain, ages, n, periods=AHEAD, level=0.95)
        sure += lower <= later <= upper
        # Everybody taken for a newcomer.
        _, lower, upper = predict(fitted, [0], [n.sum()], periods=AHEAD, level=0.95)
        naive += lower <= later <= upper
    assert 0.94 <= held / WORLDS <= 0.96
    assert sure / WORLDS < 0.9
    assert naive / WORLDS < 0.05
