"""Draw who stays: by day, by segment, by cohort, and for how long."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from siyu.figures import (
    ACCENT,
    BLACK,
    GREY,
    PALE,
    SECOND,
    SERIES,
    Picture,
    canvas,
    finish,
    nothing,
    shorten,
)
from siyu.formats import day, number, percent, short_day
from siyu.phrases import cell, phrase, term
from siyu.studies.marks import MOST_SEGMENTS, name_ends, name_rows, percent_axis, row_name
from siyu.studies.naming import EVERYONE
from siyu.studies.retention import sentences
from siyu.studies.retention.measures import Measures
from siyu.studies.retention.triangle import say_triangle
from siyu.studies.tables import each_row

_MOST_CURVES = 4
_MOST_COHORTS = 26
_MOST_UNITS = 16
_VERDICTS = {"higher": ACCENT, "lower": SECOND, "unclear": GREY}


def draw_curve(
    measures: Measures,
    rated: pd.DataFrame,
    same: pd.DataFrame,
    *,
    thresholds: Mapping[str, float],
    level: float,
) -> Picture:
    """Draw the share that stays by day, with its band, and of the same people throughout."""
    name, total = "curve", rated[rated["segment"] == EVERYONE]
    if reason := sentences.too_little(measures, rated):
        return nothing(reason, name=name, title=phrase("retention.figure.curve.none"))
    seen = total.dropna(subset=["rate"])
    last = seen[seen["k"].isin(measures.definition.days)].iloc[-1]
    title = sentences.say_day(measures.definition, last, level=level)
    figure, (axes,) = canvas(
        title,
        _subtitle(measures),
        _footer(measures, phrase("retention.figure.curve.method", level=level)),
        height=4.6,
    )
    top = 1.12 * float(seen["ci_upper"].max())
    axes.fill_between(
        seen["k"], seen["ci_lower"], seen["ci_upper"], color=ACCENT, alpha=0.15, linewidth=0
    )
    axes.plot(seen["k"], seen["rate"], color=ACCENT, linewidth=2.2)
    ends = [(float(seen["rate"].iloc[-1]), phrase("retention.figure.curve.everyone"), ACCENT)]
    if len(same):
        axes.plot(same["k"], same["rate"], color=GREY, linewidth=1.2)
        ends.append((float(same["rate"].iloc[-1]), phrase("retention.figure.curve.same"), GREY))
    for k, limit in _limits(measures, thresholds).items():
        axes.plot([k - 0.8, k + 0.8], [limit, limit], color=BLACK, linewidth=1.4)
        label = phrase("retention.figure.curve.threshold", threshold=limit)
        axes.annotate(
            label,
            (min(k + 0.8, measures.definition.horizon + 0.5), limit),
            (0, -11),
            textcoords="offset points",
            size=8,
            ha="right",
            annotation_clip=False,
        )
        top = max(top, 1.12 * limit)
    for k in measures.definition.days:
        row = total[total["k"] == k].iloc[0]
        if not np.isnan(row.rate):
            axes.plot(k, row.rate, "o", color=ACCENT, markersize=5.5)
            axes.text(k, 0.015 * top, number(row.at_risk), ha="center", size=8, color=GREY)
    axes.set_ylim(0, top)
    axes.set_xlim(0, measures.definition.horizon + 0.5)
    name_ends(axes, float(seen["k"].iloc[-1]), ends)
    axes.set_xticks(list(measures.definition.days))
    percent_axis(axes.yaxis)
    axes.set_xlabel(phrase("retention.figure.curve.axis"))
    axes.grid(axis="y")
    alt = phrase("retention.figure.curve.alt", title=title)
    return finish(figure, name=name, alt=alt, table=total)


def draw_segments(
    measures: Measures,
    compared: pd.DataFrame,
    rated: pd.DataFrame,
    *,
    thresholds: Mapping[str, float],
    level: float,
) -> Picture:
    """Draw each segment's rate on each day of the definition, beside that of all users."""
    name = "segments"
    title = sentences.say_segments(
        compared, by=measures.by, retained_as=measures.definition.retained_as
    )
    if compared.empty:
        return nothing(title, name=name, title=phrase("retention.figure.segments.none"))
    days, limits = list(measures.definition.days), _limits(measures, thresholds)
    order = list(dict.fromkeys(compared["segment"]))[:MOST_SEGMENTS]
    added = rated.drop_duplicates("segment").set_index("segment")["added"]
    figure, axes = canvas(
        title,
        _subtitle(measures),
        _footer(measures, phrase("retention.figure.segments.method", level=level, alpha=1 - level)),
        height=1.75 + 0.34 * len(order),
        columns=len(days),
    )
    right = 1.08 * float(compared["ci_upper"].max())
    for axis, k in zip(axes, days, strict=True):
        own = compared[compared["k"] == k].set_index("segment")
        everyone = rated.loc[(rated["segment"] == EVERYONE) & (rated["k"] == k), "rate"].iloc[0]
        axis.axvline(float(everyone), color=GREY, linestyle=":", linewidth=1)
        if k in limits:
            axis.axvline(limits[k], color=BLACK, linestyle="--", linewidth=1)
        for place, segment in enumerate(order):
            if segment in own.index:
                row, colour = own.loc[segment], _VERDICTS[own.loc[segment, "verdict"]]
                axis.plot([row.ci_lower, row.ci_upper], [place] * 2, color=colour, linewidth=2)
                axis.plot(row.rate, place, "o", color=colour, markersize=5.5)
        axis.set_title(
            phrase("retention.figure.segments.day", k=k), size=10, loc="left", color=BLACK
        )
        axis.set_xlim(0, min(1.02, right))
        axis.set_ylim(len(order) - 0.5, -0.5)
        percent_axis(axis.xaxis, ticks=4)
        axis.grid(axis="y")
        names = [row_name(one, added[one]) for one in order] if axis is axes[0] else []
        name_rows(axis, range(len(order)), names)
    alt = phrase("retention.figure.segments.alt", title=title)
    return finish(figure, name=name, alt=alt, table=compared)


