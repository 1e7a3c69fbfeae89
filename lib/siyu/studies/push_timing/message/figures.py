"""Draw what media bring, crude beside adjusted, and the contents of each segment."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from siyu.figures import ACCENT, GREY, Picture, canvas, finish, nothing, shorten
from siyu.formats import number
from siyu.phrases import phrase, term
from siyu.studies.marks import name_rows, percent_axis
from siyu.studies.push_timing.heat.sentences import largest
from siyu.studies.push_timing.message import sentences
from siyu.studies.push_timing.message.estimate import Effects
from siyu.studies.push_timing.message.measures import Measures
from siyu.studies.tables import each_row

_MOST_SEGMENTS, _MOST_CONTENTS = 4, 10


def draw_media(measures: Measures, found: Effects, *, level: float) -> Picture:
    """Draw the rate of each medium compared within users, and beside it the crude one."""
    name = "push_media"
    table = found.media
    if not measures.n_sent or table["adjusted_rate"].isna().all():
        why = sentences.say_media(measures, found, level=level)
        return nothing(why, name=name, title=phrase("push.message.figure.none"))
    title = sentences.headline(measures, found)
    figure, (axes,) = canvas(
        title,
        phrase(
            f"push.message.figure.subtitle.{measures.definition.outcome}",
            hours=measures.definition.horizon_hours,
            first=measures.first,
            last=measures.as_of,
        ),
        phrase(
            "push.message.figure.footer",
            source=measures.source,
            day=measures.as_of,
            n=measures.n_sent,
            level=level,
            method=sentences.method(measures),
        ),
        height=2.3 + 0.5 * len(table),
    )
    places = np.arange(len(table))
    for offset, colour, names in (
        (-0.13, ACCENT, ("adjusted_rate", "rate_lower", "rate_upper")),
        (0.17, GREY, ("answer_rate", "crude_lower", "crude_upper")),
    ):
        value, lower, upper = (table[one].to_numpy(dtype=float) for one in names)
        axes.hlines(places + offset, lower, upper, color=colour, linewidth=2)
        axes.plot(value, places + offset, "o", color=colour, markersize=6)
    for place, row in enumerate(each_row(table)):
        if row.refused:
            text = phrase(f"push.message.figure.refused.{row.refused}")
            axes.text(0, place, f" {text}", color=GREY, size=8.5, va="center")
    axes.set_ylim(len(table) - 0.5, -0.5)
    labels = [
        phrase("push.message.figure.row", name=shorten(term(row.medium), width=20), n=row.n_sent)
        for row in each_row(table)
    ]
    name_rows(axes, places, labels)
    ends = table[["rate_upper", "crude_upper"]].max().max()
    axes.set_xlim(0, 1.08 * float(ends))
    percent_axis(axes.xaxis)
    axes.set_xlabel(phrase(f"push.heat.figure.axis.{measures.definition.outcome}"))
    axes.grid(axis="x")
    _name_marks(axes)
    alt = phrase("push.message.figure.alt", title=title)
    return finish(figure, name=name, alt=alt, table=table)


def draw_contents(measures: Measures, found: Effects, *, level: float) -> Picture:
    """Draw the shrunk rates of the contents sent most, for the largest segments."""
    name = "push_contents"
    told = found.named
    there = [one for one in measures.segments if one in set(told["segment"])]
    shown = there[:_MOST_SEGMENTS]
    if not shown:
        reason = sentences.no_contents(measures)
        return nothing(reason, name=name, title=phrase("push.message.figure.none"))
    title = sentences.title_of_contents(found, level=level)
    most = told.groupby("content")["n_sent"].sum().nlargest(_MOST_CONTENTS).index
    told = told[told["content"].isin(most) & told["segment"].isin(shown)]
    order = list(told.groupby("content")["answer_rate"].mean().sort_values(ascending=False).index)
    columns, rows = min(len(shown), 2), -(-len(shown) // 2)
    figure, axes = canvas(
        title,
        phrase(
            f"push.message.contents.subtitle.{measures.definition.outcome}",
            hours=measures.definition.horizon_hours,
            segments=largest(shown, there),
            first=measures.first,
            last=measures.as_of,
        ),
        phrase(
            "push.message.contents.footer",
            source=measures.source,
            day=measures.as_of,
            n=measures.n_sent,
            level=level,
        ),
        height=1.9 + rows * (0.6 + 0.25 * len(order)),
        columns=columns,
        heights=(1,) * rows,
    )
    right = 1.08 * float(told["ci_upper"].max())
    for place, panel in enumerate(axes):
        if place >= len(shown):
            panel.set_axis_off()
            continue
        own = told[told["segment"] == shown[place]]
        at = own["content"].map(order.index)
        panel.axvline(
            np.average(own["answer_rate"], weights=own["n_sent"]),
            color=GREY,
            linestyle=":",
            linewidth=1,
        )
        panel.hlines(at, own["ci_lower"], own["ci_upper"], color=ACCENT, linewidth=1.8)
        panel.plot(own["answer_rate"], at, "o", color=ACCENT, markersize=5)
        panel.set_xlim(0, right)
        panel.set_ylim(len(order) - 0.5, -0.5)
        labels = [shorten(term(one), width=18) for one in order]
        name_rows(panel, range(len(order)), labels, size=8.5)
        if place % columns:
            panel.set_yticklabels([])
        percent_axis(panel.xaxis)
        panel.grid(axis="y")
        title_of = phrase(
            "push.message.contents.panel", segment=shown[place], n=number(own["n_sent"].sum())
        )
        panel.set_title(title_of, size=9.5, loc="left")
    alt = phrase("push.message.contents.alt", title=title)
    return finish(figure, name=name, alt=alt, table=found.contents)


def _name_marks(axes: Axes) -> None:
    axes.legend(
        handles=[
            Line2D([], [], marker="o", color=colour, linewidth=2, markersize=6)
            for colour in (ACCENT, GREY)
        ],
        labels=[phrase(f"push.message.figure.mark.{one}") for one in ("adjusted", "crude")],
        loc="lower right",
        frameon=False,
        fontsize=8.5,
    )
