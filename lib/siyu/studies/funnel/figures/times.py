"""Draw conversion over time: since the first start, and by entry week."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

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
from siyu.studies.funnel import sentences
from siyu.studies.funnel.figures.marks import (
    footer,
    percent_axis,
)
from siyu.studies.funnel.measures import Measures
from siyu.studies.tables import each_row

_MOST_LINES = 5


def draw_times(
    measures: Measures, curve: pd.DataFrame, medians: pd.DataFrame, *, level: float
) -> Picture:
    """Draw the share converted by time since the first start."""
    name = "time_to_convert"
    title = sentences.say_time(medians, level=level)
    if sentences.too_little(measures) or medians["converted"].iloc[0] == 0:
        reason = sentences.too_little(measures) or title
        return nothing(reason, name=name, title="No time to convert can be drawn")
    everyone, segments = medians["segment"].iloc[0], medians.iloc[1:]
    largest = segments.nlargest(_MOST_LINES, "n")["segment"]
    left_out = f"; the {_MOST_LINES} largest of {len(segments)} segments"
    figure, (axes,) = canvas(
        title,
        f"Share of users converted by days since the first start; {number(medians['n'].iloc[0])} "
        "users, those still inside their window included for as long as they were followed"
        + (left_out if len(largest) < len(segments) else ""),
        footer(measures, f"Aalen-Johansen, leaving as a competing end; band: {level:.0%} interval"),
        height=4.3,
    )
    ends = []
    for segment in [*largest, everyone]:
        own = curve[curve["segment"] == segment]
        colour, width = (ACCENT, 2.2) if segment == everyone else (GREY, 1.2)
        axes.step(own["days"], own["incidence"], where="post", color=colour, linewidth=width)
        ends.append([float(own["incidence"].iloc[-1]), segment, colour])
    total = curve[curve["segment"] == everyone]
    axes.fill_between(
        total["days"],
        total["ci_lower"],
        total["ci_upper"],
        step="post",
        color=ACCENT,
        alpha=0.15,
        linewidth=0,
    )
    median = medians["median_days"].iloc[0]
    if not np.isnan(median):
        height = float(total.loc[total["days"] <= median, "incidence"].iloc[-1])
        axes.plot([median, median], [0, height], color=BLACK, linewidth=1, linestyle=":")
        axes.plot(median, height, "o", color=BLACK, markersize=5)
    axes.set_ylim(0, 1.1 * max(end[0] for end in ends))
    axes.set_xlim(0, float(curve["days"].max()))
    _label_ends(axes, float(curve["days"].max()), ends)
    percent_axis(axes.yaxis)
    axes.set_xlabel("days since the first start")
    axes.grid(axis="y")
    alt = f"Curve of the share converted over time. {title}."
    return finish(figure, name=name, alt=alt, table=medians)


def draw_trend(
    measures: Measures, weekly: pd.DataFrame, late: pd.DataFrame, *, level: float
) -> Picture:
    """Draw conversion by entry week, with the weeks that are not finished hatched."""
    name, title = "trend", sentences.say_trend(measures.definition, late, level=level)
    seen = weekly[weekly["rate"].notna()] if len(weekly) else weekly
    if seen.empty:
        few = f"No week has {measures.min_users} users who can be judged"
        reason = title if measures.definition.window is None else few
        return nothing(reason, name=name, title="No trend can be drawn")
    hatched = weekly[weekly["state"] != "whole"]
    figure, (axes,) = canvas(
        title,
        f"Of the users who started in a week, the share who converted "
        f"{sentences.window(measures.definition)} of their first start in it"
        + ("; hatched: week cut by the period, or windows still open" if len(hatched) else ""),
        footer(
            measures,
            f"Wilson {level:.0%} intervals; a user who started in two weeks is in both, and is one "
            "cluster in the comparison of halves",
        ),
        height=4.2,
    )
    axes.fill_between(
        seen["week"], seen["ci_lower"], seen["ci_upper"], color=ACCENT, alpha=0.15, linewidth=0
    )
    axes.plot(seen["week"], seen["rate"], "o-", color=ACCENT, linewidth=2.2, markersize=5)
    top = 1.15 * float(seen["ci_upper"].max())
    half = pd.Timedelta(days=3.5)
    for row in each_row(hatched):
        ends = (row.week - half, row.week + half)
        axes.axvspan(*ends, facecolor="none", edgecolor=PALE, hatch="///", linewidth=0)
        if row.waiting:
            text = f"{number(row.waiting)}\nopen"
            axes.text(row.week, 0.98 * top, text, ha="center", va="top", size=8, color=GREY)
    for row in each_row(seen.iloc[:: 1 + len(weekly) // 16]):
        axes.text(row.week, 0.015 * top, number(row.entered), ha="center", size=8, color=GREY)
    axes.set_ylim(0, top)
    axes.set_xlim(weekly["week"].iloc[0] - half, weekly["week"].iloc[-1] + half)
    percent_axis(axes.yaxis)
    _week_axis(axes, weekly["week"])
    axes.set_xlabel("entry week (Monday); small figures: users who can be judged")
    axes.grid(axis="y")
    alt = f"Line chart of conversion by entry week. {title}."
    return finish(figure, name=name, alt=alt, table=weekly)


def _label_ends(axes: Axes, x: Any, ends: list[list[Any]]) -> None:
    """Write each line's name at its end, moved apart where they would overlap."""
    low, high = axes.get_ylim()
    at = -np.inf
    for value, text, colour in sorted(ends):
        at = max(value, at + 0.07 * (high - low))
        axes.annotate(
            shorten(text, width=20),
            (x, at),
            color=colour,
            size=9.5,
            va="center",
            annotation_clip=False,
            xytext=(8, 0),
            textcoords="offset points",
        )


def _week_axis(axes: Axes, weeks: pd.Series) -> None:
    every = max(1, len(weeks) // 10)
    shown = weeks.iloc[::every]
    axes.set_xticks(shown, [f"{week.day} {week:%b}" for week in shown])
