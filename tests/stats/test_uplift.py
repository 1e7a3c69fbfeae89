"""Scores of who is to be treated: by hand, as published, and where nothing tells."""

import numpy as np
import pytest
from siyu.stats import uplift
from siyu.stats.uplift import (
    judge_score,
    qini_coefficient,
    qini_curve,
    score_forward,
)


def test_the_curve_of_six_units_is_counted_by_hand():
    """In order: treated 1, control 0, treated 0, control 1, treated 1, control 0.

    After 1: 1 (no control yet). After 2: 1 - 0. After 4: 1 - 1 x 2 / 2 = 0. After 5: 2 - 1 x 3 / 2.
    """
    units, gain = qini_curve([6, 5, 4, 3, 2, 1], [1, 0, 1, 0, 1, 0], [1, 0, 0, 1, 1, 0])
    assert units.tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert gain.tolist() == [0, 1, 1, 1, 0, 0.5, 1]


def test_the_coefficient_of_six_units_is_counted_by_hand():
    """Area 4, the line 3, so 1 beyond it. The best order (treated who did, who did not, control who
    did): 0 1 2 2 2 2 1, area 9.5, 6.5 beyond: 1 / 6.5.
    """
    found = qini_coefficient([6, 5, 4, 3, 2, 1], [1, 0, 1, 0, 1, 0], [1, 0, 0, 1, 1, 0])
    score = [9, 6, 5, 1, 8, 4]
    units, gain = qini_curve(score, [1, 0, 1, 0, 1, 0], [1, 0, 0, 1, 1, 0])
    assert gain.tolist() == [0, 1, 2, 2, 2, 2, 1]
    assert found == pytest.approx(1 / 6.5)
    assert units[-1] == 6


def test_ties_count_together_and_the_order_of_rows_plays_no_part():
    rng = np.random.default_rng(1)
    score, treated = rng.integers(0, 5, 200), rng.integers(0, 2, 200)
    outcome = rng.gamma(1, 10, 200)
    units, _ = qini_curve(score, treated, outcome)
    assert len(units) == 6
    mixed = rng.permutation(200)
    assert qini_coefficient(score[mixed], treated[mixed], outcome[mixed]) == pytest.approx(
        qini_coefficient(score, treated, outcome)
    )


def test_turned_round_a_score_tells_the_opposite_and_the_unit_plays_no_part():
    rng = np.random.default_rng(2)
    score, treated = rng.random(4_000), rng.integers(0, 2, 4_000)
    outcome = rng.random(4_000) + treated * score
    forward = qini_coefficient(score, treated, outcome)
    assert forward > 0.05
    assert qini_coefficient(-score, treated, outcome) == pytest.approx(-forward, abs=0.01)
    assert qini_coefficient(np.exp(score), treated, 100 * outcome) == pytest.approx(forward)


def test_the_best_order_has_the_coefficient_one_and_the_largest_area():
    rng = np.random.default_rng(3)
    treated, outcome = rng.integers(0, 2, 300), rng.integers(0, 2, 300)
    best = outcome * (2 * treated - 1)
    assert qini_coefficient(best, treated, outcome) == pytest.approx(1)
    assert qini_coefficient(rng.random(300), treated, outcome) < 0.5


def test_where_all_bring_the_same_no_order_is_better():
    treated = [1, 0] * 10
    assert np.isnan(qini_coefficient(range(20), treated, [0] * 20))
    found = judge_score(range(20), treated, [0] * 20, level=0.95, rng=np.random.default_rng(1))
    assert np.isnan([found.coefficient, found.ci_lower]).all()


def test_the_curve_ends_at_the_difference_of_the_means():
    rng = np.random.default_rng(4)
    treated, outcome = (rng.random(500) < 0.3).astype(int), rng.gamma(1, 20, 500)
    found = judge_score(rng.random(500), treated, outcome, level=0.95, rng=rng)
    mean = outcome[treated == 1].mean() - outcome[treated == 0].mean()
    assert (found.gain[0], found.gain[-1]) == pytest.approx((0, mean))
    assert (found.gain_lower <= found.gain).all()
    assert found.share.tolist() == pytest.approx([i / 10 for i in range(11)])


