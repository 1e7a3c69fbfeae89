"""Draw what each strategy does in each tier, and what a score of members is worth."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

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
from siyu.phrases import phrase, term
from siyu.studies.marks import name_rows, percent_axis
from siyu.studies.tables import each_row
from siyu.studies.tiers.offer import sentences
from siyu.studies.tiers.offer.compare import FEWEST
from siyu.studies.tiers.offer.estimate import Effects
from siyu.studies.tiers.offer.measure import Measures
from siyu.studies.tiers.offer.targeting import Targeting

_COLOURS = {"roll_out": ACCENT, "stop": SECOND, "keep_testing": GREY, "": GREY}
_ROW_INCHES = 0.32
_MOST_PANELS = 4


def draw_effects(measures: Measures, found: Effects, *, level: float) -> Picture:
    """Draw the effect of each strategy in each tier: in money, and on the tier's own aim."""
    picture = "tier_effects"
    if found.refused:
        reason = sentences.refusal(measures, found)
        return nothing(reason, name=picture, title=phrase("tiers.offer.figure.none"))
    title = sentences.headline(measures, found)
    figure, (money, aim) = canvas(
        title,
        phrase("tiers.offer.figure.subtitle", days=measures.offer_days),
        phrase(
            "tiers.offer.figure.footer",
            source=measures.source,
            day=measures.as_of,
            experiment=measures.experiment,
            n=found.n,
            level=level,
            fewest=FEWEST,
        ),
        height=2.0 + _ROW_INCHES * (len(found.table) + len(measures.tiers)),
        widths=(1.25, 1),
    )
    places = _places(found.table)
    for axes in (money, aim):
        axes.axvline(0, color=BLACK, linewidth=0.8)
        axes.set_ylim(places.max() + 0.6, -1.35)
        axes.grid(axis="x")
    labels = []
    for place, row in zip(places, each_row(found.table), strict=True):
        named = shorten(term(row.strategy))
        labels.append(
            phrase("tiers.offer.figure.small", strategy=named)
            if row.refused
            else phrase("tiers.offer.figure.row", strategy=named, n=row.n)
        )
        if row.refused:
            money.plot(0, place, "x", color=GREY, markersize=6)
            continue
        ends = (row.net_gain_cny, row.net_gain_lower, row.net_gain_upper)
        _mark(money, place, ends, row.verdict, phrase("tiers.offer.figure.net", **_named(ends)))
        _aim(aim, place, row)
    name_rows(money, places, labels, size=9)
    name_rows(aim, [], [])
    for tier, objective in zip(measures.tiers, measures.objectives, strict=True):
        first = places[(found.table["tier"] == tier).to_numpy()].min()
        side = (-6, "right"), (0, "left")
        said = shorten(term(tier)), phrase(f"tiers.offer.figure.objective.{objective}")
        for axes, (right, place), text in zip((money, aim), side, said, strict=True):
            axes.axhline(first - 1.35, color=PALE, linewidth=0.8)
            axes.annotate(
                text,
                (0, first - 0.98),
                (right, 0),
                xycoords=("axes fraction", "data"),
                textcoords="offset points",
                ha=place,
                va="center",
                size=9.5,
                color=BLACK if axes is money else GREY,
                annotation_clip=False,
            )
    money.set_xlabel(phrase("tiers.offer.figure.money"))
    aim.set_xlabel(phrase("tiers.offer.figure.aim"))
    aim.set_xticks([])
    money.margins(x=0.12)
    aim.margins(x=0.12)
    alt = phrase("tiers.offer.figure.alt", title=title)
    return finish(figure, name=picture, alt=alt, table=found.table)


def _places(table: pd.DataFrame) -> Any:
    """Set the rows of a tier below each other, and tiers apart."""
    tier = pd.factorize(table["tier"])[0]
    return np.arange(len(table)) + 1.1 * tier


def _named(ends: tuple[float, float, float]) -> dict[str, float]:
    return dict(zip(("effect", "lower", "upper"), ends, strict=True))


def _mark(
    axes: Axes, place: float, ends: tuple[float, float, float], verdict: str, said: str
) -> None:
    """Draw an effect with its interval, and write it above."""
    value, lower, upper = ends
    colour = _COLOURS[verdict]
    axes.plot([lower, upper], [place, place], color=colour, linewidth=2)
    inside = colour if verdict in ("roll_out", "stop") else "white"
    axes.plot(value, place, "o", color=colour, markersize=7, markerfacecolor=inside)
    axes.annotate(
        said,
        (value, place - 0.4),
        ha="center",
        va="center",
        size=8,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},
    )


def _aim(axes: Axes, place: float, row: Any) -> None:
    """Draw an effect scaled by its interval, so that shares and yuan share an axis."""
    half = (row.effect_upper - row.effect_lower) / 2
    if not half > 0:
        return
    ends = (row.effect, row.effect_lower, row.effect_upper)
    kind = "share" if row.objective == "habit" else "number"
    said = phrase(f"tiers.offer.figure.effect.{kind}", **_named(ends))
    clear = "roll_out" if row.effect_lower > 0 else "stop" if row.effect_upper < 0 else ""
    _mark(axes, place, (ends[0] / half, ends[1] / half, ends[2] / half), clear, said)


def draw_targeting(measures: Measures, found: Targeting, *, level: float) -> Picture:
    """Draw net gain by the share of members treated, a panel per strategy, beside lots."""
    picture = "tier_targeting"
    shown = found.table[found.table["refused"] == ""].head(_MOST_PANELS)
    if not len(shown):
        reason = sentences.say_targeting(found, level=level)
        return nothing(reason, name=picture, title=phrase("tiers.offer.targeting.figure.none"))
    told = shown.loc[shown["verdict"] != "none", "strategy"].tolist()
    title = phrase(
        f"tiers.offer.targeting.figure.title.{'some' if told else 'none'}", strategies=told
    )
    figure, panels = canvas(
        title,
        phrase("tiers.offer.targeting.figure.subtitle", days=measures.offer_days),
        phrase(
            "tiers.offer.targeting.figure.footer",
            source=measures.source,
            day=measures.as_of,
            experiment=measures.experiment,
            level=level,
        ),
        height=4.0,
        columns=len(shown),
    )
    for axes, row in zip(panels, each_row(shown), strict=True):
        curve = found.curves[found.curves["strategy"] == row.strategy]
        colour = GREY if row.verdict == "none" else ACCENT
        axes.fill_between(
            curve["share"],
            curve["gain_cny_lower"],
            curve["gain_cny_upper"],
            color=colour,
            alpha=0.18,
        )
        axes.plot(curve["share"], curve["gain_cny"], color=colour, linewidth=2)
        end = curve["gain_cny"].iloc[-1]
        axes.plot([0, 1], [0, end], color=BLACK, linewidth=1, linestyle="--")
        axes.axhline(0, color=BLACK, linewidth=0.8)
        axes.grid(axis="y")
        axes.set_xlim(0, 1)
        percent_axis(axes.xaxis)
        axes.set_xlabel(phrase("tiers.offer.targeting.figure.axis"))
        axes.set_title(
            phrase(
                "tiers.offer.targeting.figure.panel",
                strategy=shorten(term(row.strategy)),
                qini=row.qini,
                lower=row.ci_lower,
                upper=row.ci_upper,
                n=row.n,
            ),
            size=9.5,
            color=BLACK,
            loc="left",
        )
    alt = phrase("tiers.offer.targeting.figure.alt", title=title)
    return finish(figure, name=picture, alt=alt, table=found.curves)
