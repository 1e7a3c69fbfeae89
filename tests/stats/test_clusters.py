"""Shares of things in clusters: against least squares on a constant, and by hand."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.linalg import sqrtm
from scipy.stats import t as student
from siyu.stats.clusters import (
    clustered_means,
    clustered_share,
    clustered_slope,
    joint_means,
)

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


def _things(seed=3, clusters=40):
    """A cluster each with one to six things, their x, and a y that hangs on both."""
    drawn = np.random.default_rng(seed)
    own = np.repeat(np.arange(clusters), drawn.integers(1, 7, clusters))
    x = drawn.integers(-8, 1, len(own)).astype(float)
    return own, x, 0.2 * x + drawn.normal(size=clusters)[own] + drawn.normal(size=len(own))


def _summed(own, x, y):
    names = {"n": np.ones(len(x)), "x": x, "xx": x * x, "y": y, "xy": x * y}
    return {name: np.bincount(own, each) for name, each in names.items()}


def test_the_clustered_slope_is_that_of_statsmodels():
    own, x, y = _things()
    fitted = sm.OLS(y, sm.add_constant(x)).fit(cov_type="cluster", cov_kwds={"groups": own})
    found = clustered_slope(**_summed(own, x, y), clusters=np.ones(40), level=0.95)
    reach = student.ppf(0.975, 39) * fitted.bse[1]

    assert found == pytest.approx(
        (fitted.params[1], fitted.params[1] - reach, fitted.params[1] + reach)
    )


def test_alike_clusters_may_be_given_as_one_row():
    sums = _summed(*_things())
    twice = {name: np.concatenate([each, each]) for name, each in sums.items()}
    once = clustered_slope(**sums, clusters=np.full(40, 2), level=0.9)
    assert once == pytest.approx(clustered_slope(**twice, clusters=np.ones(80), level=0.9))


def test_a_line_needs_three_clusters_and_two_places():
    sums = _summed(*_things())
    few = {name: each[:2] for name, each in sums.items()}
    assert np.isnan(clustered_slope(**few, clusters=np.ones(2), level=0.95)).all()
    flat = sums | {"x": sums["n"], "xx": sums["n"], "xy": sums["y"]}
    assert np.isnan(clustered_slope(**flat, clusters=np.ones(40), level=0.95)).all()


def _cr2(y, clusters):
    """Bell and McCaffrey by their matrices: V and degrees of freedom of a mean."""
    n = len(y)
    hat = np.full((n, n), 1 / n)
    residual, variance, parts = y - y.mean(), 0.0, []
    for one in np.unique(clusters):
        own = np.flatnonzero(clusters == one)
        left = np.eye(len(own)) - hat[np.ix_(own, own)]
        root = np.linalg.inv(sqrtm(left).real)
        variance += (root @ residual[own]).sum() ** 2 / n**2
        parts.append((np.eye(n) - hat)[:, own] @ root @ np.ones(len(own)) / n)
    spread = np.linalg.eigvalsh(np.array(parts) @ np.array(parts).T)
    return variance, spread.sum() ** 2 / (spread**2).sum()


def test_means_of_clusters_are_those_of_bell_and_mccaffrey():
    rng = np.random.default_rng(4)
    arms, clusters = [], []
    for each in (5, 7):
        clusters.append(np.repeat(np.arange(each), rng.integers(1, 9, each)))
        arms.append(rng.normal(size=each)[clusters[-1]] + rng.normal(size=len(clusters[-1])))
    mean, variance, degrees = clustered_means(arms, clusters)
    for i, (y, g) in enumerate(zip(arms, clusters, strict=True)):
        assert mean[i] == pytest.approx(y.mean())
        assert (variance[i], degrees[i]) == pytest.approx(_cr2(y, g))


def test_where_everybody_is_a_cluster_it_is_the_variance_of_a_mean():
    y = np.array([1.0, 4.0, 2.0, 9.0])
    mean, variance, degrees = clustered_means([y], [np.arange(4)])
    assert (mean[0], variance[0], degrees[0]) == pytest.approx((4.0, y.var(ddof=1) / 4, 3.0))


def test_a_single_cluster_has_a_mean_and_no_error():
    mean, variance, degrees = clustered_means([[1.0, 3.0]], [[7, 7]])
    assert mean[0] == 2
    assert np.isnan([variance[0], degrees[0]]).all()


def test_means_of_people_who_stand_alone_have_the_usual_covariance():
    rows = np.random.default_rng(1).normal(size=(40, 3))
    found = joint_means(rows)
    assert found.value == pytest.approx(rows.mean(axis=0))
    assert found.covariance == pytest.approx(np.cov(rows.T) / 40)
    assert (found.degrees, found.n) == (39, 40)
    each = joint_means(rows, clusters=range(40))
    assert each.covariance == pytest.approx(found.covariance)
    assert each.degrees == pytest.approx(39)


def test_people_who_are_all_alike_within_clusters_count_once():
    rows = np.random.default_rng(3).normal(size=(20, 2))
    fivefold = joint_means(np.repeat(rows, 5, axis=0), clusters=np.repeat(range(20), 5))
    assert fivefold.covariance == pytest.approx(joint_means(rows).covariance)
    assert fivefold.degrees == pytest.approx(19)


@pytest.mark.parametrize("clusters", [None, np.repeat(range(6), [3, 5, 2, 8, 4, 8])])
def test_a_weighted_sum_of_means_is_the_mean_of_weighted_sums(clusters):
    rows = np.random.default_rng(4).normal(size=(30, 2))
    value, variance = joint_means(rows, clusters=clusters).weigh([-1.0, 60.0])
    own = np.arange(30) if clusters is None else clusters
    mean, of_sums, _ = clustered_means([rows @ [-1.0, 60.0]], [own])
    assert (value, variance) == pytest.approx((mean[0], of_sums[0]))


@pytest.mark.parametrize(("rows", "clusters"), [([[1.0]], None), ([[1.0]] * 3, [0] * 3)])
def test_one_cluster_has_no_joint_means(rows, clusters):
    with pytest.raises(ValueError, match="at least 2"):
        joint_means(rows, clusters=clusters)
