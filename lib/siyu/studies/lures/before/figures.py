"""Draw how people who had an offer before convert, and how arms do among the fresh."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from siyu.figures import ACCENT, BLACK, GREY, SECOND, Picture, canvas, finish, nothing, shorten
from siyu.formats import number, percent
from siyu.phrases import phrase, term
from siyu.studies.lures.before import sentences
from siyu.studies.lures.before.estimate import Before
from siyu.studies.lures.experiment import Experiment
from siyu.studies.marks import mark_interval, name_rows, percent_axis, row_name
from siyu.studies.tables import each_row

_COLOURS = {"less": SECOND, "more": ACCENT, "unclear": BLACK}


def draw_before(experiment: Experiment, found: Before, *, level: float) -> Picture:
    """Draw the ratio of conversions after an earlier offer, and the arms among the fresh."""
    name = "lure_before"
    if found.refused:
        reason = sentences.refusal(experiment, found)
        return nothing(reason, name=name, title=phrase("lures.before.figure.none"))
    title = sentences.headline(experiment, found)
    figure, (ratios, arms) = canvas(
        title,
        phrase("lures.before.figure.subtitle", days=found.days),
        phrase(
            "lures.before.figure.footer",
            source=experiment.source,
            day=experiment.as_of,
            experiment=experiment.name,
            n=found.fresh,
            level=level,
        ),
        height=2.6 + 0.4 * max(len(found.arms), 2),
        columns=2,
    )
    _ratios(ratios, found.ratios)
    _arms(arms, found.arms)
    alt = phrase("lures.before.figure.alt", title=title)
    ratios_told = found.ratios.rename(columns={"converted": "conversion"})
    table = pd.concat([ratios_told, found.arms], keys=["before", "fresh"], names=["panel", None])
    return finish(figure, name=name, alt=alt, table=table.reset_index(level=0))


def _ratios(axes: Axes, table: pd.DataFrame) -> None:
    axes.axvline(1, color=GREY, linewidth=1)
    labels = []
    for place, row in enumerate(each_row(table)):
        said = phrase(f"lures.before.figure.{row.kind}")
        labels.append(said if row.refused else row_name(said, row.n))
        if row.refused:
            said = phrase(f"lures.before.figure.without.{row.refused}")
            axes.annotate(said, (0.04, place), va="center", size=9, color=GREY)
            continue
        colour = _COLOURS[sentences.outcome(row)]
        mark_interval(
            axes,
            place,
            (row.ratio, row.ci_lower, row.ci_upper),
            number(row.ratio, 2),
            colour=colour,
        )
    name_rows(axes, range(len(table)), labels)
    axes.set_ylim(len(table) - 0.4, -0.6)
    axes.set_xlim(0, max(1.25, 1.1 * float(table["ci_upper"].fillna(0).max())))
    axes.set_xlabel(phrase("lures.before.figure.ratio"))
    axes.grid(axis="x")


def _arms(axes: Axes, table: pd.DataFrame) -> None:
    for place, row in enumerate(each_row(table)):
        colour = ACCENT if row.is_candidate else GREY
        mark_interval(
            axes,
            place,
            (row.conversion, row.ci_lower, row.ci_upper),
            percent(row.conversion),
            colour=colour,
        )
    name_rows(axes, range(len(table)), [shorten(term(arm)) for arm in table["arm"]])
    axes.set_ylim(len(table) - 0.4, -0.6)
    axes.set_xlim(0, 1.1 * float(table["ci_upper"].max()))
    percent_axis(axes.xaxis)
    axes.set_xlabel(phrase("lures.before.figure.fresh"))
    axes.grid(axis="x")
