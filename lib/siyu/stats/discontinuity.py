"""The jump of a mean at a cutoff: local lines, and an interval that allows for their bias."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import norm

from siyu.stats.checks import FloatArray, normal_quantile
from siyu.stats.local_polynomials import Side, SparseError, fit_polynomial, split_rows

LINE, PARABOLA = 1, 2
"""What the jump is read from, and what the bias of it is."""
_PILOT = 2.576
"""Of the rule of thumb for a first bandwidth, for the triangular kernel."""
_ROUNDING = 1e-9
_ROOM = 1e-8
"""Added to the range of x, so that its end has some weight."""


@dataclass(frozen=True, kw_only=True)
class Jump:
    """The height of a jump, from the left of a cutoff to the right.

    value: of local lines; error: its standard error, bias left aside.
    corrected: the value less its estimated bias; corrected_error: that of it, which allows for the
        estimate of the bias. ci_lower, ci_upper and p (of no jump) are made of these two.
    left, right: height of each line at the cutoff, and its slope.
    h, b: bandwidths of the lines and of the bias, in the unit of x. n: rows within h, each side.
    """

    value: float
    error: float
    corrected: float
    corrected_error: float
    ci_lower: float
    ci_upper: float
    p: float
    left: tuple[float, float]
    right: tuple[float, float]
    h: float
    b: float
    n: tuple[int, int]


@dataclass(frozen=True)
class _End:
    """Where one side meets the cutoff.

    line: its height there, and its slope; corrected: the height less its bias. plain, robust: by
    how much each cluster moves the one height and the other.
    """

    line: tuple[float, float]
    corrected: float
    plain: FloatArray
    robust: FloatArray
    n: int


def find_jump(
    y: ArrayLike,
    x: ArrayLike,
    *,
    cutoff: float,
    level: float,
    cluster: ArrayLike | None = None,
    h: float | None = None,
    b: float | None = None,
) -> Jump:
    """Estimate by how much the mean of y jumps where x reaches a cutoff.

    A line is fitted on each side, weighted by a triangular kernel, with the bandwidth of the least
    mean squared error. At that bandwidth the line is biased by about as much as it varies; so the
    interval is made of the value less its bias, and allows for what estimating that adds.

    Args:
        y: one value per row.
        x: the running variable; a row at the cutoff is to its right.
        cutoff: in the unit of x.
        level: coverage of the interval, between 0 and 1.
        cluster: rows of one cluster may depend on each other, on both sides; None: all rows are
            independent.
        h: bandwidth of the lines, above 0; None: chosen from the data.
        b: bandwidth of the bias, above 0; None: chosen from the data, or h where that is given.

    Raises:
        SparseError: a side has too few different values, or y has no spread there.
        ValueError: a value that is not finite, or an option out of range.

    Assumes that without what begins at the cutoff the mean of y would be smooth through it, and
    that nobody places x exactly. Errors are from the nearest neighbours in x; of clusters, from
    leaving out each in turn, on both sides at once (CR3), since residuals alone are too small at an
    edge: with them the interval covered 93.9% (`tests/simulation/test_discontinuity_coverage.py`).

    Sources: Calonico, Cattaneo and Titiunik (2014), Econometrica 82, 2295-2326; bandwidths:
    Calonico, Cattaneo and Farrell (2020), Econometrics Journal 23, 192-210; clusters and bandwidth:
    Calonico, Cattaneo, Farrell and Titiunik (2019), Rev. Econ. Stat. 101, 442-451; leaving out:
    Bell and McCaffrey (2002), Survey Methodology 28, 169-181.
    """
    z = normal_quantile(level)
    for name, width in (("h", h), ("b", b)):
        if width is not None and not width > 0:
            raise ValueError(f"{name} = {width} must be above 0; leave it out to have it chosen")
    sides = split_rows(y, x, cutoff, cluster)
    if h is None:
        h, chosen = _choose_bandwidths(sides)
        b = b or chosen
    b = b or h
    left, right = (_end(side, h, b) for side in sides)
    value, corrected = right.line[0] - left.line[0], right.corrected - left.corrected
    # What a cluster moves on both sides is one move.
    error, robust = (
        float(np.sqrt(((at_right - at_left) ** 2).sum()))
        for at_left, at_right in ((left.plain, right.plain), (left.robust, right.robust))
    )
    if not robust > _ROUNDING * np.ptp(y):
        raise SparseError("y: all values near the cutoff lie on the curves; there is no spread")
    return Jump(
        value=value,
        error=error,
        corrected=corrected,
        corrected_error=robust,
        ci_lower=corrected - z * robust,
        ci_upper=corrected + z * robust,
        p=float(2 * norm.sf(abs(corrected) / robust)),
        left=left.line,
        right=right.line,
        h=h,
        b=b,
        n=(left.n, right.n),
    )


def _choose_bandwidths(sides: tuple[Side, Side]) -> tuple[float, float]:
    """Choose the bandwidths of the least mean squared error, one for both sides (`mserd`).

    From the end: the lines need the curvature, that needs a bandwidth of its own, and it the third
    derivative. Where values of x repeat, they and not the rows say how fine x is.
    """
    if min(side.different for side in sides) < PARABOLA + 4:
        raise SparseError("x: there are too few different values on a side of the cutoff")
    x = np.concatenate([side.x for side in sides])
    ranges = [float(np.abs(side.x).max()) for side in sides]
    quarters = np.quantile(x, [0.25, 0.75], method="averaged_inverted_cdf")
    spread = min(x.std(ddof=1), (quarters[1] - quarters[0]) / 1.349)
    different = sum(side.different for side in sides)
    pilot = min(_PILOT * spread * different**-0.2, max(ranges))
    widest = max(ranges)

    def best(order: int, term: int, wide: Sequence[float], *, cautious: bool) -> float:
        parts = [
            _error_parts(side, order, term, pilot, width, cautious=cautious)
            for side, width in zip(sides, wide, strict=True)
        ]
        variance, bias, doubt = np.transpose(parts)
        above, below = variance.sum(), (bias[1] - bias[0]) ** 2 + doubt.sum()
        if not (above > 0 and below > 0):
            raise SparseError("y: there is no spread near the cutoff")
        return min(float((above / below) ** (1 / (2 * order + 3))), widest)

    third = best(PARABOLA + 1, PARABOLA + 1, [one + _ROOM for one in ranges], cautious=False)
    b = best(PARABOLA, LINE + 1, [third] * 2, cautious=True)
    return best(LINE, 0, [b] * 2, cautious=True), b


def _error_parts(
    side: Side, order: int, term: int, narrow: float, wide: float, *, cautious: bool
) -> tuple[float, float, float]:
    """Give what makes up the mean squared error of one coefficient of a local polynomial.

    Args:
        side: the rows.
        order: of the polynomial.
        term: which coefficient.
        narrow: bandwidth for the variance.
        wide: bandwidth for the next derivative, which is what biases the polynomial.
        cautious: whether to allow for the error of that derivative, which may be near none.

    Returns:
        Variance and bias at a bandwidth of 1 (in the limit), and the variance of that bias.
    """
    near, far = fit_polynomial(side, narrow, order), fit_polynomial(side, wide, order + 1)
    times = 2 * (order + 1 - term)
    per_bend = float(near.steepening[term]) / wide ** (order + 1)
    variance = (2 * term + 1) * narrow * near.variance(term)
    bias = float(np.sqrt(times) * per_bend * far.coefficients[-1])
    doubt = 3 * times * per_bend**2 * far.variance(order + 1) if cautious else 0.0
    return variance, bias, doubt


def _end(side: Side, h: float, b: float) -> _End:
    """Fit the line of one side, and take off the bias that the parabola of it shows."""
    line, parabola = fit_polynomial(side, h, LINE), fit_polynomial(side, b, PARABOLA)
    times = (h / b) ** PARABOLA
    height, bend = float(line.coefficients[0]), float(parabola.coefficients[-1])
    corrected = height - float(line.steepening[0]) * times * bend
    if side.independent:
        near = side.within(max(h, b))
        plain, bends = np.zeros(len(near.x)), np.zeros(len(near.x))
        plain[np.abs(near.x) < h] = line.weights[0]
        bends[np.abs(near.x) < b] = parabola.weights[-1]
        residuals = line.residuals(near)
        robust = plain - line.steepening[0] * times * bends
        moved = near.sum_up(plain * residuals), near.sum_up(robust * residuals)
    else:
        lines, steepenings = line.leave_each_out()
        without = lines[:, 0] - steepenings[:, 0] * times * parabola.leave_each_out()[0][:, -1]
        moved = height - lines[:, 0], corrected - without
    return _End(
        line=(height, float(line.coefficients[1]) / h),
        corrected=corrected,
        plain=moved[0],
        robust=moved[1],
        n=len(line.rows.x),
    )
