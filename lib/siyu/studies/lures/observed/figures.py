"""Draw what four routes say of each lure, below each other."""

from __future__ import annotations

from siyu.figures import ACCENT, BLACK, GREY, SECOND, Picture, canvas, finish, nothing, shorten
from siyu.formats import points
from siyu.phrases import phrase, term
from siyu.studies.lures.experiment import Experiment
from siyu.studies.lures.observed import sentences
from siyu.studies.lures.observed.estimate import Observed
from siyu.studies.marks import mark_interval, name_rows, points_axis
from siyu.studies.tables import each_row

_COLOURS = {"naive": SECOND, "standardised": SECOND, "came": GREY, "drawn": ACCENT}
_APART = 0.9


def draw_observed(experiment: Experiment, found: Observed, *, level: float) -> Picture:
    """Draw, per lure, how many more stay than with the reference, by four routes."""
    name = "lure_observed"
    if found.refused:
        reason = sentences.refusal(experiment, found)
        return nothing(reason, name=name, title=phrase("lures.observed.figure.none"))
    title = sentences.headline(experiment, found)
    table = found.table[found.table["refused"] == ""]
    lures = list(dict.fromkeys(table["lure"]))
    figure, (axes,) = canvas(
        title,
        phrase(
            "lures.observed.figure.subtitle",
            days=found.stay_days,
            reference=found.reference,
        ),
        phrase(
            "lures.observed.figure.footer",
            source=experiment.source,
            day=experiment.as_of,
            n=found.members,
            level=level,
        ),
        height=2.3 + 0.33 * len(table) + 0.3 * len(lures),
    )
    axes.axvline(0, color=BLACK, linewidth=0.8)
    places, labels, last = [], [], ""
    place = -1.0
    for row in each_row(table):
        place += 1 + _APART * (row.lure != last)
        if row.lure != last:
            axes.annotate(
                shorten(term(row.lure)),
                (0, place - 0.85),
                xycoords=("axes fraction", "data"),
                xytext=(-6, 0),
                textcoords="offset points",
                ha="right",
                va="center",
                size=10,
                annotation_clip=False,
            )
        last, colour = row.lure, _COLOURS[row.route]
        mark_interval(
            axes,
            place,
            (row.difference, row.ci_lower, row.ci_upper),
            points(row.difference),
            colour=colour,
            beside=True,
        )
        places.append(place)
        labels.append(phrase(f"lures.observed.figure.{row.route}"))
    name_rows(axes, places, labels, size=9, color=GREY)
    axes.set_ylim(place + 0.7, -1.1)
    axes.margins(x=0.12)
    points_axis(axes.xaxis)
    axes.set_xlabel(phrase("lures.observed.figure.axis", reference=found.reference))
    axes.grid(axis="x")
    alt = phrase("lures.observed.figure.alt", title=title)
    return finish(figure, name=name, alt=alt, table=found.table)
