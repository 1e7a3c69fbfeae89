"""The shifted beta geometric model: by hand, by brute force, at its edges, and on bad counts."""

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize
from scipy.special import betaln
from siyu.stats.shifted_beta_geometric import FEWEST_LEAVERS, Fit, FitError, fit, predict, survival

Z = 1.959963985


def grouped(*rows):
    return pd.DataFrame(rows, columns=["time", "outcome", "n"])


def drawn(seed, *, alpha=0.8, beta=4.0, n=400, longest=12):
    """People who enter over `longest` periods and are looked at on one day."""
    rng = np.random.default_rng(seed)
    leaves = rng.geometric(rng.beta(alpha, beta, n))
    followed = rng.integers(0, longest + 1, n)
    gone = leaves <= followed
    return pd.DataFrame({"time": np.where(gone, leaves, followed), "outcome": gone * 1, "n": 1})


def by_brute_force(table, alpha, beta):
    """Sum each row's log probability: B(a + 1, b + t - 1) / B(a, b), or B(a, b + t) / B(a, b)."""
    t = table["time"].to_numpy()
    left = betaln(alpha + 1, beta + np.maximum(t, 1) - 1)
    there = betaln(alpha, beta + t)
    one = np.where(table["outcome"] == 1, left, there) - betaln(alpha, beta)
    return float((table["n"] * one).sum())


def slopes_of(function, at, step=1e-4):
    """Differentiate numerically: one column per coordinate."""
    moves = step * np.eye(len(at))
    return np.stack([(function(at + m) - function(at - m)) / (2 * step) for m in moves], axis=-1)


def in_logs(fitted):
    return np.log([fitted.alpha, fitted.beta])


@pytest.mark.parametrize("seed", range(5))
def test_the_fit_is_the_top_of_the_likelihood_summed_by_brute_force(seed):
    table = drawn(seed)
    theirs = minimize(
        lambda logs: -by_brute_force(table, *np.exp(logs)),
        [0.0, 0.0],
        method="Nelder-Mead",
        options={"xatol": 1e-9, "fatol": 1e-11, "maxiter": 2000},
    )
    ours = fit(table)
    assert in_logs(ours) == pytest.approx(theirs.x, abs=1e-5)
    assert ours.log_likelihood == pytest.approx(-theirs.fun)
    assert ours.log_likelihood == pytest.approx(by_brute_force(table, ours.alpha, ours.beta))


def test_the_covariance_is_that_of_numeric_second_derivatives_where_all_is_as_expected():
    """Counts that equal their expectation: the observed information is then the expected one."""
    first = fit(drawn(1))
    rows = []
    for last in range(13):
        there = 1e8 * survival(first, np.arange(last + 1), level=0.95)[0]
        rows += [(t, 1, round(there[t - 1] - there[t])) for t in range(1, last + 1)]
        rows.append((last, 0, round(there[last])))
    expected = grouped(*rows)
    ours = fit(expected)

    def log_likelihood(logs):
        return by_brute_force(expected, *np.exp(logs)) / 1e8

    def to_first_and_fading(logs):
        alpha, beta = np.exp(logs)
        return np.array([alpha / (alpha + beta), 1 / (alpha + beta)])

    hessian = slopes_of(lambda at: slopes_of(log_likelihood, at), in_logs(ours))
    turn = slopes_of(to_first_and_fading, in_logs(ours))
    theirs = turn @ np.linalg.inv(-hessian) @ turn.T
    np.testing.assert_allclose(1e8 * ours.covariance, theirs, rtol=1e-4)


def test_survival_is_the_ratio_of_beta_functions_and_conditional_on_having_lived_so_long():
    fitted = fit(drawn(2))
    alpha, beta, t = fitted.alpha, fitted.beta, np.array([0, 1, 5, 40])
    by_hand = np.exp(betaln(alpha, beta + t) - betaln(alpha, beta))
    np.testing.assert_allclose(survival(fitted, t, level=0.9)[0], by_hand)
    later = survival(fitted, 35, start=5, level=0.9)[0]
    assert later == pytest.approx(by_hand[3] / by_hand[2])
    assert np.stack(survival(fitted, 0, level=0.9)).tolist() == [1, 1, 1]


@pytest.mark.parametrize("start", [0, 6])
def test_the_interval_of_survival_is_the_delta_method_by_numeric_slopes(start):
    fitted = fit(drawn(3))

    def logit(theta):
        moved = Fit(first=theta[0], fading=theta[1], log_likelihood=0, covariance=np.eye(2))
        share = survival(moved, 20, start=start, level=0.95)[0]
        return np.log(share / (1 - share))

    slope = slopes_of(logit, np.array([fitted.first, fitted.fading]), step=1e-6)
    error = np.sqrt(slope @ fitted.covariance @ slope)
    _, lower, upper = survival(fitted, 20, start=start, level=0.95)
    centre = logit(np.array([fitted.first, fitted.fading]))
    assert np.log(lower / (1 - lower)) == pytest.approx(centre - Z * error)
    assert np.log(upper / (1 - upper)) == pytest.approx(centre + Z * error)