def draw_cohorts(measures: Measures, cohorts: pd.DataFrame, averages: pd.DataFrame) -> Picture:
    """Draw a cell per cohort and day, those not finished hatched, with two means below."""
    name, title = (
        "cohorts",
        sentences.say_cohorts(cohorts, averages, retained_as=measures.definition.retained_as),
    )
    shown = cohorts[cohorts["state"] != "few"]
    if averages.empty or shown.empty:
        return nothing(title, name=name, title=phrase("retention.figure.cohorts.none"))
    days = list(measures.definition.days)
    every = sorted(shown["cohort"].unique())
    starts = every[-_MOST_COHORTS:]
    figure, (axes,) = canvas(
        title,
        phrase(
            f"retention.figure.cohorts.{measures.definition.retained_as}",
            unit=cell("cohort_unit", measures.definition.cohort_unit),
        ),
        _footer(
            measures,
            phrase(
                f"retention.figure.cohorts.method{'' if len(every) == len(starts) else '_newest'}",
                min_users=measures.min_users,
                shown=len(starts),
                n=len(every),
            ),
        ),
        height=2.2 + 0.22 * (len(starts) + 2),
    )
    highest = float(shown["rate"].max())
    for row in each_row(shown[shown["cohort"].isin(starts)]):
        place = (days.index(row.k), starts.index(row.cohort))
        _draw_cell(axes, place, row.rate, row.state != "whole", highest)
    for below, column in enumerate(("weighted", "plain")):
        for row in each_row(averages):
            x, y = days.index(row.k), len(starts) + 0.4 + below
            text = percent(getattr(row, column))
            axes.text(x + 0.5, y + 0.5, text, ha="center", va="center", size=8.5, weight="bold")
    labels = _cohort_names(shown, starts)
    labels += [phrase("retention.figure.cohorts.mean"), phrase("retention.figure.cohorts.plain")]
    places = [*(np.arange(len(starts)) + 0.5), len(starts) + 0.9, len(starts) + 1.9]
    name_rows(axes, places, labels, size=8.5)
    heads = [phrase("retention.figure.cohorts.day", k=k) for k in days]
    axes.set_xticks(np.arange(len(days)) + 0.5, heads)
    axes.xaxis.tick_top()
    axes.tick_params(top=False)
    axes.spines["bottom"].set_visible(False)
    axes.set_xlim(0, len(days))
    axes.set_ylim(len(starts) + 2.4, 0)
    alt = phrase("retention.figure.cohorts.alt", title=title)
    return finish(figure, name=name, alt=alt, table=cohorts)


def draw_triangle(
    measures: Measures, cells: pd.DataFrame, averages: pd.DataFrame, *, level: float
) -> Picture:
    """Draw a cell per cohort and calendar unit, those not finished hatched, with the mean below."""
    name, title = "triangle", say_triangle(measures, averages, level=level)
    shown = cells[(cells["state"] != "few") & (cells["j"] < _MOST_UNITS)]
    if not (averages["j"] == 1).any():
        return nothing(title, name=name, title=phrase("retention.figure.triangle.none"))
    asked = measures.definition
    starts = sorted(shown["cohort"].unique())[-_MOST_COHORTS:]
    units = range(int(shown["j"].max()) + 1)
    figure, (axes,) = canvas(
        title,
        phrase(
            f"retention.figure.triangle.subtitle.{asked.retained_as}",
            unit=cell("cohort_unit", asked.cohort_unit),
            **sentences.added_between(measures),
        ),
        _footer(
            measures,
            phrase(
                "retention.figure.triangle.method",
                shown=len(starts),
                units=len(units),
                min_users=measures.min_users,
            ),
        ),
        height=2.2 + 0.22 * (len(starts) + 1),
    )
    highest = float(shown["rate"].max())
    for row in each_row(shown[shown["cohort"].isin(starts)]):
        place = (int(row.j), starts.index(row.cohort))
        _draw_cell(axes, place, row.rate, row.state != "whole", highest, size=7)
    for row in each_row(averages[averages["j"] < _MOST_UNITS]):
        x, y, text = row.j + 0.5, len(starts) + 0.9, percent(row.rate)
        axes.text(x, y, text, ha="center", va="center", size=7, weight="bold")
    labels = [*_cohort_names(shown, starts), phrase("retention.figure.cohorts.mean")]
    places = [*(np.arange(len(starts)) + 0.5), len(starts) + 0.9]
    name_rows(axes, places, labels, size=8.5)
    axes.set_xticks(np.array(units) + 0.5, [str(j) for j in units])
    axes.set_xlabel(phrase(f"retention.figure.triangle.axis.{asked.cohort_unit}"))
    axes.xaxis.set_label_position("top")
    axes.xaxis.tick_top()
    axes.tick_params(top=False)
    axes.spines["bottom"].set_visible(False)
    axes.set_xlim(0, len(units))
    axes.set_ylim(len(starts) + 1.4, 0)
    alt = phrase("retention.figure.triangle.alt", title=title)
    return finish(figure, name=name, alt=alt, table=cells)


