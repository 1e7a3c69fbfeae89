"""Draw the funnel study: each figure says its finding in the title and carries its numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator, PercentFormatter

from siyu.figures import (
    ACCENT,
    BLACK,
    GREY,
    PALE,
    SECOND,
    Picture,
    canvas,
    finish,
    nothing,
    shorten,
)
from siyu.formats import number, percent, points
from siyu.studies.funnel import sentences
from siyu.studies.funnel.estimate import Change
from siyu.studies.funnel.measure import Measures
from siyu.studies.funnel.segments import EVERYONE
from siyu.studies.tables import each_row

_MOST_SEGMENTS = 16
_MOST_PANELS = 5


def draw_steps(measures: Measures, steps: pd.DataFrame, *, level: float) -> Picture:
    """Draw how many of those who entered reach each step."""
    name, title = "steps", "No funnel can be drawn"
    if reason := sentences.too_little(measures):
        return nothing(reason, name=name, title=title)
    total = steps[steps["segment"] == EVERYONE]
    title = sentences.say_loss(measures, steps)
    figure, (axes,) = canvas(
        title,
        f"Share of the {number(total.entered.iloc[0])} users who entered, by the furthest step "
        "reached "
        f"{sentences.window(measures.definition)}; {sentences.population(measures)}",
        _footer(
            measures, f"Wilson {level:.0%} intervals; users still inside their window are left out"
        ),
        height=1.6 + 0.55 * len(total),
    )
    worst = total["step_rate"].iloc[1:].idxmin()
    colours = [SECOND if index == worst else ACCENT for index in total.index]
    places = range(len(total))
    axes.barh(places, total["rate"], color=colours, height=0.62)
    later = total.iloc[1:]
    _whiskers(axes, later["rate"], places[1:], later["ci_lower"], later["ci_upper"], colour=BLACK)
    for place, row in zip(places, each_row(total), strict=True):
        step = "" if row.k == 1 else f"   {percent(row.step_rate)} of the step before"
        right = row.rate if row.k == 1 else row.ci_upper
        inside = right > 0.72
        axes.text(
            0.012 if inside else right + 0.012,
            place,
            f"{number(row.reached)} users, {percent(row.rate)}{step}",
            va="center",
            color="white" if inside else BLACK,
            size=9.5,
        )
    axes.set_yticks(places, total["step"].map(shorten), size=10.5)
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    _percent_axis(axes.xaxis)
    axes.spines["left"].set_visible(False)
    axes.tick_params(left=False)
    alt = f"Bar chart of the funnel. {title}. " + "; ".join(
        f"{row.step} {percent(row.rate)}" for row in each_row(total)
    )
    return finish(figure, name=name, alt=alt, table=steps)


def draw_segments(
    measures: Measures, compared: pd.DataFrame, steps: pd.DataFrame, *, level: float
) -> Picture:
    """Draw each segment's conversion, and its rate at each step, beside the rate of all users."""
    name = "segments"
    reason = sentences.too_little(measures)
    if compared.empty and not reason:
        reason = " ".join(measures.refused) or "There are not two segments to compare."
    if reason:
        return nothing(reason, name=name, title="No segments can be compared")
    title = sentences.say_segments(compared, by=measures.by).rstrip(".")
    shown = compared.nlargest(_MOST_SEGMENTS, "entered").sort_values("rate", ascending=False)
    names = measures.definition.labels
    panels = names[1:] if 2 < len(names) <= _MOST_PANELS else ()
    figure, axes = canvas(
        title,
        f"Share of users with interval; {sentences.population(measures)}; dotted: all users"
        + (
            f"; the {len(shown)} largest of {len(compared)} segments"
            if len(shown) < len(compared)
            else ""
        ),
        _footer(
            measures,
            f"Wilson {level:.0%} intervals; colour: differs from all others (Holm at "
            f"{1 - level:.0%}); "
            "observational: segments differ in more than their name",
        ),
        height=1.75 + 0.34 * len(shown),
        columns=1 + len(panels),
    )
    places = np.arange(len(shown))
    colours = shown["verdict"].map({"higher": ACCENT, "lower": SECOND, "unclear": GREY}).tolist()
    everyone = steps[steps["segment"] == EVERYONE].set_index("step")
    for i, axis in enumerate(axes):
        if i == 0:
            part, heading, mean = shown, "converted", everyone["rate"].iloc[-1]
        else:
            step = panels[i - 1]
            own = steps[steps["step"] == step].set_index("segment").loc[shown["segment"]]
            part = own[["step_rate", "step_ci_lower", "step_ci_upper"]].set_axis(
                ["rate", "ci_lower", "ci_upper"], axis=1
            )
            heading, mean = f"→ {shorten(step, width=18)}", everyone.loc[step, "step_rate"]
        axis.axvline(mean, color=GREY, linestyle=":", linewidth=1)
        for place, row, colour in zip(places, each_row(part), colours, strict=True):
            shade = colour if i == 0 else GREY
            axis.plot([row.ci_lower, row.ci_upper], [place, place], color=shade, linewidth=2)
            axis.plot(row.rate, place, "o", color=shade, markersize=5.5)
        axis.set_title(heading, size=10, loc="left", color=BLACK)
        axis.set_xlim(0, min(1.02, 1.12 * float(part["ci_upper"].max())))
        _percent_axis(axis.xaxis, ticks=3 if panels else 5)
        axis.set_ylim(len(shown) - 0.5, -0.5)
        axis.spines["left"].set_visible(False)
        labels = [f"{shorten(row.segment)}  ({number(row.entered)})" for row in each_row(shown)]
        axis.set_yticks(places, labels if i == 0 else [])
        axis.tick_params(left=False)
        axis.grid(axis="y")
    alt = f"Dot plot of conversion by segment. {title}. " + "; ".join(
        f"{row.segment} {percent(row.rate)}" for row in each_row(shown)
    )
    return finish(figure, name=name, alt=alt, table=compared)


