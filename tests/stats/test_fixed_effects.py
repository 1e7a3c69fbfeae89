"""Effects within groups: against least squares with a dummy per group, by hand, and refusals."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy.sparse import csr_array, hstack
from siyu.stats.fixed_effects import CollinearError, FewClustersError, dummies, fit_within

LEVEL = 0.95


def _pushes(seed=3, users=40):
    """Grouped rows of users with very different rates, and two features."""
    rng = np.random.default_rng(seed)
    rows = pd.DataFrame(
        {
            "user": rng.integers(users, size=600),
            "hour": rng.integers(4, size=600),
            "content": rng.integers(3, size=600),
            "n": rng.integers(1, 4, size=600),
        }
    )
    rate = 0.1 + 0.6 * rows["user"] / users + 0.05 * rows["hour"]
    return rows.assign(k=rng.binomial(rows["n"], rate))


def _fit(rows, group="user", **options):
    features = hstack([dummies(rows["content"], 3), dummies(rows["hour"], 4)], format="csr")
    names = ["content 1", "content 2", "hour 1", "hour 2", "hour 3"]
    group = rows["user"].to_numpy() if group == "user" else np.zeros(len(rows))
    return fit_within(
        features,
        names=names,
        n=rows["n"],
        total=rows["k"],
        group=group,
        cluster=rows["user"].to_numpy(),
        **options,
    )


def _one_by_one(rows):
    """The same pushes, a row each."""
    each = rows.loc[rows.index.repeat(rows["n"])].reset_index(drop=True)
    row = rows.index.repeat(rows["n"])
    nth = pd.Series(row).groupby(row).cumcount().to_numpy()
    return each.assign(y=(nth < each["k"]).astype(float))


def _least_squares(rows, *, users):
    each = _one_by_one(rows)
    columns = [pd.get_dummies(each["content"], prefix="c", drop_first=True)]
    columns.append(pd.get_dummies(each["hour"], prefix="h", drop_first=True))
    columns.append(
        pd.get_dummies(each["user"], prefix="u") if users else pd.Series(1, each.index, name="one")
    )
    x = pd.concat(columns, axis=1).astype(float)
    fit = sm.OLS(each["y"], x).fit(
        cov_type="cluster", cov_kwds={"groups": each["user"]}, use_t=True
    )
    return fit, len(each)


def test_coefficients_equal_least_squares_with_a_dummy_per_user():
    rows = _pushes()
    expected, _ = _least_squares(rows, users=True)
    assert _fit(rows).coefficients[:5] == pytest.approx(expected.params[:5], abs=1e-10)


def test_clustered_errors_equal_least_squares_but_for_counting_the_users_as_parameters():
    rows = _pushes()
    expected, n = _least_squares(rows, users=True)
    found = _fit(rows)
    parameters = len(expected.params)
    factor = np.sqrt((n - parameters) / (n - 6))  # 5 features and a constant, no users
    ours = np.sqrt(np.diag(found.covariance))[:5]
    assert ours == pytest.approx(expected.bse[:5] * factor, rel=1e-9)


def test_one_group_for_all_is_least_squares_with_a_constant_and_clusters():
    rows = _pushes()
    expected, _ = _least_squares(rows, users=False)
    found = _fit(rows, group="none")
    assert found.coefficients == pytest.approx(expected.params, abs=1e-10)
    assert found.covariance == pytest.approx(expected.cov_params().to_numpy(), rel=1e-9, abs=1e-12)
    one = found.contrast(np.eye(6), level=LEVEL)
    interval = expected.conf_int(alpha=1 - LEVEL)
    assert one.ci_lower == pytest.approx(interval[0], abs=1e-9)
    assert one.ci_upper == pytest.approx(interval[1], abs=1e-9)
    assert one.p == pytest.approx(expected.pvalues, abs=1e-9)


def test_grouped_rows_say_the_same_as_one_row_per_push_in_any_order():
    rows = _pushes()
    each = _one_by_one(rows).assign(n=1, k=lambda t: t["y"]).sample(frac=1, random_state=5)
    ours, theirs = _fit(rows), _fit(each)
    assert ours.coefficients == pytest.approx(theirs.coefficients, abs=1e-12)
    assert ours.covariance == pytest.approx(theirs.covariance, abs=1e-12)


def test_users_without_variation_change_no_effect_and_are_counted():
    rows = _pushes()
    alone = pd.DataFrame({"user": [900, 901], "hour": 2, "content": 1, "n": [3, 5], "k": [3, 0]})
    before, after = _fit(rows), _fit(pd.concat([rows, alone]))
    assert after.coefficients[:5] == pytest.approx(before.coefficients[:5], abs=1e-12)
    assert after.covariance[:5, :5] == pytest.approx(before.covariance[:5, :5], rel=1e-9)
    assert (after.n, after.n_groups, after.n_clusters) == (
        before.n,
        before.n_groups,
        before.n_clusters,
    )
    assert (before.left_out, after.left_out) == (0, 8)


def test_a_difference_within_two_users_is_the_one_by_hand():
    # Each of ten users gets two pushes at hour 0 and two at hour 1: all answer half of the first;
    # five answer both of the second, five none more. Mean difference: (5 x 0.5 + 5 x 0) / 10.
    rows = pd.DataFrame(
        {
            "user": np.repeat(np.arange(10), 2),
            "hour": np.tile([0, 1], 10),
            "n": 2,
            "k": np.ravel([(1, 2)] * 5 + [(1, 1)] * 5),
        }
    )
    found = fit_within(
        dummies(rows["hour"], 2),
        names=["hour 1"],
        n=rows["n"],
        total=rows["k"],
        group=rows["user"],
        cluster=rows["user"],
    )
    assert found.coefficients[0] == pytest.approx(0.25)
    # Each user's own difference is 1/4 off; CR1 adds 10 users / 9 and 39 / 38 of 40 pushes.
    variance = 10 * 0.25**2 / 10**2 * 10 / 9 * 39 / 38
    assert found.covariance[0, 0] == pytest.approx(variance)
    # At hour 0 half is answered: the mean of the users' effects.
    assert found.coefficients[1] == pytest.approx(0.5)


def test_columns_that_say_the_same_are_named():
    rows = _pushes()
    hour = dummies(rows["hour"], 4)
    features = csr_array(hstack([hour, hour[:, [1]]]))
    with pytest.raises(CollinearError, match=r"columns again say nothing") as caught:
        fit_within(
            features,
            names=["1", "2", "3", "again"],
            n=rows["n"],
            total=rows["k"],
            group=rows["user"],
            cluster=rows["user"],
        )
    assert caught.value.columns == ("again",)


def test_a_feature_that_never_varies_within_a_user_is_named():
    rows = _pushes()
    trait = csr_array((rows["user"] % 2).to_numpy(dtype=float)[:, None])
    features = csr_array(hstack([trait, dummies(rows["hour"], 4)]))
    with pytest.raises(CollinearError) as caught:
        fit_within(
            features,
            names=["trait", "1", "2", "3"],
            n=rows["n"],
            total=rows["k"],
            group=rows["user"],
            cluster=rows["user"],
        )
    assert caught.value.columns == ("trait",)


def test_fewer_than_ten_clusters_are_refused():
    rows = _pushes(users=9)
    with pytest.raises(FewClustersError, match="vary in 9 clusters, which must be at least 10"):
        _fit(rows)


def test_without_any_variation_there_are_too_few_clusters():
    rows = pd.DataFrame({"user": range(20), "hour": 1, "content": 0, "n": 2, "k": 1})
    with pytest.raises(FewClustersError, match="vary in 0 clusters"):
        _fit(rows)


def test_a_level_out_of_range_is_refused():
    with pytest.raises(ValueError, match="level"):
        _fit(_pushes()).contrast(np.eye(6), level=1)
