"""Draw speed, stay and price of each arm, and which arm wins at which value."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes

from siyu.figures import (
    ACCENT,
    BLACK,
    GREY,
    PALE,
    SERIES,
    Picture,
    canvas,
    finish,
    nothing,
    shorten,
)
from siyu.formats import number
from siyu.phrases import phrase, term
from siyu.studies.lures.experiment import Experiment
from siyu.studies.lures.price import sentences
from siyu.studies.lures.price.estimate import Prices
from siyu.studies.marks import mark_interval, name_ends, name_rows, percent_axis, row_name
from siyu.studies.tables import each_row

_MOST = len(SERIES)


def draw_prices(experiment: Experiment, prices: Prices, *, level: float) -> Picture:
    """Draw how fast each arm brings people and how many of them stay; beside it, their price."""
    name, none = "lure_prices", phrase("lures.price.figure.none")
    if prices.refused:
        return nothing(sentences.refusal(experiment, prices), name=name, title=none)
    title, day = sentences.headline(experiment, prices), experiment.retention_days[-1]
    read = prices.arms[prices.arms["refused"] == ""]
    figure, (both, rows) = canvas(
        title,
        phrase("lures.price.figure.subtitle", day=day),
        _footer(experiment, prices, level=level, key="footer"),
        height=4.9,
        widths=(1.25, 1),
    )
    _speed_and_stay(both, read, day)
    _prices(rows, read, day)
    alt = phrase("lures.price.figure.alt", title=title)
    return finish(figure, name=name, alt=alt, table=prices.arms)


def _speed_and_stay(axes: Axes, read: Any, day: int) -> None:
    middle = read["fast_share"].median()
    for row in each_row(read.dropna(subset=["stay_share"])):
        axes.plot([row.fast_lower, row.fast_upper], [row.stay_share] * 2, color=ACCENT, lw=2)
        axes.plot([row.fast_share] * 2, [row.stay_lower, row.stay_upper], color=ACCENT, lw=2)
        axes.plot(row.fast_share, row.stay_share, "o", color=ACCENT, markersize=7)
        side = 1 if row.fast_share <= middle else -1
        key = "label" if row.price_kind == "bounded" else "unpriced"
        axes.annotate(
            phrase(f"lures.price.figure.{key}", arm=shorten(term(row.arm)), price=row.price_cny),
            (row.fast_share, row.stay_share),
            (8 * side, 9),
            textcoords="offset points",
            ha="left" if side == 1 else "right",
            size=9.5,
        )
    axes.set_xlim(0, 1.2 * float(read["fast_upper"].max()))
    axes.set_ylim(0, 1.08)
    axes.set_xlabel(phrase("lures.price.figure.fast"))
    axes.set_ylabel(phrase("lures.price.figure.stay", day=day))
    percent_axis(axes.xaxis)
    percent_axis(axes.yaxis)
    axes.grid()


def _prices(axes: Axes, read: Any, day: int) -> None:
    for place, row in enumerate(each_row(read)):
        if row.price_kind != "bounded":
            axes.plot(0, place, "x", color=GREY, markersize=6)
            continue
        mark_interval(
            axes,
            place,
            (row.price_cny, row.price_lower, row.price_upper),
            number(row.price_cny, 1),
            colour=BLACK,
        )
    labels = [row_name(row.arm, row.n) for row in each_row(read)]
    name_rows(axes, range(len(read)), labels)
    axes.set_ylim(len(read) - 0.5, -0.6)
    axes.set_xlim(left=0)
    axes.margins(x=0.1)
    axes.set_xlabel(phrase("lures.price.figure.price", day=day))
    axes.grid(axis="x")


def draw_worth(experiment: Experiment, prices: Prices, *, level: float) -> Picture:
    """Draw how far each arm is ahead of the reference, and how likely the best, by value."""
    name, none = "lure_worth", phrase("lures.price.figure.none")
    if prices.refused:
        return nothing(sentences.refusal(experiment, prices), name=name, title=none)
    title, curve = sentences.worth_headline(experiment, prices), prices.worth.curve
    chances = curve.groupby("arm")["chance"].max()
    told = sorted(chances.nlargest(_MOST).index, key=prices.arms["arm"].tolist().index)
    others = [arm for arm in told if arm != prices.reference]
    colours = dict(zip(told, SERIES, strict=False)) | {prices.reference: GREY}
    figure, panels = canvas(
        title,
        phrase("lures.price.figure.worth_subtitle", day=experiment.retention_days[-1]),
        _footer(experiment, prices, level=level, key="worth_footer"),
        height=4.6,
        columns=2,
    )
    (ahead, chance), last = panels, float(curve["value_cny"].max())
    ahead.axhline(0, color=GREY, linewidth=1.2)
    ends: tuple[list[tuple[float, str, str]], ...] = ([(0.0, prices.reference, GREY)], [])
    for arm in told:
        own, colour = curve[curve["arm"] == arm], colours[arm]
        if arm in others:
            ahead.fill_between(
                own["value_cny"], own["ahead_lower"], own["ahead_upper"], color=colour, alpha=0.12
            )
            ahead.plot(own["value_cny"], own["ahead_cny"], color=colour, linewidth=2)
            ends[0].append((float(own["ahead_cny"].iloc[-1]), arm, colour))
        chance.plot(own["value_cny"], own["chance"], color=colour, linewidth=2)
        ends[1].append((float(own["chance"].iloc[-1]), arm, colour))
    chance.set_ylim(0, 1)
    percent_axis(chance.yaxis)
    for axes, key, own_ends in zip(panels, ("ahead", "chance"), ends, strict=True):
        axes.axvline(prices.worth.value_cny, color=BLACK, linewidth=1, linestyle=":")
        axes.set_xlim(0, last)
        axes.set_xlabel(phrase("lures.price.figure.value"))
        said = phrase(f"lures.price.figure.{key}", arm=prices.reference)
        axes.set_title(said, size=10, loc="left", color=BLACK)
        axes.grid(color=PALE, linewidth=0.5)
        name_ends(axes, last, [(y, shorten(term(arm), width=16), c) for y, arm, c in own_ends])
    alt = phrase("lures.price.figure.worth_alt", title=title)
    return finish(figure, name=name, alt=alt, table=curve)


def _footer(experiment: Experiment, prices: Prices, *, level: float, key: str) -> str:
    return phrase(
        f"lures.price.figure.{key}",
        source=experiment.source,
        day=experiment.as_of,
        experiment=experiment.name,
        n=prices.n,
        level=level,
        value=prices.worth.value_cny,
    )
