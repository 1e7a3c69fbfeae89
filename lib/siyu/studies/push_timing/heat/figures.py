"""Draw what was clicked by hour and weekday, and how often each was ever tried."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, LinearSegmentedColormap, LogNorm, Normalize
from matplotlib.patches import Rectangle
from matplotlib.ticker import LogFormatter

from siyu.figures import GREY, PALE, Picture, canvas, finish, nothing, shorten
from siyu.phrases import cell, phrase, term
from siyu.studies.marks import percent_axis
from siyu.studies.push_timing.heat import sentences
from siyu.studies.push_timing.heat.estimate import Rates
from siyu.studies.push_timing.heat.measures import HOURS, WEEKDAYS, Measures

_MOST_SEGMENTS = 4
_FEW_HOURS = 15
"""With more hours, every other one has its number below it."""
_LIGHT_TO_DARK = ("#FFFFFF", "#CFE3F1", "#6BAED6", "#0072B2", "#08306B")
"""One hue from light to dark: told apart with any colour vision, and in black and white."""


def draw_rates(measures: Measures, found: Rates, *, level: float) -> Picture:
    """Draw the shrunk rate by weekday and hour of the largest segments, the untried hatched."""
    name = "push_rates"
    there = [one for one in measures.segments if one in set(found.cells["segment"])]
    shown = there[:_MOST_SEGMENTS]
    cells = found.cells[found.cells["segment"].isin(shown)]
    if cells["answer_rate"].isna().all():
        return nothing(_reason(measures, found), name=name, title=phrase("push.heat.figure.none"))
    title = sentences.headline(measures, found)
    rows, columns = -(-len(shown) // 2), min(len(shown), 2)
    figure, axes = canvas(
        title,
        phrase(
            f"push.heat.figure.subtitle.{measures.definition.outcome}",
            hours=measures.definition.horizon_hours,
            segments=sentences.largest(shown, there),
            first=measures.first,
            last=measures.as_of,
        ),
        phrase("push.heat.figure.footer", level=level, **sentences.method(measures, found)),
        height=2.4 + 2.0 * rows,
        columns=columns,
        heights=(1,) * rows,
    )
    scale = Normalize(0, float(cells["answer_rate"].max()))
    for place, panel in enumerate(axes):
        if place >= len(shown):
            panel.set_axis_off()
            continue
        own = cells[cells["segment"] == shown[place]]
        mesh = _draw_week(panel, _grid(own, "answer_rate"), _grid(own, "n_pushes"), scale)
        _frame(panel, found)
        named = shorten(term(shown[place]))
        panel_title = phrase("push.heat.panel", name=named, n=measures.n_users[shown[place]])
        panel.set_title(panel_title, size=9.5, loc="left")
    _bar(figure, mesh, axes, phrase(f"push.heat.figure.axis.{measures.definition.outcome}"))
    alt = phrase("push.heat.figure.alt", title=title)
    return finish(figure, name=name, alt=alt, table=found.cells)


def draw_support(measures: Measures, found: Rates) -> Picture:
    """Draw how many pushes were sent by weekday and hour, drawn by lot and not."""
    name = "push_support"
    if not sentences.enough(found, "by_lot") + sentences.enough(found, "not_by_lot"):
        return nothing(_reason(measures, found), name=name, title=phrase("push.heat.figure.none"))
    title = phrase(
        "push.heat.support.title",
        cells=sentences.CELLS,
        by_lot=sentences.enough(found, "by_lot"),
        otherwise=sentences.enough(found, "not_by_lot"),
    )
    figure, axes = canvas(
        title,
        phrase("push.heat.support.subtitle", first=measures.first, last=measures.as_of),
        phrase("push.heat.support.footer", **sentences.method(measures, found)),
        height=4.5,
        columns=2,
    )
    most = float(found.support[["by_lot", "not_by_lot"]].max().max())
    scale = LogNorm(found.min_pushes, max(most, 10 * found.min_pushes))
    for panel, which in zip(axes, ("by_lot", "not_by_lot"), strict=True):
        counts = _grid(found.support, which)
        told = np.where(_grid(found.support, f"{which}_state") == "enough", counts, np.nan)
        mesh = _draw_week(panel, told.astype(float), counts, scale)
        _frame(panel, found)
        panel.set_title(phrase(f"push.heat.support.{which}_title"), size=9.5, loc="left")
    _bar(figure, mesh, axes, phrase("push.heat.support.axis"))
    alt = phrase("push.heat.support.alt", title=title)
    return finish(figure, name=name, alt=alt, table=found.support)


def _reason(measures: Measures, found: Rates) -> str:
    if not measures.n_pushes:
        return sentences.nothing(measures)
    return phrase("push.heat.untried", min_pushes=found.min_pushes, min_users=measures.min_users)


def _grid(table: pd.DataFrame, column: str) -> Any:
    """Lay a column out as weekdays by hours."""
    return table[column].to_numpy().reshape(len(WEEKDAYS), HOURS)


def _draw_week(axes: Axes, values: Any, counts: Any, scale: Normalize) -> Any:
    """Draw one week, hatching what was hardly ever tried; what was never tried is hatched, too."""
    mesh = axes.pcolormesh(
        np.arange(HOURS + 1),
        np.arange(len(WEEKDAYS) + 1),
        np.ma.masked_invalid(values),
        cmap=_colours(),
        norm=scale,
        edgecolors="white",
        linewidth=0.6,
    )
    for weekday, hour in zip(*np.nonzero(np.isnan(values)), strict=True):
        few = np.isnan(counts[weekday, hour]) or counts[weekday, hour] > 0
        axes.add_patch(
            Rectangle(
                (hour, weekday),
                1,
                1,
                facecolor="white",
                edgecolor=GREY if few else PALE,
                hatch="////",
                linewidth=0,
            )
        )
    axes.set_ylim(len(WEEKDAYS), 0)
    axes.set_yticks(
        np.arange(len(WEEKDAYS)) + 0.5, [cell("weekday", one) for one in WEEKDAYS], size=8.5
    )
    axes.tick_params(length=0, labelsize=8.5)
    axes.spines[:].set_visible(False)
    return mesh


def _frame(axes: Axes, found: Rates) -> None:
    """Show only the hours between the first and the last in which anything was ever sent."""
    hours = found.support.loc[found.support["either_state"] != "none", "hour"]
    first, last = int(hours.min()), int(hours.max())
    shown = range(first, last + 1, 2 if last - first > _FEW_HOURS else 1)
    axes.set_xlim(first, last + 1)
    axes.set_xticks([hour + 0.5 for hour in shown], [f"{hour}" for hour in shown])
    axes.set_xlabel(phrase("push.heat.figure.hour"), size=8.5)


def _bar(figure: Any, mesh: Any, axes: list[Axes], label: str) -> None:
    bar = figure.colorbar(mesh, ax=axes, shrink=0.8, aspect=30, pad=0.02)
    bar.set_label(label)
    bar.outline.set_visible(False)
    if isinstance(mesh.norm, LogNorm):
        bar.ax.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        bar.ax.yaxis.set_minor_formatter(LogFormatter())  # the usual one writes formulas
    else:
        percent_axis(bar.ax.yaxis)


def _colours() -> Colormap:
    return LinearSegmentedColormap.from_list("light to dark", _LIGHT_TO_DARK)