def draw_stay(
    measures: Measures,
    curves: pd.DataFrame,
    stays: pd.DataFrame,
    p: float,
    *,
    horizon_days: int,
    level: float,
    name: str = "stay",
) -> Picture:
    """Draw how many are still connected over time, everyone or the four largest segments.

    `name` is that of the picture, where segments of several kinds are drawn.
    """
    title = sentences.say_stay(stays, p, horizon_days=horizon_days, level=level)
    if measures.n_added < measures.min_users or stays["left"].iloc[0] == 0:
        return nothing(title, name=name, title=phrase("retention.figure.stay.none"))
    own = stays.iloc[1:].nlargest(_MOST_CURVES, "n")["segment"].tolist() or [EVERYONE]
    figure, (axes,) = canvas(
        title,
        phrase(
            "retention.figure.stay.subtitle",
            n=stays["n"].iloc[0],
            **sentences.added_between(measures),
        ),
        _footer(measures, phrase("retention.figure.stay.method", level=level)),
        height=4.6,
    )
    ends = []
    for segment, colour in zip(own, SERIES, strict=False):
        curve = curves[curves["segment"] == segment]
        axes.fill_between(
            curve["days"],
            curve["ci_lower"],
            curve["ci_upper"],
            step="post",
            color=colour,
            alpha=0.13,
            linewidth=0,
        )
        axes.step(curve["days"], curve["share"], where="post", color=colour, linewidth=1.8)
        ends.append((float(curve["share"].iloc[-1]), shorten(term(segment), width=20), colour))
    axes.set_ylim(0, 1.02)
    axes.set_xlim(0, horizon_days)
    name_ends(axes, horizon_days, ends)
    percent_axis(axes.yaxis)
    axes.set_xlabel(phrase("retention.figure.stay.axis"))
    axes.grid(axis="y")
    alt = phrase("retention.figure.stay.alt", title=title)
    return finish(figure, name=name, alt=alt, table=stays)


def _draw_cell(
    axes: Axes,
    place: tuple[int, int],
    rate: float,
    unfinished: bool,
    highest: float,
    *,
    size: float = 8.5,
) -> None:
    x, y = place
    box = Rectangle((x + 0.02, y + 0.05), 0.96, 0.9, linewidth=0)
    axes.add_patch(box)
    if unfinished:
        box.set(facecolor="none", edgecolor=PALE, hatch="////")
        return
    strength = 0.08 + 0.72 * rate / highest if highest else 0.08
    box.set(facecolor=ACCENT, alpha=strength)
    colour = "white" if strength > 0.7 else BLACK
    axes.text(x + 0.5, y + 0.5, percent(rate), ha="center", va="center", size=size, color=colour)


def _cohort_names(shown: pd.DataFrame, starts: list[Any]) -> list[str]:
    """Name cohorts by their first day, with its year where two could bear one name, and size."""
    sizes = shown.drop_duplicates("cohort").set_index("cohort")["added"]
    first, last = pd.Timestamp(starts[0]), pd.Timestamp(starts[-1])
    write = short_day if last < first + pd.DateOffset(years=1) else day
    return [
        phrase("page.in_brackets", text=write(pd.Timestamp(one)), n=number(sizes[one]))
        for one in starts
    ]


def _limits(measures: Measures, thresholds: Mapping[str, float]) -> dict[int, float]:
    limits = measures.definition.limits(thresholds)
    return {k: rate for k, rate in limits.items() if k in measures.definition.days}


def _subtitle(measures: Measures) -> str:
    return phrase(
        f"retention.figure.subtitle.{sentences.form(measures.definition)}",
        follow=measures.definition.follow_days,
        **sentences.added_between(measures),
    )


def _footer(measures: Measures, method: str) -> str:
    return phrase(
        "retention.figure.footer", source=measures.source, day=measures.as_of, method=method
    )
