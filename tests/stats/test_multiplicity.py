import numpy as np
import pytest
from siyu.stats.multiplicity import bonferroni_level, holm
from statsmodels.stats.multitest import multipletests


def test_holm_by_hand():
    """Sorted .01 .03 .04: times 3, 2, 1 is .03 .06 .04; the last may not fall below the second."""
    np.testing.assert_allclose(holm([0.04, 0.01, 0.03]), [0.06, 0.03, 0.06])


def test_holm_agrees_with_statsmodels_ties_included():
    rng = np.random.default_rng(1979)
    for m in (1, 2, 3, 10, 100):
        raw = np.round(rng.random(m) ** 3, 2)
        np.testing.assert_allclose(holm(raw), multipletests(raw, method="holm")[1])


def test_an_adjusted_p_value_is_never_below_the_raw_one_nor_above_one():
    raw = np.array([0.0, 0.2, 0.2, 0.9, 1.0])

    assert (holm(raw) >= raw).all()
    assert (holm(raw) <= 1).all()


def test_the_order_of_the_comparisons_does_not_matter():
    raw, order = np.array([0.01, 0.5, 0.02, 0.04]), [2, 0, 3, 1]

    np.testing.assert_allclose(holm(raw)[order], holm(raw[order]))


def test_a_comparison_that_could_not_be_made_does_not_count():
    np.testing.assert_allclose(holm([0.01, np.nan, 0.03]), [0.02, np.nan, 0.03])
    assert np.isnan(holm([np.nan])).all()
    assert holm([]).size == 0


def test_a_single_comparison_is_not_adjusted():
    assert holm([0.03]) == 0.03


def test_a_p_value_outside_zero_and_one_is_refused():
    with pytest.raises(ValueError, match=r"p = 1\.2 must lie in \[0, 1\]"):
        holm([0.1, 1.2])


def test_five_intervals_at_99_percent_hold_jointly_at_95():
    assert bonferroni_level(0.95, 5) == pytest.approx(0.99)
    assert bonferroni_level(0.95, 1) == pytest.approx(0.95)


def test_no_interval_at_all_has_no_level():
    with pytest.raises(ValueError, match="m = 0 must be at least 1"):
        bonferroni_level(0.95, 0)
