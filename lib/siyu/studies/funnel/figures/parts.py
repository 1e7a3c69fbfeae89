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
from siyu.formats import signed
from siyu.phrases import phrase, term
from siyu.studies.funnel import sentences
from siyu.studies.funnel.change import Change
from siyu.studies.funnel.figures.footer import footer
from siyu.studies.funnel.measures import Measures
from siyu.studies.marks import (
    MOST_SEGMENTS,
    name_rows,
    step_name,
    whiskers,
)
from siyu.studies.tables import each_row

_ENDS = ("", "_lower", "_upper")


def draw_change(measures: Measures, change: Change | None, *, level: float) -> Picture:
    """Draw the change since the span before: mix and rate per segment, and the steps' parts."""
    name, title = "change", sentences.say_move(measures, change, level=level)
    if change is None or sentences.too_little(measures):
        return nothing(title, name=name, title=phrase("funnel.figure.change.none"))
    several, whole_weeks = len(change.segments) > 1, measures.span.has_whole_weeks
    shown = change.segments.reindex(
        (change.segments["mix"].abs() + change.segments["rate"].abs()).nlargest(MOST_SEGMENTS).index
    ).sort_values("segment")
    figure, axes = canvas(
        title,
        phrase(
            "funnel.figure.change.subtitle",
            days=measures.span.eligible_days,
            **sentences.entered_between(measures),
        ),
        footer(
            measures,
            phrase(f"funnel.figure.change.method{'' if whole_weeks else '_weekdays'}", level=level),
        ),
        height=1.9 + 0.42 * max(len(shown) if several else 0, len(change.steps)),
        columns=2 if several else 1,
    )
    if several:
        places = np.arange(len(shown))
        for offset, part, colour in ((-0.18, "mix", GREY), (0.18, "rate", ACCENT)):
            _bars(axes[0], places + offset, shown, part, colour, height=0.32)
        name_rows(axes[0], places, [shorten(term(segment)) for segment in shown["segment"]])
        axes[0].set_title(phrase("funnel.figure.change.by_segment"), size=10, loc="left")
    places = np.arange(len(change.steps))
    _bars(axes[-1], places, change.steps, "part", ACCENT, height=0.5)
    name_rows(axes[-1], places, [step_name(step) for step in change.steps["step"]])
    axes[-1].set_title(phrase("funnel.figure.change.by_step"), size=10, loc="left")
    for axis in axes:
        axis.axvline(0, color=BLACK, linewidth=0.8)
        axis.invert_yaxis()
        axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: signed(value)))
        axis.xaxis.set_major_locator(MaxNLocator(4))
        axis.grid(axis="x")
    parts = {f"{part}{end}": f"{part}_part{end}" for part in ("mix", "rate") for end in _ENDS}
    table = change.segments.rename(columns=parts) if several else change.steps
    alt = phrase("funnel.figure.change.alt", title=title)
    return finish(figure, name=name, alt=alt, table=table)


def draw_repair(
    measures: Measures, repairs: pd.DataFrame, gains: pd.DataFrame, *, level: float
) -> Picture:
    """Draw what repairing a step would add in conversions."""
    name, title = "repair", sentences.say_repair(measures, repairs, gains, level=level)
    gaps = repairs[repairs["gap"] > 0].head(8) if len(repairs) else repairs
    if sentences.too_little(measures) or (gaps.empty and not (gains["extra"] > 0).any()):
        return nothing(title, name=name, title=phrase("funnel.figure.repair.none"))
    colours: Any = PALE
    if gaps.empty:
        shown = gains.sort_values("extra", ascending=False)
        labels, form = [step_name(step) for step in shown["step"]], "point"
    else:
        shown = gaps
        labels = [
            phrase(
                "funnel.figure.repair.row",
                segment=shorten(term(row.segment)),
                step=step_name(row.step),
            )
            for row in each_row(gaps)
        ]
        colours, form = np.where(gaps["clear"], SECOND, PALE), "gap"
    figure, (axes,) = canvas(
        title,
        phrase(
            f"funnel.figure.repair.{form}",
            days=measures.span.eligible_days,
            **sentences.entered_between(measures),
        ),
        footer(measures, phrase(f"funnel.figure.repair.method_{form}", level=level)),
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
    axes.set_xlabel(phrase("funnel.figure.repair.axis"))
    axes.grid(axis="x")
    alt = phrase("funnel.figure.repair.alt", title=title)
    return finish(figure, name=name, alt=alt, table=shown)


def _bars(
    axes: Axes, places: Any, table: pd.DataFrame, part: str, colour: str, *, height: float
) -> None:
    axes.barh(places, table[part], color=colour, height=height)
    axes.hlines(places, table[f"{part}_lower"], table[f"{part}_upper"], color=BLACK, linewidth=1.1)
