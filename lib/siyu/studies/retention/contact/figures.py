"""Draw what contacts do beside what naive comparisons say, and who can be compared at all."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from siyu.figures import (
    ACCENT,
    BLACK,
    GREY,
    PALE,
    SECOND,
    THIRD,
    Picture,
    canvas,
    finish,
    nothing,
)
from siyu.formats import number, percent
from siyu.phrases import phrase
from siyu.stats.standardise import ALIKE
from siyu.studies.marks import name_rows, percent_axis
from siyu.studies.retention.contact import sentences
from siyu.studies.retention.contact.estimate import Effects, Judge
from siyu.studies.retention.contact.measures import Measures
from siyu.studies.tables import each_row

_BINS = 25


def draw_effects(
    measures: Measures, found: Effects, judged: Judge | None, *, level: float
) -> Picture:
    """Draw each contact's effect with its interval, and both naive comparisons beside it."""
    picture, table = "contacts", found.table
    if table["verdict"].eq("").all():
        why = sentences.say_effects(measures, found, judged, level=level)
        return nothing(why, name=picture, title=phrase("retention.contact.figure.none"))
    told = sentences.names(measures)
    rows = [(row, _label(told[row.contact], row.n, row.contacted)) for row in each_row(table)]
    title = sentences.headline(measures, found, judged, level=level)
    figure, (axes,) = canvas(
        title,
        phrase(
            "retention.contact.figure.subtitle",
            stay=measures.stay_days,
            first=measures.first,
            last=measures.as_of,
        ),
        phrase(
            "retention.contact.figure.footer",
            source=measures.source,
            day=measures.as_of,
            level=level,
            columns=sentences.adjusted(measures),
        ),
        height=2.6 + 0.42 * (len(rows) + 1),
    )
    places, labels, place = [], [], 0.0
    for row, label in rows:
        axes.plot(row.everyone, place, "o", mfc="white", mec=GREY, markersize=5.5)
        axes.plot(row.crude, place, "o", color=GREY, markersize=5)
        if not row.refused:
            axes.plot([row.ci_lower, row.ci_upper], [place] * 2, color=ACCENT, linewidth=2.2)
            axes.plot(row.difference, place, "o", color=ACCENT, markersize=6.5)
        else:
            axes.annotate(
                phrase(f"retention.contact.figure.refused.{row.refused}"),
                (max(row.everyone, 0), place),
                (10, 0),
                textcoords="offset points",
                va="center",
                size=8.5,
                color=GREY,
            )
        places.append(place)
        labels.append(label)
        place += 1
        if judged is not None and not judged.refused and row.contact == measures.tested:
            axes.plot([judged.ci_lower, judged.ci_upper], [place] * 2, color=THIRD, linewidth=2.2)
            axes.plot(judged.difference, place, "D", color=THIRD, markersize=6)
            places.append(place)
            labels.append(phrase("retention.contact.figure.by_lot", n=sum(judged.n)))
            place += 1
    axes.axvline(0, color=BLACK, linewidth=1)
    axes.set_ylim(place - 0.4, -0.6)
    name_rows(axes, places, labels)
    percent_axis(axes.xaxis, ticks=6)
    axes.set_xlabel(phrase("retention.contact.figure.axis", stay=measures.stay_days))
    axes.grid(axis="x")
    _name_marks(axes, with_lot=judged is not None and not judged.refused, n_rows=len(rows))
    alt = phrase("retention.contact.figure.alt", title=title)
    return finish(figure, name=picture, alt=alt, table=table)


