"""Draw what policies are worth, the hours of each segment, and where there is support at all."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from siyu.figures import (
    ACCENT,
    BLACK,
    GREY,
    PALE,
    Picture,
    canvas,
    finish,
    nothing,
    shorten,
)
from siyu.formats import number
from siyu.phrases import phrase, term
from siyu.studies.marks import MOST_SEGMENTS, name_rows, percent_axis
from siyu.studies.push_timing.policy import sentences
from siyu.studies.push_timing.policy.estimate import Values
from siyu.studies.push_timing.policy.measures import Measures
from siyu.studies.tables import each_row

_MOST_PANELS = 4


def draw_policies(measures: Measures, found: Values, *, level: float) -> Picture:
    """Draw the value of each policy with its interval, beside that of the hours as drawn."""
    picture = "policies"
    if found.refused:
        return _none(measures, found, picture)
    title = sentences.best_policy(found, level=level)
    order = np.argsort(found.table["policy"] == "hour", kind="stable")
    rows = list(each_row(found.table.iloc[order]))
    figure, (axes,) = _canvas(
        measures, title, "policies", level=level, height=3.0 + 0.27 * len(rows)
    )
    axes.axvline(found.base, color=BLACK, linewidth=0.9, linestyle=(0, (4, 3)))
    for place, row in enumerate(rows):
        _draw_policy(axes, place, row)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    highest = np.nanmax([found.base_upper, found.table["answer_rate_upper"].max()])
    axes.set_xlim(0, 1.05 * highest)
    name_rows(axes, range(len(rows)), [sentences.name(row) for row in rows], fontsize=9)
    percent_axis(axes.xaxis, ticks=7)
    axes.grid(axis="x")
    axes.set_xlabel(phrase("push.policy.figure.share_axis"), fontsize=9)
    marks = {
        "snips": Line2D([], [], marker="o", color=ACCENT, linewidth=2),
        "base": Line2D([], [], linestyle="", marker="|", color=BLACK, markersize=10),
    }
    axes.legend(
        handles=list(marks.values()),
        labels=[phrase(f"push.policy.figure.mark.{mark}") for mark in marks],
        loc="upper center",
        bbox_to_anchor=(0.4, -1.7 / len(rows)),
        ncols=2,
        frameon=False,
        fontsize=8.5,
        handletextpad=0.4,
    )
    alt = phrase("push.policy.figure.policies.alt", title=title)
    return finish(figure, name=picture, alt=alt, table=found.table)


def draw_curves(measures: Measures, found: Values, *, level: float) -> Picture:
    """Draw the value of each hour in up to four segments, those with a clear result first."""
    picture = "hours"
    if found.refused:
        return _none(measures, found, picture)
    told = found.segments[found.segments["verdict"] != "thin"]
    if told.empty:
        why = phrase("push.policy.figure.thin")
        return nothing(why, name=picture, title=phrase("push.policy.figure.none"))
    first = np.argsort(told["verdict"] != "clear", kind="stable")[:_MOST_PANELS]
    shown = list(each_row(told.iloc[first]))
    title = sentences.headline(found, level=level)
    columns = min(2, len(shown))
    heights = [1] * -(-len(shown) // columns)
    figure, panels = _canvas(
        measures,
        title,
        "curves",
        level=level,
        height=1.9 + 2.5 * len(heights),
        widths=[1] * columns,
        heights=heights,
        shown=_shown(len(shown), len(told)),
    )
    highest = 0.0
    for axes, row in zip(panels, shown, strict=False):
        curve = found.curves[found.curves["segment"] == row.segment]
        highest = max(highest, float(curve["ci_upper"].max()))
        _draw_curve(axes, curve, row)
    for axes in panels[-columns:]:
        axes.set_xlabel(phrase("push.policy.figure.hour_axis"), fontsize=9)
    for axes in panels:
        axes.set_ylim(0, 1.05 * highest)
        percent_axis(axes.yaxis)
        axes.set_visible(bool(axes.get_title(loc="left")))
    alt = phrase("push.policy.figure.curves.alt", title=title)
    return finish(figure, name=picture, alt=alt, table=found.curves)


def draw_overlap(measures: Measures, found: Values) -> Picture:
    """Draw how many pushes each hour of each segment is worth, and which are too few."""
    picture = "overlap"
    if found.refused:
        return _none(measures, found, picture)
    shown = found.segments["segment"].head(MOST_SEGMENTS)
    curves = found.curves[found.curves["segment"].isin(shown)]
    thin = int((curves["refused"] != "").sum())
    title = phrase(f"push.policy.figure.overlap.{'some' if thin else 'whole'}", n=thin)
    height = 2.4 + 0.42 * len(shown)
    figure, (axes,) = _canvas(measures, title, "overlap", level=0, height=height)
    hours = list(measures.hours)
    most = curves["pushes"].max()
    for row, segment in enumerate(shown):
        for cell in each_row(curves[curves["segment"] == segment]):
            _draw_cell(axes, hours.index(cell.hour), row, cell, share=cell.pushes / most)
    sizes = found.segments.set_index("segment")["n_users"]
    name_rows(axes, range(len(shown)), [_named(one, sizes[one]) for one in shown])
    axes.set_xticks(range(len(hours)), [f"{hour}:00" for hour in hours])
    axes.set_xlim(-0.5, len(hours) - 0.5)
    axes.set_ylim(len(shown) - 0.5, -0.5)
    axes.tick_params(bottom=False)
    axes.spines["bottom"].set_visible(False)
    alt = phrase("push.policy.figure.overlap.alt", title=title)
    columns = ["segment", "hour", "n_pushes", "pushes", "users", "refused"]
    return finish(figure, name=picture, alt=alt, table=curves[columns])


def _draw_policy(axes: Axes, place: int, row: Any) -> None:
    if row.refused:
        why = phrase(f"push.policy.why.{row.refused}", pushes=row.pushes, users=row.users)
        axes.annotate(
            why, (0, place), (6, 0), textcoords="offset points", va="center", size=8.5, color=GREY
        )
        return
    colour = ACCENT if row.verdict in ("higher", "lower") else GREY
    axes.plot(
        [row.answer_rate_lower, row.answer_rate_upper], [place] * 2, color=colour, linewidth=2
    )
    axes.plot(row.base, place, "|", color=BLACK, markersize=10)
    axes.plot(row.answer_rate, place, "o", color=colour, markersize=6)


def _draw_curve(axes: Axes, curve: pd.DataFrame, row: Any) -> None:
    axes.axhline(row.base, color=BLACK, linewidth=0.9, linestyle=(0, (4, 3)))
    valued = curve[curve["refused"] == ""]
    for hour in each_row(valued):
        good = hour.not_worse
        colour = ACCENT if good else GREY
        axes.plot([hour.hour] * 2, [hour.ci_lower, hour.ci_upper], color=colour, linewidth=1.6)
        face = colour if good else "white"
        axes.plot(hour.hour, hour.answer_rate, "o", mfc=face, mec=colour, markersize=5.5)
    refused = curve[curve["refused"] != ""]
    if len(refused):
        axes.plot(refused["hour"], [0] * len(refused), "x", color=GREY, markersize=5, clip_on=False)
    axes.set_title(_named(row.segment, row.n_users), loc="left", fontsize=10)
    hours = curve["hour"].to_numpy()
    axes.set_xticks(hours[:: -(-len(hours) // 7)])
    axes.set_xlim(hours.min() - 0.6, hours.max() + 0.6)
    axes.grid(axis="y")


def _draw_cell(axes: Axes, x: int, y: int, cell: Any, *, share: float) -> None:
    refused = bool(cell.refused)
    axes.add_patch(
        _rectangle(x, y, facecolor="white" if refused else ACCENT, alpha=1 if refused else share)
    )
    if refused:
        axes.add_patch(_rectangle(x, y, facecolor="none", edgecolor=PALE, hatch="////"))
    dark = not refused and share > 0.55
    axes.text(
        x,
        y,
        number(cell.pushes),
        ha="center",
        va="center",
        size=8.5,
        color="white" if dark else BLACK,
    )


def _rectangle(x: int, y: int, **style: Any) -> Rectangle:
    return Rectangle((x - 0.47, y - 0.45), 0.94, 0.9, linewidth=0, **style)


def _named(segment: str, n_users: float) -> str:
    """Name a row or panel: which segment it is, and of how many users."""
    return phrase("push.policy.figure.segment", segment=shorten(term(segment)), users=n_users)


def _shown(n: int, of: int) -> str:
    """Say which segments are drawn; "" if all are."""
    return phrase("push.policy.figure.curves.shown", n=n, of=of) if n < of else ""


def _canvas(
    measures: Measures, title: str, part: str, *, level: float, shown: str = "", **layout: Any
) -> Any:
    return canvas(
        title,
        phrase(
            f"push.policy.figure.{part}.subtitle",
            answer=sentences.answer(measures),
            first=measures.first,
            last=measures.as_of,
            shown=shown,
        ),
        phrase(
            f"push.policy.figure.{part}.footer",
            source=measures.source,
            day=measures.as_of,
            level=level,
            n=measures.n,
            users=len(measures.segment),
        ),
        **layout,
    )


def _none(measures: Measures, found: Values, picture: str) -> Picture:
    why = sentences.refusal(measures, found)
    return nothing(why, name=picture, title=phrase("push.policy.figure.none"))
