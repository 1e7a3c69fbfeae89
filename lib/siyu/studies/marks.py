"""Marks that the figures of the studies share."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator, PercentFormatter

from siyu.figures import shorten
from siyu.formats import number, signed
from siyu.phrases import phrase, term

MOST_SEGMENTS = 16
"""More rows than these do not fit a page."""
_APART = 0.065
"""Of the height of a panel: names closer than this would overlap."""


def row_name(name: str, n: float) -> str:
    """Name a row of a figure: what it is, cut to the width there is, and of how many users."""
    return phrase("page.in_brackets", text=shorten(term(name)), n=number(n))


def step_name(step: str, *, width: int = 30) -> str:
    """Name the step that leads to an event."""
    return f"→ {shorten(term(step), width=width)}"


def whiskers(axes: Axes, x: Any, y: Any, lower: Any, upper: Any, *, colour: str) -> None:
    """Draw an interval at the end of each bar."""
    axes.hlines(y, lower, upper, color=colour, linewidth=1.3)
    axes.plot(x, y, "|", color=colour, markersize=5)


def mark_interval(
    axes: Axes,
    place: float,
    ends: tuple[float, float, float],
    said: str,
    *,
    colour: str,
    beside: bool = False,
) -> None:
    """Draw an estimate with its interval in a row, and write it.

    Args:
        axes: the panel.
        place: of the row.
        ends: the estimate, and the lower and the upper end.
        said: the estimate as it is written.
        colour: of all of it.
        beside: write it beside the upper end, rather than above the estimate.
    """
    value, lower, upper = ends
    axes.plot([lower, upper], [place, place], color=colour, linewidth=2)
    axes.plot(value, place, "o", color=colour, markersize=5.5)
    axes.annotate(
        said,
        (upper if beside else value, place),
        (8, 0) if beside else (0, 7),
        textcoords="offset points",
        ha="left" if beside else "center",
        va="center" if beside else "baseline",
        size=9,
        color=colour,
    )


def percent_axis(axis: Any, *, ticks: int = 5) -> None:
    """Write shares as percentages, with as many decimals, up to two, as the ticks need."""
    axis.set_major_locator(MaxNLocator(ticks))
    marks = 100 * axis.get_major_locator()()
    digits = next((n for n in (0, 1) if np.allclose(marks, np.round(marks, n))), 2)
    axis.set_major_formatter(PercentFormatter(1, decimals=digits))


def number_axis(axis: Any, *, ticks: int = 6) -> None:
    """Write numbers with thousands separated, with a decimal only where the ticks need one."""
    axis.set_major_locator(MaxNLocator(ticks))

    def write(value: float, _: int) -> str:
        marks = axis.get_majorticklocs()
        return number(value, 0 if np.allclose(marks, np.round(marks)) else 1)

    axis.set_major_formatter(FuncFormatter(write))


def points_axis(axis: Any, *, ticks: int = 5) -> None:
    """Write differences of shares in percentage points, with their sign."""
    axis.set_major_locator(MaxNLocator(ticks))
    axis.set_major_formatter(FuncFormatter(lambda value, _: signed(value, 0)))


def name_rows(axes: Axes, places: Any, labels: Any, **style: Any) -> None:
    """Write the names of rows at the left, with no line beside them."""
    axes.set_yticks(places, labels, **style)
    axes.tick_params(left=False)
    axes.spines["left"].set_visible(False)


def name_ends(
    axes: Axes, x: float, ends: list[tuple[float, str, str]], *, right: float = 8
) -> None:
    """Write the name of each line at its end, moved apart where they would overlap.

    Args:
        axes: with its limits set.
        x: where the lines end.
        ends: value at the end, name, and colour of each.
        right: points between the end and the name.
    """
    low, high = axes.get_ylim()
    at = -np.inf
    for value, text, colour in sorted(ends):
        at = max(value, at + _APART * (high - low))
        axes.annotate(
            text,
            (x, at),
            (right, 0),
            textcoords="offset points",
            color=colour,
            size=9.5,
            va="center",
            annotation_clip=False,
        )
