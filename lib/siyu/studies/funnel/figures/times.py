"""Draw conversion over time: since the first start, and by entry week."""

from __future__ import annotations

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
)
from siyu.formats import number, short_day
from siyu.phrases import phrase
from siyu.studies.funnel import sentences
from siyu.studies.funnel.figures.footer import footer
from siyu.studies.funnel.measures import Measures
from siyu.studies.marks import (
    MOST_SEGMENTS,
    name_rows,
    percent_axis,
    row_name,
)
from siyu.studies.tables import each_row


def draw_times(
    measures: Measures, curve: pd.DataFrame, medians: pd.DataFrame, *, level: float
) -> Picture:
    """Draw the share converted by time since the first start, and each segment's median time."""
    name, title = "time_to_convert", sentences.say_time(medians, level=level)
    if sentences.too_little(measures) or medians["converted"].iloc[0] == 0:
        reason = sentences.too_little(measures) or title
        return nothing(reason, name=name, title=phrase("funnel.figure.times.none"))
    total = medians.iloc[0]
    known = medians.iloc[1:].dropna(subset=["median_days"])
    shown = known.nlargest(MOST_SEGMENTS, "converted").sort_values("median_days")
    several = len(shown) > 0
    figure, axes = canvas(
        title,
        phrase(f"funnel.figure.times.{'medians' if several else 'curve'}", n=total.n),
        footer(
            measures,
            phrase(f"funnel.figure.times.method{'_medians' if several else ''}", level=level),
        ),
        height=max(4.3, 1.9 + 0.34 * len(shown)),
        columns=2 if several else 1,
    )
    _draw_curve(axes[0], curve[curve["segment"] == total.segment], total.median_days)
    if several:
        _draw_medians(axes[1], shown, total.median_days)
    alt = phrase("funnel.figure.times.alt", title=title)
    return finish(figure, name=name, alt=alt, table=medians)


def draw_trend(
    measures: Measures, weekly: pd.DataFrame, late: pd.DataFrame, *, level: float
) -> Picture:
    """Draw conversion by entry week, with the weeks that are not finished hatched."""
    name, title = "trend", sentences.say_trend(measures.definition, late, level=level)
    seen = weekly[weekly["rate"].notna()] if len(weekly) else weekly
    if seen.empty:
        few = phrase("funnel.figure.trend.few", min_users=measures.min_users)
        reason = title if measures.definition.window is None else few
        return nothing(reason, name=name, title=phrase("funnel.figure.trend.none"))
    hatched = weekly[weekly["state"] != "whole"]
    figure, (axes,) = canvas(
        title,
        phrase(
            f"funnel.figure.trend.{'hatched' if len(hatched) else 'whole'}",
            window=measures.definition.window_days,
        ),
        footer(measures, phrase("funnel.figure.trend.method", level=level)),
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
            text = phrase("funnel.figure.trend.open", waiting=row.waiting)
            axes.text(row.week, 0.98 * top, text, ha="center", va="top", size=8, color=GREY)
    for row in each_row(seen.iloc[:: 1 + len(weekly) // 16]):
        axes.text(row.week, 0.015 * top, number(row.entered), ha="center", size=8, color=GREY)
    axes.set_ylim(0, top)
    axes.set_xlim(weekly["week"].iloc[0] - half, weekly["week"].iloc[-1] + half)
    percent_axis(axes.yaxis)
    _week_axis(axes, weekly["week"])
    axes.set_xlabel(phrase("funnel.figure.trend.axis"))
    axes.grid(axis="y")
    alt = phrase("funnel.figure.trend.alt", title=title)
    return finish(figure, name=name, alt=alt, table=weekly)


def _draw_curve(axes: Axes, total: pd.DataFrame, median_days: float) -> None:
    axes.step(total["days"], total["incidence"], where="post", color=ACCENT, linewidth=2.2)
    axes.fill_between(
        total["days"],
        total["ci_lower"],
        total["ci_upper"],
        step="post",
        color=ACCENT,
        alpha=0.15,
        linewidth=0,
    )
    if not np.isnan(median_days):
        height = float(total.loc[total["days"] <= median_days, "incidence"].iloc[-1])
        axes.plot([median_days] * 2, [0, height], color=BLACK, linewidth=1, linestyle=":")
        axes.plot(median_days, height, "o", color=BLACK, markersize=5)
    axes.set_ylim(0, 1.1 * float(total[["incidence", "ci_upper"]].max().max()))
    axes.set_xlim(0, float(total["days"].max()))
    percent_axis(axes.yaxis)
    axes.set_xlabel(phrase("funnel.figure.times.axis"))
    axes.set_title(phrase("funnel.figure.times.everyone"), size=10, loc="left", color=BLACK)
    axes.grid(axis="y")


def _draw_medians(axes: Axes, shown: pd.DataFrame, everyones: float) -> None:
    """Draw the median time of each segment; where an end of its interval is not known, none."""
    places = np.arange(len(shown))
    axes.axvline(everyones, color=GREY, linestyle=":", linewidth=1)
    axes.hlines(places, shown["ci_lower"], shown["ci_upper"], color=GREY, linewidth=2)
    axes.plot(shown["median_days"], places, "o", color=GREY, markersize=5.5)
    name_rows(axes, places, [row_name(row.segment, row.converted) for row in each_row(shown)])
    axes.set_ylim(len(shown) - 0.5, -0.5)
    axes.set_xlim(0, 1.1 * float(shown[["median_days", "ci_upper"]].max().max()))
    axes.set_xlabel(phrase("funnel.figure.times.days"))
    axes.set_title(phrase("funnel.figure.times.by_segment"), size=10, loc="left", color=BLACK)
    axes.grid(axis="x")


def _week_axis(axes: Axes, weeks: pd.Series) -> None:
    every = max(1, len(weeks) // 10)
    shown = weeks.iloc[::every]
    axes.set_xticks(shown, [short_day(week) for week in shown])
