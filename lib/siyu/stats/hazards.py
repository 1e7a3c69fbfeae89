"""Compare hazards: how much faster some users leave than others, at any time (Cox regression).

Users are grouped, so that hundreds of thousands on a grid of days cost no more than the groups they
fall into; every sum of the partial likelihood is one over groups and times.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from siyu.stats.checks import FloatArray, normal_quantile, whole_counts
from siyu.stats.design import RIDGE, indicators

_STEPS, _DONE = 50, 1e-9
_FARTHEST = 2.0
"""Most by which a step may move anybody's log hazard: of a level that leaves at once, a full step
of Newton's would overshoot, and the next one more."""


@dataclass(frozen=True, kw_only=True)
class Hazards:
    """A fitted Cox model: per column of the design a log hazard ratio and its standard error."""

    coefficients: FloatArray
    errors: FloatArray
    log_likelihood: float


@dataclass(frozen=True, kw_only=True)
class _Exits:
    """Per time (row, ascending) and row of the design (column), users who go, and who leave.

    tie_time and tie_share: of each leaver, the time, and the share of those leaving at that time
    who are taken to have left before.
    """

    gone: csr_array
    left: csr_array
    tie_time: np.ndarray
    tie_share: FloatArray


def hazard_ratio(
    grouped: pd.DataFrame, *, covariates: Sequence[str], level: float
) -> tuple[float, float, float]:
    """Estimate at how many times the rate of the untreated the treated leave, at any time.

    Args:
        grouped: one row per combination of the covariates (texts or flags), `treated` (0 or 1),
            `time` and `outcome` (0 censored, 1 left at that time), with `n`, the users it is.
        covariates: columns of it, with a coefficient per level.
        level: coverage of the interval, between 0 and 1.

    Returns:
        The ratio and the ends of its interval, above 0; all NaN where nobody left on either side.

    Raises:
        ValueError: as `fit_hazards`.

    Assumes independent users, that censoring says nothing about leaving, and that users with the
    same covariates were treated as by lot. The ratio is that of one user to another alike in the
    covariates. If it changes over time, it is a mean over the times at which users left; what
    differs between users beyond the covariates draws it towards 1 even if treatment was by lot
    (Gail, Wieand and Piantadosi, 1984, Biometrika 71). Source: as `fit_hazards`.
    """
    quantile = normal_quantile(level)
    left = grouped.loc[(grouped["outcome"] == 1) & (grouped["n"] > 0), "treated"].to_numpy()
    if not ((left == 0).any() and (left == 1).any()):
        return np.nan, np.nan, np.nan
    row = grouped.groupby([*covariates, "treated"], dropna=False, sort=False).ngroup().to_numpy()
    first = grouped.iloc[np.unique(row, return_index=True)[1]]
    users = np.bincount(row, weights=grouped["n"]).astype(np.float64)
    levels = indicators(first, covariates, users)
    design = np.column_stack([first["treated"].to_numpy(dtype=np.float64), levels])
    ridge = np.append(0, np.full(levels.shape[1], RIDGE))
    found = fit_hazards(design, grouped.assign(row=row), ridge=ridge)
    ends = found.coefficients[0] + quantile * found.errors[0] * np.array([0, -1, 1])
    ratio, lower, upper = np.exp(ends)
    return float(ratio), float(lower), float(upper)


