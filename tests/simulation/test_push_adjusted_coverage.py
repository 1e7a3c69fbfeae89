"""What an hour does to clicks: intervals hold the truth, and naive ones miss it.

2,000 replications each; [0.94, 0.96] is two Monte Carlo errors around 0.95.
"""

import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.special import expit, ndtri
from siyu.stats.clusters import clustered_share
from siyu.stats.fixed_effects import fit_within

pytestmark = pytest.mark.slow

REPLICATIONS, USERS, PUSHES = 2_000, 200, 24
FEW = 200
"""Replications that are enough to see that a naive estimator misses."""
LEVEL = 0.95


def _draw(rng, *, evening, other, effect):
    """Count each user's pushes and clicks by evening or not, and by what else goes with it.

    Args:
        rng: the generator.
        evening: per user, the share of pushes in the evening.
        other: share of pushes with the other thing (a promotion, a holiday), not in the evening and
            in it.
        effect: what the other thing adds to the chance of a click; the evening adds nothing.

    Returns:
        Pushes and clicks: replications x users x (evening) x (other).
    """
    parts = np.empty((USERS, 2, 2))
    for late, share in enumerate((1 - evening, evening)):
        parts[:, late, 0], parts[:, late, 1] = share * (1 - other[late]), share * other[late]
    base = np.where(evening > 0.5, 0.16, 0.06)  # who gets the evening clicks more anyway
    chance = base[:, None, None] + effect * np.array([0, 1])
    n = rng.multinomial(PUSHES, parts.reshape(USERS, 4), size=(REPLICATIONS, USERS))
    n = n.reshape(REPLICATIONS, USERS, 2, 2)
    return n, rng.binomial(n, np.broadcast_to(chance, n.shape))


def _intervals(n, k, *, within, other):
    """Estimate the effect of the evening in each replication: the truth is 0."""
    user, evening, kind = (axis.ravel() for axis in np.indices((USERS, 2, 2)))
    columns = np.column_stack([kind, evening] if other else [evening]).astype(float)
    found = np.empty((len(n), 3))
    weight = np.eye(columns.shape[1] + 1)[columns.shape[1] - 1]
    for i in range(len(n)):
        sent, clicked = n[i].ravel(), k[i].ravel()
        there = sent > 0
        fit = fit_within(
            csr_array(columns[there]),
            names=["kind", "evening"][-columns.shape[1] :],
            n=sent[there],
            total=clicked[there],
            group=user[there] if within else np.zeros(there.sum()),
            cluster=user[there],
        )
        one = fit.contrast(weight, level=LEVEL)
        found[i] = one.estimate[0], one.ci_lower[0], one.ci_upper[0]
    return found


def _few(drawn):
    return [one[:FEW] for one in drawn]


def _coverage(found):
    return np.mean((found[:, 1] <= 0) & (found[:, 2] >= 0))


@pytest.fixture(scope="module")
def promoted():
    """Active users get the evening, and the evening gets the promotions."""
    evening = np.where(np.arange(USERS) < USERS // 2, 0.8, 0.2)
    rng = np.random.default_rng(52)
    return _draw(rng, evening=evening, other=(0.25, 0.75), effect=0.05)


@pytest.fixture(scope="module")
def adjusted(promoted):
    return _intervals(*promoted, within=True, other=True)


def test_with_users_and_content_alike_the_interval_covers(adjusted):
    assert 0.94 <= _coverage(adjusted) <= 0.96


def test_with_users_and_content_alike_there_is_no_bias(adjusted):
    spread = adjusted[:, 0].std()
    assert abs(adjusted[:, 0].mean()) < 0.1 * spread
    width = (adjusted[:, 2] - adjusted[:, 1]).mean() / (2 * ndtri(0.975))
    assert 0.95 <= width / spread <= 1.05


def test_the_crude_difference_of_hours_misses_the_truth(promoted):
    assert _coverage(_intervals(*_few(promoted), within=False, other=False)) == 0


def test_users_compared_with_themselves_alone_miss_it_since_content_goes_with_the_hour(promoted):
    assert _coverage(_intervals(*_few(promoted), within=True, other=False)) < 0.6


@pytest.fixture(scope="module")
def moved():
    """Pushes are moved to the evening in a week of holidays, on which everyone clicks more.

    Half of the days are holidays; on them 80% is sent in the evening, on others 20%.
    """
    rng = np.random.default_rng(53)
    return _draw(rng, evening=np.full(USERS, 0.5), other=(0.2, 0.8), effect=0.05)


def test_with_the_kind_of_day_alike_the_interval_covers(moved):
    assert 0.94 <= _coverage(_intervals(*moved, within=True, other=True)) <= 0.96


def test_before_and_after_over_holidays_misses_the_truth(moved):
    assert _coverage(_intervals(*_few(moved), within=True, other=False)) < 0.1


@pytest.fixture(scope="module")
def clicks():
    """1,000 users with about ten pushes each, whose logits differ with a deviation of 1."""
    rng = np.random.default_rng(54)
    sizes = 1 + rng.poisson(9, size=(REPLICATIONS, 1_000))
    return sizes, rng.binomial(sizes, expit(-2 + rng.standard_normal(sizes.shape)))


@pytest.fixture(scope="module")
def truth():
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    return weights @ expit(-2 + nodes) / weights.sum()


def test_a_share_of_pushes_with_errors_clustered_by_user_covers(clicks, truth):
    n, k = clicks
    found = clustered_share(
        count=k.sum(axis=1),
        n=n.sum(axis=1),
        clusters=np.full(REPLICATIONS, 1_000),
        count_squared=(k**2).sum(axis=1),
        n_squared=(n**2).sum(axis=1),
        both=(k * n).sum(axis=1),
        level=LEVEL,
    )
    assert 0.94 <= np.mean((found.ci_lower <= truth) & (truth <= found.ci_upper)) <= 0.96


def test_a_binomial_error_that_takes_every_push_for_a_user_covers_too_little(clicks, truth):
    n, k = (one.sum(axis=1) for one in clicks)
    share = k / n
    reach = ndtri(0.975) * np.sqrt(share * (1 - share) / n)
    assert np.mean(np.abs(share - truth) <= reach) < 0.88
