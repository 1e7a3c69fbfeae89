"""How alike the members of a cluster are, and what that costs a draw of whole clusters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import f as fisher

from siyu.stats.checks import count_of, normal_quantile


@dataclass(frozen=True, kw_only=True)
class Likeness:
    """How alike things of one cluster are: the intraclass correlation, with its interval.

    Not a number where clusters are fewer than two, or no larger than one.
    """

    value: float
    ci_lower: float
    ci_upper: float


def likeness(count: ArrayLike, n: ArrayLike, *, level: float) -> Likeness:
    """Estimate how alike things of one cluster are in what is counted of them.

    Args:
        count: things counted in each cluster.
        n: things there are in each, above 0.
        level: coverage of the interval, between 0 and 1.

    Raises:
        ValueError: a count is none, or exceeds its n; the level is out of range.

    Source: the analysis of variance, Donner and Koval (1980), Biometrics 36, 19-25; interval of
    Searle (1971), Linear Models, with the mean cluster size of unequal clusters, e.g. Ukoumunne
    (2002), Stat. Med. 21, 3757-3774.
    """
    normal_quantile(level)
    counts, sizes = count_of(count, n)
    k, total = len(sizes), float(sizes.sum())
    if k < 2 or total <= k:
        return Likeness(value=np.nan, ci_lower=np.nan, ci_upper=np.nan)
    size = (total - (sizes**2).sum() / total) / (k - 1)
    share = counts.sum() / total
    between = float((sizes * (counts / sizes - share) ** 2).sum()) / (k - 1)
    within = float((counts * (1 - counts / sizes)).sum()) / (total - k)
    if not within:
        return Likeness(value=np.nan, ci_lower=np.nan, ci_upper=np.nan)
    ratio, tail = between / within, (1 - level) / 2
    upper, lower = ratio / fisher.ppf([tail, 1 - tail], k - 1, total - k)
    found = [(one - 1) / (one + size - 1) for one in (ratio, lower, upper)]
    return Likeness(value=found[0], ci_lower=found[1], ci_upper=found[2])


def design_effect(n: ArrayLike, correlation: float) -> float:
    """Give how many times more things are needed when whole clusters are drawn.

    Args:
        n: things in each cluster, above 0.
        correlation: intraclass, at most 1; below 0 it counts as 0.

    Source: Eldridge, Ashby and Kerry (2006), Int. J. Epidemiology 35, 1292-1300, for clusters
    unequally large.
    """
    sizes = np.asarray(n, dtype=np.float64)
    mean = sizes.mean()
    weighted = mean * (1 + (sizes.std() / mean) ** 2)
    return float(1 + (weighted - 1) * max(correlation, 0.0))
