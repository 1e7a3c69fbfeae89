"""How alike the members of clusters are: by hand, and what it costs."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from scipy.stats import f
from siyu.stats.likeness import design_effect, likeness


def test_likeness_of_three_clusters_by_hand():
    """Four each, of which 4, 2 and 0: mean squares 1 / 2 * 4 * (.25 + .25) = 1 and 1 / 9."""
    found = likeness([4, 2, 0], [4, 4, 4], level=0.95)
    assert found.value == pytest.approx((1 - 1 / 9) / (1 + 3 / 9))
    upper, lower = 9 / f.ppf([0.025, 0.975], 2, 9)
    assert found.ci_lower == pytest.approx((lower - 1) / (lower + 3))
    assert found.ci_upper == pytest.approx((upper - 1) / (upper + 3))


def test_likeness_agrees_with_the_analysis_of_variance_of_statsmodels():
    rng = np.random.default_rng(1)
    sizes = rng.integers(5, 30, 15)
    counts = rng.binomial(sizes, rng.beta(4, 4, 15))
    things = pd.DataFrame({"cluster": np.repeat(np.arange(15), sizes)})
    things["y"] = np.concatenate(
        [np.arange(n) < count for n, count in zip(sizes, counts, strict=True)]
    ).astype(float)
    table = sm.stats.anova_lm(smf.ols("y ~ C(cluster)", things).fit())
    between, within = table["mean_sq"]
    size = (sizes.sum() - (sizes**2).sum() / sizes.sum()) / 14
    found = likeness(counts, sizes, level=0.95)
    assert found.value == pytest.approx((between - within) / (between + (size - 1) * within))


@pytest.mark.parametrize(
    ("counts", "sizes"), [([3], [5]), ([1, 0, 1], [1, 1, 1]), ([0, 0], [5, 5]), ([5, 0], [5, 5])]
)
def test_clusters_of_one_thing_or_without_any_spread_in_them_tell_nothing(counts, sizes):
    assert np.isnan(likeness(counts, sizes, level=0.95).value)


def test_a_design_effect_is_one_more_per_further_thing_that_is_alike():
    assert design_effect([20, 20], 0.05) == pytest.approx(1 + 19 * 0.05)
    # Unequal sizes: the mean of 10 and 30, weighted by size, is 25.
    assert design_effect([10, 30], 0.05) == pytest.approx(1 + 24 * 0.05)
    assert design_effect([10, 30], -0.02) == 1
