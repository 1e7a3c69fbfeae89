"""Values of policies: by hand, against direct means and statsmodels, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from siyu.stats import off_policy
from siyu.stats.off_policy import Logged, Value

LEVEL = 0.95


def summed(user, arm, propensity, y, *, arms=2, bound=20.0) -> Logged:
    """Sum choices up per user and arm, one by one."""
    shape = (max(user) + 1, arms)
    weight = 1 / np.asarray(propensity, dtype=float)
    y = np.asarray(y, dtype=float)
    cut = np.minimum(weight, bound)
    each = {
        "n": np.ones(len(y)),
        "answered": y,
        "weight": weight,
        "answered_weight": y * weight,
        "squared_weight": weight**2,
        "squared_answered_weight": y * weight**2,
        "above": (weight > bound).astype(float),
        "clipped_weight": cut,
        "clipped_answered_weight": y * cut,
    }
    sums = {name: np.zeros(shape) for name in each}
    for name, values in each.items():
        np.add.at(sums[name], (np.asarray(user), np.asarray(arm)), values)
    return Logged(**sums)


def at(arm: int, logged: Logged) -> np.ndarray:
    policy = np.zeros_like(logged.n)
    policy[:, arm] = 1
    return policy


@pytest.fixture
def four() -> Logged:
    """Four pushes of two users: arm 1 was drawn with the chances 1/4, 1/2 and 1/2."""
    return summed([0, 0, 1, 1], [1, 0, 1, 1], [0.25, 0.75, 0.5, 0.5], [1, 0, 0, 1])


@pytest.fixture
def drawn():
    """3,000 choices of 400 users who differ, of three arms, with chances that differ."""
    rng = np.random.default_rng(1)
    user = np.sort(rng.integers(0, 400, 3_000))
    user[-1] = 399
    chances = np.where((user % 2 == 0)[:, None], [0.2, 0.3, 0.5], [0.5, 0.3, 0.2])
    arm = (rng.random(len(user))[:, None] > chances.cumsum(axis=1)).sum(axis=1)
    rate = rng.beta(2, 6, 400)[user] * np.where(arm == 2, 1.5, 1.0)
    y = (rng.random(len(user)) < np.minimum(rate, 1)).astype(int)
    return user, arm, chances[np.arange(len(user)), arm], y


def test_four_pushes_by_hand(four):
    # Arm 1: weights 4, 2, 2, answered 4 + 2 = 6. IPS: 6 of 4 pushes; SNIPS: 6 of the weight 8.
    policy = at(1, four)
    assert off_policy.value(four, policy, method="ips").value == pytest.approx(6 / 4)
    assert off_policy.value(four, policy, method="snips").value == pytest.approx(6 / 8)
    assert off_policy.as_drawn(four).value == pytest.approx(2 / 4)
    # A model that says 0.5 for both: 0.5 + (6 - 0.5 x 8) / 4.
    model = np.full((2, 2), 0.5)
    assert off_policy.value(four, policy, method="dr", model=model).value == pytest.approx(1.0)
    # Kish: pushes 8^2 / (16 + 4 + 4), users 8^2 / (4^2 + 4^2).
    assert off_policy.effective(four, policy) == pytest.approx((64 / 24, 2))


def test_the_error_of_four_pushes_by_hand(four):
    # SNIPS 0.75. Influence: user 0 (4 - 0.75 x 4) / 8, user 1 (2 - 0.75 x 4) / 8; G / (G - 1) = 2.
    found = off_policy.value(four, at(1, four), method="snips")
    assert found.influence == pytest.approx([1 / 8, -1 / 8])
    assert found.error == pytest.approx(np.sqrt(2 * (1 / 64 + 1 / 64)))


def test_weights_above_the_bound_are_cut_to_it():
    logged = summed([0, 1], [1, 1], [0.01, 0.5], [1, 0], bound=20)
    # Weights 100 and 2, cut to 20 and 2.
    policy = at(1, logged)
    assert off_policy.value(logged, policy, method="clipped").value == pytest.approx(20 / 22)
    assert off_policy.value(logged, policy, method="snips").value == pytest.approx(100 / 102)
    assert logged.above.sum() == 1


def test_with_equal_chances_and_equal_draws_all_methods_are_the_plain_mean():
    user, arm = np.arange(8), np.array([0, 1] * 4)
    y = [0, 1, 0, 1, 1, 0, 0, 1]
    logged = summed(user, arm, [0.5] * 8, y)
    plain = np.mean([y[i] for i in range(1, 8, 2)])
    model = np.full((8, 2), 0.3)
    for method in ("ips", "snips", "dr", "clipped"):
        found = off_policy.value(logged, at(1, logged), method=method, model=model)
        assert found.value == pytest.approx(plain)


def test_snips_is_a_weighted_mean_with_the_clustered_errors_of_statsmodels(drawn):
    user, arm, propensity, y = drawn
    logged = summed(*drawn, arms=3)
    found = off_policy.value(logged, at(2, logged), method="snips")
    own = arm == 2
    # Users without a push at the arm are clusters too, with no influence.
    fit = sm.WLS(y[own], np.ones(own.sum()), weights=1 / propensity[own]).fit(
        cov_type="cluster",
        cov_kwds={"groups": user[own], "use_correction": False},
    )
    users = len(np.unique(user))
    assert found.value == pytest.approx(fit.params[0])
    assert found.error == pytest.approx(fit.bse[0] * np.sqrt(users / (users - 1)))


def test_the_difference_of_two_policies_is_that_of_a_regression_on_both(drawn):
    user, arm, propensity, y = drawn
    logged = summed(*drawn, arms=3)
    one, other = (off_policy.value(logged, at(k, logged), method="snips") for k in (2, 0))
    difference = off_policy.less(one, other)
    own = arm != 1
    design = sm.add_constant((arm[own] == 2).astype(float))
    fit = sm.WLS(y[own], design, weights=1 / propensity[own]).fit(
        cov_type="cluster", cov_kwds={"groups": user[own], "use_correction": False}
    )
    users = len(np.unique(user))
    assert difference.value == pytest.approx(fit.params[1])
    assert difference.error == pytest.approx(fit.bse[1] * np.sqrt(users / (users - 1)))
    separately = np.hypot(one.error, other.error)
    assert difference.error != pytest.approx(separately, rel=1e-3)


def test_all_arms_at_once_are_each_arm_alone(drawn):
    logged = summed(*drawn, arms=3)
    for arm, found in enumerate(off_policy.each_arm(logged)):
        alone = off_policy.value(logged, at(arm, logged), method="snips")
        assert (found.value, found.error) == pytest.approx((alone.value, alone.error))


def test_the_order_of_users_and_doubled_pushes_change_no_value(drawn):
    logged = summed(*drawn, arms=3)
    policy = at(1, logged)
    turned = logged.of(np.ones(400, dtype=bool)) + logged
    for method in ("ips", "snips"):
        one = off_policy.value(logged, policy, method=method)
        two = off_policy.value(turned, policy, method=method)
        assert (two.value, two.error) == pytest.approx((one.value, one.error))
    some = np.arange(400) % 3 == 0
    assert logged.of(some).n.shape == (134, 3)


def test_a_lift_is_relative_and_nothing_where_there_is_no_answer():
    one = Value(value=0.06, influence=np.array([0.01, -0.01]), n_users=2)
    other = Value(value=0.05, influence=np.array([0.005, -0.005]), n_users=2)
    found = off_policy.lift(one, other)
    # 0.06 / 0.05 - 1; influence (0.01 - 1.2 x 0.005) / 0.05.
    assert found.value == pytest.approx(0.2)
    assert found.influence == pytest.approx([0.08, -0.08])
    nothing = Value(value=0.0, influence=np.zeros(2), n_users=2)
    assert np.isnan(off_policy.lift(one, nothing).value)
    assert np.isnan(off_policy.pvalue(nothing))


def test_p_and_interval_agree(drawn):
    logged = summed(*drawn, arms=3)
    difference = off_policy.less(
        off_policy.value(logged, at(2, logged), method="snips"), off_policy.as_drawn(logged)
    )
    p = off_policy.pvalue(difference)
    lower, upper = difference.interval(1 - p)
    assert min(abs(lower), abs(upper)) == pytest.approx(0, abs=1e-9)
    with pytest.raises(ValueError, match=r"level = 1\.2"):
        difference.interval(1.2)


def test_nothing_that_follows_the_policy_is_no_value():
    logged = summed([0, 1], [0, 0], [0.5, 0.5], [1, 0])
    policy = at(1, logged)
    assert np.isnan(off_policy.value(logged, policy, method="snips").value)
    assert off_policy.effective(logged, policy) == (0.0, 0.0)
    assert np.isnan(off_policy.design_effect(logged, 1))


def test_a_policy_lacks_support_where_its_group_never_drew_the_arm():
    # Group 0 drew both arms, group 1 only arm 0.
    logged = summed([0, 0, 1, 1], [0, 1, 0, 0], [0.5] * 4, [0, 1, 0, 1])
    groups = np.array([0, 1])
    assert off_policy.lacks_support(logged, at(1, logged), groups)
    assert not off_policy.lacks_support(logged, np.array([[0, 1], [1, 0]]), groups)


def test_what_a_user_answers_at_all_arms_widens_no_difference_and_at_one_arm_it_does():
    # 100 users, each with five pushes at either arm. Half answer all or none of them: it cancels.
    user, arm = np.repeat(np.arange(100), 10), np.tile(np.repeat([0, 1], 5), 100)
    alike = summed(user, arm, np.full(1000, 0.5), (user % 2).astype(float))
    assert off_policy.design_effect(alike, 0) == 1
    # Answers at the first arm only, all or none: one answer, five times.
    apart = summed(user, arm, np.full(1000, 0.5), (user % 2) * (arm == 0))
    found, base = off_policy.each_arm(apart)[0], off_policy.as_drawn(apart)
    y, own = (user % 2) * (arm == 0), arm == 0
    terms = own * (y - 0.5) / 500 - (y - 0.25) / 1000
    expected = off_policy.less(found, base).error ** 2 / (terms**2).sum()
    assert off_policy.design_effect(apart, 0) == pytest.approx(expected)
    assert expected > 3


def test_right_chances_pass_and_wrong_ones_do_not(drawn):
    user, arm, propensity, y = drawn
    groups = np.zeros(400, dtype=int)
    right = off_policy.check_design(summed(*drawn, arms=3), groups, min_users=30)
    assert right.p > 0.01
    assert not right.is_wrong
    told = np.where(arm == 2, propensity / 1.5, propensity)
    wrong = off_policy.check_design(summed(user, arm, told, y, arms=3), groups, min_users=30)
    assert wrong.is_wrong
    assert wrong.ratios[2] == pytest.approx(1.5 * right.ratios[2])


def test_chances_that_are_only_rounded_pass():
    # Thirteen equal arms, 0.0769 for 1/13: the ratios sum to 13.004 whatever is drawn.
    n = 13 * 400
    logged = summed(np.arange(n) // 13, np.arange(n) % 13, [0.0769] * n, [0] * n, arms=13)
    found = off_policy.check_design(logged, np.zeros(400, dtype=int), min_users=30)
    assert found.p < off_policy.BLOCKING_P
    assert not found.partial.any()
    assert not found.is_wrong


def test_an_arm_counts_only_where_it_could_be_drawn():
    # Group 1 is always sent at arm 0: arm 1 is judged by group 0 alone.
    rng = np.random.default_rng(2)
    user = np.arange(4_000)
    groups = user % 2
    arm = np.where(groups == 1, 0, rng.integers(0, 2, 4_000))
    logged = summed(user, arm, np.where(groups == 1, 1.0, 0.5), np.zeros(4_000))
    assert not off_policy.check_design(logged, groups, min_users=30).is_wrong
    # Taken for one group, half of it could not get arm 1: that arm has no value, the other has.
    together = off_policy.check_design(logged, np.zeros(4_000, dtype=int), min_users=30)
    assert together.partial.tolist() == [False, True]
    assert not together.is_wrong
    assert together.p == together.p_holm[0]


def test_chances_are_wrong_where_an_arm_is_above_or_all_are_below(drawn):
    user, arm, propensity, y = drawn
    groups = np.zeros(400, dtype=int)

    def check(told):
        return off_policy.check_design(summed(user, arm, told, y, arms=3), groups, min_users=30)

    above = check(np.where(arm == 2, propensity / 1.3, propensity))
    assert (above.is_wrong, above.above.tolist()) == (True, [False, False, True])
    assert not above.partial.any()
    assert check(propensity * 1.3).is_wrong
    some = check(np.where(arm == 2, propensity * 1.3, propensity))
    assert (some.is_wrong, some.partial.tolist()) == (False, [False, False, True])


def test_too_few_users_are_no_test():
    few = summed([0, 1, 2], [0, 1, 0], [0.5] * 3, [0, 1, 0])
    alone = summed([0], [0], [1.0], [0])
    for logged, least in ((few, 30), (alone, 1)):
        groups = np.zeros(len(logged.n), dtype=int)
        found = off_policy.check_design(logged, groups, min_users=least)
        assert found.is_untested
        assert np.isnan(found.p)
        assert not found.is_wrong
        assert not found.partial.any()


def test_a_value_has_its_interval_on_the_log_scale_and_a_difference_on_its_own():
    # Error: 2 users, each 0.01 off: sqrt(2 x 2 x 0.0001) = 0.02; t with 1 degree at 50% is 1.
    influence = np.array([0.01, -0.01])
    found = Value(value=0.06, influence=influence, n_users=2)
    factor = np.exp(0.02 / 0.06)
    assert found.interval(0.5) == pytest.approx((0.06 / factor, 0.06 * factor))
    none = Value(value=0.0, influence=influence, n_users=2)
    assert off_policy.less(found, none).interval(0.5) == (0.06, 0.06)
    half = off_policy.Difference(value=0.06, influence=influence, n_users=2)
    assert half.interval(0.5) == pytest.approx((0.04, 0.08))
    # A doubly robust value can fall below 0, where there is no log.
    below = Value(value=-0.01, influence=influence, n_users=2)
    assert below.interval(0.5) == pytest.approx((-0.03, 0.01))


def test_no_upper_end_is_above_1_unless_the_value_is():
    influence = np.array([0.1, -0.1])
    assert Value(value=0.9, influence=influence, n_users=2).interval(0.95)[1] == 1
    assert Value(value=1.2, influence=influence, n_users=2).interval(0.95)[1] == 1.2


def test_the_p_value_against_a_number_agrees_with_the_interval(drawn):
    logged = summed(*drawn, arms=3)
    found = off_policy.value(logged, at(2, logged), method="snips")
    p = off_policy.pvalue_against(found, 0.3)
    assert found.interval(1 - p)[0 if found.value > 0.3 else 1] == pytest.approx(0.3)
    sure = Value(value=1.0, influence=np.zeros(2), n_users=2)
    assert [off_policy.pvalue_against(sure, one) for one in (1, 2)] == [1, 0]
    nothing = Value(value=0.0, influence=np.zeros(2), n_users=2)
    assert np.isnan(off_policy.pvalue_against(nothing, 0.3))
