"""Draw what segments bring, who moved between them, and how unevenly members bring it."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patches import Rectangle

from siyu.figures import ACCENT, BLACK, GREY, PALE, SECOND, Picture, canvas, finish, nothing
from siyu.formats import number, percent
from siyu.phrases import phrase
from siyu.studies.marks import mark_interval, name_rows, percent_axis
from siyu.studies.naming import SMALL
from siyu.studies.tables import each_row
from siyu.studies.tiers.rfm import sentences
from siyu.studies.tiers.rfm.estimate import Concentration, Segments
from siyu.studies.tiers.rfm.measure import Measures
from siyu.studies.tiers.rfm.moves import Moves
from siyu.studies.tiers.rfm.rule import ABSENT, SEGMENTS

_SHADES = LinearSegmentedColormap.from_list("shares", ["#FFFFFF", ACCENT])
_DARK = 0.6
_FLAT = 6
"""Columns whose names have room beside each other."""
_COLUMN = 10
"""Letters that stand over a column of the matrix."""
_VERDICTS = {"up": ACCENT, "down": SECOND, "unclear": GREY}
_CURVES = {"buyers": ACCENT, "members": BLACK, "before": GREY}


def draw_segments(measures: Measures, found: Segments) -> Picture:
    """Draw each segment's share of buyers beside its share of margin, and its mean margin."""
    name, title = "rfm_segments", sentences.say_headline(measures, found)
    rows = found.table[found.table["segment"].isin([*SEGMENTS, SMALL])].reset_index(drop=True)
    if found.refused or rows.empty:
        return nothing(title, name=name, title=phrase("tiers.rfm.figure.segments.none"))
    of = "margin" if found.of_margin else "amount"
    figure, (shares, means) = canvas(
        title,
        phrase(
            "tiers.rfm.figure.segments.subtitle",
            first=measures.first,
            day=measures.as_of,
            buyers=found.n_buyers,
            level=found.level,
        ),
        _footer(measures, phrase("tiers.rfm.figure.segments.method")),
        height=2.4 + 0.42 * len(rows),
        widths=(1.25, 1),
    )
    for place, row in enumerate(each_row(rows)):
        ends = [getattr(row, f"{of}_share{end}") for end in ("_lower", "_upper")]
        shares.plot(row.n / found.n_buyers, place, "o", color=GREY, markersize=6, zorder=2)
        shares.plot(ends, [place] * 2, color=ACCENT, linewidth=2)
        shares.plot(getattr(row, f"{of}_share"), place, "o", color=ACCENT, markersize=6)
        means.plot([row.margin_mean_lower, row.margin_mean_upper], [place] * 2, color=ACCENT)
        means.plot(row.margin_mean, place, "o", color=ACCENT, markersize=6)
        means.annotate(
            number(row.margin_mean),
            (max(row.margin_mean_upper, row.margin_mean), place),
            (6, 0),
            textcoords="offset points",
            va="center",
            size=9.5,
        )
    names = [sentences.row_name(row.segment, row.n) for row in each_row(rows)]
    name_rows(shares, range(len(rows)), names)
    name_rows(means, range(len(rows)), [""] * len(rows))
    _title(
        shares,
        [
            (phrase("tiers.rfm.figure.segments.people"), GREY),
            (phrase(f"tiers.rfm.figure.segments.{of}"), ACCENT),
        ],
    )
    _title(means, [(phrase("tiers.rfm.figure.segments.mean"), BLACK)])
    for axes in (shares, means):
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.grid(axis="y")
    shares.set_xlim(min(0, shares.get_xlim()[0]) if rows[f"{of}_share_lower"].min() < 0 else 0)
    percent_axis(shares.xaxis)
    high = float(np.nanmax(rows[["margin_mean", "margin_mean_upper"]].to_numpy()))
    low = float(np.nanmin(rows[["margin_mean", "margin_mean_lower"]].to_numpy()))
    means.set_xlim(min(0, 1.1 * low), max(1.25 * high, 1))
    means.axvline(0, color=PALE, linewidth=0.8)
    alt = phrase("tiers.rfm.figure.segments.alt", title=title)
    return finish(figure, name=name, alt=alt, table=found.table)


