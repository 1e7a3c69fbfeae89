"""Draw the ladder: the share of each rung that orders first, and who stands on it today."""

from __future__ import annotations

from matplotlib.axes import Axes

from siyu.figures import ACCENT, BLACK, GREY, PALE, Picture, canvas, finish, nothing, shorten
from siyu.formats import number, percent
from siyu.phrases import phrase
from siyu.studies.marks import name_rows, percent_axis
from siyu.studies.tables import each_row
from siyu.studies.tiers.ladder import sentences
from siyu.studies.tiers.ladder.estimate import Ladder
from siyu.studies.tiers.ladder.measure import Measures


def draw_ladder(measures: Measures, ladder: Ladder, *, level: float) -> Picture:
    """Draw rungs from shallow (below) to deep (above): shares with intervals, and counts today."""
    name = "ladder"
    if ladder.refused:
        reason = sentences.refusal(measures, ladder)
        return nothing(reason, name=name, title=phrase("tiers.ladder.figure.none"))
    title = sentences.say_headline(measures, ladder, level=level)
    figure, (left, right) = canvas(
        title,
        phrase(
            "tiers.ladder.figure.subtitle",
            ladder_days=measures.ladder_days,
            order_days=measures.order_days,
        ),
        phrase(
            "tiers.ladder.figure.footer", source=measures.source, day=measures.as_of, level=level
        ),
        height=2.5 + 0.42 * len(ladder.rungs),
        widths=(3, 2),
    )
    _draw_rates(left, ladder)
    _draw_today(right, ladder)
    labels = [shorten(sentences.name_of(rung), width=32) for rung in ladder.rungs["rung"]]
    name_rows(left, range(len(labels)), labels)
    name_rows(right, [], [])
    alt = phrase("tiers.ladder.figure.alt", title=title)
    ends = ("expected", "expected_lower", "expected_upper")
    orders = {name: name.replace("expected", "first_orders") for name in ends}
    return finish(figure, name=name, alt=alt, table=ladder.rungs.rename(columns=orders))


def _draw_rates(axes: Axes, ladder: Ladder) -> None:
    for place, row in enumerate(each_row(ladder.rungs)):
        if row.state != "shown":
            text = phrase(f"tiers.ladder.figure.{row.state}")
            axes.text(0, place, f" {text}", color=GREY, size=8.5, va="center")
            continue
        axes.barh(place, row.rate, height=0.6, color=ACCENT, alpha=0.3)
        axes.plot([row.ci_lower, row.ci_upper], [place] * 2, color=ACCENT, linewidth=2)
        axes.plot(row.rate, place, "o", color=ACCENT, markersize=5.5)
        said = phrase("tiers.ladder.figure.of", rate=percent(row.rate), n=row.n)
        _label(axes, row.ci_upper, place, said)
    axes.set_xlim(0, 1.45 * float(ladder.rungs["ci_upper"].max()))
    percent_axis(axes.xaxis, ticks=4)
    _frame(axes, ladder, "rate")


def _draw_today(axes: Axes, ladder: Ladder) -> None:
    for place, row in enumerate(each_row(ladder.rungs)):
        if row.state == "shown":
            axes.barh(place, row.today, height=0.6, color=PALE)
            said = phrase(
                "tiers.ladder.figure.expected",
                today=number(row.today),
                expected=row.expected,
                lower=row.expected_lower,
                upper=row.expected_upper,
            )
            _label(axes, row.today, place, said)
    axes.set_xlim(0, 2.2 * max(1.0, float(ladder.rungs["today"].max())))
    axes.locator_params(axis="x", nbins=4)
    _frame(axes, ladder, "today")


def _label(axes: Axes, x: float, y: float, text: str) -> None:
    axes.annotate(
        text, (x, y), (5, 0), textcoords="offset points", va="center", size=9, color=BLACK
    )


def _frame(axes: Axes, ladder: Ladder, panel: str) -> None:
    axes.set_ylim(-0.6, len(ladder.rungs) - 0.4)
    axes.grid(axis="x")
    axes.set_title(phrase(f"tiers.ladder.figure.panel.{panel}"), size=9.5, color=BLACK, loc="left")
