"""Accounts that are alike are not called slow, though days make their pushes late together.

2,000 replications of 12 accounts; [0, 0.06] is 5 % and two Monte Carlo errors.
"""

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import norm
from siyu.stats.clusters import clustered_share
from siyu.stats.multiplicity import holm
from siyu.studies.push_timing.delay.accounts import against_others

pytestmark = pytest.mark.slow

REPLICATIONS, ACCOUNTS, USERS, DAYS = 2_000, 12, 15, 40
LEVEL = 0.95


@pytest.fixture(scope="module", params=[0.0, 1.0, 2.0])
def drawn(request):
    """Late pushes of users and days, and how much the days of an account differ (log odds)."""
    rng = np.random.default_rng(20260601)
    day = rng.normal(scale=request.param, size=(REPLICATIONS, ACCOUNTS, 1, DAYS))
    chance = expit(day - 1.5).astype(np.float32)
    late = rng.random((REPLICATIONS, ACCOUNTS, USERS, DAYS), dtype=np.float32) < chance
    return request.param, late


def _error(late):
    """The error of each account's share less that of all others, with users as clusters."""
    per_user = late.sum(axis=3)
    own = {
        "count": per_user.sum(axis=2),
        "n": np.full(per_user.shape[:2], USERS * DAYS),
        "clusters": np.full(per_user.shape[:2], USERS),
        "count_squared": (per_user**2).sum(axis=2),
        "n_squared": np.full(per_user.shape[:2], USERS * DAYS**2),
        "both": DAYS * per_user.sum(axis=2),
    }
    rest = {name: one.sum(axis=1, keepdims=True) - one for name, one in own.items()}
    return np.hypot(*(clustered_share(**one, level=LEVEL).error for one in (own, rest)))


def _found_slow(gap, p):
    """Share of replications in which an account is called slow, though none is."""
    clear = np.array([holm(one) for one in p]) <= 1 - LEVEL
    return (clear & (gap > 0)).any(axis=1).mean()


def test_accounts_alike_are_seldom_called_slow_and_by_users_alone_often(drawn):
    spread, late = drawn
    error = _error(late)
    found = against_others(
        late.sum(axis=2),
        np.full((REPLICATIONS, ACCOUNTS, DAYS), USERS),
        user_error=error,
        n_users=USERS,
    )
    naive = 2 * norm.sf(np.abs(found.gap / error))
    assert _found_slow(found.gap, found.p) <= 0.06
    if spread:  # without days that differ, users are as good
        assert _found_slow(found.gap, naive) >= 0.2


def test_an_account_that_is_slow_is_found(drawn):
    _, late = drawn
    slow = late[:200].sum(axis=2)
    slow[:, 0] = np.minimum(slow[:, 0] + 6, USERS)
    n = np.full(slow.shape, USERS)
    found = against_others(slow, n, user_error=_error(late[:200]), n_users=USERS)
    p = np.array([holm(one) for one in found.p])
    assert ((p <= 0.05) & (found.gap > 0))[:, 0].mean() > 0.9
