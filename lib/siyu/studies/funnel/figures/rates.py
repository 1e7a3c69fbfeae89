"""Draw shares of users: by step, by segment, and under each definition."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from siyu.figures import (
    ACCENT,
    BLACK,
    GREY,
    SECOND,
    Picture,
    canvas,
    finish,
    nothing,
    shorten,
)
from siyu.formats import number, percent
from siyu.studies.funnel import sentences
from siyu.studies.funnel.figures.marks import (
    MOST_SEGMENTS,
    footer,
    name_rows,
    percent_axis,
    whiskers,
)
from siyu.studies.funnel.measures import Measures
from siyu.studies.funnel.naming import EVERYONE
from siyu.studies.tables import each_row

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
        f"reached {sentences.window(measures.definition)}; {sentences.population(measures)}",
        footer(
            measures, f"Wilson {level:.0%} intervals; users still inside their window are left out"
        ),
        height=1.6 + 0.55 * len(total),
    )
    worst = total["step_rate"].iloc[1:].idxmin()
    colours = [SECOND if index == worst else ACCENT for index in total.index]
    places = range(len(total))
    axes.barh(places, total["rate"], color=colours, height=0.62)
    later = total.iloc[1:]
    whiskers(axes, later["rate"], places[1:], later["ci_lower"], later["ci_upper"], colour=BLACK)
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
    name_rows(axes, places, total["step"].map(shorten), size=10.5)
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    percent_axis(axes.xaxis)
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
    shown = compared.nlargest(MOST_SEGMENTS, "entered").sort_values("rate", ascending=False)
    labels = measures.definition.labels
    panels = [(labels[-1], "", "converted")]
    if 2 < len(labels) <= _MOST_PANELS:
        panels += [(step, "step_", f"→ {shorten(step, width=18)}") for step in labels[1:]]
    few = f"; the {len(shown)} largest of {len(compared)} segments"
    figure, axes = canvas(
        title,
        f"Share of users with interval; {sentences.population(measures)}; dotted: all users"
        f"{few if len(shown) < len(compared) else ''}",
        footer(
            measures,
            f"Wilson {level:.0%} intervals; colour: differs from all others (Holm at "
            f"{1 - level:.0%}); observational: segments differ in more than their name",
        ),
        height=1.75 + 0.34 * len(shown),
        columns=len(panels),
    )
    colours = shown["verdict"].map({"higher": ACCENT, "lower": SECOND, "unclear": GREY}).tolist()
    for axis, (step, prefix, heading) in zip(axes, panels, strict=True):
        rates = steps[steps["step"] == step].set_index("segment")
        rates = rates[[f"{prefix}rate", f"{prefix}ci_lower", f"{prefix}ci_upper"]]
        axis.axvline(
            float(rates[f"{prefix}rate"][EVERYONE]), color=GREY, linestyle=":", linewidth=1
        )
        _draw_dots(axis, rates.loc[shown["segment"]], [GREY] * len(shown) if prefix else colours)
        axis.set_title(heading, size=10, loc="left", color=BLACK)
        percent_axis(axis.xaxis, ticks=3 if len(panels) > 1 else 5)
        axis.grid(axis="y")
    names = [f"{shorten(row.segment)}  ({number(row.entered)})" for row in each_row(shown)]
    for axis in axes:
        name_rows(axis, range(len(shown)), names if axis is axes[0] else [])
    alt = f"Dot plot of conversion by segment. {title}. " + "; ".join(
        f"{row.segment} {percent(row.rate)}" for row in each_row(shown)
    )
    return finish(figure, name=name, alt=alt, table=compared)


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
        footer(measures, f"Wilson {level:.0%} intervals; filled: the definition of this report"),
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
    name_rows(axes, places, labels, size=9)
    axes.set_ylim(-0.6, len(seen) - 0.4)
    axes.set_xlim(0, min(1, 1.15 * float(seen["ci_upper"].max())))
    percent_axis(axes.xaxis)
    axes.grid(axis="both")
    return finish(
        figure, name=name, alt=f"Dot plot of conversion by definition. {title}.", table=definitions
    )


def _draw_dots(axes: Axes, rates: pd.DataFrame, colours: Sequence[str]) -> None:
    """Draw a row for each rate with the ends of its interval, from the top."""
    for place, ((rate, lower, upper), colour) in enumerate(
        zip(rates.to_numpy(), colours, strict=True)
    ):
        axes.plot([lower, upper], [place, place], color=colour, linewidth=2)
        axes.plot(rate, place, "o", color=colour, markersize=5.5)
    axes.set_xlim(0, min(1.02, 1.12 * float(rates.iloc[:, 2].max())))
    axes.set_ylim(len(rates) - 0.5, -0.5)
