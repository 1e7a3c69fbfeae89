"""Shares of things in clusters: against least squares on a constant, and by hand."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.stats import t as student
from siyu.stats.clusters import (
    clustered_means,
    clustered_share,
    clustered_slope,
    wilson_share,
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


def test_means_of_people_who_stand_alone_have_the_usual_covariance():
    rows = np.random.default_rng(1).normal(size=(40, 3))
    found = clustered_means(rows)
    assert found.value == pytest.approx(rows.mean(axis=0))
    assert found.covariance == pytest.approx(np.cov(rows.T) / 40)
    assert (found.degrees, found.n) == (39, 40)
    each = clustered_means(rows, clusters=range(40))
    assert each.covariance == pytest.approx(found.covariance)


def test_means_of_clusters_have_the_error_of_a_share_by_cluster():
    """The same sums through `clustered_share`; and people who are all alike count once."""
    clusters = np.repeat(range(12), [3, 5, 2, 8, 4, 6, 3, 5, 2, 8, 4, 6])
    hit = np.random.default_rng(2).random(len(clusters)) < 0.4
    found = clustered_means(hit[:, None], clusters=clusters)
    count, n = np.bincount(clusters, weights=hit), np.bincount(clusters)
    share = clustered_share(
        count=count.sum(), n=n.sum(), clusters=12, count_squared=count @ count,
        n_squared=n @ n, both=count @ n, level=0.95,
    )  # fmt: skip
    assert found.covariance[0, 0] ** 0.5 == pytest.approx(float(share.error))
    assert found.degrees == 11
    rows = np.random.default_rng(3).normal(size=(20, 2))
    fivefold = clustered_means(np.repeat(rows, 5, axis=0), clusters=np.repeat(range(20), 5))
    assert fivefold.covariance == pytest.approx(clustered_means(rows).covariance)


def test_a_weighted_sum_of_means_is_the_mean_of_weighted_sums():
    rows = np.random.default_rng(4).normal(size=(30, 2))
    value, variance = clustered_means(rows).weigh([-1.0, 60.0])
    net = rows @ [-1.0, 60.0]
    assert (value, variance) == pytest.approx((net.mean(), net.var(ddof=1) / 30))


@pytest.mark.parametrize(("rows", "clusters"), [([[1.0]], None), ([[1.0]] * 3, [0] * 3)])
def test_one_cluster_has_no_means_with_an_error(rows, clusters):
    with pytest.raises(ValueError, match="at least 2"):
        clustered_means(rows, clusters=clusters)


def test_of_clusters_of_one_thing_the_share_has_nearly_wilsons_interval():
    """30 of 100: Wilson's is 0.2189 to 0.3958; Student's t with 99 degrees widens it a little."""
    share, lower, upper = wilson_share([0, 1], [1, 1], [70, 30], level=0.95)
    assert share == pytest.approx(0.3)
    assert (lower, upper) == (pytest.approx(0.2178, abs=2e-3), pytest.approx(0.3975, abs=2e-3))


def test_clusters_that_answer_alike_widen_the_interval():
    apart = wilson_share([2, 3], [5, 5], [20, 20], level=0.95)
    alike = wilson_share([0, 5], [5, 5], [20, 20], level=0.95)
    assert apart[0] == alike[0] == pytest.approx(0.5)
    assert alike[2] - alike[1] > 1.8 * (apart[2] - apart[1])


def test_a_share_of_none_all_or_nothing_keeps_within_its_bounds():
    none, every = (wilson_share([k], [3], [30], level=0.95) for k in (0, 3))
    assert none[:2] == (0, 0)
    assert every[0] == every[2] == 1
    assert none[2] == pytest.approx(1 - every[1]) == pytest.approx(0.044, abs=2e-3)
    assert np.isnan(wilson_share([], [], [], level=0.95)).all()
    assert np.isnan(wilson_share([0], [0], [9], level=0.95)).all()
    assert np.isnan(wilson_share([1], [2], [1], level=0.95)[1:]).all()


def test_clusters_without_things_change_nothing():
    with_them = wilson_share([1, 0, 0], [2, 3, 0], [20, 30, 500], level=0.95)
    assert with_them == wilson_share([1, 0], [2, 3], [20, 30], level=0.95)
