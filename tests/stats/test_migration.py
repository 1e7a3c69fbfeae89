"""Moves between states: by hand, against statsmodels, scipy and numpy, and exact coverage."""

import numpy as np
import pytest
from scipy.stats import beta, binom, chi2, chi2_contingency
from siyu.stats.migration import compare_rows, find_stationary, row_shares, settle
from statsmodels.stats.proportion import multinomial_proportions_confint

LEVEL = 0.95


def rng():
    return np.random.default_rng(20261127)


def chains(n, states):
    return rng().dirichlet(np.ones(states), size=(n, states))


def test_shares_are_of_their_row_and_nobody_has_none():
    share, lower, upper = row_shares([[3, 1], [0, 0]], level=LEVEL)

    assert share[0].tolist() == [0.75, 0.25]
    assert np.isnan([share[1], lower[1], upper[1]]).all()
    assert (lower[0] < share[0]).all()
    assert (share[0] < upper[0]).all()


def test_joint_intervals_are_those_of_goodman():
    row = [56, 72, 73, 59, 62, 87, 58]
    _, lower, upper = row_shares([row], level=LEVEL, joint=True)
    theirs = multinomial_proportions_confint(row, alpha=1 - LEVEL, method="goodman")

    assert np.column_stack([lower[0], upper[0]]) == pytest.approx(theirs)


def _coverage(n, states, *, naive):
    """Exact coverage over true shares, of Wilson's interval or of the marginal posterior."""
    truth, count = np.linspace(0.01, 0.95, 95), np.arange(n + 1)
    if naive:
        shape = count + 0.5, n - count + 0.5 * (states - 1)
        lower, upper = beta.ppf((1 - LEVEL) / 2, *shape), beta.isf((1 - LEVEL) / 2, *shape)
    else:
        _, lower, upper = row_shares(np.column_stack([count, n - count]), level=LEVEL)
        lower, upper = lower[:, 0], upper[:, 0]
    inside = (lower[:, None] <= truth) & (truth <= upper[:, None])
    return (binom.pmf(count[:, None], n, truth) * inside).sum(axis=0)


@pytest.mark.parametrize("n", [30, 60, 120, 500])
def test_intervals_of_shares_cover_and_those_of_a_dirichlet_posterior_do_not(n):
    found = _coverage(n, 6, naive=False)
    assert found.min() > 0.92
    assert 0.945 < found.mean() < 0.955
    if n <= 60:
        assert _coverage(n, 6, naive=True).min() < 0.85


def test_two_states_settle_by_the_ratio_of_their_chances():
    found = find_stationary([[0.9, 0.1], [0.3, 0.7]])
    assert found == pytest.approx([0.75, 0.25])


@pytest.mark.parametrize("states", [2, 4, 6])
def test_the_stationary_shares_are_the_left_eigenvector_of_one(states):
    for chain, found in zip(chains(20, states), find_stationary(chains(20, states)), strict=True):
        values, vectors = np.linalg.eig(chain.T)
        vector = np.real(vectors[:, np.argmin(np.abs(values - 1))])
        assert found == pytest.approx(vector / vector.sum())
        assert found @ chain == pytest.approx(found)


def test_relabelled_states_settle_the_same():
    chain, order = chains(1, 4)[0], [2, 0, 3, 1]
    assert find_stationary(chain[order][:, order]) == pytest.approx(find_stationary(chain)[order])


def test_states_that_never_meet_have_no_unique_shares():
    assert np.isnan(find_stationary(np.eye(2))).all()
    assert find_stationary([[1.0, 0], [0.5, 0.5]]) == pytest.approx([1, 0])
    with pytest.raises(ValueError, match="each row must sum to 1"):
        find_stationary([[0.5, 0.4], [0.3, 0.7]])


MOVED = np.array([[800, 60, 20], [50, 30, 25], [10, 20, 90]])


def test_a_closed_pool_settles_at_its_stationary_shares():
    found = settle(MOVED, level=LEVEL, rng=rng())
    assert found.share == pytest.approx(find_stationary(MOVED / MOVED.sum(axis=1)[:, None]))
    assert (found.ci_lower < found.share).all()
    assert (found.share < found.ci_upper).all()


def test_an_open_pool_settles_where_joining_and_leaving_lead_step_by_step():
    left, joined = np.array([300, 40, 30]), np.array([400, 30, 10])
    found = settle(MOVED, left=left, joined=joined, level=LEVEL, rng=rng())

    members = np.array([1.0, 1, 1])
    for _ in range(500):
        members = members @ (MOVED / (MOVED.sum(axis=1) + left)[:, None]) + joined
    assert found.share == pytest.approx(members / members.sum())
    doubled = settle(MOVED, left=left, joined=2 * joined, level=LEVEL, rng=rng())
    assert doubled.share == pytest.approx(found.share)


def test_a_pool_that_cannot_settle_is_no_number():
    for given in (
        {"counts": [[5, 0], [0, 0]]},
        {"counts": [[5, 0], [0, 5]]},
        {"counts": [[5, 1], [2, 3]], "joined": [0, 0], "left": [1, 1]},
        {"counts": [[5, 1], [2, 3]], "joined": [3, 0], "left": [0, 0]},
    ):
        found = settle(**given, level=LEVEL, rng=rng())
        assert np.isnan([found.share, found.ci_lower, found.ci_upper]).all()


def _steps(seed=1, n=400):
    drawn = np.random.default_rng(seed)
    return np.array([[drawn.multinomial(n, row) for _ in range(3)] for row in chains(1, 4)[0]])


def test_the_statistic_is_the_sum_of_those_of_scipy_and_p_is_that_of_large_tables():
    counts = _steps()
    each = [chi2_contingency(table, correction=False) for table in counts]
    found = compare_rows(counts, rng=rng())

    assert found.statistic == pytest.approx(sum(one.statistic for one in each))
    assert found.degrees == sum(one.dof for one in each)
    assert found.p == pytest.approx(chi2.sf(found.statistic, found.degrees), abs=0.04)


def test_empty_rows_and_columns_do_not_count():
    counts = _steps()
    wider = np.zeros((5, 4, 5), dtype=int)
    wider[:4, :3, :4] = counts
    found, same = compare_rows(wider, rng=rng()), compare_rows(counts, rng=rng())
    assert found == same
    nothing = compare_rows(np.zeros((2, 2, 2)), rng=rng())
    assert (nothing.degrees, np.isnan(nothing.p)) == (0, True)


def test_what_is_no_count_is_an_error():
    with pytest.raises(ValueError, match=r"counts = 0.5 must be a whole number"):
        row_shares([[0.5, 1]], level=LEVEL)
    with pytest.raises(ValueError, match="level = 1 must lie strictly between"):
        settle(MOVED, level=1, rng=rng())
