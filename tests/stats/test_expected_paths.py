"""What the exposed did against what their past lets expect: by hand, and by statsmodels."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.stats import norm, t
from siyu.stats.expected_paths import compare_with_expected


def draw(seed=3, n=60, outcomes=2):
    rng = np.random.default_rng(seed)
    past = rng.normal(size=(n, 2))
    exposed = past.sum(axis=1) + 0.5 * rng.normal(size=n) > 0
    after = past @ [0.6, 0.2] + 0.4 * exposed
    return after[:, None] + rng.normal(size=(n, outcomes)), past, exposed


def compare(after, past, exposed, clusters=None, **other):
    clusters = np.arange(len(after)) if clusters is None else clusters
    return compare_with_expected(after, history=past, exposed=exposed, clusters=clusters, **other)


def test_by_hand_the_exposed_are_expected_to_go_on_as_the_line_of_both_sides_does():
    # Below the threshold 1, 2, 3 lead to 1, 2, 3; above it 4, 5 lead to 6, 7: one line, 2 higher.
    found = compare(
        np.array([[1.0], [2], [3], [6], [7]]),
        np.array([[1.0], [2], [3], [4], [5]]),
        np.array([False, False, False, True, True]),
        fewest=1,
    )
    assert not np.isfinite(found.error[0])  # 3 others less 2 coefficients are under two
    found = compare(
        np.array([[1.0], [2], [3], [4], [7], [8]]),
        np.array([[1.0], [2], [3], [4], [5], [6]]),
        np.array([False] * 4 + [True] * 2),
    )
    assert found.effect[0] == pytest.approx(2)
    assert (found.actual[0], found.expected[0]) == (7.5, pytest.approx(5.5))
    assert (found.n_exposed[0], found.n_controls[0]) == (2, 4)


def test_regression_to_the_mean_is_expected_and_is_no_effect():
    # Everybody falls halfway back to 0 from where they stood; those above 2 were exposed.
    before = np.array([1.0, 2, -2, 0, 4, 6, 3, -1])
    found = compare((before / 2)[:, None], before[:, None], before > 2)
    assert found.actual[0] - before[before > 2].mean() == pytest.approx(-13 / 6)
    assert found.effect[0] == pytest.approx(0)


def test_statsmodels_gives_the_same_effect_and_error():
    after, past, exposed = draw()
    found = compare(after, past, exposed)
    for k in range(2):
        design = np.column_stack([np.ones(60), exposed, past])
        fitted = sm.OLS(after[:, k], design).fit(cov_type="HC2")
        assert found.effect[k] == pytest.approx(fitted.params[1])
        assert found.error[k] == pytest.approx(fitted.bse[1])


@pytest.mark.parametrize("unit", [1e-9, 1e9])
def test_in_what_unit_the_past_and_the_outcome_are_counted_changes_nothing(unit):
    after, past, exposed = draw()
    found = compare(after, past, exposed)
    other = compare(after * [unit, 1], past * [1, unit], exposed)
    assert other.effect / [unit, 1] == pytest.approx(found.effect)
    assert other.error / [unit, 1] == pytest.approx(found.error)


def test_rows_of_one_person_do_not_make_the_estimate_surer():
    after, past, exposed = draw()
    once = compare(after, past, exposed)
    people = np.tile(np.arange(60), 3)
    thrice = compare(np.tile(after, (3, 1)), np.tile(past, (3, 1)), np.tile(exposed, 3), people)
    assert thrice.effect == pytest.approx(once.effect)
    assert thrice.error == pytest.approx(once.error, rel=0.05)
    apart = compare(np.tile(after, (3, 1)), np.tile(past, (3, 1)), np.tile(exposed, 3))
    assert (apart.error < 0.65 * once.error).all()


def test_the_order_of_rows_and_the_names_of_people_say_nothing():
    after, past, exposed = draw()
    order = np.random.default_rng(1).permutation(60)
    one, other = compare(after, past, exposed), compare(after[order], past[order], exposed[order])
    assert other.effect == pytest.approx(one.effect)
    assert other.error == pytest.approx(one.error)
    assert other.degrees == pytest.approx(one.degrees)


def test_each_outcome_is_judged_by_those_followed_so_long():
    after, past, exposed = draw()
    after[:10, 1] = np.nan
    found = compare(after, past, exposed)
    alone = compare(after[10:], past[10:], exposed[10:])
    assert found.effect[1] == pytest.approx(alone.effect[1])
    assert found.error[1] == pytest.approx(alone.error[1])
    assert found.n_exposed[1] == exposed[10:].sum()


def test_an_outcome_with_too_few_is_told_by_its_mean_alone():
    after, past, exposed = draw()
    after[np.flatnonzero(exposed)[3:], 1] = np.nan
    found = compare(after, past, exposed, fewest=4)
    assert np.isnan([found.effect[1], found.error[1], found.p[1], found.covariance[0, 1]]).all()
    assert np.isfinite([found.effect[0], found.actual[1]]).all()
    assert np.isfinite(found.joint_interval(level=0.9, rng=np.random.default_rng(0))[0][0])


def test_intervals_and_p_values_agree():
    after, past, exposed = draw()
    found = compare(after, past, exposed)
    lower, upper = found.interval(level=1 - found.p[0])
    assert min(abs(lower[0]), abs(upper[0])) == pytest.approx(0, abs=1e-9)
    reach = t.ppf(0.975, found.degrees) * found.error
    assert found.interval(level=0.95)[1] == pytest.approx(found.effect + reach)
    assert (found.degrees < 60).all()


def test_joint_intervals_of_one_outcome_are_its_own_and_of_two_lie_under_bonferroni():
    after, past, exposed = draw()
    rng = np.random.default_rng(5)
    one = compare(after[:, :1], past, exposed)
    joint = one.joint_interval(level=0.95, rng=rng)
    assert np.ravel(joint) == pytest.approx(np.ravel(one.interval(level=0.95)), rel=0.02)
    both = compare(after, past, exposed)
    wide = np.diff(both.joint_interval(level=0.95, rng=rng), axis=0)[0]
    own = np.diff(both.interval(level=0.95), axis=0)[0]
    bonferroni = norm.ppf(1 - 0.0125) / norm.ppf(0.975)
    assert (wide > 1.05 * own).all()
    assert (wide < 1.01 * bonferroni * own).all()


def test_covariates_that_say_the_same_do_no_harm():
    after, past, exposed = draw()
    twice = np.column_stack([past, past[:, 0], np.zeros(60)])
    assert compare(after, twice, exposed).effect == pytest.approx(
        compare(after, past, exposed).effect
    )


def test_nobody_is_compared_where_nobody_is():
    found = compare(np.empty((0, 2)), np.empty((0, 3)), np.empty(0, dtype=bool))
    assert np.isnan(found.effect).all()
    assert found.n_exposed.tolist() == [0, 0]


@pytest.mark.parametrize(
    ("past", "words"),
    [(np.zeros((59, 2)), "as many rows"), (np.full((60, 2), np.nan), "no missing value")],
)
def test_a_past_that_does_not_fit_is_refused(past, words):
    after, _, exposed = draw()
    with pytest.raises(ValueError, match=words):
        compare(after, past, exposed)