def draw_moves(measures: Measures, found: Moves) -> Picture:
    """Draw where members of then are now, and the net flow of each segment."""
    name, title = "rfm_moves", sentences.say_verdict(measures, found)
    if found.refused or found.flows.empty:
        return nothing(title, name=name, title=phrase("tiers.rfm.figure.moves.none"))
    names = list(dict.fromkeys(found.cells["before"]))
    figure, (matrix, flows) = canvas(
        title,
        phrase(
            "tiers.rfm.figure.moves.subtitle",
            earlier=measures.earlier,
            day=measures.as_of,
            level=found.level,
        ),
        _footer(
            measures,
            phrase(
                "tiers.rfm.figure.moves.method",
                earlier=measures.earlier,
                min_users=measures.min_users,
            ),
        ),
        height=2.7 + 0.42 * max(len(names), len(found.flows)),
        widths=(1.9, 1),
    )
    _draw_matrix(matrix, found, names)
    _draw_flows(flows, found)
    alt = phrase("tiers.rfm.figure.moves.alt", title=title)
    return finish(figure, name=name, alt=alt, table=found.cells)


def draw_concentration(measures: Measures, found: Concentration) -> Picture:
    """Draw what the best of buyers, of all members and of earlier buyers bring."""
    name, title = "rfm_concentration", sentences.say_top(measures, found)
    if found.refused:
        return nothing(title, name=name, title=phrase("tiers.rfm.figure.lorenz.none"))
    figure, (axes,) = canvas(
        title,
        phrase(
            "tiers.rfm.figure.lorenz.subtitle",
            first=measures.first,
            day=measures.as_of,
            level=found.level,
        ),
        _footer(
            measures,
            phrase("tiers.rfm.figure.lorenz.method", n=sentences.row_of(found, "buyers", "gini").n),
        ),
        height=5.2,
    )
    axes.plot([0, 1], [0, 1], color=PALE, linewidth=1)
    axes.annotate(phrase("tiers.rfm.figure.lorenz.equal"), (0.62, 0.6), color=GREY, size=9)
    for of, curve in found.curve.groupby("of", sort=False):
        colour = _CURVES[str(of)]
        axes.fill_between(
            curve["top"], curve["ci_lower"], curve["ci_upper"], color=colour, alpha=0.18, lw=0
        )
        dashes = "--" if of == "before" else "-"
        axes.plot(curve["top"], curve["share"], dashes, color=colour, linewidth=1.8)
    _name_curves(axes, measures, found)
    row = sentences.row_of(found, "buyers", "top_20")
    axes.plot([0.2] * 2, [row.ci_lower, row.ci_upper], color=ACCENT, linewidth=2.4)
    axes.plot(0.2, row.value, "o", color=ACCENT, markersize=6)
    axes.annotate(
        percent(row.value), (0.2, row.value), (9, -10), textcoords="offset points", color=ACCENT
    )
    axes.set_xlim(0, 1)
    axes.set_ylim(min(0, found.curve["share"].min()), max(1.02, found.curve["share"].max()))
    axes.set_xlabel(phrase("tiers.rfm.figure.lorenz.x"))
    axes.set_ylabel(phrase(f"tiers.rfm.figure.lorenz.{'margin' if found.of_margin else 'amount'}"))
    percent_axis(axes.xaxis)
    percent_axis(axes.yaxis)
    axes.grid(axis="y")
    alt = phrase("tiers.rfm.figure.lorenz.alt", title=title)
    return finish(figure, name=name, alt=alt, table=found.table)