def test_the_bootstrap_has_the_error_of_a_mean():
    """At its end the band is that of a difference of means: 1.96 x its standard error."""
    rng = np.random.default_rng(5)
    treated, outcome = np.repeat([1, 0], 400), rng.normal(0, 1, 800)
    found = judge_score(rng.random(800), treated, outcome, level=0.95, rng=rng)
    width = found.gain_upper[-1] - found.gain_lower[-1]
    assert width == pytest.approx(2 * 1.96 * np.sqrt(2 / 400), rel=0.1)


def test_the_blocks_in_which_units_are_drawn_again_change_nothing_but_chance(monkeypatch):
    rng = np.random.default_rng(6)
    treated, outcome = rng.integers(0, 2, 300), rng.gamma(1, 10, 300)
    score = outcome * treated
    whole = judge_score(score, treated, outcome, level=0.95, rng=np.random.default_rng(1))
    monkeypatch.setattr(uplift, "_AT_ONCE", 300 * 7)
    parts = judge_score(score, treated, outcome, level=0.95, rng=np.random.default_rng(1))
    assert parts.coefficient == whole.coefficient
    assert (parts.ci_lower, parts.ci_upper) == pytest.approx(
        (whole.ci_lower, whole.ci_upper), abs=0.03
    )


def test_a_rule_learnt_before_finds_whom_an_offer_helps():
    rng = np.random.default_rng(7)
    x = rng.normal(0, 1, (2_000, 3))
    treated, group = rng.integers(0, 2, 2_000), rng.integers(0, 3, 2_000)
    outcome = x[:, 1] + treated * 2 * x[:, 0] + rng.normal(0, 1, 2_000)
    score = score_forward(x, treated, outcome, groups=group, rng=rng)
    judged = ~np.isnan(score)
    assert judged.mean() == pytest.approx(0.6)
    assert np.corrcoef(score[judged], x[judged, 0])[0, 1] > 0.98
    for side in (0, 1):
        for one in range(3):
            here = (treated == side) & (group == one)
            assert judged[here].sum() == pytest.approx(0.6 * here.sum(), abs=2)


def test_a_unit_is_not_scored_by_what_it_brought_itself():
    """Another outcome of the last fold changes no score: it teaches nobody."""
    rng = np.random.default_rng(8)
    x, treated = rng.normal(0, 1, (100, 2)), np.arange(100) % 2
    outcome, zero = rng.normal(0, 1, 100), np.zeros(100)
    first = score_forward(x, treated, outcome, groups=zero, rng=np.random.default_rng(1))
    moved = []
    for unit in np.flatnonzero(~np.isnan(first)):
        other = outcome.copy()
        other[unit] += 100
        second = score_forward(x, treated, other, groups=zero, rng=np.random.default_rng(1))
        assert second[unit] == first[unit]
        moved.append(np.nansum(second != first) - np.isnan(first).sum())
    assert min(moved) == 0
    assert max(moved) == 40  # of the third fold, all of the fourth and the fifth


def test_covariates_without_spread_or_alike_are_no_obstacle():
    rng = np.random.default_rng(9)
    same = rng.normal(0, 1, 60)
    x = np.column_stack([same, same, np.ones(60)])
    score = score_forward(x, np.arange(60) % 2, same, groups=np.zeros(60), rng=rng)
    assert np.isfinite(score).sum() == 36


def test_what_cannot_be_judged_is_an_error():
    for wrong in ([1, 1], [0, 0]):
        with pytest.raises(ValueError, match="one side has no units"):
            qini_curve([1, 2], wrong, [1, 0])
    with pytest.raises(ValueError, match="have 3, 2 and 2 units"):
        qini_coefficient([1, 2, 3], [1, 0], [1, 0])
    with pytest.raises(ValueError, match="4 units on one side must be at least 5"):
        score_forward(
            np.ones((10, 1)), [1] * 4 + [0] * 6, range(10),
            groups=[0] * 10, rng=np.random.default_rng(1),
        )  # fmt: skip
    with pytest.raises(ValueError, match="level = 2"):
        judge_score([1, 2], [1, 0], [1, 0], level=2, rng=np.random.default_rng(1))