def draw_overlap(measures: Measures, found: Effects) -> Picture:
    """Draw how likely those contacted in time were to be, and those not: who can be compared."""
    picture, shown = "overlap", found.propensity
    if not shown:
        return nothing(
            phrase("retention.contact.overlap.none"),
            name=picture,
            title=phrase("retention.contact.overlap.none"),
        )
    told = sentences.names(measures)
    table = _binned(shown, min_users=measures.min_users)
    left_out = {row.contact: row for row in each_row(found.table)}
    worst = max(shown, key=lambda one: left_out[one].left_out / left_out[one].n)
    share = left_out[worst].left_out / left_out[worst].n
    title = phrase(
        f"retention.contact.overlap.{'some' if share else 'all'}", contact=told[worst], share=share
    )
    figure, (axes,) = canvas(
        title,
        phrase("retention.contact.overlap.subtitle"),
        phrase(
            "retention.contact.overlap.footer",
            source=measures.source,
            day=measures.as_of,
            columns=sentences.adjusted(measures),
            least=ALIKE,
            most=1 - ALIKE,
        ),
        height=2.0 + 0.62 * len(shown),
    )
    for place, contact in enumerate(shown):
        own = table[table["contact"] == contact]
        top = max(own["with_it"].max(), own["without"].max())
        for side, colour in ((-own["with_it"], ACCENT), (own["without"], SECOND)):
            axes.bar(
                own["from"],
                0.44 * side / top,
                width=0.92 / _BINS,
                bottom=place,
                align="edge",
                color=colour,
            )
    for place in range(len(shown)):
        axes.axhline(place, color=PALE, linewidth=0.8)
    axes.set_xlim(0, 1)
    axes.set_ylim(len(shown) - 0.45, -0.55)
    name_rows(axes, range(len(shown)), [told[contact] for contact in shown])
    percent_axis(axes.xaxis)
    axes.set_xlabel(phrase("retention.contact.overlap.axis"))
    axes.text(1.01, -0.25, phrase("retention.contact.overlap.with"), color=ACCENT, size=8.5)
    axes.text(1.01, 0.3, phrase("retention.contact.overlap.without"), color=SECOND, size=8.5)
    alt = phrase("retention.contact.overlap.alt", title=title)
    return finish(figure, name=picture, alt=alt, table=table)


def _name_marks(axes: Axes, *, with_lot: bool, n_rows: int) -> None:
    marks = {
        "adjusted": Line2D([], [], marker="o", color=ACCENT, linewidth=2.2, markersize=6.5),
        "lot": Line2D([], [], marker="D", color=THIRD, linewidth=2.2, markersize=6),
        "crude": Line2D([], [], marker="o", color=GREY, linestyle="", markersize=5),
        "everyone": Line2D([], [], marker="o", linestyle="", mfc="white", mec=GREY),
    }
    if not with_lot:
        del marks["lot"]
    axes.legend(
        handles=list(marks.values()),
        labels=[phrase(f"retention.contact.figure.mark.{mark}") for mark in marks],
        loc="upper center",
        bbox_to_anchor=(0.3, -0.9 / (n_rows + 1)),
        ncols=2,
        frameon=False,
        fontsize=8.5,
        handletextpad=0.4,
        columnspacing=1.4,
    )


def _label(name: str, n: int, contacted: float) -> str:
    return phrase(
        "retention.contact.figure.row", contact=name, n=number(n), share=percent(contacted, 0)
    )


def _binned(propensity: dict[str, pd.DataFrame], *, min_users: int) -> pd.DataFrame:
    """Count members by contact and estimated chance, contacted and not; no few in a bin."""
    edges = np.linspace(0, 1, _BINS + 1)
    parts = []
    for contact, own in propensity.items():
        place = np.clip((own["propensity"] * _BINS).astype(int), 0, _BINS - 1)
        sides = [own["n"].where(own["treated"] == took, 0) for took in (1, 0)]
        with_it, without = (
            np.bincount(place, weights=side, minlength=_BINS).astype(int) for side in sides
        )
        enough = with_it + without >= min_users
        parts.append(
            pd.DataFrame(
                {
                    "contact": contact,
                    "from": edges[:-1],
                    "to": edges[1:],
                    "with_it": np.where(enough, with_it, 0),
                    "without": np.where(enough, without, 0),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)