def _name_curves(axes: Axes, measures: Measures, found: Concentration) -> None:
    """Name the curves in the free corner below them: their ends all meet."""
    days = (measures.as_of - measures.earlier).days if measures.earlier else 0
    for line, of in enumerate(dict.fromkeys(found.curve["of"])):
        index = sentences.row_of(found, of, "gini")
        text = phrase(f"tiers.rfm.figure.lorenz.{of}", days=days)
        axes.annotate(
            phrase("page.in_brackets", text=text, n=number(index.n)),
            (0.98, 0.32 - 0.075 * line),
            xycoords="axes fraction",
            ha="right",
            color=_CURVES[of],
            size=9.5,
        )


def _draw_matrix(axes: Axes, found: Moves, names: list[str]) -> None:
    places = {name: place for place, name in enumerate(names)}
    for cell in each_row(found.cells):
        x, y = places[cell.now], places[cell.before]
        hidden = np.isnan(cell.n)
        empty = not hidden and not cell.n
        axes.add_patch(
            Rectangle(
                (x - 0.5, y - 0.5),
                1,
                1,
                facecolor=_SHADES(0.0 if hidden or empty else cell.share),
                edgecolor="white" if not hidden else PALE,
                hatch="////" if hidden else None,
                linewidth=1,
            )
        )
        text = "" if hidden else "0" if empty else f"{percent(cell.share, 0)}\n{number(cell.n)}"
        axes.text(
            x,
            y,
            text,
            ha="center",
            va="center",
            size=8,
            color="white" if cell.share > _DARK else BLACK,
        )
    axes.set_xlim(-0.5, len(names) - 0.5)
    axes.set_ylim(len(names) - 0.5, -0.5)
    labels = [
        phrase("tiers.rfm.joined") if name == ABSENT else sentences.segment_name(name)
        for name in names
    ]
    name_rows(axes, range(len(names)), labels)
    labels[-1] = phrase("tiers.rfm.left")
    if len(names) <= _FLAT:
        axes.set_xticks(range(len(names)), [_broken(label) for label in labels], size=8.5)
    else:
        axes.set_xticks(range(len(names)), labels, size=8.5, rotation=40, ha="left")
    axes.xaxis.tick_top()
    axes.tick_params(top=False, bottom=False)
    for side in ("top", "bottom"):
        axes.spines[side].set_visible(False)


def _draw_flows(axes: Axes, found: Moves) -> None:
    for place, row in enumerate(each_row(found.flows)):
        colour = _VERDICTS[row.verdict]
        mark_interval(
            axes,
            place,
            (row.net, row.ci_lower, row.ci_upper),
            sentences.signed_count(row.net),
            colour=colour,
        )
    names = [sentences.segment_name(row.segment) for row in each_row(found.flows)]
    name_rows(axes, range(len(names)), names)
    axes.axvline(0, color=BLACK, linewidth=0.8)
    axes.set_ylim(len(names) - 0.5, -0.7)
    axes.grid(axis="y")
    _title(axes, [(phrase("tiers.rfm.figure.moves.net"), BLACK)])


def _broken(label: str) -> str:
    """Break a name into lines, to stand over a narrow column."""
    lines = label.replace("＋", "＋\n").split("\n")
    return "\n".join(
        part for line in lines for part in textwrap.wrap(line, _COLUMN, break_long_words=False)
    )


def _title(axes: Axes, parts: list[tuple[str, str]]) -> None:
    """Write the title of a panel, its words in the colours of what they name."""
    for line, (text, colour) in enumerate(reversed(parts)):
        axes.annotate(
            text,
            (0, 1),
            (0, 6 + 14 * line),
            xycoords="axes fraction",
            textcoords="offset points",
            size=9.5,
            color=colour,
        )


def _footer(measures: Measures, method: Any) -> str:
    return phrase(
        "tiers.rfm.figure.footer", source=measures.source, day=measures.as_of, method=method
    )