def draw_times(
    measures: Measures, curve: pd.DataFrame, medians: pd.DataFrame, *, level: float
) -> Picture:
    """Draw the share converted by time since the first start."""
    name = "time_to_convert"
    title = sentences.say_time(medians, level=level)
    if sentences.too_little(measures) or medians["converted"].iloc[0] == 0:
        reason = sentences.too_little(measures) or title
        return nothing(reason, name=name, title="No time to convert can be drawn")
    figure, (axes,) = canvas(
        title,
        f"Share of users converted by days since the first start; {number(medians['n'].iloc[0])} "
        "users, those still "
        "inside their window included for as long as they were followed",
        _footer(
            measures, f"Aalen-Johansen, leaving as a competing end; band: {level:.0%} interval"
        ),
        height=4.3,
    )
    largest = medians.iloc[1:].nlargest(3, "n")["segment"].tolist()
    ends = []
    for i, segment in enumerate([medians["segment"].iloc[0], *largest]):
        own = curve[curve["segment"] == segment]
        colour = ACCENT if i == 0 else GREY
        axes.step(
            own["days"],
            own["incidence"],
            where="post",
            color=colour,
            linewidth=2.2 if i == 0 else 1.2,
        )
        if i == 0:
            axes.fill_between(
                own["days"],
                own["ci_lower"],
                own["ci_upper"],
                step="post",
                color=colour,
                alpha=0.15,
                linewidth=0,
            )
        ends.append([float(own["incidence"].iloc[-1]), segment, colour])
    row = medians.iloc[0]
    if not np.isnan(row.median_days):
        total = curve[curve["segment"] == row.segment]
        height = float(total.loc[total["days"] <= row.median_days, "incidence"].iloc[-1])
        axes.plot([row.median_days] * 2, [0, height], color=BLACK, linewidth=1, linestyle=":")
        axes.plot(row.median_days, height, "o", color=BLACK, markersize=5)
    axes.set_ylim(0, 1.1 * max(end[0] for end in ends))
    axes.set_xlim(0, float(curve["days"].max()))
    _label_ends(axes, float(curve["days"].max()), ends)
    _percent_axis(axes.yaxis)
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
        _footer(
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
    _percent_axis(axes.yaxis)
    _week_axis(axes, weekly["week"])
    axes.set_xlabel("entry week (Monday); small figures: users who can be judged")
    axes.grid(axis="y")
    alt = f"Line chart of conversion by entry week. {title}."
    return finish(figure, name=name, alt=alt, table=weekly)


def draw_change(measures: Measures, change: Change | None, *, level: float) -> Picture:
    """Draw the change since the span before, split into mix and rate per segment, and into "
    "steps.
    """
    name, title = "change", sentences.say_change(measures, change, level=level)
    if change is None or sentences.too_little(measures):
        return nothing(title, name=name, title="No comparison can be drawn")
    several = len(change.segments) > 1
    shown = change.segments.reindex(
        (change.segments["mix"].abs() + change.segments["rate"].abs())
        .nlargest(_MOST_SEGMENTS)
        .index
    ).sort_values("segment")
    figure, axes = canvas(
        title.split(". ")[0].rstrip("."),
        "Parts of the change in percentage points, adding up to the whole; "
        f"{sentences.population(measures)} against "
        f"the {number(measures.span.eligible_days)} days before",
        _footer(
            measures,
            f"Kitagawa (mix and rate of segments) and Shapley (steps); delta-method {level:.0%} "
            "intervals, users who "
            "entered in both spans counted once",
        ),
        height=1.9 + 0.42 * max(len(shown) if several else 0, len(change.steps)),
        columns=2 if several else 1,
    )
    if several:
        places = np.arange(len(shown))
        for offset, part, colour in ((-0.18, "mix", GREY), (0.18, "rate", ACCENT)):
            _bars(axes[0], places + offset, shown, part, colour, height=0.32)
        axes[0].set_yticks(places, shown["segment"].map(shorten))
        axes[0].set_title("by segment:  mix (grey)   rate (blue)", size=10, loc="left")
    places = np.arange(len(change.steps))
    _bars(axes[-1], places, change.steps, "part", ACCENT, height=0.5)
    axes[-1].set_yticks(places, [f"→ {shorten(step)}" for step in change.steps["step"]])
    axes[-1].set_title("by step", size=10, loc="left")
    for axis in axes:
        axis.axvline(0, color=BLACK, linewidth=0.8)
        axis.invert_yaxis()
        axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: points(value)))
        axis.xaxis.set_major_locator(MaxNLocator(4))
        axis.spines["left"].set_visible(False)
        axis.tick_params(left=False)
        axis.grid(axis="x")
    table = change.segments if several else change.steps
    return finish(
        figure, name=name, alt=f"Bar charts of the parts of the change. {title}", table=table
    )


