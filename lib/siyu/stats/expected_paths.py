"""Hold what some people did against what others with the same past did."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import t as student

from siyu.stats.best import joint_quantile
from siyu.stats.checks import FloatArray, normal_quantile

_LEAST_FREE = 1e-6
"""Of a residual: one on whom a coefficient hangs alone has none, and says nothing of noise."""


@dataclass(frozen=True, kw_only=True)
class Gaps:
    """What the exposed did, less what was to be expected of them; element k is outcome k.

    actual: mean of the exposed. expected: what others with their past did. effect: the difference,
    with its standard `error` and the `degrees` of freedom of its t distribution. covariance: of
    the effects. n_exposed, n_controls: rows that were followed. Not a number, or zero, where
    there were too few to tell.
    """

    actual: FloatArray
    expected: FloatArray
    effect: FloatArray
    error: FloatArray
    degrees: FloatArray
    covariance: FloatArray
    n_exposed: NDArray[np.int_]
    n_controls: NDArray[np.int_]

    def interval(self, *, level: float) -> tuple[FloatArray, FloatArray]:
        """Give the interval of each effect by itself."""
        reach = student.ppf((1 + level) / 2, self.degrees) * self.error
        return self.effect - reach, self.effect + reach

    def joint_interval(
        self, *, level: float, rng: np.random.Generator
    ) -> tuple[FloatArray, FloatArray]:
        """Give intervals that hold all at once."""
        told = np.isfinite(self.error)
        if not told.any():
            return self.interval(level=level)
        wider = joint_quantile(self.covariance[np.ix_(told, told)], level=level, rng=rng)
        wider = wider / normal_quantile(level)
        lower, upper = self.interval(level=level)
        return self.effect - wider * (self.effect - lower), self.effect + wider * (
            upper - self.effect
        )

    @property
    def p(self) -> FloatArray:
        """The two-sided p-value of each effect."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(2 * student.sf(np.abs(self.effect) / self.error, self.degrees))


def compare_with_expected(
    outcomes: ArrayLike,
    *,
    history: ArrayLike,
    exposed: ArrayLike,
    clusters: ArrayLike,
    fewest: int = 2,
) -> Gaps:
    """Estimate what being exposed did, where people are exposed from a threshold on.

    Each outcome is regressed on the exposure and the history of all (least squares), one line per
    covariate through both sides. The exposed are expected to do what it says of theirs without the
    exposure: since it falls back from a peak as others did, regression to the mean is in it.

    Args:
        outcomes: a row per person and occasion, a column per outcome; NaN where not followed.
        history: covariates fixed before, a row per row of the outcomes; a constant is added.
        exposed: whether to the treatment.
        clusters: code of the person, 0 or more; rows of one person are not independent.
        fewest: rows exposed, and rows of others beyond the coefficients, without which an outcome
            is not compared; at least 2.

    Raises:
        ValueError: the arguments differ in length, or the history has a missing value.

    Assumes that without the exposure the outcome would be that line of the history on both sides.
    Where effects differ, those of the exposed whom the history makes most like the others, which
    are those near the threshold, weigh most (Angrist 1998, Econometrica 66). The variance is that
    of clusters with residuals as in HC2 (MacKinnon and White 1985, J. Econometrics 29); degrees of
    freedom as in Satterthwaite (1946).
    """
    values = np.asarray(outcomes, dtype=np.float64)
    past, is_exposed = np.asarray(history, dtype=np.float64), np.asarray(exposed, dtype=bool)
    codes = np.asarray(clusters)
    if not len(values) == len(past) == len(is_exposed) == len(codes):
        raise ValueError("outcomes, history, exposed and clusters must have as many rows each")
    if not np.isfinite(past).all():
        raise ValueError("history must have no missing value; leave such rows out")
    # In one unit: of covariates in other units, the smaller would be taken for rounding.
    sizes = np.sqrt((past**2).sum(axis=0) / max(len(past), 1))
    design = np.column_stack([np.ones(len(past)), past / np.where(sizes > 0, sizes, 1)])
    parts = [_compare(column, design, is_exposed, fewest) for column in values.T]
    influence = np.zeros((int(codes.max(initial=-1)) + 1, len(parts)))
    for k, part in enumerate(parts):
        np.add.at(influence[:, k], codes, part.influence)
    covariance = influence.T @ influence
    told = np.array([np.isfinite(part.expected) for part in parts], dtype=bool)
    covariance[~told] = covariance[:, ~told] = np.nan
    actual = np.array([part.actual for part in parts])
    expected = np.array([part.expected for part in parts])
    return Gaps(
        actual=actual,
        expected=expected,
        effect=actual - expected,
        error=np.sqrt(np.diag(covariance)),
        degrees=np.array([part.degrees for part in parts]),
        covariance=covariance,
        n_exposed=np.array([part.n_exposed for part in parts], dtype=int),
        n_controls=np.array([part.n_controls for part in parts], dtype=int),
    )


@dataclass(frozen=True, kw_only=True)
class _Part:
    actual: float
    expected: float
    influence: FloatArray
    degrees: float
    n_exposed: int
    n_controls: int


def _compare(
    outcome: FloatArray, design: FloatArray, exposed: NDArray[np.bool_], fewest: int
) -> _Part:
    followed = np.isfinite(outcome)
    own, others = followed & exposed, followed & ~exposed
    n_own, n_others = int(own.sum()), int(others.sum())
    actual = float(outcome[own].mean()) if n_own else np.nan
    influence, least = np.zeros(len(outcome)), max(fewest, 2)
    rank = int(np.linalg.matrix_rank(design[others])) if n_others else 0
    if n_own < least or n_others - rank < least:
        return _Part(
            actual=actual,
            expected=np.nan,
            influence=influence,
            degrees=np.nan,
            n_exposed=n_own,
            n_controls=n_others,
        )
    columns = np.column_stack([exposed, design])[followed]
    inverse = np.linalg.pinv(columns.T @ columns, hermitian=True)
    coefficients = inverse @ (columns.T @ outcome[followed])
    free = 1 - np.einsum("ij,jk,ik->i", columns, inverse, columns)
    residual = outcome[followed] - columns @ coefficients
    influence[followed] = columns @ inverse[0] * residual / np.sqrt(np.maximum(free, _LEAST_FREE))
    effect = coefficients[0]
    spread = (influence[own] @ influence[own], influence[others] @ influence[others])
    below = spread[0] ** 2 / (n_own - 1) + spread[1] ** 2 / (n_others - rank)
    return _Part(
        actual=actual,
        expected=float(actual - effect),
        influence=influence,
        degrees=float(sum(spread) ** 2 / below) if below > 0 else float(n_own - 1),
        n_exposed=n_own,
        n_controls=n_others,
    )
