"""Draw how late pushes leave and on whose accounts, and the band as planned beside as sent."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from siyu.figures import ACCENT, BLACK, GREY, SECOND, Picture, canvas, finish, nothing, shorten
from siyu.phrases import phrase, term
from siyu.studies.marks import MOST_SEGMENTS, name_rows, percent_axis
from siyu.studies.push_timing.delay import sentences
from siyu.studies.push_timing.delay.estimate import Delays
from siyu.studies.push_timing.delay.measures import MINUTES, Measures
from siyu.studies.tables import each_row

_LINES = {"at_once": GREY, "other": ACCENT, "slow": SECOND}
_NAMED_AT = {"at_once": (100, 7), "other": (20, -12), "slow": (45, -14)}
"""Where each line has its name: minutes, and points above it."""


def draw_delays(measures: Measures, found: Delays, *, level: float) -> Picture:
    """Draw the share that has left after so many minutes, and the late share of each account."""
    picture, title = "push_delays", sentences.headline(found)
    if found.curve.empty:
        return nothing(phrase("push.delay.none"), name=picture, title=title)
    staff = found.staff.sort_values("late_share", ascending=False).head(MOST_SEGMENTS)
    figure, (left, right) = canvas(
        title,
        phrase("push.delay.figure.subtitle", first=measures.first, last=measures.as_of),
        phrase(
            "push.delay.figure.footer",
            source=measures.source,
            day=measures.as_of,
            n=found.n,
            level=level,
        ),
        widths=(1.25, 1),
        height=4.4,
    )
    for line, colour in _LINES.items():
        own = found.curve[found.curve["line"] == line]
        if own.empty:
            continue
        minutes = own["within_minutes"].to_numpy(dtype=float)
        left.plot(minutes, own["sent_share"], "o-", color=colour, markersize=3.5)
        left.fill_between(
            minutes,
            own["ci_lower"].to_numpy(dtype=float),
            own["ci_upper"].to_numpy(dtype=float),
            color=colour,
            alpha=0.2,
            linewidth=0,
        )
        _name_line(left, own, line, colour)
    left.set_xlim(0, max(MINUTES) + 4)
    left.set_ylim(0, 1.1)
    left.set_xticks([0, 30, 60, 90, 120])
    percent_axis(left.yaxis)
    left.set_xlabel(phrase("push.delay.figure.minutes"))
    left.grid(axis="y")
    _draw_staff(right, staff)
    alt = phrase("push.delay.figure.alt", title=title)
    return finish(figure, name=picture, alt=alt, table=pd.concat([found.curve, found.staff]))


def draw_both(measures: Measures, table: pd.DataFrame, *, level: float) -> Picture:
    """Draw per segment what the band brings as planned, and by the hour of sending."""
    picture, row = "planned_and_sent", sentences.reading(table, level=level)
    said = sentences.say_both(measures, table, level=level)
    if row is None:
        return nothing(said, name=picture, title=phrase("push.delay.figure.none"))
    title = sentences.lift(measures, row, level=level)
    shown = list(each_row(table.head(MOST_SEGMENTS)))
    figure, (axes,) = canvas(
        title,
        phrase(
            f"push.delay.figure.both.{measures.outcome}",
            band=measures.band.name,
            hours=measures.horizon_hours,
            first=measures.first,
            last=measures.as_of,
        ),
        phrase("push.delay.figure.lots", source=measures.source, day=measures.as_of, level=level),
        height=2.3 + 0.5 * len(shown),
    )
    for place, one in enumerate(shown):
        if one.refused:
            why = phrase(f"push.delay.figure.refused.{one.refused}")
            axes.text(0, place, f"  {why}", va="center", size=8.5, color=GREY)
            continue
        for way, colour, shift in (("planned", ACCENT, -0.13), ("sent", GREY, 0.13)):
            at = place + shift
            ends = [getattr(one, f"{way}_lift_{end}") for end in ("lower", "upper")]
            axes.plot(ends, [at, at], color=colour, linewidth=2)
            axes.plot(getattr(one, f"{way}_lift"), at, "o", color=colour, markersize=5.5)
    axes.axvline(0, color=BLACK, linewidth=1)
    axes.set_ylim(len(shown) - 0.5, -0.5)
    labels = [
        phrase("push.heat.panel", name=shorten(term(one.segment), width=20), n=one.n_users)
        for one in shown
    ]
    name_rows(axes, range(len(shown)), labels)
    percent_axis(axes.xaxis, ticks=7)
    axes.set_xlabel(phrase("push.delay.figure.axis", band=measures.band.name))
    axes.grid(axis="x")
    axes.legend(
        handles=[
            Line2D([], [], color=colour, marker="o", linewidth=2) for colour in (ACCENT, GREY)
        ],
        labels=[phrase(f"push.delay.figure.way.{way}") for way in ("planned", "sent")],
        loc="best",
        frameon=False,
        fontsize=8.5,
    )
    alt = phrase("push.delay.figure.both.alt", title=title)
    return finish(figure, name=picture, alt=alt, table=table)


def _name_line(axes: Axes, own: pd.DataFrame, line: str, colour: str) -> None:
    minutes, above = _NAMED_AT[line]
    place = own.iloc[int((own["within_minutes"] - minutes).abs().argmin())]
    axes.annotate(
        phrase(f"push.delay.figure.line.{line}"),
        (float(place["within_minutes"]), float(place["sent_share"])),
        (0 if above < 0 else -20, above),
        textcoords="offset points",
        color=colour,
        size=9,
        ha="left" if above < 0 else "center",
        va="center",
    )


def _draw_staff(axes: Axes, staff: pd.DataFrame) -> None:
    rows = list(each_row(staff))
    for place, one in enumerate(rows):
        colour = SECOND if one.verdict == "slow" else ACCENT
        axes.plot([one.ci_lower, one.ci_upper], [place, place], color=colour, linewidth=2)
        axes.plot(one.late_share, place, "o", color=colour, markersize=5)
    axes.set_ylim(max(len(rows), 1) - 0.5, -0.5)
    axes.set_xlim(left=0)
    name_rows(axes, range(len(rows)), [shorten(term(one.staff), width=14) for one in rows])
    percent_axis(axes.xaxis, ticks=4)
    axes.set_xlabel(phrase("push.delay.figure.late"))
    axes.set_title(phrase("push.delay.figure.accounts"), loc="left", size=10)
    axes.grid(axis="x")