def draw_repair(
    measures: Measures, repairs: pd.DataFrame, gains: pd.DataFrame, *, level: float
) -> Picture:
    """Draw what repairing a step would add in conversions."""
    name, title = "repair", sentences.say_repair(measures, repairs, gains, level=level)
    if sentences.too_little(measures):
        return nothing(title, name=name, title="No repair can be valued")
    gaps = repairs[repairs["gap"] > 0].head(8) if len(repairs) else repairs
    if gaps.empty:
        shown = gains.sort_values("extra", ascending=False)
        labels, measure_text = (
            [f"→ {shorten(step)}" for step in shown["step"]],
            "one point more at each step",
        )
        clear = pd.Series(False, index=shown.index)
    else:
        shown, clear = gaps, gaps["clear"]
        labels = [f"{shorten(row.segment)}: → {shorten(row.step)}" for row in each_row(gaps)]
        measure_text = "the segment's step brought up to the rate of the other segments"
    figure, (axes,) = canvas(
        title,
        f"Extra conversions in {number(measures.span.eligible_days)} days from {measure_text}; "
        f"{sentences.population(measures)}",
        _footer(
            measures,
            f"Delta-method intervals, joint {level:.0%}; colour: clearly behind; a description, "
            "not a promise: "
            "test the repair",
        ),
        height=1.7 + 0.36 * len(shown),
    )
    places = np.arange(len(shown))
    colours = np.where(clear, SECOND, PALE)
    axes.barh(places, shown["extra"], color=colours, height=0.6)
    _whiskers(
        axes,
        shown["extra"],
        places,
        shown["extra_lower"],
        shown["extra_upper"],
        colour=BLACK,
    )
    axes.set_yticks(places, labels)
    axes.set_xlim(left=0)
    axes.invert_yaxis()
    axes.set_xlabel("extra conversions")
    axes.spines["left"].set_visible(False)
    axes.tick_params(left=False)
    axes.grid(axis="x")
    return finish(figure, name=name, alt=f"Bar chart of extra conversions. {title}.", table=shown)


