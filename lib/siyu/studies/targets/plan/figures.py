"""Draw the chance of each target, what a target needs by touchpoint, and what each lever moves."""

from __future__ import annotations

import numpy as np
import pandas as pd

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
from siyu.phrases import phrase
from siyu.studies.marks import name_rows, number_axis, percent_axis, row_name, whiskers
from siyu.studies.naming import EVERYONE
from siyu.studies.tables import each_row
from siyu.studies.targets.adds import Adds
from siyu.studies.targets.forecast.estimate import days_ahead
from siyu.studies.targets.plan import sentences
from siyu.studies.targets.plan.estimate import Plan
from siyu.studies.targets.plan.ways import CHANCES

_POINTS = 120
_NEEDS = {"first": "from_day", "last": "to_day", "most": "best_week", "way": "buying"}
_LEVERS = {"extra": "further", "extra_lower": "further_lower", "extra_upper": "further_upper"}
"""Names of columns in tables, where those of the estimates mean something else to readers."""


def draw_chance(adds: Adds, found: Plan, *, chance_threshold: float) -> Picture:
    """Draw the chance of at least so many, for every number, and where the target lies.

    Args:
        adds: from `count_adds`.
        found: from `plan`.
        chance_threshold: the least chance that will do.
    """
    name = "target_chance"
    title = sentences.say_headline(adds, found, chance_threshold=chance_threshold)
    if found.refused:
        return nothing(title, name=name, title=phrase("targets.plan.figure.none"))
    first, last = days_ahead(adds)
    counted = sentences.say_counted(adds, found)
    figure, (axes,) = canvas(
        title,
        phrase("targets.plan.figure.chance_subtitle", counted=counted, first=first, last=last),
        phrase("targets.plan.figure.chance_footer", source=adds.source, day=adds.as_of),
        height=4.4,
    )
    total = np.sort(found.draws)
    most = max(float(np.quantile(total, 0.995)), 1.05 * found.target)
    people = np.linspace(0, most, _POINTS)
    chance = 1 - np.searchsorted(total, people, side="left") / len(total)
    axes.plot(people, chance, color=ACCENT, linewidth=2.4)
    axes.axhline(chance_threshold, color=GREY, linewidth=1, linestyle="--")
    for asked in CHANCES:
        at = float(np.quantile(total, 1 - asked))
        axes.plot(at, asked, "o", color=ACCENT, markersize=6)
        axes.annotate(
            number(at), (at, asked), (-7, -13), textcoords="offset points", ha="right", color=ACCENT
        )
    axes.plot([found.target] * 2, [0, found.chance], color=SECOND, linewidth=1.6)
    axes.plot(found.target, found.chance, "o", color=SECOND, markersize=7)
    right = found.target > 0.6 * most
    axes.annotate(
        phrase("targets.plan.figure.target", target=found.target, chance=found.chance),
        (found.target, found.chance),
        (-8 if right and found.chance < 0.1 else 12, 8 if found.chance < 0.1 else 0),
        textcoords="offset points",
        ha="right" if right and found.chance < 0.1 else "left",
        va="center",
        color=SECOND,
        size=10,
    )
    axes.set_xlim(0, most)
    axes.set_ylim(0, 1.03)
    percent_axis(axes.yaxis)
    number_axis(axes.xaxis)
    axes.set_xlabel(phrase("targets.plan.figure.people_axis", counted=counted))
    axes.set_ylabel(phrase("targets.plan.figure.chance_axis"))
    axes.grid(axis="y")
    alt = phrase("targets.plan.figure.chance_alt", title=title)
    table = pd.DataFrame({"people": people, "chance": chance})
    return finish(figure, name=name, alt=alt, table=table)


