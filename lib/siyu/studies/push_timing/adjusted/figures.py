"""Draw the crude curve of the hours beside the adjusted one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from siyu.figures import ACCENT, GREY, Picture, canvas, finish, nothing, shorten
from siyu.formats import number
from siyu.phrases import phrase, term
from siyu.studies.marks import percent_axis
from siyu.studies.naming import EVERYONE
from siyu.studies.push_timing.adjusted import sentences
from siyu.studies.push_timing.adjusted.estimate import Curves
from siyu.studies.push_timing.adjusted.measures import Measures

_MOST_PANELS = 4
_LINES = (("crude", GREY, -0.06), ("adjusted", ACCENT, 0.06))


def draw_curves(measures: Measures, found: Curves, *, level: float) -> Picture:
    """Draw both curves with their intervals, for all users and the largest segments."""
    picture, told = "adjusted_hours", found.table[found.table["refused"] == ""]
    title = sentences.headline(found, level=level)
    if sentences.leader(found) is None:
        return nothing(
            sentences.say_curves(measures, found, level=level), name=picture, title=title
        )
    there = [one for one in found.users if (told["segment"] == one).any()]
    segments = there[:_MOST_PANELS]
    columns = min(len(segments), 2)
    figure, panels = canvas(
        title,
        phrase(
            f"push.adjusted.figure.subtitle.{measures.outcome}",
            hours=measures.horizon_hours,
            segments=_shown(segments, there),
            first=measures.first,
            last=measures.as_of,
        ),
        phrase(
            "push.adjusted.figure.footer",
            source=measures.source,
            day=measures.as_of,
            level=level,
        ),
        height=3.6 if len(segments) <= columns else 5.8,
        columns=columns,
        heights=(1,) * -(-len(segments) // columns),
    )
    # Every panel shows the same hours, whether a segment has them or not.
    hours = [hour for hour in dict.fromkeys(found.table["hour"]) if hour in set(told["hour"])]
    shown = told[told["segment"].isin(segments)]
    top = 1.08 * float(shown[["crude_upper", "adjusted_upper"]].max().max())
    for axes, segment in zip(panels, segments, strict=False):
        own = told[told["segment"] == segment].set_index("hour").reindex(hours)
        _draw(axes, own, hours)
        axes.set_ylim(0, top)
        name = sentences.whom(segment) if segment == EVERYONE else term(segment)
        name, pushes = shorten(name, width=22), number(own["n_pushes"].sum())
        panel = phrase("push.adjusted.figure.panel", whom=name, n=pushes)
        axes.set_title(panel, loc="left", size=10)
        axes.set_xlabel(phrase("push.adjusted.figure.hour"), size=9)
    for axes in panels[len(segments) :]:
        axes.set_axis_off()
    _name_lines(panels[0])
    alt = phrase("push.adjusted.figure.alt", title=title)
    return finish(figure, name=picture, alt=alt, table=found.table)


def _shown(segments: Sequence[str], of: Sequence[str]) -> str:
    """Say whom the panels show: all users, and which segments beside them."""
    which = "alone" if len(of) == 1 else "all" if len(segments) == len(of) else "some"
    return phrase(f"push.adjusted.figure.shown.{which}", n=len(segments) - 1)


def _draw(axes: Axes, own: pd.DataFrame, hours: Sequence[str]) -> None:
    for line, colour, shift in _LINES:
        at = np.arange(len(hours)) + shift
        for first, last in _runs(hours):
            part = own.iloc[first:last]
            axes.plot(at[first:last], part[f"{line}_rate"], "o-", color=colour, markersize=4)
        axes.vlines(
            at, own[f"{line}_lower"], own[f"{line}_upper"], color=colour, linewidth=1.6, alpha=0.6
        )
    axes.set_xticks(range(len(hours)), [hour[:2] if len(hour) == 5 else hour for hour in hours])
    axes.set_xlim(-0.5, len(hours) - 0.5)
    percent_axis(axes.yaxis, ticks=4)
    axes.grid(axis="y")


def _runs(hours: Sequence[str]) -> list[tuple[int, int]]:
    """Give the stretches of hours that follow each other: no line is drawn over hours without."""
    ends = [int(hour[-5:-3]) + (len(hour) == 5) for hour in hours]
    breaks = [i for i in range(1, len(hours)) if int(hours[i][:2]) != ends[i - 1]]
    return list(zip([0, *breaks], [*breaks, len(hours)], strict=True))


def _name_lines(axes: Axes) -> None:
    axes.legend(
        handles=[Line2D([], [], color=colour, marker="o", markersize=4) for _, colour, _ in _LINES],
        labels=[phrase(f"push.adjusted.figure.line.{line}") for line, *_ in _LINES],
        loc="lower left",
        frameon=False,
        fontsize=8.5,
    )
