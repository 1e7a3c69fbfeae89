"""Draw what each day could know of the arms, and the difference by week of the draw."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from siyu.figures import ACCENT, BLACK, GREY, SECOND, Picture, canvas, finish, nothing, shorten
from siyu.formats import short_day, signed
from siyu.phrases import phrase, term
from siyu.studies.lures.daily import sentences
from siyu.studies.lures.daily.course import Courses
from siyu.studies.lures.daily.looks import Looks
from siyu.studies.lures.experiment import Experiment
from siyu.studies.tables import each_row

MOST_PAIRS = 6
"""More panels do not fit a page: those whose difference is largest are drawn."""


def draw_looks(experiment: Experiment, found: Looks) -> Picture:
    """Draw the difference of each pair of arms at each look, with both intervals."""
    name = "lure_looks"
    title = sentences.say_stop(experiment, found)
    if found.refused:
        return nothing(title, name=name, title=phrase("lures.daily.figure.none"))
    pairs = _largest(found.pairs, "value")
    figure, panels = _panels(
        len(pairs),
        title,
        phrase("lures.daily.figure.looks", days=experiment.definition.conversion_days),
        phrase(
            "lures.daily.figure.looks_footer",
            source=experiment.source,
            day=experiment.as_of,
            experiment=experiment.name,
            n=found.n,
            level=found.level,
            pairs=len(found.pairs),
            min_users=experiment.min_users,
        ),
    )
    for axes, row in zip(panels, each_row(pairs), strict=True):
        own = _of(found.looks, row)
        x = np.array([on.toordinal() for on in own["on"]], dtype=float)
        value = own["value"]
        axes.fill_between(x, value - own["reach"], value + own["reach"], color=ACCENT, alpha=0.16)
        for side in (-1, 1):
            axes.plot(x, value + side * own["naive_reach"], "--", color=GREY, linewidth=1)
        axes.plot(x, value, "o-", color=ACCENT, linewidth=1.8, markersize=3.5)
        if row.clear_on:
            axes.axvline(row.clear_on.toordinal(), color=SECOND, linewidth=1.3)
        ticks = np.unique([x[0], x[len(x) // 2], x[-1]])
        axes.set_xticks(ticks, [short_day(date.fromordinal(int(tick))) for tick in ticks], size=8.5)
        _name(axes, row)
    alt = phrase("lures.daily.figure.looks_alt", title=title)
    return finish(figure, name=name, alt=alt, table=_shown(found.looks))


def draw_courses(experiment: Experiment, found: Courses) -> Picture:
    """Draw the difference of each pair of arms by week of the draw, beside that of all days."""
    name = "lure_courses"
    title = sentences.say_trend(experiment, found)
    if found.refused:
        return nothing(title, name=name, title=phrase("lures.daily.figure.no_course"))
    pairs = _largest(found.pairs, "all")
    figure, panels = _panels(
        len(pairs),
        title,
        phrase("lures.daily.figure.course", days=experiment.definition.conversion_days),
        phrase(
            "lures.daily.figure.course_footer",
            source=experiment.source,
            day=experiment.as_of,
            experiment=experiment.name,
            n=found.n,
            level=found.level,
        ),
    )
    for axes, row in zip(panels, each_row(pairs), strict=True):
        own = _of(found.weeks, row)
        x = np.arange(len(own))
        axes.axhspan(row.all_lower, row.all_upper, color=GREY, alpha=0.15, linewidth=0)
        axes.axhline(row.all, color=GREY, linewidth=1.2)
        axes.vlines(x, own["ci_lower"], own["ci_upper"], color=ACCENT, linewidth=1.8)
        axes.plot(x, own["value"], "o", color=ACCENT, markersize=5)
        axes.set_xticks(x, [short_day(since) for since in own["since"]], size=8.5)
        axes.set_xlim(-0.5, len(own) - 0.5)
        _name(axes, row)
    alt = phrase("lures.daily.figure.course_alt", title=title)
    return finish(
        figure, name=name, alt=alt, table=found.weeks.rename(columns={"since": "from_day"})
    )


def _panels(number: int, title: str, subtitle: str, footer: str) -> tuple[Any, list[Axes]]:
    columns = min(number, 3)
    rows = -(-number // columns)
    figure, panels = canvas(
        title, subtitle, footer, height=1.7 + 2.3 * rows, columns=columns, heights=(1,) * rows
    )
    for axes in panels[number:]:
        axes.set_axis_off()
    for place, axes in enumerate(panels[:number]):
        if place:
            axes.sharey(panels[0])
        axes.tick_params(labelleft=place % columns == 0)
        axes.axhline(0, color=BLACK, linewidth=0.8)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: signed(value, 0)))
        axes.grid(axis="y")
    return figure, panels[:number]


def _largest(pairs: pd.DataFrame, column: str) -> pd.DataFrame:
    order = pairs[column].abs().sort_values(ascending=False, kind="stable").index[:MOST_PAIRS]
    return pairs.loc[sorted(order)]


def _of(table: pd.DataFrame, row: Any) -> pd.DataFrame:
    own = (table["arm"] == row.arm) & (table["against"] == row.against)
    return pd.DataFrame(table[own])


def _name(axes: Axes, row: Any) -> None:
    arm, against = (shorten(term(one), width=24) for one in (row.arm, row.against))
    text = phrase("lures.daily.pair.name", arm=arm, against=against)
    axes.set_title(text, size=10.5, loc="left", color=BLACK)


def _shown(looks: pd.DataFrame) -> pd.DataFrame:
    ends = {
        "ci_lower": looks["value"] - looks["reach"],
        "ci_upper": looks["value"] + looks["reach"],
        "naive_lower": looks["value"] - looks["naive_reach"],
        "naive_upper": looks["value"] + looks["naive_reach"],
    }
    return looks.drop(columns=["reach", "naive_reach"]).assign(**ends)
