"""Shares of things in clusters: against least squares on a constant, and by hand."""

import numpy as np
import pytest
import statsmodels.api as sm
from siyu.stats.clusters import clustered_share

LEVEL = 0.95


def _found(counts, sizes):
    counts, sizes = np.asarray(counts, float), np.asarray(sizes, float)
    return clustered_share(
        count=counts.sum(),
        n=sizes.sum(),
        clusters=len(sizes),
        count_squared=(counts**2).sum(),
        n_squared=(sizes**2).sum(),
        both=(counts * sizes).sum(),
        level=LEVEL,
    )


def test_the_error_equals_a_clustered_regression_on_a_constant():
    rng = np.random.default_rng(1)
    sizes = rng.integers(1, 20, size=50)
    counts = rng.binomial(sizes, rng.beta(2, 3, size=50))
    users = np.repeat(np.arange(50), sizes)
    answers = np.concatenate([np.arange(n) < k for n, k in zip(sizes, counts, strict=True)])
    fit = sm.OLS(answers.astype(float), np.ones(len(users))).fit(
        cov_type="cluster", cov_kwds={"groups": users}, use_t=True
    )
    found = _found(counts, sizes)
    assert found.share == pytest.approx(fit.params[0])
    assert found.error == pytest.approx(fit.bse[0], rel=1e-9)  # (N - 1) / (N - 1) is 1
    assert [found.ci_lower, found.ci_upper] == pytest.approx(fit.conf_int()[0], rel=1e-9)


def test_two_clusters_by_hand():
    # 1 of 2 and 3 of 4: share 4/6; deviations 1 - 4/3 and 3 - 8/3: -1/3 and 1/3; x 2 / 1, / 36.
    found = _found([1, 3], [2, 4])
    assert found.share == pytest.approx(2 / 3)
    assert found.error == pytest.approx(np.sqrt(2 * (1 / 9 + 1 / 9)) / 6)
    assert (found.ci_lower, found.ci_upper) == (0, 1)  # t with 1 degree reaches beyond


def test_one_cluster_has_a_share_and_no_interval():
    found = _found([1], [4])
    assert found.share == 0.25
    assert np.isnan([found.error, found.ci_lower, found.ci_upper]).all()


def test_more_counted_than_there_are_is_refused():
    with pytest.raises(ValueError, match="must not exceed n"):
        _found([5], [4])
