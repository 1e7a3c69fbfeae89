"""What is said of segments holds as often as it says, at the cut points as they fell.

Each replication draws buyers from a small world whose truth at any cut points is known exactly:
2,000 replications, so that [0.94, 0.96] lies two Monte Carlo errors from 0.95.
"""

import numpy as np
import pytest
from scipy.stats import norm, t
from siyu.stats.amounts import influence_interval, share_of_sum, skewed_mean
from siyu.stats.concentration import gini, top_share
from siyu.stats.intervals import wilson
from siyu.studies.tiers.rfm.estimate import FEWEST
from siyu.studies.tiers.rfm.moves import move
from siyu.studies.tiers.rfm.rule import STATES, find_cuts, name_segments, score

from tests.studies.tiers.rfm.builders import measures_of

pytestmark = pytest.mark.slow

REPLICATIONS, LEVEL = 2_000, 0.95
CODES = {name: STATES.index(name) for name in ("champions", "dormant", "lost")}


def _world(rng, n=3_000):
    """Buyers of whom a few buy often, and for whom what they bring is skewed."""
    pace = rng.gamma(1.2, 3.0, n)
    frequency = 1.0 + rng.poisson(pace)
    recency = np.floor(rng.exponential(90 / frequency)).clip(0, 179)
    amount = np.round(frequency * rng.lognormal(4, 0.5, n), 2)
    return recency, frequency, amount, amount * rng.beta(3, 3, n)


def _named(people, cuts):
    recency, frequency, amount, _ = people
    return name_segments(score(recency, frequency, amount, cuts), np.zeros(len(amount), dtype=bool))


def _covers(interval, truth):
    return interval[-2] <= truth <= interval[-1]


def test_means_and_shares_of_segments_cover_what_the_same_cuts_mean_for_all():
    rng = np.random.default_rng(1)
    world = _world(rng)
    means, shares, naive = [], [], []
    for _ in range(REPLICATIONS):
        people = [values[rows] for rows in [rng.integers(0, 3_000, 500)] for values in world]
        cuts = find_cuts(*people[:3])
        here, everywhere = _named(people, cuts), _named(world, cuts)
        for code in CODES.values():
            own, all_of_them = here == code, everywhere == code
            means.append(
                _covers(skewed_mean(people[3][own], level=LEVEL), world[3][all_of_them].mean())
            )
            part = np.where(own, people[3], 0)
            truth = world[3][all_of_them].sum() / world[3].sum()
            shares.append(_covers(share_of_sum(part, people[3], level=LEVEL), truth))
            # As if each yuan fell to a segment by itself.
            share = part.sum() / people[3].sum()
            naive.append(_covers(wilson(round(share * 500), 500, level=LEVEL), truth))
    # Three segments of one draw: no more independent draws than replications are counted on.
    assert 0.94 <= np.mean(means) <= 0.96
    assert 0.94 <= np.mean(shares) <= 0.96
    assert not 0.94 <= np.mean(naive) <= 0.96


def test_the_mean_of_few_skewed_amounts_is_covered_where_the_t_interval_is_too_low():
    rng = np.random.default_rng(2)
    amounts = rng.exponential(1, (4 * REPLICATIONS, 30))  # cheap: four Monte Carlo errors
    found = [_covers(skewed_mean(row, level=LEVEL), 1) for row in amounts]
    half = t.ppf(0.975, 29) * amounts.std(axis=1, ddof=1) / np.sqrt(30)
    assert 0.94 <= np.mean(found) <= 0.96
    assert np.mean(np.abs(amounts.mean(axis=1) - 1) <= half) < 0.94


def _concentrations(draw, truths, n, replications):
    found = []
    for _ in range(replications):
        values = draw(n)
        for (value, influence), truth in zip(
            (gini(values), top_share(values, 0.2)), truths, strict=True
        ):
            found.append(_covers(influence_interval(value, influence, level=LEVEL), truth))
    return np.reshape(found, (-1, 2)).mean(axis=0)


def test_concentration_is_covered_where_tails_are_those_of_waiting_times():
    rng = np.random.default_rng(3)
    truths = (0.5, 0.2 * (1 - np.log(0.2)))
    assert (
        np.abs(_concentrations(lambda n: rng.exponential(1, n), truths, 500, REPLICATIONS) - 0.95)
        <= 0.01
    ).all()
    # Taken as a share of a sum, as if who is at the top were given: far too wide an interval.
    naive = []
    for _ in range(500):
        values = rng.exponential(1, 500)
        part = np.where(values >= np.quantile(values, 0.8), values, 0)
        naive.append(_covers(share_of_sum(part, values, level=LEVEL), truths[1]))
    assert np.mean(naive) > 0.98


@pytest.mark.parametrize(("sigma", "least"), [(1.0, 0.91), (1.4, 0.87)])
def test_concentration_covers_less_where_tails_are_heavy_by_as_much_as_the_methods_say(
    sigma, least
):
    """Of the fewest buyers of whom it is told; with n - 1 degrees of freedom, much less."""
    rng = np.random.default_rng(4)
    truths = (2 * norm.cdf(sigma / np.sqrt(2)) - 1, 1 - norm.cdf(norm.ppf(0.8) - sigma))
    covered = _concentrations(lambda n: rng.lognormal(0, sigma, n), truths, FEWEST, REPLICATIONS)
    assert (covered > least).all()
    naive = []
    for _ in range(REPLICATIONS):
        value, influence = gini(rng.lognormal(0, sigma, FEWEST))
        half = norm.ppf(0.975) * np.std(influence, ddof=1) / np.sqrt(FEWEST)
        naive.append(abs(value - truths[0]) <= half)
    assert np.mean(naive) < covered[0] - 0.01


def test_luck_alone_moves_no_net_flow_though_champions_seem_to_fall():
    """Twice the same habits: only regression to the mean is there."""
    rng = np.random.default_rng(5)
    false, fell = [], []
    for _ in range(200):
        pace = rng.gamma(8, 0.6, 600)  # habits differ less than luck does
        then, now = (
            (
                np.floor(rng.exponential(90 / (1 + pace))).clip(0, 179),
                1.0 + rng.poisson(pace),
                np.round(rng.lognormal(4, 0.5, 600) * (1 + pace), 2),
                np.zeros(600),
            )
            for _ in range(2)
        )
        cuts = find_cuts(*then[:3])
        before, after = _named(then, cuts), _named(now, cuts)
        found = move(measures_of(before, after), level=LEVEL)
        false.append((found.flows["verdict"] != "unclear").any())
        top = before == CODES["champions"]
        change = now[1][top] - then[1][top]
        fell.append(change.mean() < -2 * change.std() / np.sqrt(top.sum()))
    assert np.mean(false) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 200)
    assert np.mean(fell) > 0.5
