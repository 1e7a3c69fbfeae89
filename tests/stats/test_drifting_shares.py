"""Shares whose parts drift: the discount model against a plain loop, and what its draws say."""

import numpy as np
import pytest
from scipy.stats import nbinom
from siyu.stats.drifting_shares import DISCOUNTS, fit_drifting_shares

COUNTS = np.array([[4, 10], [6, 12], [5, 9], [0, 11], [1, 40]])


def by_hand(counts, discount):
    """One part, one discount: gamma shape and size after all periods, and the log likelihood."""
    mean = counts.mean()
    least = 0.1 * mean, 0.1
    shape, size, log = *least, 0.0
    for n in counts:
        shape = discount * shape + (1 - discount) * least[0]
        size = discount * size + (1 - discount) * least[1]
        log += nbinom.logpmf(n, shape, size / (size + 1))
        shape, size = shape + n, size + 1
    return shape, size, log


def test_what_is_known_is_discounted_and_then_counted():
    found = fit_drifting_shares(COUNTS)
    for part in (0, 1):
        rows = np.array([by_hand(COUNTS[:, part], one) for one in DISCOUNTS])
        assert found.shapes[:, part] == pytest.approx(rows[:, 0])
        assert found.sizes[:, part] == pytest.approx(rows[:, 1])
        weights = np.exp(rows[:, 2] - rows[:, 2].max())
        assert found.weights[:, part] == pytest.approx(weights / weights.sum())


def test_shares_of_each_draw_sum_to_one_and_do_not_drift_on_average():
    found = fit_drifting_shares(np.tile([30, 20, 10], (20, 1)))
    drawn = found.draw(np.random.default_rng(1), periods=6, draws=20_000)
    assert drawn.sum(axis=2) == pytest.approx(1)
    assert drawn.mean(axis=0) == pytest.approx(np.tile([3 / 6, 2 / 6, 1 / 6], (6, 1)), abs=0.01)
    spread = drawn.std(axis=0)
    assert (spread[-1] > spread[0]).all()


def test_a_part_in_bursts_does_not_make_a_steady_one_uncertain():
    rng = np.random.default_rng(2)
    steady = rng.poisson(40, (40, 2))
    bursts = np.where(np.arange(40) % 10 < 2, 400, 20)
    found = fit_drifting_shares(np.column_stack([steady, bursts]))
    mean = found.weights.T @ DISCOUNTS
    assert mean[2] < 0.7
    assert (mean[:2] > 0.9).all()


def test_a_part_that_ended_fades_and_may_still_come_back():
    counts = np.column_stack([np.full(30, 20), np.where(np.arange(30) < 20, 20, 0)])
    drawn = fit_drifting_shares(counts).draw(np.random.default_rng(3), periods=1, draws=5_000)
    assert 0 < drawn[:, 0, 1].mean() < 0.05


def test_the_order_of_parts_says_nothing():
    one, other = fit_drifting_shares(COUNTS), fit_drifting_shares(COUNTS[:, ::-1])
    assert one.weights == pytest.approx(other.weights[:, ::-1])


def test_what_is_no_count_is_refused():
    with pytest.raises(ValueError, match=r"counts = 0.5 must be a whole number"):
        fit_drifting_shares([[0.5, 1]])
