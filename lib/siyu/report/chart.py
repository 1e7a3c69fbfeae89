"""The small chart of one number over runs, as the paths of an inline SVG."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any

from siyu.formats import number, percent, quantity
from siyu.report.history import Point

WIDTH, HEIGHT = 360, 150
LEFT, RIGHT, TOP, BOTTOM = 58, 350, 12, 126
"""Of the plot within the chart, in its own units."""
_FEWEST_STEPS = 2
_NICE = (1, 2, 5, 10)


@dataclass(frozen=True, kw_only=True)
class Chart:
    """The paths of a chart, and its scale: how high a label stands, and what it says.

    `zero` is how high zero is.
    """

    scale: Sequence[tuple[float, str]]
    zero: float
    line: str
    bars: str
    values: str
    alerts: str
    missing: str
    redefined: str
    threshold: str


def draw(points: Sequence[Point], *, first: date, last: date) -> Chart:
    """Draw a number over runs: days to scale, and a scale of values that holds zero.

    Args:
        points: from `follow`.
        first: the day at the left.
        last: the day at the right.
    """
    given = [point.finding for point in points if point.has_value]
    ticks = _ticks(given)
    low, high = ticks[0], ticks[-1]

    def x(day: date) -> float:
        whole = (last - first).days
        share = (day - first).days / whole if whole else 0.5
        return round(LEFT + 8 + share * (RIGHT - LEFT - 16), 1)

    def y(value: float) -> float:
        return round(BOTTOM - (value - low) / (high - low) * (BOTTOM - TOP), 1)

    line: list[str] = []
    bars: list[str] = []
    redefined: list[str] = []
    dots: dict[bool, list[str]] = {False: [], True: []}
    at = float(LEFT)
    for point in points:
        one, (before, at) = point.finding, (at, x(point.on))
        if not point.has_value:
            continue
        line.append(f"{'L' if point.joined else 'M'}{at},{y(one['value'])}")
        if point.redefined:
            redefined.append(f"M{round((before + at) / 2, 1)},{TOP}V{BOTTOM}")
        if _is_bounded(one):
            lower = low if one["ci_lower"] is None else one["ci_lower"]
            upper = high if one["ci_upper"] is None else one["ci_upper"]
            bars.append(f"M{at},{y(lower)}V{y(upper)}")
        dots[one["status"] == "alert"].append(f"M{at},{y(one['value'])}h0")
    return Chart(
        scale=[(y(tick), _label(tick, given[-1]["unit"], ticks[1] - low)) for tick in ticks],
        zero=y(0.0),
        line="".join(line),
        bars="".join(bars),
        values="".join(dots[False]),
        alerts="".join(dots[True]),
        missing="".join(
            f"M{x(point.on) - 3:.1f},{BOTTOM - 3}l6,6m0,-6l-6,6"
            for point in points
            if not point.has_value
        ),
        redefined="".join(redefined),
        threshold="".join(
            f"M{left},{y(limit)}H{right}"
            for left, right, limit in _thresholds([(x(point.on), point) for point in points])
        ),
    )


def _is_bounded(finding: Mapping[str, Any]) -> bool:
    return finding["ci_lower"] is not None or finding["ci_upper"] is not None


def _thresholds(placed: Sequence[tuple[float, Point]]) -> list[tuple[float, float, float]]:
    """Lay out each run's threshold to half way to its neighbours, those that are alike as one."""
    ends = [
        LEFT,
        *(round((a + b) / 2, 1) for (a, _), (b, _) in pairwise(placed)),
        RIGHT,
    ]
    laid: list[tuple[float, float, float]] = []
    for left, right, (_, point) in zip(ends, ends[1:], placed, strict=False):
        limit = point.finding["threshold"] if point.has_value else None
        if limit is None:
            continue
        if laid and laid[-1][1:] == (left, limit):
            left = laid.pop()[0]
        laid.append((left, right, limit))
    return laid


def _ticks(findings: Sequence[Mapping[str, Any]]) -> list[float]:
    """Divide a scale that holds zero, all values, their intervals and their thresholds."""
    names = ("value", "ci_lower", "ci_upper", "threshold")
    held = [0.0, *(one[name] for one in findings for name in names if one[name] is not None)]
    low, high = min(held), max(held)
    if low == high:
        return [0.0, 1.0]
    rough = (high - low) / _FEWEST_STEPS
    size = 10.0 ** math.floor(math.log10(rough))
    step = size * max(nice for nice in _NICE if nice * size <= rough)
    # An interval without an end needs room to go on in.
    below, above = (
        any(_is_bounded(one) and one[end] is None for one in findings)
        for end in ("ci_lower", "ci_upper")
    )
    first, last = math.floor(low / step) - below, math.ceil(high / step) + above
    return [step * i for i in range(first, last + 1)]


def _label(value: float, unit: str, step: float) -> str:
    """Write a number of the scale as short as it can be told from its neighbours."""
    digits = max(0, -math.floor(math.log10(step)))
    if unit == "share":
        return percent(value, max(0, digits - 2))
    if unit in ("days", "hours") and value:
        return quantity(value, unit)
    return number(value, digits)
