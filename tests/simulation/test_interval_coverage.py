"""Intervals of shares, differences and decompositions hold the truth as often as they say.

8,000 replications, so that [0.94, 0.96] lies four Monte Carlo errors from 0.95 and no seed matters.
Coverage for binomial counts jumps with n and the share: both are drawn anew in each replication.
"""

import numpy as np
import pytest
from scipy.stats import binom, norm
from siyu.stats.decomposition import kitagawa_parts, shapley
from siyu.stats.intervals import (
    difference_pvalue,
    multinomial_delta,
    newcombe_difference,
    wilson,
)

pytestmark = pytest.mark.slow

REPLICATIONS = 8_000
Z = 1.959963985


def _coverage(lower, upper, truth):
    return np.mean((lower <= truth) & (truth <= upper), axis=0)


def test_wilson_covers_small_shares_of_few_users_where_wald_does_not():
    rng = np.random.default_rng(1)
    share, n = rng.uniform(0.02, 0.3, REPLICATIONS), rng.integers(20, 80, REPLICATIONS)
    count = rng.binomial(n, share)
    wald = Z * np.sqrt(count / n * (1 - count / n) / n)

    assert 0.94 <= _coverage(*wilson(count, n, level=0.95), share) <= 0.96
    assert _coverage(count / n - wald, count / n + wald, share) < 0.93


def _draw_two_groups(rng, smallest, largest):
    share_a, share_b = rng.uniform(0.02, 0.3, (2, REPLICATIONS))
    n_a, n_b = rng.integers(smallest, largest, (2, REPLICATIONS))
    return share_a - share_b, rng.binomial(n_a, share_a), n_a, rng.binomial(n_b, share_b), n_b


def _wald_difference(a, n_a, b, n_b):
    error = np.sqrt(a / n_a * (1 - a / n_a) / n_a + b / n_b * (1 - b / n_b) / n_b)
    return a / n_a - b / n_b - Z * error, a / n_a - b / n_b + Z * error


def test_newcombe_covers_differences_of_groups_of_ordinary_size():
    truth, *counts = _draw_two_groups(np.random.default_rng(2), 100, 1_000)
    _, lower, upper = newcombe_difference(*counts, level=0.95)

    assert 0.94 <= _coverage(lower, upper, truth) <= 0.96


def test_newcombe_covers_differences_of_small_groups_where_wald_does_not():
    """It is conservative there, so the lower edge of the band is the one that counts."""
    truth, *counts = _draw_two_groups(np.random.default_rng(3), 10, 30)
    _, lower, upper = newcombe_difference(*counts, level=0.95)
    least = 0.95 - 3 * np.sqrt(0.95 * 0.05 / REPLICATIONS)

    assert least <= _coverage(lower, upper, truth) < 0.98
    assert _coverage(*_wald_difference(*counts), truth) < least


def _chance_of_rejection(rejects, share, n_a, n_b):
    """Sum the probabilities of the counts at which a test rejects: exact, nothing is drawn."""
    a, b = np.meshgrid(np.arange(n_a + 1), np.arange(n_b + 1), indexing="ij")
    chance = binom.pmf(a, n_a, share) * binom.pmf(b, n_b, share)
    likely = chance > 1e-12
    a, b, chance = a[likely], b[likely], chance[likely]
    return chance[rejects(a, n_a, b, n_b)].sum()


def _pooled_score_pvalue(a, n_a, b, n_b):
    pooled = (a + b) / (n_a + n_b)
    spread = np.sqrt(pooled * (1 - pooled) * (1 / n_a + 1 / n_b))
    return 2 * norm.sf(np.abs(a / n_a - b / n_b) / spread)


def test_a_small_segment_is_rarely_called_different_by_chance_where_the_pooled_score_often_does():
    """The most different of twenty segments is read at 0.05 / 20: far in the tail of 40 users."""
    limit, sizes = 0.05 / 20, (0.02, 40, 4_000)

    assert _chance_of_rejection(lambda *c: difference_pvalue(*c) <= limit, *sizes) <= limit
    assert _chance_of_rejection(lambda *c: _pooled_score_pvalue(*c) <= limit, *sizes) > 3 * limit


def test_the_test_of_a_difference_keeps_its_level_in_groups_of_ordinary_size():
    chance = _chance_of_rejection(lambda *c: difference_pvalue(*c) <= 0.05, 0.2, 300, 2_000)

    assert 0.048 <= chance <= 0.05


