"""Fit what changes the chance of an event per trial, with trials of one person hanging together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_array

from siyu.stats.checks import FloatArray, count_of

Link = Literal["cloglog", "log"]
FEWEST_CLUSTERS = 10
"""Below as many clusters the covariance is far too small."""
_STEPS, _TOLERANCE = 60, 1e-9


@dataclass(frozen=True, kw_only=True)
class HazardFit:
    """Coefficients of a hazard, on the scale of its link.

    coefficients: one per column of the design. covariance: of them, robust to any dependence within
    a cluster. n_clusters: how many clusters there are.
    """

    coefficients: FloatArray
    covariance: FloatArray
    n_clusters: int


def fit_hazard(
    design: ArrayLike,
    *,
    cell: ArrayLike,
    trials: ArrayLike,
    events: ArrayLike,
    cluster: ArrayLike,
    link: Link = "cloglog",
) -> HazardFit:
    """Fit the chance of an event per trial to trials counted by person and kind.

    With the link "cloglog" the chance is 1 - exp(-exp(x b)): b are log hazard ratios of the
    proportional hazards model in continuous time, seen at intervals. With "log" it is exp(x b): b
    are log ratios of chances, also where the event comes often and again.

    Args:
        design: one row per kind of trial, one column per coefficient.
        cell: the kind of each count, an index into the rows of `design`.
        trials: whole numbers.
        events: of those, with the event.
        cluster: who is counted, whole numbers from 0 in any order; may come several times.
        link: what is linear in the columns.

    Raises:
        ValueError: a count that cannot be, an unknown link, fewer than 10 clusters, or coefficients
            that the data do not determine (a kind without an event, columns that add up).

    The covariance is the sandwich with the factor G/(G-1); clusters are taken as independent.
    Sources: Prentice and Gloeckler (1978), Biometrics 34, 57-67 (grouped hazards); Zou (2004), Am.
    J. Epidemiol. 159, 702-706 (log link, robust); Liang and Zeger (1986), Biometrika 73, 13-22.
    """
    if link not in get_args(Link):
        raise ValueError(f"link = {link!r} must be one of {', '.join(get_args(Link))}")
    columns = np.asarray(design, dtype=np.float64)
    kinds, who = np.asarray(cell, dtype=np.int64), np.asarray(cluster, dtype=np.int64)
    y, n = count_of(events, trials)
    codes, members = np.unique(who, return_inverse=True)
    if len(codes) < FEWEST_CLUSTERS:
        raise ValueError(
            f"cluster: {len(codes)} clusters are fewer than {FEWEST_CLUSTERS}; count more persons"
        )
    events_of, trials_of = (
        np.bincount(kinds, weights=part, minlength=len(columns)).astype(np.float64)
        for part in (y, n)
    )
    beta = _solve(columns, events_of, trials_of, link=link)
    chance, slope, variance = _mean(columns @ beta, link)
    bread = np.linalg.inv(columns.T @ (columns * (trials_of * slope**2 / variance)[:, None]))
    residual = (y - n * chance[kinds]) * (slope / variance)[kinds]
    by_member = csr_array((residual, (members, kinds)), shape=(len(codes), len(columns)))
    scores = by_member @ columns
    meat = scores.T @ scores * len(codes) / (len(codes) - 1)
    return HazardFit(
        coefficients=beta, covariance=np.asarray(bread @ meat @ bread), n_clusters=len(codes)
    )


def chance_of(linear: ArrayLike, *, link: Link) -> tuple[FloatArray, FloatArray]:
    """Give the chance that belongs to a linear predictor, and its derivative by that."""
    chance, slope, _ = _mean(np.asarray(linear, dtype=np.float64), link)
    return chance, slope


def _mean(eta: FloatArray, link: Link) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Give the chance, its slope and its working variance."""
    hazard = np.exp(eta)
    if link == "log":
        return hazard, hazard, hazard
    chance, stays = -np.expm1(-hazard), np.exp(-hazard)
    return chance, hazard * stays, chance * stays


def _solve(columns: FloatArray, y: FloatArray, n: FloatArray, *, link: Link) -> FloatArray:
    """Iterate Fisher scoring on the counts per kind."""
    seen = n > 0
    columns, y, n = columns[seen], y[seen], n[seen]
    start = (y + 0.5) / (n + 1)
    eta = np.log(start) if link == "log" else np.log(-np.log1p(-start))
    for _ in range(_STEPS):
        chance, slope, variance = _mean(eta, link)
        weight = n * slope**2 / variance
        working = eta + (y / n - chance) / slope
        root = np.sqrt(weight)
        beta, _, rank, _ = np.linalg.lstsq(columns * root[:, None], working * root, rcond=1e-9)
        if rank < columns.shape[1] or not np.isfinite(beta).all():
            break
        moved, eta = np.abs(columns @ beta - eta).max(), columns @ beta
        if moved < _TOLERANCE:
            return np.asarray(beta)
        # A kind without events drives its coefficient to minus infinity.
        eta = np.clip(eta, -25, 3)
    raise ValueError(
        "design: the data do not determine every coefficient; "
        "join kinds without events to others, and leave out columns that add up"
    )
