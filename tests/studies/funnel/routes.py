"""Second routes to the same intervals, by statsmodels."""

from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint


def wilson(count, n, alpha=0.05):
    return proportion_confint(count, n, alpha=alpha, method="wilson")


def newcombe(a, n_a, b, n_b, alpha=0.05):
    return confint_proportions_2indep(a, n_a, b, n_b, method="newcomb", alpha=alpha)