def draw_needs(adds: Adds, found: Plan, *, chance: float = CHANCES[-1]) -> Picture:
    """Draw the additions expected, and those needed for a chance, a row per touchpoint.

    Args:
        adds: from `count_adds`.
        found: from `plan`.
        chance: one of `CHANCES`.
    """
    name = "recruits_needed"
    if found.refused:
        reason = phrase(f"targets.plan.refused.{found.refused}")
        return nothing(reason, name=name, title=phrase("targets.plan.figure.none"))
    ways = {row.way: row for row in each_row(found.ways[found.ways["chance"] == chance])}
    way = "cheap" if "cheap" in ways and ways["cheap"].reached else "even"
    extra = float(ways[way].extra)
    key = "enough" if extra <= 0 else "title" if way == "cheap" else "even"
    title = phrase(f"targets.plan.figure.needs_{key}", chance=chance, extra=extra)
    own = found.needs[(found.needs["chance"] == chance) & (found.needs["way"] == way)]
    rows = own.groupby("touchpoint")[["expected", "needed", "most"]].sum().sort_values("needed")
    first, last = days_ahead(adds)
    figure, (axes,) = canvas(
        title,
        phrase("targets.plan.figure.needs_subtitle", first=first, last=last),
        phrase(
            "targets.plan.figure.needs_footer",
            source=adds.source,
            day=adds.as_of,
            target=found.target,
            counted=sentences.say_counted(adds, found),
        ),
        height=2.0 + 0.36 * len(rows),
    )
    edge = 1.12 * float(rows["needed"].max())
    for y, row in enumerate(each_row(rows)):
        more = row.needed > row.expected + 0.5
        axes.barh(y, row.needed, color=ACCENT if more else PALE, height=0.62)
        axes.barh(y, min(row.expected, row.needed), color=PALE, height=0.62)
        if row.most <= edge:
            axes.plot([row.most] * 2, [y - 0.38, y + 0.38], color=BLACK, linewidth=1.2)
        axes.annotate(
            number(row.needed),
            (row.needed, y),
            (7, 0),
            textcoords="offset points",
            va="center",
            size=9,
            color=ACCENT if more else GREY,
        )
    names = [row_name(row.Index, row.expected) for row in each_row(rows)]
    name_rows(axes, range(len(rows)), names)
    axes.set_xlim(0, edge)
    axes.set_ylim(-0.6, len(rows) - 0.4)
    number_axis(axes.xaxis)
    axes.set_xlabel(phrase("targets.plan.figure.needs_axis"))
    axes.grid(axis="x")
    alt = phrase("targets.plan.figure.needs_alt", title=title)
    return finish(figure, name=name, alt=alt, table=found.needs.rename(columns=_NEEDS))


def draw_levers(adds: Adds, found: Plan, *, level: float) -> Picture:
    """Draw what a tenth more of each lever brings, the largest above.

    Args:
        adds: from `count_adds`.
        found: from `plan`.
        level: the coverage at which it was made.
    """
    name = "target_levers"
    if found.refused:
        reason = phrase(f"targets.plan.refused.{found.refused}")
        return nothing(reason, name=name, title=phrase("targets.plan.figure.none"))
    key = "best_clear" if found.best_clear else "best"
    title = phrase(f"targets.plan.figure.lever_title.{key}", name=found.best)
    counted = sentences.say_counted(adds, found)
    single = found.levers[found.levers["touchpoint"] != EVERYONE].sort_values("extra")
    rows = pd.concat([single, found.levers[found.levers["touchpoint"] == EVERYONE].iloc[::-1]])
    figure, (axes,) = canvas(
        title,
        phrase("targets.plan.figure.lever_subtitle", counted=counted),
        phrase("targets.plan.figure.lever_footer", source=adds.source, day=adds.as_of, level=level),
        height=2.0 + 0.33 * len(rows),
    )
    places = np.arange(len(rows))
    colours = [BLACK if one == EVERYONE else ACCENT for one in rows["touchpoint"]]
    axes.barh(places, rows["extra"], color=colours, height=0.6, alpha=0.85)
    whiskers(
        axes, rows["extra_upper"], places, rows["extra_lower"], rows["extra_upper"], colour=GREY
    )
    for y, row in enumerate(each_row(rows)):
        axes.annotate(
            points(row.change),
            (row.extra_upper, y),
            (7, 0),
            textcoords="offset points",
            va="center",
            size=9,
        )
    names = [shorten(sentences.name_lever(row.lever, row.touchpoint)) for row in each_row(rows)]
    name_rows(axes, places, names)
    axes.set_xlim(0, 1.16 * float(rows["extra_upper"].max()))
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.set_xlabel(phrase("targets.plan.figure.lever_axis", counted=counted))
    axes.grid(axis="x")
    alt = phrase("targets.plan.figure.lever_alt", title=title)
    return finish(figure, name=name, alt=alt, table=found.levers.rename(columns=_LEVERS))
