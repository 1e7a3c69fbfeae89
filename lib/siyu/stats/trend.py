"""Whether shares rise with a dose, by how much, and whether a line says it all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import chi2

from siyu.stats.checks import count_of, normal_quantile


@dataclass(frozen=True, kw_only=True)
class Trend:
    """How shares go with a dose.

    slope: by how much the share rises per unit of dose, on average, with its interval. p: of the
    hypothesis that it does not change with the dose in this way. p_departure: of the hypothesis
    that the line says it all (not a number for two doses).
    """

    slope: float
    ci_lower: float
    ci_upper: float
    p: float
    p_departure: float


def trend_of_shares(count: ArrayLike, n: ArrayLike, dose: ArrayLike, *, level: float) -> Trend:
    """Fit a line through the shares of groups by dose, and test it.

    Args:
        count: users with the property, per group.
        n: users of each group, at least 1.
        dose: of each group; two different ones at least.
        level: coverage of the interval, between 0 and 1.

    Raises:
        ValueError: a value that is no count, a group of nobody, one dose only, or a level out of
            range.

    The slope is that of least squares over users; its error leaves each group its own share, with
    one user more with and one without the property (Agresti and Caffo 2000, Am. Stat. 54), so that
    a group of none, or all, is not certain. Tests: Cochran (1954), Biometrics 10, 417-451; Armitage
    (1955), Biometrics 11, 375-386.
    """
    quantile = normal_quantile(level)
    counts, sizes = count_of(count, n)
    doses = np.asarray(dose, dtype=np.float64)
    if not sizes.all():
        raise ValueError("n: every group must have users; leave out those without")
    if len(np.unique(doses)) < 2:
        raise ValueError(f"dose = {doses.tolist()} must hold two different doses at least")
    share, total = counts / sizes, sizes.sum()
    middle, mean = sizes @ doses / total, counts.sum() / total
    spread = sizes @ (doses - middle) ** 2
    weight = sizes * (doses - middle) / spread
    smooth = (counts + 1) / (sizes + 2)
    error = np.sqrt(weight**2 @ (smooth * (1 - smooth) / (sizes + 2)))
    slope = float(weight @ share)
    pooled = mean * (1 - mean)
    p, p_departure = 1.0, np.nan if len(doses) < 3 else 1.0
    if pooled:
        along = slope**2 * spread / pooled
        around = sizes @ (share - mean) ** 2 / pooled
        p = float(chi2.sf(along, 1))
        if len(doses) > 2:
            p_departure = float(chi2.sf(max(around - along, 0.0), len(doses) - 2))
    return Trend(
        slope=slope,
        ci_lower=float(slope - quantile * error),
        ci_upper=float(slope + quantile * error),
        p=p,
        p_departure=p_departure,
    )
