"""Draw conversion and net benefit by the amount."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from siyu.figures import ACCENT, BLACK, GREY, Picture, canvas, finish, nothing
from siyu.formats import number, percent
from siyu.phrases import phrase
from siyu.studies.lures.dose import sentences
from siyu.studies.lures.dose.estimate import Doses
from siyu.studies.lures.experiment import Experiment
from siyu.studies.marks import percent_axis
from siyu.studies.tables import each_row


def draw_doses(experiment: Experiment, found: Doses, *, level: float) -> Picture:
    """Draw conversion by amount with the line through it, and how far amounts are from the best."""
    name = "lure_doses"
    if found.refused or found.trend is None:
        reason = sentences.refusal(experiment, found)
        return nothing(reason, name=name, title=phrase("lures.dose.figure.none"))
    title, table = sentences.headline(experiment, found), found.table
    figure, (shares, gaps) = canvas(
        title,
        phrase("lures.dose.figure.subtitle", days=experiment.definition.conversion_days),
        phrase(
            "lures.dose.figure.footer",
            source=experiment.source,
            day=experiment.as_of,
            experiment=experiment.name,
            n=found.n,
            level=level,
            value=found.value_cny,
        ),
        height=4.4,
        columns=2,
    )
    _conversion(shares, table, found.trend.slope)
    _gaps(gaps, table)
    for axes in (shares, gaps):
        axes.set_xticks(table["dose_cny"], [f"{dose:g}" for dose in table["dose_cny"]])
        axes.set_xlabel(phrase("lures.dose.figure.dose"))
        axes.margins(x=0.12)
        axes.grid(axis="y")
    alt = phrase("lures.dose.figure.alt", title=title)
    return finish(figure, name=name, alt=alt, table=table)


def _conversion(axes: Axes, table: pd.DataFrame, slope: float) -> None:
    ends = np.array([table["dose_cny"].min(), table["dose_cny"].max()])
    middle = np.average(table["dose_cny"], weights=table["n"])
    mean = np.average(table["conversion"], weights=table["n"])
    axes.plot(ends, mean + slope * (ends - middle), color=GREY, linewidth=1.3)
    for row in each_row(table):
        axes.plot([row.dose_cny] * 2, [row.ci_lower, row.ci_upper], color=ACCENT, linewidth=2)
        axes.plot(row.dose_cny, row.conversion, "o", color=ACCENT, markersize=6)
        axes.annotate(
            percent(row.conversion),
            (row.dose_cny, row.conversion),
            (7, -10 if slope > 0 else 10),  # beside the line
            textcoords="offset points",
            va="center",
            size=9,
        )
    axes.set_ylim(0, 1.15 * float(table["ci_upper"].max()))
    percent_axis(axes.yaxis)
    axes.set_title(phrase("lures.dose.figure.conversion"), size=10, loc="left", color=BLACK)


def _gaps(axes: Axes, table: pd.DataFrame) -> None:
    axes.axhline(0, color=GREY, linewidth=1)
    for row in each_row(table):
        colour = ACCENT if row.is_candidate else GREY
        axes.plot([row.dose_cny] * 2, [row.gap_lower, row.gap_upper], color=colour, linewidth=2)
        axes.plot(row.dose_cny, row.gap_cny, "o", color=colour, markersize=6)
        axes.annotate(
            number(row.gap_cny, 1),
            (row.dose_cny, row.gap_cny),
            (7, 0),
            textcoords="offset points",
            va="center",
            size=9,
            color=colour,
        )
    axes.set_title(phrase("lures.dose.figure.gap"), size=10, loc="left", color=BLACK)
