"""Draw what was forecast beside what came, and what each tier is expected to buy."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from siyu.figures import ACCENT, BLACK, GREY, SECOND, Picture, canvas, finish, nothing
from siyu.formats import number, percent, short_day
from siyu.phrases import phrase
from siyu.studies.marks import name_ends, name_rows, percent_axis, row_name
from siyu.studies.naming import EVERYONE
from siyu.studies.tables import each_row
from siyu.studies.tiers.future import sentences
from siyu.studies.tiers.future.estimate import Forecast
from siyu.studies.tiers.future.measure import Measures

_SAID = {"change": "direction", "outcome": "tested", "value_outcome": "value_tested"}
"""Columns whose names mean something else in other tables of a report."""


def draw_holdout(measures: Measures, found: Forecast, *, level: float) -> Picture:
    """Draw purchases as forecast on the earlier day and as observed: by class, and by week."""
    picture, title = "future_holdout", sentences.say_tested(measures, found)
    if not len(found.holdout):
        return nothing(title, name=picture, title=phrase("tiers.future.figure.tested_none"))
    day, on = measures.as_of, measures.tested_from
    figure, (left, right) = canvas(
        title,
        phrase(
            "tiers.future.figure.tested_subtitle",
            n=found.whole.n,
            on=on,
            days=measures.holdout_days,
        ),
        phrase(
            "tiers.future.figure.tested_footer",
            source=measures.source,
            day=day,
            on=on,
            level=level,
        ),
        height=4.6,
        widths=(1, 1.15),
    )
    _draw_classes(left, found)
    _draw_weeks(right, found)
    titles = (
        phrase("tiers.future.figure.by_class"),
        phrase("tiers.future.figure.by_week", on=short_day(on)),
    )
    for axes, text in zip((left, right), titles, strict=True):
        axes.set_title(text, size=10, loc="left", color=BLACK)
        axes.set_ylim(0)
        axes.grid(axis="y")
    alt = phrase("tiers.future.figure.tested_alt", title=title)
    return finish(figure, name=picture, alt=alt, table=found.classes)


def _draw_classes(axes: Axes, found: Forecast) -> None:
    rows = list(each_row(found.classes))
    for place, row in enumerate(rows):
        axes.plot([place] * 2, [row.ci_lower, row.ci_upper], color=ACCENT, linewidth=2)
        axes.plot(place, row.expected, "o", color=ACCENT, markersize=5.5)
        axes.plot(place, row.later, "D", color=SECOND, markersize=5.5)
    last = len(rows) - 1
    names = [_class_name(row, is_last=place == last) for place, row in enumerate(rows)]
    axes.set_xticks(range(len(rows)), names)
    axes.set_xlim(-0.6, last + 0.6)
    axes.set_xlabel(phrase("tiers.future.figure.repeats"))
    for at, key, colour in ((0.97, "expected", ACCENT), (0.9, "observed", SECOND)):
        mark = "●" if key == "expected" else "◆"
        text = f"{mark} {phrase(f'tiers.future.figure.{key}')}"
        axes.text(0.02, at, text, transform=axes.transAxes, color=colour, size=9.5, va="top")


def _class_name(row: Any, *, is_last: bool) -> str:
    if is_last and row.most > row.least:
        return f"{row.least}+"
    return f"{row.least}" if row.least == row.most else f"{row.least}–{row.most}"


def _draw_weeks(axes: Axes, found: Forecast) -> None:
    weeks = found.weeks
    x = [0, *weeks["week"]]
    lower, upper = ([0, *weeks[name]] for name in ("ci_lower", "ci_upper"))
    axes.fill_between(x, lower, upper, color=ACCENT, alpha=0.15, linewidth=0)
    ends = []
    for name, key, colour, style in (
        ("steady", "steady", GREY, ":"),
        ("expected", "expected", ACCENT, "--"),
        ("later", "observed", SECOND, "-"),
    ):
        axes.plot(x, [0, *weeks[name]], color=colour, linestyle=style, linewidth=1.8)
        ends.append((float(weeks[name].iloc[-1]), phrase(f"tiers.future.figure.{key}"), colour))
    axes.set_xlim(0, x[-1])
    axes.set_ylim(0, 1.05 * max(upper[-1], *(end for end, _, _ in ends)))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel(phrase("tiers.future.figure.weeks"))
    name_ends(axes, x[-1], ends)


def draw_forecast(measures: Measures, found: Forecast, *, level: float) -> Picture:
    """Draw what each tier is expected to buy and bring, and who still buys, with intervals."""
    picture, title = "future_forecast", sentences.title_tiers(found)
    if found.outcome != "held":
        reason = sentences.why_not(measures, found)
        return nothing(reason, name=picture, title=phrase("tiers.future.figure.none"))
    rows = list(each_row(found.table))
    if len(rows) == 1:
        title = sentences.say_expected(measures, rows[0], level=level)
    days, has_value = measures.horizon_days, not found.amounts
    figure, panels = canvas(
        title,
        phrase("tiers.future.figure.subtitle", day=measures.as_of, days=days),
        phrase(
            "tiers.future.figure.footer",
            source=measures.source,
            day=measures.as_of,
            level=level,
        ),
        height=1.9 + 0.5 * len(rows),
        columns=3 if has_value else 2,
    )
    value = "value" if measures.has_margin else "amounts"
    kinds = ["purchases", *([value] if has_value else []), "alive"]
    for axes, kind in zip(panels, kinds, strict=True):
        _draw_rows(axes, rows, kind)
        text = phrase(f"tiers.future.figure.{kind}", days=days)
        axes.set_title(text, size=10, loc="left", color=BLACK)
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.set_xlim(0, 1.05 if kind == "alive" else None)
        axes.grid(axis="x")
        name_rows(axes, range(len(rows)), [""] * len(rows))
    names = [
        row_name(phrase("tiers.future.everyone") if row.group == EVERYONE else row.group, row.n)
        for row in rows
    ]
    name_rows(panels[0], range(len(rows)), names)
    percent_axis(panels[-1].xaxis, ticks=4)
    if has_value:
        panels[1].xaxis.set_major_locator(MaxNLocator(3))
        panels[1].xaxis.set_major_formatter(lambda cny, _: number(cny))
    alt = phrase("tiers.future.figure.alt", title=title)
    return finish(figure, name=picture, alt=alt, table=found.table.rename(columns=_SAID))


def _draw_rows(axes: Axes, rows: list[Any], kind: str) -> None:
    """Draw an interval per row; the sum of all would dwarf the tiers and is written instead."""
    for place, row in enumerate(rows):
        if kind == "purchases":
            ends = [end / row.n for end in (row.ci_lower, row.expected, row.ci_upper)]
        elif kind == "alive":
            ends = [row.alive_lower, row.alive, row.alive_upper]
        else:
            ends = [row.value_lower, row.value_cny, row.value_upper]
        outcome = row.outcome if kind in ("purchases", "alive") else row.value_outcome
        colour = ACCENT if outcome == "held" == row.outcome else GREY
        said = number(ends[1], 2 if kind == "purchases" else 0)
        if kind == "alive":
            said = percent(ends[1], 0)
        if kind in ("value", "amounts") and row.group == EVERYONE and len(rows) > 1:
            total = phrase(
                "tiers.future.figure.total",
                value=row.value_cny,
                lower=row.value_lower,
                upper=row.value_upper,
            )
            axes.text(0, place, f" {total}", color=colour, size=9.5, va="center")
            continue
        axes.plot([ends[0], ends[2]], [place] * 2, color=colour, linewidth=2.2)
        axes.plot(ends[1], place, "o", color=colour, markersize=6)
        if kind == "purchases":
            axes.plot(row.recent / row.n, place, "|", color=BLACK, markersize=13, markeredgewidth=2)
        if colour == ACCENT:
            axes.annotate(
                said, (ends[1], place), (0, 8), textcoords="offset points", ha="center", size=9
            )