MIX_BEFORE, MIX_AFTER = np.array([0.2, 0.3, 0.5]), np.array([0.4, 0.4, 0.2])
RATES = np.array([0.1, 0.2, 0.5])
RATES_AFTER = np.array([0.13, 0.2, 0.42])


def _shares(mix, rates):
    """Give the share of users in each cell (group, converted or not), flattened."""
    return np.stack([mix * rates, mix * (1 - rates)], axis=-1).ravel()


def _draw_periods(rng, users, rates_after):
    before = rng.multinomial(users, _shares(MIX_BEFORE, RATES), REPLICATIONS)
    after = rng.multinomial(users, _shares(MIX_AFTER, rates_after), REPLICATIONS)
    return np.concatenate([before, after], axis=-1)


def _parts(cells):
    cells = cells.reshape(*cells.shape[:-1], 2, 3, 2)
    users, converted = cells.sum(axis=-1), cells[..., 0]
    mix, rate = kitagawa_parts(
        users[..., 0, :], converted[..., 0, :], users[..., 1, :], converted[..., 1, :]
    )
    sums = [mix.sum(axis=-1, keepdims=True), rate.sum(axis=-1, keepdims=True)]
    return np.concatenate([mix, rate, *sums], axis=-1)


def test_mix_and_rate_effects_are_covered():
    drawn = _draw_periods(np.random.default_rng(5), 1_500, RATES_AFTER)
    truth = _parts(np.concatenate([_shares(MIX_BEFORE, RATES), _shares(MIX_AFTER, RATES_AFTER)]))
    value, lower, upper = np.swapaxes(
        [multinomial_delta(_parts, cells, level=0.95) for cells in drawn], 0, 1
    )
    error = (upper - lower) / (2 * Z)

    np.testing.assert_array_less(np.abs(value.mean(axis=0) - truth), 0.1 * value.std(axis=0))
    np.testing.assert_allclose(error.mean(axis=0) / value.std(axis=0), 1, atol=0.05)
    coverage = _coverage(lower, upper, truth)
    assert ((coverage >= 0.94) & (coverage <= 0.96)).all(), coverage


def test_the_crude_change_is_no_rate_effect_when_only_the_mix_has_changed():
    drawn = _draw_periods(np.random.default_rng(6), 1_500, RATES)
    before, after = drawn[:, :6:2].sum(axis=1), drawn[:, 6::2].sum(axis=1)
    _, lower, upper = newcombe_difference(after, 1_500, before, 1_500, level=0.95)
    _, fair_lower, fair_upper = np.swapaxes(
        [multinomial_delta(_parts, cells, level=0.95) for cells in drawn], 0, 1
    )[..., -1]

    assert _coverage(lower, upper, 0) < 0.01
    assert 0.94 <= _coverage(fair_lower, fair_upper, 0) <= 0.96


STEPS_BEFORE, STEPS_AFTER = np.array([0.6, 0.5, 0.3]), np.array([0.5, 0.5, 0.45])


def _reaching(cells):
    """Cells: users of a period whose last step was the entry, the first, second, third step."""
    reached = np.flip(np.flip(cells, axis=-1).cumsum(axis=-1), axis=-1)
    return reached[..., 1:] / reached[..., :-1]


def _step_parts(cells):
    before, after = _reaching(cells[..., :4]), _reaching(cells[..., 4:])
    return shapley(before, after)


def _steps_one_at_a_time(cells):
    before, after = _reaching(cells[..., :4]), _reaching(cells[..., 4:])
    return before.prod(axis=-1, keepdims=True) * (after / before - 1)


def test_contributions_of_steps_are_covered_where_changing_one_step_at_a_time_is_not():
    rng = np.random.default_rng(7)
    last = [
        np.append(1 - rates, 1) * np.append(1, rates.cumprod())
        for rates in (STEPS_BEFORE, STEPS_AFTER)
    ]
    drawn = np.concatenate(
        [rng.multinomial(2_000, shares, REPLICATIONS) for shares in last], axis=-1
    )
    truth = shapley(STEPS_BEFORE, STEPS_AFTER)
    _, lower, upper = np.swapaxes(
        [multinomial_delta(_step_parts, cells, level=0.95) for cells in drawn], 0, 1
    )
    _, naive_lower, naive_upper = np.swapaxes(
        [multinomial_delta(_steps_one_at_a_time, cells, level=0.95) for cells in drawn], 0, 1
    )

    coverage = _coverage(lower, upper, truth)
    assert ((coverage >= 0.94) & (coverage <= 0.96)).all(), coverage
    assert _coverage(naive_lower, naive_upper, truth).min() < 0.9
