from itertools import permutations

import numpy as np
import pytest
from siyu.stats.decomposition import kitagawa, kitagawa_parts, shapley

# Berkeley admissions 1973 (R: UCBAdmissions), departments A to F.
MEN, MEN_ADMITTED = [825, 560, 325, 417, 191, 373], [512, 353, 120, 138, 53, 22]
WOMEN, WOMEN_ADMITTED = [108, 25, 593, 375, 393, 341], [89, 17, 202, 131, 94, 24]


def _drawn_periods(seed=9, groups=7):
    rng = np.random.default_rng(seed)
    users = rng.integers(1, 500, (2, groups))
    return users[0], rng.binomial(users[0], 0.3), users[1], rng.binomial(users[1], 0.4)


def test_mix_and_rate_by_hand():
    """Shares 1/2, 1/2 to 3/4, 1/4; rates .2, .6 to .2, .8; crude .4 to .35, mean .375.

    Mix: .25 (.2 - .375) and -.25 (.7 - .375); rate: 0 and .375 x .2.
    """
    parts = kitagawa([50, 50], [10, 30], [75, 25], [15, 20])

    np.testing.assert_allclose(parts["mix"], [-0.04375, -0.08125])
    np.testing.assert_allclose(parts["rate"], [0, 0.075], atol=1e-15)


def test_the_parts_sum_to_the_change_of_the_crude_rate():
    n_before, x_before, n_after, x_after = _drawn_periods()
    change = x_after.sum() / n_after.sum() - x_before.sum() / n_before.sum()

    total = kitagawa(n_before, x_before, n_after, x_after).to_numpy().sum()

    assert total == pytest.approx(change, abs=1e-12)


def test_the_rate_parts_are_the_change_at_the_mean_composition():
    """Direct standardisation, the other way to the same number; Berkeley's sign turns round."""
    mean_shares = (np.divide(MEN, sum(MEN)) + np.divide(WOMEN, sum(WOMEN))) / 2
    standardised = mean_shares @ (np.divide(WOMEN_ADMITTED, WOMEN) - np.divide(MEN_ADMITTED, MEN))

    parts = kitagawa(MEN, MEN_ADMITTED, WOMEN, WOMEN_ADMITTED).sum()

    assert parts["rate"] == pytest.approx(standardised)
    assert parts["rate"] > 0 > parts["mix"] + parts["rate"]


def test_the_order_of_groups_and_periods_only_reorders_and_mirrors_the_parts():
    n_before, x_before, n_after, x_after = _drawn_periods()
    parts = kitagawa(n_before, x_before, n_after, x_after)
    turned = kitagawa(n_before[::-1], x_before[::-1], n_after[::-1], x_after[::-1])

    np.testing.assert_allclose(turned, parts[::-1])
    np.testing.assert_allclose(kitagawa(n_after, x_after, n_before, x_before), -parts)


def test_a_growing_group_helps_only_when_it_is_better_than_the_whole():
    parts = kitagawa([50, 50], [5, 25], [80, 20], [8, 10])

    assert (parts["mix"] < 0).all()  # the worse group grew, the better one shrank
    np.testing.assert_allclose(parts["rate"], 0, atol=1e-15)


def test_a_group_that_comes_or_goes_is_all_mix():
    parts = kitagawa([100, 0, 50], [20, 0, 25], [100, 60, 0], [30, 30, 0])

    np.testing.assert_allclose(parts["rate"][1:], 0, atol=1e-15)
    assert parts.to_numpy().sum() == pytest.approx(60 / 160 - 45 / 150, abs=1e-12)


def test_a_group_in_neither_period_has_no_part():
    parts = kitagawa([10, 0], [5, 0], [10, 0], [6, 0])

    np.testing.assert_allclose(parts, [[0, 0.1], [0, 0]], atol=1e-15)


def test_a_single_group_is_all_rate():
    np.testing.assert_allclose(kitagawa([10], [5], [40], [10]), [[0, -0.25]], atol=1e-15)


def test_a_period_without_users_has_no_parts():
    assert kitagawa([0, 0], [0, 0], [5, 5], [1, 2]).isna().all(axis=None)


def test_more_conversions_than_users_are_refused():
    with pytest.raises(ValueError, match="count = 6 must not exceed n = 5"):
        kitagawa([5, 5], [1, 1], [5, 5], [6, 1])


def test_periods_side_by_side_are_split_one_by_one():
    first, second = _drawn_periods(1), _drawn_periods(2)
    mix, rate = kitagawa_parts(*(np.stack(pair) for pair in zip(first, second, strict=True)))

    np.testing.assert_allclose(np.stack([mix[1], rate[1]], axis=-1), kitagawa(*second))


def _shapley_over_all_orders(before, after):
    total = np.zeros(len(before))
    orders = list(permutations(range(len(before))))
    for order in orders:
        rates = list(before)
        for step in order:
            old = np.prod(rates)
            rates[step] = after[step]
            total[step] += np.prod(rates) - old
    return total / len(orders)


def test_two_steps_by_hand():
    """.5 x .4 to .6 x .2: step 1 adds .1 x mean(.4, .2), step 2 loses .2 x mean(.5, .6)."""
    np.testing.assert_allclose(shapley([0.5, 0.4], [0.6, 0.2]), [0.03, -0.11])


@pytest.mark.parametrize("steps", [1, 2, 3, 6, 7])
def test_contributions_are_the_mean_over_all_orders(steps):
    before, after = np.random.default_rng(steps).random((2, steps))

    np.testing.assert_allclose(
        shapley(before, after), _shapley_over_all_orders(before, after), rtol=0, atol=1e-14
    )


def test_contributions_of_twelve_steps_sum_to_the_change():
    before, after = np.random.default_rng(12).random((2, 1_000, 12))

    np.testing.assert_allclose(
        shapley(before, after).sum(axis=-1),
        after.prod(axis=-1) - before.prod(axis=-1),
        rtol=0,
        atol=1e-12,
    )


def test_a_step_that_did_not_change_contributes_nothing():
    assert shapley([0.5, 0.4, 0.9], [0.6, 0.4, 0.1])[1] == 0


def test_the_order_of_the_steps_only_reorders_the_contributions():
    before, after, order = np.array([0.5, 0.4, 0.9]), np.array([0.6, 0.3, 0.1]), [2, 0, 1]

    np.testing.assert_allclose(shapley(before[order], after[order]), shapley(before, after)[order])


def test_a_step_that_nobody_entered_leaves_the_change_to_the_step_before_it():
    """Before, nobody passed step 2, so that step 3 had no rate."""
    parts = shapley([0.5, 0, np.nan], [0.5, 0.4, 0.5])

    np.testing.assert_allclose(parts, [0, 0.1, 0], atol=1e-15)


def test_a_step_that_nobody_entered_in_either_period_contributes_nothing():
    np.testing.assert_allclose(shapley([0.5, 0, np.nan], [0, np.nan, np.nan]), 0, atol=1e-15)
