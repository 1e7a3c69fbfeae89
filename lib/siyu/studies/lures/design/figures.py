"""Draw the people a test needs against the lift worth finding, and what weeks bring."""

from __future__ import annotations

from siyu.figures import BLACK, GREY, PALE, SERIES, Picture, canvas, finish, nothing
from siyu.formats import number, percent
from siyu.phrases import phrase
from siyu.studies.lures.design.estimate import WEEKS, Sizes
from siyu.studies.lures.design.measure import Measures
from siyu.studies.lures.design.sentences import say_headline

_STEP = 1.5
"""Ratio of two people counts whose names do not overlap."""
_LIFTS = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6)
_PEOPLE = tuple(digit * 10**power for power in range(1, 9) for digit in (1, 3))


def draw_sizes(measures: Measures, found: Sizes) -> Picture:
    """Draw people needed by lift, a line per outcome, over what some weeks bring."""
    name, title = "lure_sizes", say_headline(measures, found)
    if found.refused or found.curve.empty:
        return nothing(title, name=name, title=phrase("lures.design.figure.none"))
    figure, (axes,) = canvas(
        title,
        phrase("lures.design.figure.subtitle", arms=found.arms, power=found.power),
        phrase(
            "lures.design.figure.footer",
            source=measures.source,
            day=measures.as_of,
            n=int(found.table["n"].max()),
            level=found.level,
            power=found.power,
            per_week=found.per_week,
        ),
        height=4.9,
    )
    low, high = found.curve["lift"].min(), found.curve["lift"].max()
    for weeks in WEEKS:
        n = weeks * found.per_week
        axes.axhline(n, color=PALE, linewidth=1, zorder=0)
        axes.annotate(
            phrase("lures.design.figure.weeks", weeks=weeks),
            (low, n), (4, 3), textcoords="offset points", size=8.5, color=GREY,
        )  # fmt: skip
    ends = []
    for (outcome, own), colour in zip(
        found.curve.groupby("outcome", sort=False), SERIES, strict=False
    ):
        axes.plot(own["lift"], own["n_total"], color=colour, linewidth=2)
        label = phrase(f"lures.design.figure.{outcome}", days=measures.conversion_days,
                       retained=measures.retention_day)  # fmt: skip
        ends.append((own["lift"].iloc[-1], own["n_total"].iloc[-1], label, colour))
    axes.axvline(found.lift_wanted, color=BLACK, linewidth=0.9, linestyle=":")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(low, high)
    ticks = [lift for lift in _LIFTS if low <= lift <= high]
    axes.set_xticks(ticks, [percent(lift, 0) for lift in ticks])
    bottom, top = found.curve["n_total"].min(), found.curve["n_total"].max()
    bottom = min(bottom, WEEKS[0] * found.per_week)
    people = [n for n in _PEOPLE if bottom / 1.5 <= n <= top * 1.5]
    axes.set_yticks(people, [number(n) for n in people])
    axes.minorticks_off()
    axes.set_xlabel(phrase("lures.design.figure.lift"))
    axes.grid(axis="y", color="#EEF0F2")
    for lift, n, label, colour in _apart(ends):
        axes.annotate(
            label, (lift, n), (8, 0), textcoords="offset points", size=9.5, color=colour,
            va="center", annotation_clip=False,
        )  # fmt: skip
    alt = phrase("lures.design.figure.alt", title=title)
    return finish(figure, name=name, alt=alt, table=found.curve)


def _apart(ends: list[tuple[float, float, str, str]]) -> list[tuple[float, float, str, str]]:
    """Move names up where they would overlap; equal steps of the axis are equal ratios."""
    placed, at = [], 0.0
    for lift, n, label, colour in sorted(ends, key=lambda end: end[1]):
        at = max(n, at * _STEP)
        placed.append((lift, at, label, colour))
    return placed
