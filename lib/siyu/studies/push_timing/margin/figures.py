"""Draw members who were pushed beside those who were not: orders, margin, who left, and the net."""

from __future__ import annotations

from siyu.figures import ACCENT, BLACK, GREY, Picture, canvas, finish, nothing
from siyu.formats import number, percent
from siyu.phrases import phrase
from siyu.studies.marks import percent_axis
from siyu.studies.push_timing.margin import sentences
from siyu.studies.push_timing.margin.estimate import Gain
from siyu.studies.push_timing.margin.measure import Measures
from siyu.studies.tables import each_row

_APART = 1.6
"""From bar to bar, so that the number beside the first has room."""


def draw_gain(measures: Measures, found: Gain, *, level: float) -> Picture:
    """Draw the means of both arms with intervals, a panel per measure, and the difference."""
    picture = "gain"
    if found.refused:
        reason = sentences.say_gain(measures, found, level=level)
        return nothing(reason, name=picture, title=phrase("push.margin.figure.none"))
    title = sentences.say_verdict(measures, found, level=level)
    figure, panels = canvas(
        title,
        phrase(
            "push.margin.figure.subtitle",
            days=measures.margin_days,
            pushed=found.n[0],
            none=found.n[1],
        ),
        phrase(
            "push.margin.figure.footer",
            source=measures.source,
            day=measures.as_of,
            experiment=measures.experiment,
            level=level,
        ),
        height=4.2,
        columns=len(found.table),
    )
    names = [phrase(f"push.margin.figure.arm.{arm}") for arm in ("none", "pushed")]
    places = (0.0, _APART)
    for axes, row in zip(panels, each_row(found.table), strict=True):
        ends = (
            (row.none, row.none_lower, row.none_upper, GREY),
            (row.pushed, row.pushed_lower, row.pushed_upper, ACCENT),
        )
        digits = 2 if row.measure == "orders" else 0
        for place, (mean, lower, upper, colour) in zip(places, ends, strict=True):
            axes.bar(place, mean, width=0.55, color=colour, alpha=0.35)
            axes.plot([place] * 2, [lower, upper], color=colour, linewidth=2.2)
            axes.plot(place, mean, "o", color=colour, markersize=6)
            said = percent(mean) if row.measure == "left" else number(mean, digits)
            axes.annotate(
                said,
                (place + 0.28, mean),
                (4, 0),
                textcoords="offset points",
                va="center",
                size=9.5,
            )
        axes.set_xticks(places, names)
        axes.set_xlim(-0.5, _APART + 1.15)
        if min(row.none_lower, row.pushed_lower) >= 0:
            axes.set_ylim(0)
        axes.axhline(0, color=BLACK, linewidth=0.8)
        if row.measure == "left":
            percent_axis(axes.yaxis)
        axes.grid(axis="y")
        axes.set_title(
            phrase(
                f"push.margin.figure.panel.{row.measure}",
                difference=row.difference,
                lower=row.ci_lower,
                upper=row.ci_upper,
            ),
            size=9.5,
            color=BLACK,
            loc="left",
        )
    alt = phrase("push.margin.figure.alt", title=title)
    return finish(figure, name=picture, alt=alt, table=found.table)