def fit_hazards(
    design: FloatArray, grouped: pd.DataFrame, *, ridge: FloatArray | float = 0.0
) -> Hazards:
    """Fit a Cox model, Efron's way with users who leave at the same time.

    Args:
        design: one row per kind of user, one column per covariate.
        grouped: columns row (of the design, from 0), time, outcome (0 censored, 1 left at that
            time), n (users).
        ridge: penalty on the coefficients, of all or of each; 0 for maximum likelihood.

    Returns:
        The log hazard ratios, their standard errors from the information, and the log partial
        likelihood, of which the penalty is no part.

    Raises:
        ValueError: a column is missing, n is no count, an outcome is not 0 or 1, a time is not
        finite, or the likelihood has no maximum.

    Assumes independent users and censoring, at a time after the leaving, that says nothing about
    it. Source: Cox (1972), J. R. Stat. Soc. B 34; Efron (1977), J. Am. Stat. Assoc. 72.
    """
    exits = _read(grouped, len(design))
    users = exits.gone.sum(axis=0)
    centred = design - users @ design / max(users.sum(), 1)  # of the ratios nothing changes
    coefficients = np.zeros(design.shape[1])
    penalty = np.broadcast_to(np.asarray(ridge, dtype=np.float64), coefficients.shape)
    for _ in range(_STEPS):
        likelihood, slope, information = _likelihood(centred, exits, coefficients)
        information += np.diag(penalty)
        if np.linalg.matrix_rank(information, hermitian=True) < len(coefficients):
            break
        step = np.linalg.solve(information, slope - penalty * coefficients)
        if np.abs(step).max(initial=0) < _DONE:
            errors = np.sqrt(np.diag(np.linalg.inv(information)))
            return Hazards(
                coefficients=coefficients, errors=errors, log_likelihood=float(likelihood)
            )
        reach = np.abs(centred @ step).max()
        coefficients = coefficients + step * min(1.0, _FARTHEST / reach)
    raise ValueError(
        "the likelihood has no maximum: columns of the design say the same, or tell who leaves; "
        "leave one out"
    )


def _read(grouped: pd.DataFrame, kinds: int) -> _Exits:
    missing = [name for name in ("row", "time", "outcome", "n") if name not in grouped]
    if missing:
        raise ValueError(
            f"column {missing[0]!r} is missing; grouped data need row, time, outcome and n"
        )
    n = whole_counts("n", grouped["n"].to_numpy())
    time, outcome = grouped["time"].to_numpy(dtype=np.float64), grouped["outcome"].to_numpy()
    for name, values, right, rule in (
        ("outcome", outcome, np.isin(outcome, (0, 1)), "be 0 (censored) or 1 (left)"),
        ("time", time, np.isfinite(time), "be finite"),
    ):
        if not right.all():
            raise ValueError(f"{name} = {values[~right][0]} must {rule}")
    times, place = np.unique(time, return_inverse=True)
    cells, shape = (place, grouped["row"].to_numpy()), (len(times), kinds)
    left = csr_array((n * outcome, cells), shape=shape)
    leavers = left.sum(axis=1).astype(np.int64)
    tie_time = np.repeat(np.arange(len(times)), leavers)
    before = np.arange(len(tie_time)) - (leavers.cumsum() - leavers)[tie_time]
    return _Exits(
        gone=csr_array((n, cells), shape=shape),
        left=left,
        tie_time=tie_time,
        tie_share=before / leavers[tie_time],
    )


def _likelihood(
    design: FloatArray, exits: _Exits, coefficients: FloatArray
) -> tuple[float, FloatArray, FloatArray]:
    """Give the log partial likelihood, its gradient and its information.

    With S the sums of exp(x b), of x exp(x b) and of x x' exp(x b) over those at risk, and D those
    over the d who leave at a time, each of the d has the denominators S - c D, c = 0, 1/d, ... (d -
    1)/d. The sums of x x' are taken once over all times, weighted by what each time adds.
    """
    score = design @ coefficients
    weight = np.exp(score)
    weighted = weight[:, None] * design

    def at_risk(values: FloatArray) -> FloatArray:
        return np.asarray((exits.gone @ values)[::-1].cumsum(axis=0)[::-1])

    risk, risk_x = at_risk(weight), at_risk(weighted)
    left, left_x = exits.left @ weight, exits.left @ weighted
    time, share = exits.tie_time, exits.tie_share
    total = risk[time] - share * left[time]

    def by_time(values: FloatArray) -> FloatArray:
        return np.bincount(time, weights=values, minlength=len(risk)).astype(np.float64)

    whole, part = by_time(1 / total), by_time(share / total)
    leavers = exits.left.sum(axis=0)
    slope = leavers @ design - whole @ risk_x + part @ left_x
    until = exits.gone.T @ whole.cumsum() - exits.left.T @ part
    information = (design.T * (weight * until)) @ design
    square = [by_time(share**power / total**2)[:, None] for power in range(3)]
    crossed = risk_x.T @ (square[1] * left_x)
    information -= risk_x.T @ (square[0] * risk_x) + left_x.T @ (square[2] * left_x)
    information += crossed + crossed.T
    return float(leavers @ score - np.log(total).sum()), slope, information
