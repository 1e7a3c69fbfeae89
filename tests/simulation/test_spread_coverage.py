"""How far campaigns spread: intervals cover as stated on uneven invitations, naive ones do not.

Most people bring nobody and a few bring many; friends who came lately have not been followed; what
a seed brings in the end is a ratio of two such means.
"""

import numpy as np
import pytest
from scipy.stats import nbinom, norm
from siyu.stats.branching import chance_to_end
from siyu.stats.cluster_ratios import share_by_cluster
from siyu.stats.count_means import Families, count_mean, fit_shape
from siyu.stats.intervals import wilson
from siyu.stats.mover import mover_product
from siyu.stats.recurrent import mean_function

pytestmark = pytest.mark.slow

LEVEL, REPLICATIONS = 0.95, 2_000
Z = norm.ppf((1 + LEVEL) / 2)


def bring(rng, n, invitations, shape, acceptance, share):
    """How many of n people bring how many, of whom a share takes part: distinct counts, people."""
    mean = invitations * acceptance
    brought = rng.negative_binomial(shape, shape / (shape + mean), n) * (rng.random(n) < share)
    return np.unique(brought, return_counts=True)


def error_of(rate):
    """Three Monte Carlo errors of a coverage."""
    return 3 * np.sqrt(rate * (1 - rate) / REPLICATIONS)


FRIENDS = {
    "near one": (250, (3.2, 0.8, 0.4, 0.7)),
    "far below": (313, (1.4, 0.6, 0.3, 0.86)),
    "few": (63, (1.7, 3.0, 0.12, 0.8)),
    "a few bring most": (600, (3.0, 0.1, 0.3, 1.0)),
    "seeds": (2_133, (1.4, 0.6, 0.3, 0.3)),
}


@pytest.mark.parametrize("kind", FRIENDS)
def test_k_is_covered_as_stated_and_not_by_poisson(kind):
    n, truths = FRIENDS[kind]
    rng, rows = np.random.default_rng(21), []
    k = truths[0] * truths[2] * truths[3]
    for _ in range(REPLICATIONS):
        found = count_mean(*bring(rng, n, *truths), level=LEVEL)
        naive = abs(found.mean - k) <= Z * np.sqrt(found.mean / n)
        rows.append((found.ci_lower <= k <= found.ci_upper, found.ci_upper < k, naive))
    covered, below, naive = np.mean(rows, axis=0)
    assert 0.94 <= covered <= 0.98  # wide where few bring anybody
    assert below <= 0.025 + error_of(0.025)  # K is hardly called below 1 in error
    assert naive < 0.93


def test_k_of_friends_who_are_alike_within_families_is_covered_where_that_of_persons_is_not():
    """313 friends in families of a negative binomial size, alike by a gamma of variance 1.5."""
    rng, k, held = np.random.default_rng(27), 0.39, np.zeros(3)
    for _ in range(REPLICATIONS):
        sizes = rng.negative_binomial(0.6, 0.6 / 1.6, 900)
        sizes = sizes[sizes > 0]
        sizes = sizes[: np.searchsorted(sizes.cumsum(), 313) + 1]
        family = np.repeat(np.arange(len(sizes)), sizes)
        alike = rng.gamma(1 / 1.5, 1.5, len(sizes))[family]
        brought = rng.poisson(k * alike * rng.gamma(0.5, 2.0, len(family)))
        families = Families(
            brought=np.bincount(family, weights=brought), members=sizes, count=np.ones(len(sizes))
        )
        counted = np.unique(brought, return_counts=True)
        ours = count_mean(*counted, level=LEVEL, families=families)
        naive = count_mean(*counted, level=LEVEL)
        held += [ours.ci_lower <= k <= ours.ci_upper, ours.ci_upper < k,
                 naive.ci_lower <= k <= naive.ci_upper]  # fmt: skip
    covered, below, naive = held / REPLICATIONS
    assert 0.94 <= covered <= 0.97
    assert below <= 0.025 + error_of(0.025)
    assert naive < 0.92


def campaign(rng, *, seeds, ends, invitations, shape=0.8, acceptance=0.4, stays=0.7):
    """Grow one campaign in time: each friend's day, and whom each has brought by its 14th."""

    def brood(since, share):
        many = rng.negative_binomial(shape, shape / (shape + invitations), len(since))
        parent = np.repeat(np.arange(len(since)), many * (rng.random(len(since)) < share))
        parent = parent[rng.random(len(parent)) < acceptance]
        hours = 20 * np.exp(0.9 * rng.standard_normal(len(parent)))
        hours += 8 * np.exp(0.9 * rng.standard_normal(len(parent)))
        return parent, since[parent] + hours / 24

    _, at = brood(3 * rng.random(seeds), 0.05)
    days, brought = [np.zeros(0)], [np.zeros(0, dtype=np.int64)]
    at = at[at < ends]
    while len(at):
        parent, born = brood(at, stays)
        in_time = born <= np.minimum(at[parent] + 14, ends)
        days.append(at)
        brought.append(np.bincount(parent[in_time], minlength=len(at)))
        at = born[born < ends]
    return np.concatenate(days), np.concatenate(brought)


