"""Means of uneven counts: by hand, against other routes, and where there is hardly anything."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import nbinom, t
from siyu.stats.count_means import CountMean, Families, count_mean, fit_shape, persons_needed
from statsmodels.discrete.discrete_model import NegativeBinomial

LEVEL = 0.95
VALUES, PERSONS = [0, 1, 2, 5, 9], [60, 20, 10, 6, 4]


def test_the_mean_counts_those_who_bring_nothing():
    """(20 + 20 + 30 + 36) / 100."""
    found = count_mean(VALUES, PERSONS, level=LEVEL)
    assert (found.mean, found.n) == (pytest.approx(1.06), 100)
    assert found.variance == pytest.approx(np.var(np.repeat(VALUES, PERSONS), ddof=1))


def test_the_ends_are_the_means_that_are_just_not_rejected():
    """The other route: solve |mean - K| = t sqrt((K + c K²) / n) for K by search."""
    found = count_mean(VALUES, PERSONS, level=LEVEL)
    spread = (found.variance - found.mean) / found.mean**2
    reach = t.ppf(0.975, found.degrees) / np.sqrt(found.n)

    def excess(k):
        return abs(found.mean - k) - reach * np.sqrt(k + spread * k**2)

    assert found.ci_lower == pytest.approx(brentq(excess, 1e-6, found.mean))
    assert found.ci_upper == pytest.approx(brentq(excess, found.mean, 50))


def test_degrees_are_those_that_the_variance_deserves():
    """2 n / (kurtosis - 1): of ten persons who bring 0 and ten who bring 2 the kurtosis is 1."""
    assert count_mean([0, 2], [10, 10], level=LEVEL).degrees == 2
    d = np.repeat(VALUES, PERSONS) - 1.06
    kurtosis = (d**4).mean() / (d**2).mean() ** 2
    found = count_mean(VALUES, PERSONS, level=LEVEL)
    assert found.degrees == pytest.approx(2 * 100 / (kurtosis - 1))


def test_where_nobody_brings_anything_the_upper_end_is_not_zero():
    found = count_mean([0], [100], level=LEVEL)
    assert (found.mean, found.ci_lower) == (0, 0)
    assert found.ci_upper == pytest.approx(t.ppf(0.975, 2) ** 2 / 100)


def test_too_few_persons_do_not_bound_a_mean_from_above():
    assert count_mean([0, 30], [5, 1], level=LEVEL).ci_upper == np.inf


def test_families_that_are_alike_widen_the_interval_by_their_variance():
    """Ten bring 0, ten 2, in pairs: all alike, the variance is 10 / 9 of twice; mixed, none."""
    alone = count_mean([0, 2], [10, 10], level=LEVEL)
    mixed = Families(brought=[2], members=[2], count=[10])
    assert count_mean([0, 2], [10, 10], level=LEVEL, families=mixed) == alone
    alike = Families(brought=[0, 4], members=[2, 2], count=[5, 5])
    found = count_mean([0, 2], [10, 10], level=LEVEL, families=alike)
    assert found.variance == pytest.approx(alone.variance * 2 * 10 / 9)
    reach = t.ppf(0.975, 2) ** 2 * (2 * 10 / 9) / 20
    assert abs(found.mean - found.ci_lower) == pytest.approx(
        np.sqrt(reach * (found.ci_lower + 0.0526316 * found.ci_lower**2)), rel=1e-4
    )


def test_without_persons_there_is_no_mean():
    found = count_mean([], [], level=LEVEL)
    assert found.n == 0
    assert np.isnan([found.mean, found.ci_lower, found.ci_upper]).all()


def test_more_persons_of_the_same_kind_narrow_the_interval():
    once, often = (count_mean(VALUES, np.array(PERSONS) * k, level=LEVEL) for k in (1, 9))
    assert once.mean == pytest.approx(often.mean)
    assert once.ci_lower < often.ci_lower < often.ci_upper < once.ci_upper


@pytest.mark.parametrize(("values", "persons"), [([0.5], [3]), ([1], [-1])])
def test_what_is_no_count_is_an_error(values, persons):
    for function in (count_mean, fit_shape):
        with pytest.raises(ValueError, match="must be a whole number"):
            function(values, persons, level=LEVEL)


def test_the_shape_is_that_of_statsmodels():
    counts = np.repeat(VALUES, PERSONS)
    other = NegativeBinomial(counts, np.ones_like(counts)).fit(disp=0)
    found = fit_shape(VALUES, PERSONS, level=LEVEL)
    assert found.shape == pytest.approx(1 / other.params[1], rel=1e-4)


def test_the_ends_of_a_shape_have_the_likelihood_that_is_just_not_rejected():
    """Half the 95% quantile of chi-square with one degree, 1.9207, below the best."""
    found = fit_shape(VALUES, PERSONS, level=LEVEL)

    def height(k):
        return nbinom.logpmf(VALUES, k, k / (k + 1.06)) @ PERSONS

    for end in (found.ci_lower, found.ci_upper):
        assert height(found.shape) - height(end) == pytest.approx(1.9207, abs=0.01)


def test_counts_that_differ_less_than_by_chance_have_no_upper_shape():
    found = fit_shape([0, 1, 2], [30, 40, 30], level=LEVEL)
    assert found.shape == found.ci_upper == np.inf
    assert 1 < found.ci_lower < np.inf
    assert np.isnan(fit_shape([0], [30], level=LEVEL).shape)


def test_the_nearer_to_one_the_more_persons_are_needed():
    """(1.960 + 0.842)² x 2 / 0.1²."""
    found = CountMean(mean=0.9, ci_lower=0, ci_upper=2, variance=2.0, degrees=9, n=50)
    assert persons_needed(found, against=1, level=LEVEL, power=0.8) == 1570
    assert persons_needed(found, against=0.9, level=LEVEL, power=0.8) == np.inf
