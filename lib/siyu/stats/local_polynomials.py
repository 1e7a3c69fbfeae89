"""Polynomials at an edge, on each side of a cutoff, weighted by a triangular kernel."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from siyu.stats.checks import FloatArray

IntArray = NDArray[np.int64]
_NEIGHBOURS = 3


class SparseError(ValueError):
    """Too few values near the cutoff, or values without any spread."""


@dataclass(frozen=True)
class Side:
    """The rows on one side; x is less the cutoff, and rises.

    clusters: how many there are on both sides, whose codes go from 0. independent: whether each row
    is one of its own.
    """

    x: FloatArray
    y: FloatArray
    cluster: IntArray
    clusters: int
    independent: bool

    def within(self, h: float) -> Side:
        """Keep the rows less than h from the cutoff."""
        near = np.abs(self.x) < h
        return replace(self, x=self.x[near], y=self.y[near], cluster=self.cluster[near])

    @property
    def different(self) -> int:
        """How many values x takes."""
        return int((np.diff(self.x) > 0).sum()) + 1 if len(self.x) else 0

    def sum_up(self, moves: FloatArray) -> FloatArray:
        """Sum up by cluster by how much each row moves an estimate."""
        return np.asarray(np.bincount(self.cluster, moves, self.clusters), dtype=np.float64)

    def factor(self, fitted: int) -> float:
        """Give by how much few clusters, of which some coefficients are fitted, vary more."""
        if self.independent:
            return 1.0
        n, clusters = len(self.x), np.count_nonzero(np.bincount(self.cluster))
        if clusters < 2 or n <= fitted:
            raise SparseError("cluster: there are fewer than two near the cutoff on a side")
        return float(clusters / (clusters - 1) * (n - 1) / (n - fitted))


@dataclass(frozen=True)
class Fit:
    """A polynomial in x / h, weighted by a triangular kernel.

    rows: those within h. weights: a row per coefficient, which is that row times y. steepening:
    what a term of one degree more would add to each coefficient.
    """

    rows: Side
    h: float
    weights: FloatArray
    coefficients: FloatArray
    steepening: FloatArray

    def residuals(self, side: Side) -> FloatArray:
        """Give the residuals of a side: from the curve or, of independent rows, from neighbours."""
        if side.independent:
            return _from_neighbours(side.x, side.y)
        powers = np.vander(side.x / self.h, len(self.weights), increasing=True)
        return np.asarray(side.y - powers @ self.coefficients)

    def leave_each_out(self) -> tuple[FloatArray, FloatArray]:
        """Give coefficients and steepening as they were without each cluster, a row for each.

        Raises:
            SparseError: without one of the clusters there are too few different values.
        """
        rows, terms = self.rows, len(self.weights)
        powers = np.vander(rows.x / self.h, terms + 1, increasing=True)
        kernel = 1 - np.abs(rows.x) / self.h
        right = np.column_stack([powers, rows.y])
        products = (kernel[:, None] * powers[:, :terms])[:, :, None] * right[:, None, :]
        # To leave out who is not near changes nothing: that is solved once, in the first row.
        near, code = np.unique(rows.cluster, return_inverse=True)
        columns = products.reshape(len(products), -1).T
        own = np.array([np.bincount(code, each, len(near)) for each in columns])
        own = np.vstack([np.zeros(len(own)), own.T]).reshape(-1, terms, terms + 2)
        left = products.sum(axis=0) - own
        try:
            solved = np.linalg.solve(left[..., :terms], left[..., terms:])
        except np.linalg.LinAlgError as error:
            raise SparseError("cluster: one of them is needed to draw a line at all") from error
        found = np.repeat(solved[:1], rows.clusters, axis=0)
        found[near] = solved[1:]
        return found[..., 1], found[..., 0]

    def variance(self, term: int) -> float:
        """Give the variance of a coefficient."""
        sums = self.rows.sum_up(self.weights[term] * self.residuals(self.rows))
        return self.rows.factor(len(self.weights)) * float((sums**2).sum())


def split_rows(
    y: ArrayLike, x: ArrayLike, cutoff: float, cluster: ArrayLike | None
) -> tuple[Side, Side]:
    """Split rows at a cutoff; a row at it is on the second side.

    Raises:
        ValueError: a value that is not finite.
        SparseError: all y are the same.
    """
    values, running = np.asarray(y, dtype=np.float64), np.asarray(x, dtype=np.float64)
    for name, one in (("y", values), ("x", running), ("cutoff", np.asarray(cutoff))):
        if not np.isfinite(one).all():
            raise ValueError(f"{name}: values must be finite; leave out rows that are not known")
    if not len(values) or not np.ptp(values) > 0:
        raise SparseError("y: all values are the same")
    codes = np.arange(len(running))
    if cluster is not None:
        codes = np.unique(cluster, return_inverse=True)[1]
    order = np.argsort(running, kind="stable")
    running, values, codes = running[order] - cutoff, values[order], codes[order]
    at = int(np.searchsorted(running, 0.0))
    left, right = (
        Side(
            x=running[part],
            y=values[part],
            cluster=codes[part],
            clusters=int(codes.max(initial=-1)) + 1,
            independent=cluster is None,
        )
        for part in (slice(at), slice(at, None))
    )
    return left, right


def fit_polynomial(side: Side, h: float, order: int) -> Fit:
    """Fit a polynomial of some order to the rows of a side less than h from the cutoff.

    Raises:
        SparseError: there are too few different values of x.

    Source: Fan and Gijbels (1996), Local Polynomial Modelling and Its Applications, 3.2.
    """
    rows = side.within(h)
    if rows.different < order + 2:
        raise SparseError("x: there are too few different values near the cutoff")
    kernel = 1 - np.abs(rows.x) / h
    powers = np.vander(rows.x / h, order + 2, increasing=True)
    weighted = powers * kernel[:, None]
    inverse = np.linalg.inv(powers[:, :-1].T @ weighted[:, :-1])
    weights = inverse @ weighted[:, :-1].T
    return Fit(
        rows=rows,
        h=h,
        weights=weights,
        coefficients=weights @ rows.y,
        steepening=inverse @ (powers[:, :-1].T @ weighted[:, -1]),
    )


def _from_neighbours(x: FloatArray, y: FloatArray) -> FloatArray:
    """Give residuals from the mean of the nearest others, scaled to vary as y does.

    All rows with one value of x are equally near. Source: Abadie and Imbens (2006), Econometrica
    74, 235-267.
    """
    values, first, count = np.unique(x, return_index=True, return_counts=True)
    last = first + count
    sums = np.concatenate([[0.0], np.cumsum(y)])
    found, enough = np.empty(len(x)), min(_NEIGHBOURS, len(x) - 1)
    for i, value in enumerate(values):
        low = high = i
        while last[high] - first[low] - 1 < enough:
            down = value - values[low - 1] if low else np.inf
            up = values[high + 1] - value if high + 1 < len(values) else np.inf
            low, high = low - int(down <= up), high + int(up <= down)
        others = last[high] - first[low] - 1
        own = y[first[i] : last[i]]
        mean = (sums[last[high]] - sums[first[low]] - own) / others
        found[first[i] : last[i]] = np.sqrt(others / (others + 1)) * (own - mean)
    return found