def test_counting_friends_not_followed_for_a_cycle_calls_a_campaign_that_grows_one_that_ends():
    """Three weeks on, most friends of a campaign with K = 1.26 have just come."""
    rng, rows, k = np.random.default_rng(22), [], 0.7 * 4.5 * 0.4
    for _ in range(REPLICATIONS // 2):
        days, brought = campaign(rng, seeds=600, ends=21.0, invitations=4.5)
        row = []
        for own in (brought[days + 14 <= 21], brought):
            found = count_mean(*np.unique(own, return_counts=True), level=LEVEL)
            row += [found.ci_lower <= k <= found.ci_upper, found.mean]
        rows.append(row)
    covered, mean, naive, naive_mean = np.mean(rows, axis=0)
    assert 0.94 - error_of(0.05) / 3 <= covered <= 0.965
    assert abs(mean / k - 1) < 0.05
    assert naive_mean < 1
    assert naive < 0.05


@pytest.mark.parametrize("alike", [0.0, 0.2])
def test_acceptance_is_covered_with_inviters_as_clusters(alike):
    """Invitations of one inviter are alike (correlation 0.2) or not."""
    rng, rows, p = np.random.default_rng(23), [], 0.3
    for _ in range(REPLICATIONS):
        sent = rng.negative_binomial(0.8, 0.8 / 4.0, 150)
        sent = sent[sent > 0]
        own = np.full(len(sent), p)
        if alike:
            own = rng.beta(p * (1 - alike) / alike, (1 - p) * (1 - alike) / alike, len(sent))
        accepted = rng.binomial(sent, own)
        _, lower, upper = share_by_cluster(accepted, sent, level=LEVEL)
        ends = wilson(accepted.sum(), sent.sum(), level=LEVEL)
        rows.append((lower <= p <= upper, ends[0] <= p <= ends[1]))
    covered, naive = np.mean(rows, axis=0)
    assert 0.94 <= covered <= 0.96
    if alike:
        assert naive < 0.8


@pytest.mark.parametrize(("n", "mean", "shape"), [(237, 1.4, 0.6), (151, 3.2, 0.8), (500, 1, 2)])
def test_the_shape_of_invitations_is_covered_as_stated(n, mean, shape):
    rng, rows = np.random.default_rng(24), []
    for _ in range(REPLICATIONS):
        sent = rng.negative_binomial(shape, shape / (shape + mean), n)
        found = fit_shape(*np.unique(sent, return_counts=True), level=LEVEL)
        # The moments, with a normal interval as of independent squares.
        spread = sent.var(ddof=1) - sent.mean()
        naive = sent.mean() ** 2 / spread if spread > 0 else np.inf
        reach = Z * naive * np.sqrt(2 / n)
        rows.append((found.ci_lower <= shape <= found.ci_upper, abs(naive - shape) <= reach))
    covered, naive = np.mean(rows, axis=0)
    assert 0.94 <= covered <= 0.96
    assert naive < 0.8


def test_what_one_seed_brings_in_the_end_is_covered_and_not_by_poisson():
    (n_seeds, seeds), (n, friends) = (1_525, (1.4, 0.6, 0.3, 0.3)), FRIENDS["far below"]
    first, k = seeds[0] * seeds[2] * seeds[3], friends[0] * friends[2] * friends[3]
    rng, rows, truth = np.random.default_rng(25), [], first / (1 - k)
    for _ in range(REPLICATIONS):
        begun = count_mean(*bring(rng, n_seeds, *seeds), level=LEVEL)
        found = count_mean(*bring(rng, n, *friends), level=LEVEL)
        assert found.ci_upper < 1
        more = 1 / (1 - np.array([found.mean, found.ci_lower, found.ci_upper]))
        own = (begun.mean, begun.ci_lower, begun.ci_upper)
        value, lower, upper = mover_product(own, tuple(more))
        relative = 1 / (begun.mean * n_seeds) + found.mean / n / (1 - found.mean) ** 2
        naive = abs(value - truth) <= Z * value * np.sqrt(relative)
        rows.append((lower <= truth <= upper, naive))
    covered, naive = np.mean(rows, axis=0)
    assert 0.94 <= covered <= 0.96
    assert naive < 0.9


def test_cycle_time_is_covered_where_friends_came_lately_and_not_by_who_arrived_so_far():
    """The half of what comes within 14 days; friends are followed for 0 to 16 days."""
    rng, rows = np.random.default_rng(26), []
    many = np.sort(30 * np.exp(0.9 * rng.standard_normal((2, 1_000_000))).sum(axis=0) / 24)
    truth = float(np.median(many[many <= 14]))
    for _ in range(REPLICATIONS):
        followed = rng.uniform(0, 16, 300)
        person = np.repeat(np.arange(300), rng.negative_binomial(0.6, 0.6 / 1.5, 300))
        days = 30 * np.exp(0.9 * rng.standard_normal((2, len(person)))).sum(axis=0) / 24
        seen = days <= followed[person]
        person, days = person[seen], days[seen]
        found = mean_function(days, person, followed, horizon=14, level=LEVEL)
        lower, upper = found.half_lower, found.half_upper
        ordered = np.sort(days[days <= 14])
        reach = Z * np.sqrt(len(ordered)) / 2
        ends = len(ordered) / 2 + np.array([-reach, reach])
        low, high = ordered[np.clip(ends.astype(int), 0, len(ordered) - 1)]
        rows.append((lower <= truth and not upper < truth, low <= truth <= high))
    covered, naive = np.mean(rows, axis=0)
    assert 0.94 <= covered <= 0.96
    assert naive < 0.6


def test_the_chance_that_a_tree_ends_is_covered_where_it_is_not_certain():
    rng, rows, values = np.random.default_rng(27), [], np.arange(60)
    truth = float(chance_to_end(values, np.round(1e12 * nbinom.pmf(values, 0.8, 0.8 / 2.4))))
    for _ in range(REPLICATIONS // 2):
        x, n = np.unique(rng.negative_binomial(0.8, 0.8 / 2.4, 250), return_counts=True)
        drawn = chance_to_end(x, rng.multinomial(250, n / 250, size=400))
        rows.append(np.quantile(drawn, 0.025) <= truth <= np.quantile(drawn, 0.975))
    assert 0.94 <= np.mean(rows) <= 0.96