def draw_definitions(measures: Measures, definitions: pd.DataFrame, *, level: float) -> Picture:
    """Draw the answer under every defensible definition."""
    name, title = "definitions", sentences.say_definitions(definitions)
    seen = definitions[definitions["rate"].notna()].sort_values("rate", ignore_index=True)
    if seen.empty or sentences.too_little(measures):
        return nothing(title, name=name, title="No comparison of definitions")
    figure, (axes,) = canvas(
        title,
        f"Conversion with interval under each definition of the same funnel; as of "
        f"{sentences.as_of_text(measures)}; each counts its own mature users",
        _footer(measures, f"Wilson {level:.0%} intervals; filled: the definition of this report"),
        height=1.75 + 0.27 * len(seen),
    )
    places = np.arange(len(seen))
    for place, row in zip(places, each_row(seen), strict=True):
        colour = ACCENT if row.asked else GREY
        axes.plot([row.ci_lower, row.ci_upper], [place, place], color=colour, linewidth=2)
        axes.plot(
            row.rate,
            place,
            "o",
            color=colour,
            markersize=6,
            markerfacecolor=colour if row.asked else "white",
        )
    labels = [
        f"{row.entry} start, ties {row.ties}, "
        + ("no window" if pd.isna(row.window_days) else f"{row.window_days:g} days")
        + f"  ({number(row.entered)})"
        for row in each_row(seen)
    ]
    axes.set_yticks(places, labels, size=9)
    axes.set_ylim(-0.6, len(seen) - 0.4)
    axes.set_xlim(0, min(1, 1.15 * float(seen["ci_upper"].max())))
    _percent_axis(axes.xaxis)
    axes.spines["left"].set_visible(False)
    axes.tick_params(left=False)
    axes.grid(axis="both")
    return finish(
        figure, name=name, alt=f"Dot plot of conversion by definition. {title}.", table=definitions
    )


def _footer(measures: Measures, method: str) -> str:
    return f"Source: {measures.source}, as of {sentences.as_of_text(measures)}. {method}."


def _whiskers(axes: Axes, x: Any, y: Any, lower: Any, upper: Any, *, colour: str) -> None:
    axes.hlines(y, lower, upper, color=colour, linewidth=1.3)
    axes.plot(x, y, "|", color=colour, markersize=5)


def _bars(
    axes: Axes, places: Any, table: pd.DataFrame, part: str, colour: str, *, height: float
) -> None:
    axes.barh(places, table[part], color=colour, height=height)
    axes.hlines(places, table[f"{part}_lower"], table[f"{part}_upper"], color=BLACK, linewidth=1.1)


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


def _percent_axis(axis: Any, *, ticks: int = 5) -> None:
    axis.set_major_locator(MaxNLocator(ticks))
    marks = 100 * axis.get_major_locator()()
    whole = np.allclose(marks, np.round(marks))
    axis.set_major_formatter(PercentFormatter(1, decimals=0 if whole else 1))


def _week_axis(axes: Axes, weeks: pd.Series) -> None:
    every = max(1, len(weeks) // 10)
    shown = weeks.iloc[::every]
    axes.set_xticks(shown, [f"{week.day} {week:%b}" for week in shown])
