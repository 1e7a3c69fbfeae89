"""Compare two courses of action as if both had been taken with the same people.

Data are grouped: a table with one row per combination of the covariates, `treated` (0 or 1) and
`outcome` (0 or 1), and `n`, the users it stands for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from siyu.stats.checks import FloatArray, normal_quantile, whole_counts
from siyu.stats.design import RIDGE, indicators

ALIKE = 0.02
"""Whose chance of being treated is below this, or above one less this, has nobody to be compared
with: of fifty people like them not even one was treated otherwise."""
_STEPS, _DONE = 50, 1e-9


@dataclass(frozen=True, kw_only=True)
class Standardised:
    """What all would have had if all, or none, had been treated.

    n: users compared; left_out: users like whom nearly all, or nearly none, were treated.
    with_share, without_share: share with the outcome if all of the n were treated, and if none.
    difference: with less without; gain: with_share less the share there was. Each with an interval.
    error: the standard error of the difference.
    effective: as how many equally weighted users the treated and the others count.
    propensity: one row per `propensity` (estimated chance of being treated) and `treated`, with
        `n` users, those left out included.
    compared: of each row of the table, whether its users are among the n.
    """

    n: int
    left_out: int
    with_share: float
    without_share: float
    difference: float
    ci_lower: float
    ci_upper: float
    error: float
    gain: float
    gain_lower: float
    gain_upper: float
    effective: tuple[float, float]
    propensity: pd.DataFrame
    compared: NDArray[np.bool_]


def standardise(
    grouped: pd.DataFrame, *, covariates: Sequence[str], level: float
) -> Standardised | None:
    """Estimate the effect of a treatment on a share, standardised over covariates.

    Augmented inverse-probability weighting: a logistic model of being treated and one of the
    outcome per course of action, all of them with a coefficient per level of each covariate. The
    estimate is consistent if either kind of model is right. The estimand is the mean over the users
    compared, not over those who happened to be treated.

    Args:
        grouped: the covariates (texts or flags), `treated`, `outcome`, `n`.
        covariates: columns of it that go with both treatment and outcome, fixed before treatment.
        level: coverage of the intervals, between 0 and 1.

    Returns:
        The estimates, or None where not both courses of action were taken with comparable users.

    Raises:
        ValueError: a column is missing, n is no count, treated or outcome is not 0 or 1.

    Assumes independent users, and that users with the same covariates were treated as by lot: what
    else goes with both biases it. Source: Robins, Rotnitzky and Zhao (1994), J. Am. Stat. Assoc.
    89; interval from the influence function, its variance multiplied by n / (n - coefficients),
    which keeps the coverage with a few hundred users (`tests/simulation/test_standardise.py`); who
    has nobody to be compared with is left out as in Crump, Hotz, Imbens and Mitnik (2009),
    Biometrika 96.
    """
    quantile = normal_quantile(level)
    users, treated, outcome = _checked(grouped, covariates)
    everyone = _design(grouped, covariates, users)
    model = _fit(everyone, treated, users)
    found = model(everyone)
    alike = (found > ALIKE) & (found < 1 - ALIKE)
    n, a, y = users[alike], treated[alike], outcome[alike]
    if not (n @ a > 0 and n @ (1 - a) > 0):
        return None
    design = everyone
    if not alike.all():
        design = _design(grouped[alike], covariates, n)
        model = _fit(design, a, n)
    chance = model(design)
    weight = np.stack([a / chance, (1 - a) / (1 - chance)])
    predicted = np.stack([_fit(design, y, n * took)(design) for took in (a, 1 - a)])
    values = predicted + weight * (y - predicted)
    total, size = n.sum(), min(design.shape[1], n.sum() - 1)
    shares = values @ n / total
    told = np.stack([values[0] - values[1], values[0] - y])
    means = told @ n / total
    spread = ((told - means[:, None]) ** 2 @ n) / total / (total - size)
    error = np.sqrt(spread)
    effective = (weight @ n) ** 2 / (weight**2 @ n)
    return Standardised(
        n=int(total),
        left_out=int(users.sum() - total),
        with_share=float(shares[0]),
        without_share=float(shares[1]),
        difference=float(means[0]),
        ci_lower=float(means[0] - quantile * error[0]),
        ci_upper=float(means[0] + quantile * error[0]),
        error=float(error[0]),
        gain=float(means[1]),
        gain_lower=float(means[1] - quantile * error[1]),
        gain_upper=float(means[1] + quantile * error[1]),
        effective=(float(effective[0]), float(effective[1])),
        propensity=_chances(found, treated, users),
        compared=alike,
    )


def _checked(
    grouped: pd.DataFrame, covariates: Sequence[str]
) -> tuple[FloatArray, FloatArray, FloatArray]:
    missing = [name for name in (*covariates, "treated", "outcome", "n") if name not in grouped]
    if missing:
        raise ValueError(
            f"column {missing[0]!r} is missing; grouped data need the covariates, treated, "
            "outcome and n"
        )
    for name in ("treated", "outcome"):
        wrong = ~grouped[name].isin([0, 1])
        if wrong.any():
            raise ValueError(f"{name} = {grouped.loc[wrong, name].iloc[0]} must be 0 or 1")
    users = whole_counts("n", grouped["n"].to_numpy())
    return (
        users,
        grouped["treated"].to_numpy(dtype=np.float64),
        grouped["outcome"].to_numpy(dtype=np.float64),
    )


def _chances(propensity: FloatArray, treated: FloatArray, users: FloatArray) -> pd.DataFrame:
    """Add up the users of the same chance who were treated alike."""
    pairs, place = np.unique(np.column_stack([propensity, treated]), axis=0, return_inverse=True)
    return pd.DataFrame(
        {
            "propensity": pairs[:, 0],
            "treated": pairs[:, 1].astype(int),
            "n": np.bincount(place, weights=users).astype(int),
        }
    )


def _design(grouped: pd.DataFrame, covariates: Sequence[str], users: FloatArray) -> FloatArray:
    """Give a constant and the indicators of the levels."""
    return np.column_stack([np.ones(len(grouped)), indicators(grouped, covariates, users)])


class _Logistic:
    """A fitted logistic model: gives chances for the rows of a design."""

    def __init__(self, coefficients: FloatArray) -> None:
        self.coefficients = coefficients

    def __call__(self, design: FloatArray) -> FloatArray:
        return _chance(design @ self.coefficients)


def _fit(design: FloatArray, answer: FloatArray, weight: FloatArray) -> _Logistic:
    """Fit a logistic model to weighted answers by Newton's method.

    statsmodels gives the same coefficients (a test says so); it stops or warns where a level has
    one answer only, as happens every week in a pool with a new member of staff.
    """
    coefficients = np.zeros(design.shape[1])
    ridge = np.full(design.shape[1], RIDGE)
    ridge[0] = 0 if 0 < weight @ answer < weight.sum() else RIDGE
    for _ in range(_STEPS):
        chance = _chance(design @ coefficients)
        slope = design.T @ (weight * (answer - chance)) - ridge * coefficients
        curve = (design.T * (weight * chance * (1 - chance))) @ design + np.diag(ridge)
        step = np.linalg.solve(curve, slope)
        coefficients = coefficients + step
        if np.abs(step).max() < _DONE:
            break
    return _Logistic(coefficients)


def _chance(score: NDArray[np.float64]) -> FloatArray:
    return np.asarray(1 / (1 + np.exp(-np.clip(score, -30, 30))))
