"""Draw what adds up: the parts of a change, and what a repair would add."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

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
from siyu.formats import number, points
from siyu.studies.funnel import sentences
from siyu.studies.funnel.change import Change
from siyu.studies.funnel.figures.marks import (
    MOST_SEGMENTS,
    footer,
    name_rows,
    whiskers,
)
from siyu.studies.funnel.measures import Measures
from siyu.studies.tables import each_row


def draw_change(measures: Measures, change: Change | None, *, level: float) -> Picture:
    """Draw the change since the span before: mix and rate per segment, and the steps' parts."""
    name, title = "change", sentences.say_change(measures, change, level=level)
    if change is None or sentences.too_little(measures):
        return nothing(title, name=name, title="No comparison can be drawn")
    several = len(change.segments) > 1
    shown = change.segments.reindex(
        (change.segments["mix"].abs() + change.segments["rate"].abs()).nlargest(MOST_SEGMENTS).index
    ).sort_values("segment")
    figure, axes = canvas(
        title.split(". ")[0].rstrip("."),
        "Parts of the change in percentage points, adding up to the whole; "
        f"{sentences.population(measures)} against "
        f"the {number(measures.span.eligible_days)} days before",
        footer(
            measures,
            f"Kitagawa (mix and rate of segments) and Shapley (steps); delta-method {level:.0%} "
            "intervals, wider where users are few; who entered in both spans counts once"
            + ("" if measures.span.has_whole_weeks else "; no whole weeks: weekdays differ"),
        ),
        height=1.9 + 0.42 * max(len(shown) if several else 0, len(change.steps)),
        columns=2 if several else 1,
    )
    if several:
        places = np.arange(len(shown))
        for offset, part, colour in ((-0.18, "mix", GREY), (0.18, "rate", ACCENT)):
            _bars(axes[0], places + offset, shown, part, colour, height=0.32)
        name_rows(axes[0], places, shown["segment"].map(shorten))
        axes[0].set_title("by segment:  mix (grey)   rate (blue)", size=10, loc="left")
    places = np.arange(len(change.steps))
    _bars(axes[-1], places, change.steps, "part", ACCENT, height=0.5)
    name_rows(axes[-1], places, [f"→ {shorten(step)}" for step in change.steps["step"]])
    axes[-1].set_title("by step", size=10, loc="left")
    for axis in axes:
        axis.axvline(0, color=BLACK, linewidth=0.8)
        axis.invert_yaxis()
        axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: points(value)))
        axis.xaxis.set_major_locator(MaxNLocator(4))
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
    gaps = repairs[repairs["gap"] > 0].head(8) if len(repairs) else repairs
    if sentences.too_little(measures) or (gaps.empty and not (gains["extra"] > 0).any()):
        return nothing(title, name=name, title="No repair can be valued")
    colours: Any = PALE
    if gaps.empty:
        shown = gains.sort_values("extra", ascending=False)
        labels = [f"→ {shorten(step)}" for step in shown["step"]]
        source = "one point more at each step"
        method = f"Delta-method {level:.0%} intervals"
    else:
        shown = gaps
        labels = [f"{shorten(row.segment)}: → {shorten(row.step)}" for row in each_row(gaps)]
        colours = np.where(gaps["clear"], SECOND, PALE)
        source = "the segment's step brought up to the rate of the other segments"
        method = f"Delta-method intervals, joint {level:.0%}; colour: clearly behind"
    figure, (axes,) = canvas(
        title,
        f"Extra conversions in {number(measures.span.eligible_days)} days from {source}; "
        f"{sentences.population(measures)}",
        footer(measures, f"{method}; a description, not a promise: test the repair"),
        height=1.7 + 0.36 * len(shown),
    )
    places = np.arange(len(shown))
    axes.barh(places, shown["extra"], color=colours, height=0.6)
    whiskers(
        axes,
        shown["extra"],
        places,
        shown["extra_lower"],
        shown["extra_upper"],
        colour=BLACK,
    )
    name_rows(axes, places, labels)
    axes.set_xlim(left=0)
    axes.invert_yaxis()
    axes.set_xlabel("extra conversions")
    axes.grid(axis="x")
    return finish(figure, name=name, alt=f"Bar chart of extra conversions. {title}.", table=shown)


def _bars(
    axes: Axes, places: Any, table: pd.DataFrame, part: str, colour: str, *, height: float
) -> None:
    axes.barh(places, table[part], color=colour, height=height)
    axes.hlines(places, table[f"{part}_lower"], table[f"{part}_upper"], color=BLACK, linewidth=1.1)
