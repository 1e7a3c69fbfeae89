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
from siyu.formats import paragraph
from siyu.phrases import cell, phrase, term
from siyu.studies.funnel import sentences
from siyu.studies.funnel.figures.footer import footer
from siyu.studies.funnel.measures import Measures
from siyu.studies.marks import (
    MOST_SEGMENTS,
    name_rows,
    percent_axis,
    row_name,
    step_name,
    whiskers,
)
from siyu.studies.naming import EVERYONE
from siyu.studies.tables import each_row

_MOST_PANELS = 5


def draw_steps(measures: Measures, steps: pd.DataFrame, *, level: float) -> Picture:
    """Draw how many of those who entered reach each step."""
    name, title = "steps", phrase("funnel.figure.steps.none")
    if reason := sentences.too_little(measures):
        return nothing(reason, name=name, title=title)
    total = steps[steps["segment"] == EVERYONE]
    title = sentences.say_loss(measures, steps)
    figure, (axes,) = canvas(
        title,
        sentences.by_window(
            "funnel.figure.steps",
            measures.definition,
            entered=total.entered.iloc[0],
            **sentences.entered_between(measures),
        ),
        footer(measures, phrase("funnel.figure.steps.method", level=level)),
        height=1.6 + 0.55 * len(total),
    )
    worst = total["step_rate"].iloc[1:].idxmin()
    colours = [SECOND if index == worst else ACCENT for index in total.index]
    places = range(len(total))
    axes.barh(places, total["rate"], color=colours, height=0.62)
    later = total.iloc[1:]
    whiskers(axes, later["rate"], places[1:], later["ci_lower"], later["ci_upper"], colour=BLACK)
    for place, row in zip(places, each_row(total), strict=True):
        right = row.rate if row.k == 1 else row.ci_upper
        inside = right > 0.72
        axes.text(
            0.012 if inside else right + 0.012,
            place,
            phrase(
                f"funnel.figure.steps.{'first' if row.k == 1 else 'later'}",
                reached=row.reached,
                rate=row.rate,
                step_rate=row.step_rate,
            ),
            va="center",
            color="white" if inside else BLACK,
            size=9.5,
        )
    name_rows(axes, places, [shorten(term(step)) for step in total["step"]], size=10.5)
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    percent_axis(axes.xaxis)
    rates = [
        phrase("funnel.figure.steps.rate", step=row.step, rate=row.rate) for row in each_row(total)
    ]
    alt = phrase("funnel.figure.steps.alt", title=title, rates=rates)
    return finish(figure, name=name, alt=alt, table=steps)


def draw_segments(
    measures: Measures, compared: pd.DataFrame, steps: pd.DataFrame, *, level: float
) -> Picture:
    """Draw each segment's conversion, and its rate at each step, beside the rate of all users."""
    name = "segments"
    reason = sentences.too_little(measures)
    if compared.empty and not reason:
        reason = paragraph(*measures.refused) or sentences.say_segments(compared, by=measures.by)
    if reason:
        return nothing(reason, name=name, title=phrase("funnel.figure.segments.none"))
    title = sentences.say_segments(compared, by=measures.by)
    shown = compared.nlargest(MOST_SEGMENTS, "entered").sort_values("rate", ascending=False)
    labels = measures.definition.labels
    panels = [(labels[-1], "", phrase("funnel.figure.segments.converted"))]
    if 2 < len(labels) <= _MOST_PANELS:
        panels += [(step, "step_", step_name(step, width=18)) for step in labels[1:]]
    figure, axes = canvas(
        title,
        phrase(
            f"funnel.figure.segments.{'all' if len(shown) == len(compared) else 'largest'}",
            shown=len(shown),
            n=len(compared),
            **sentences.entered_between(measures),
        ),
        footer(measures, phrase("funnel.figure.segments.method", level=level, alpha=1 - level)),
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
    names = [row_name(row.segment, row.entered) for row in each_row(shown)]
    for axis in axes:
        name_rows(axis, range(len(shown)), names if axis is axes[0] else [])
    rates_of = [
        phrase("funnel.figure.steps.rate", step=row.segment, rate=row.rate)
        for row in each_row(shown)
    ]
    alt = phrase("funnel.figure.segments.alt", title=title, rates=rates_of)
    return finish(figure, name=name, alt=alt, table=compared)


def draw_definitions(measures: Measures, definitions: pd.DataFrame, *, level: float) -> Picture:
    """Draw the answer under every defensible definition."""
    name, title = "definitions", sentences.say_definitions(definitions)
    seen = definitions[definitions["rate"].notna()].sort_values("rate", ignore_index=True)
    if seen.empty or sentences.too_little(measures):
        return nothing(title, name=name, title=phrase("funnel.figure.definitions.none"))
    figure, (axes,) = canvas(
        title,
        phrase("funnel.figure.definitions.subtitle", day=sentences.as_of(measures)),
        footer(measures, phrase("funnel.figure.definitions.method", level=level)),
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
        phrase(
            f"funnel.figure.definitions.row{'_no_window' if pd.isna(row.window_days) else ''}",
            entry=cell("entry", row.entry),
            ties=cell("ties", row.ties),
            window=row.window_days,
            entered=row.entered,
        )
        for row in each_row(seen)
    ]
    name_rows(axes, places, labels, size=9)
    axes.set_ylim(-0.6, len(seen) - 0.4)
    axes.set_xlim(0, min(1, 1.15 * float(seen["ci_upper"].max())))
    percent_axis(axes.xaxis)
    axes.grid(axis="both")
    alt = phrase("funnel.figure.definitions.alt", title=title)
    return finish(figure, name=name, alt=alt, table=definitions)


def _draw_dots(axes: Axes, rates: pd.DataFrame, colours: Sequence[str]) -> None:
    """Draw a row for each rate with the ends of its interval, from the top."""
    for place, ((rate, lower, upper), colour) in enumerate(
        zip(rates.to_numpy(), colours, strict=True)
    ):
        axes.plot([lower, upper], [place, place], color=colour, linewidth=2)
        axes.plot(rate, place, "o", color=colour, markersize=5.5)
    axes.set_xlim(0, min(1.02, 1.12 * float(rates.iloc[:, 2].max())))
    axes.set_ylim(len(rates) - 0.5, -0.5)