def test_a_prediction_adds_what_each_age_keeps_and_what_chance_does():
    """Fifty newcomers and 150 who have lived through six periods, four periods later."""
    fitted = fit(drawn(4))
    kept = survival(fitted, 4, start=[0, 6], level=0.95)[0]
    n = np.array([50, 150])
    expected, lower, upper = predict(fitted, [0, 6], n, periods=4, level=0.95)
    assert expected == pytest.approx(n @ kept)

    def number(theta):
        moved = Fit(first=theta[0], fading=theta[1], log_likelihood=0, covariance=np.eye(2))
        return predict(moved, [0, 6], n, periods=4, level=0.95)[0]

    slope = slopes_of(number, np.array([fitted.first, fitted.fading]), step=1e-6)
    variance = slope @ fitted.covariance @ slope + n @ (kept * (1 - kept))
    error = np.sqrt(variance) * 200 / (expected * (200 - expected))
    ends = [np.log(end / (200 - end)) for end in (lower, expected, upper)]
    assert np.diff(ends) == pytest.approx([Z * error] * 2)


def test_nobody_to_predict_and_no_time_to_pass_have_no_range():
    fitted = fit(drawn(4))
    assert np.isnan(predict(fitted, [0], [0], periods=4, level=0.95)[1:]).all()
    expected, lower, upper = predict(fitted, [0, 3], [5, 5], periods=0, level=0.95)
    assert expected == 10
    assert np.isnan([lower, upper]).all()


def test_a_constant_share_of_leavers_is_the_geometric_model():
    """Of 1,000 a tenth leaves each week, exactly: first 0.1, and nobody differs from the others."""
    fitted = fit(grouped((1, 1, 100), (2, 1, 90), (3, 1, 81), (3, 0, 729)))
    assert fitted.first == pytest.approx(0.1)
    assert fitted.fading == pytest.approx(0, abs=1e-9)
    assert survival(fitted, 10, level=0.95)[0] == pytest.approx(0.9**10)


def test_a_rising_share_of_leavers_ends_at_the_geometric_model():
    """5% and 20% leave: 5 + 19 of 100 + 95 weeks, a share of 24/195 in either."""
    fitted = fit(grouped((1, 1, 5), (2, 1, 19), (2, 0, 76)))
    assert fitted.first == pytest.approx(24 / 195)
    assert fitted.fading == 0
    assert (fitted.alpha, fitted.beta) == (np.inf, np.inf)
    share, lower, upper = survival(fitted, [1, 52], level=0.95)
    assert share[1] == pytest.approx((1 - 24 / 195) ** 52)
    assert (lower < share).all()
    assert (share < upper).all()


def test_row_order_splitting_rows_and_rows_of_nobody_change_nothing():
    users = drawn(5)
    counts = users.groupby(["time", "outcome"], as_index=False)["n"].sum()
    nobody = pd.concat([counts[::-1], grouped((30, 0, 0), (31, 1, 0))])
    for one in (fit(counts), fit(nobody)):
        assert (one.first, one.fading) == pytest.approx((fit(users).first, fit(users).fading))


def test_users_of_whom_no_whole_period_is_known_say_nothing():
    table = drawn(6)
    more = pd.concat([table, grouped((0, 0, 10_000))])
    assert fit(more).alpha == pytest.approx(fit(table).alpha)


def test_four_times_the_users_halve_the_error():
    once, more = fit(drawn(7)), fit(drawn(7).assign(n=4))
    np.testing.assert_allclose(once.covariance, 4 * more.covariance, rtol=1e-6)


@pytest.mark.parametrize(
    ("rows", "reason", "said"),
    [
        ([(9, 0, 500)], "nobody_left", "nobody left"),
        ([], "nobody_left", "nobody left"),
        ([(1, 1, 10), (2, 1, 9), (9, 0, 500)], "few_left", "19 left; fewer than 20 say too little"),
        ([(1, 1, 500)], "left_at_once", "500 left, none of them after the first period"),
        ([(1, 1, 60), (9, 0, 40)], "left_at_once", "60 left, none of them after"),
        ([(1, 1, 60), (1, 0, 40)], "left_at_once", "60 left, none of them after"),
    ],
)
def test_what_says_too_little_is_refused_with_the_reason(rows, reason, said):
    with pytest.raises(FitError, match=said) as refused:
        fit(grouped(*rows).astype(int))
    assert refused.value.reason == reason
    assert refused.value.left == sum(n for _, outcome, n in rows if outcome)


def test_as_many_leavers_as_are_needed_are_enough():
    assert fit(grouped((1, 1, FEWEST_LEAVERS - 5), (2, 1, 5), (9, 0, 50))).first > 0


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ((1.5, 1, 1), r"time = 1\.5 must be a whole number"),
        ((-1, 0, 1), "time = -1 must be a whole number"),
        ((1, 2, 1), r"outcome = 2 must be 0 \(still there\) or 1 \(left\)"),
        ((1, 1, -3), "n = -3 must be a whole number"),
        ((0, 1, 1), "time = 0 is no period in which to leave"),
    ],
)
def test_impossible_rows_are_refused(row, said):
    with pytest.raises(ValueError, match=said):
        fit(grouped(row))


def test_a_missing_column_and_impossible_options_are_named():
    with pytest.raises(ValueError, match="column 'outcome' is missing"):
        fit(pd.DataFrame({"time": [1], "n": [1]}))
    fitted = fit(drawn(1))
    with pytest.raises(ValueError, match="periods = -1"):
        survival(fitted, -1, level=0.95)
    with pytest.raises(ValueError, match="level = 95"):
        survival(fitted, 1, level=95)
    with pytest.raises(ValueError, match=r"start = 0\.5"):
        predict(fitted, [0.5], [1], periods=1, level=0.95)
    with pytest.raises(ValueError, match="n = -1"):
        predict(fitted, [1], [-1], periods=1, level=0.95)
