"""Ratios of two estimates, and all ratios that go with what was found: Fieller's sets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import t as student

from siyu.stats.checks import normal_quantile
from siyu.stats.clusters import Means
from siyu.stats.jackknife import sum_degrees

Kind = Literal["bounded", "exclusive", "unbounded"]


@dataclass(frozen=True, kw_only=True)
class Ratio:
    """A ratio with the set of all ratios that a test does not reject.

    value: NaN where the denominator is 0. kind: "bounded": from `ci_lower` to `ci_upper`;
    "exclusive": all but what lies between these two, since the denominator may be 0 while the
    numerator is not; "unbounded": any number, the ends are minus and plus infinity.
    """

    value: float
    kind: Kind
    ci_lower: float
    ci_upper: float

    def holds(self, ratio: float) -> bool:
        """Whether a ratio is in the set."""
        if self.kind == "exclusive":
            return not self.ci_lower < ratio < self.ci_upper
        return self.ci_lower <= ratio <= self.ci_upper


def fieller(
    numerator: float,
    denominator: float,
    *,
    covariance: ArrayLike,
    level: float,
    degrees: float = np.inf,
) -> Ratio:
    """Give the ratio of two estimates with Fieller's set.

    Args:
        numerator: an estimate.
        denominator: another, perhaps of 0.
        covariance: of the two, 2 x 2.
        level: coverage, between 0 and 1.
        degrees: of freedom of the variances, above 0; infinite where they are known.

    Raises:
        ValueError: a level out of range, degrees that are not above 0, a covariance of another
            shape or of none.

    A ratio belongs to the set if the numerator less the ratio times the denominator is not clearly
    different from 0, so that the set covers as stated however near to 0 the denominator is; the
    delta method does not. Assumes jointly normal estimates. Source: Fieller (1954), J. R. Stat.
    Soc. B 16, 175-185; the three kinds as in von Luxburg and Franz (2009), Stat. Sinica 19,
    1095-1117.
    """
    normal_quantile(level)
    found = np.asarray(covariance, dtype=np.float64)
    if found.shape != (2, 2) or np.diag(found).min() < 0:
        raise ValueError(f"covariance = {found.tolist()} must be 2 x 2, its variances 0 or more")
    if not degrees > 0:
        raise ValueError(f"degrees = {degrees} must be above 0")
    square = float(student.ppf((1 + level) / 2, degrees)) ** 2
    # The set is where a r^2 - 2 b r + c <= 0.
    a = denominator**2 - square * float(found[1, 1])
    b = numerator * denominator - square * float(found[0, 1])
    c = numerator**2 - square * float(found[0, 0])
    value = numerator / denominator if denominator else np.nan
    root = b**2 - a * c
    if a == 0 or root <= 0 > a:
        return Ratio(value=value, kind="unbounded", ci_lower=-np.inf, ci_upper=np.inf)
    # Where all is known without error, rounding may leave less than nothing below the root.
    ends = sorted((b + sign * max(root, 0.0) ** 0.5) / a for sign in (-1, 1))
    return Ratio(
        value=value,
        kind="bounded" if a > 0 else "exclusive",
        ci_lower=float(ends[0]),
        ci_upper=float(ends[1]),
    )


def ratio_of_means(means: Means, *, level: float) -> Ratio:
    """Give the ratio of two means of the same people, such as cost per person who stays.

    Args:
        means: two columns, what is divided and by what.
        level: coverage, between 0 and 1.
    """
    up, down = means.value
    return fieller(
        up, down, covariance=means.covariance, level=level, degrees=max(means.degrees, 1.0)
    )


def ratio_of_differences(treated: Means, control: Means, *, level: float) -> Ratio:
    """Give one difference between two groups over another: what one more of something costs.

    Args:
        treated: of one group, two columns: what is divided, such as cost, and by what.
        control: of the other.
        level: coverage, between 0 and 1.

    Degrees of freedom are Welch's, at the ratio found (Tamhane and Logan 2004, J. Biopharm. Stat.
    14). For cost and effect: Willan and O'Brien (1996), Health Econ. 5, 297-305.
    """
    up, down = treated.value - control.value
    slope = np.array([1.0, -up / down]) if down else np.array([0.0, 1.0])
    parts = [slope @ side.covariance @ slope for side in (treated, control)]
    degrees = sum_degrees(parts, [max(side.degrees, 1.0) for side in (treated, control)])
    covariance = treated.covariance + control.covariance
    return fieller(up, down, covariance=covariance, level=level, degrees=float(degrees))
