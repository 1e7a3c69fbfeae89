"""Draw the life-cycle stack with its quick ratio, and the activity of each tier."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from siyu.figures import (
    ACCENT,
    BLACK,
    GREY,
    PALE,
    SECOND,
    SERIES,
    THIRD,
    Picture,
    canvas,
    finish,
    nothing,
    shorten,
)
from siyu.formats import number, percent, short_day
from siyu.phrases import phrase, term
from siyu.studies.marks import MOST_SEGMENTS, name_ends, name_rows, percent_axis, row_name
from siyu.studies.naming import EVERYONE
from siyu.studies.retention.lifecycle import sentences
from siyu.studies.retention.lifecycle.measures import Measures
from siyu.studies.tables import each_row

_STACK = {"active": ACCENT, "resurrected": THIRD, "new": BLACK, "dormant": PALE}
_MOST_LINES = 4
_MOST_TICKS = 9
_MARGIN = 0.4
"""Where the axis ends: so far short of the place of the week that would be next."""


def draw_states(
    measures: Measures, flowed: pd.DataFrame, *, quick_ratio_threshold: float, level: float
) -> Picture:
    """Draw a bar per week by state, who left below zero, and the quick ratio in a panel below."""
    name = "states"
    if reason := sentences.too_little(measures, flowed):
        return nothing(reason, name=name, title=phrase("retention.lifecycle.figure.states.none"))
    title = sentences.say_flow(flowed, level=level)
    figure, (stack, ratio) = canvas(
        title,
        phrase("retention.lifecycle.figure.states.subtitle"),
        _footer(measures, phrase("retention.lifecycle.figure.states.method", level=level)),
        height=6.0,
        heights=(2.6, 1),
    )
    places, base = np.arange(len(flowed)), np.zeros(len(flowed))
    ends = []
    for state, colour in _STACK.items():
        n = flowed[state].to_numpy(dtype=float)
        stack.bar(places, n, bottom=base, color=colour, width=0.8)
        label = GREY if colour == PALE else colour
        ends.append((base[-1] + n[-1] / 2, _state(state), label))
        base += n
    left = -flowed["left"].to_numpy(dtype=float)
    stack.bar(places, left, color=SECOND, width=0.8)
    stack.axhline(0, color=BLACK, linewidth=0.8)
    stack.set_ylim(min(1.6 * left.min(), -0.08 * base.max()), 1.05 * base.max())
    name_ends(
        stack,
        len(flowed) - _MARGIN,
        [*ends, (left[-1], _state("left"), SECOND)],
        right=2,
    )
    stack.yaxis.set_major_formatter(FuncFormatter(lambda value, _: number(abs(value))))
    _name_weeks(stack, flowed["week"].tolist(), named=False)
    known = flowed["quick_ratio"].notna().to_numpy()
    row = flowed[known]
    ratio.axhline(quick_ratio_threshold, color=BLACK, linestyle="--", linewidth=1)
    ratio.vlines(places[known], row["ci_lower"], row["ci_upper"], color=GREY, linewidth=1.3)
    ratio.plot(places[known], row["quick_ratio"], "o", color=GREY, markersize=4)
    if known[-1]:
        ratio.plot(places[-1:], row["quick_ratio"].iloc[-1:], "o", color=ACCENT, markersize=6)
    highest = max([quick_ratio_threshold, *row["ci_upper"]])
    ratio.set_ylim(0, 1.08 * highest)
    ratio.set_ylabel(phrase("retention.lifecycle.figure.states.axis"))
    _name_weeks(ratio, flowed["week"].tolist())
    for axes in (stack, ratio):
        axes.grid(axis="y")
    alt = phrase("retention.lifecycle.figure.states.alt", title=title)
    return finish(figure, name=name, alt=alt, table=flowed)


def draw_tiers(
    measures: Measures,
    weekly: pd.DataFrame,
    monthly: pd.DataFrame,
    *,
    high_tiers: Sequence[str],
    level: float,
) -> Picture:
    """Draw each tier's weekly activity, beside its activity in 28 days and its stickiness.

    Of more than four tiers the high ones come first among the lines, then the lowest.
    """
    name, none = "tiers", phrase("retention.lifecycle.figure.tiers.none")
    if reason := sentences.no_tiers(measures):
        return nothing(reason, name=name, title=none)
    title = sentences.say_tiers(measures, monthly, high_tiers=high_tiers)
    shown = weekly[weekly["tier"] != EVERYONE].dropna(subset=["active_share"])
    if shown.empty:
        return nothing(title, name=name, title=none)
    tiers = list(dict.fromkeys(weekly.loc[weekly["tier"] != EVERYONE, "tier"]))
    lined = sorted(tiers, key=lambda tier: tier not in high_tiers)[:_MOST_LINES]
    colours = dict(zip([tier for tier in tiers if tier in lined], SERIES, strict=False))
    months = monthly[monthly["tier"] != EVERYONE] if len(monthly) else monthly
    columns = 3 if len(months) else 1
    before = measures.starts[0]
    method = phrase(
        f"retention.lifecycle.figure.tiers.method{'' if before else '_now'}",
        level=level,
        before=before,
    )
    figure, (lines, *dots) = canvas(
        title,
        phrase("retention.lifecycle.figure.tiers.subtitle"),
        _footer(measures, method),
        height=4.6,
        columns=columns,
        widths=(2.2, 1, 1)[:columns],
    )
    ends = []
    for tier, colour in colours.items():
        own = weekly[weekly["tier"] == tier]
        places = np.arange(len(own))
        lines.fill_between(
            places, own["ci_lower"], own["ci_upper"], color=colour, alpha=0.13, linewidth=0
        )
        lines.plot(places, own["active_share"], ".-", color=colour, linewidth=1.8, markersize=4)
        if own["active_share"].notna().iloc[-1]:
            ends.append(
                (float(own["active_share"].iloc[-1]), shorten(term(tier), width=14), colour)
            )
    lines.set_ylim(0, min(1.02, 1.08 * float(shown["ci_upper"].max())))
    lines.set_title(_part("weekly"), size=10, loc="left", color=BLACK)
    percent_axis(lines.yaxis)
    lines.grid(axis="y")
    _name_weeks(lines, list(measures.weeks), most=6)
    name_ends(lines, len(measures.weeks) - _MARGIN, ends, right=2)
    if len(months):
        _draw_months(dots, months, [tier for tier in tiers if tier in set(months["tier"])], colours)
    alt = phrase("retention.lifecycle.figure.tiers.alt", title=title)
    return finish(figure, name=name, alt=alt, table=monthly if len(monthly) else weekly)


def _draw_months(
    axes: Sequence[Axes], months: pd.DataFrame, tiers: list[str], colours: dict[str, str]
) -> None:
    """Draw a row per tier: the share active in 28 days, now and before, and the stickiness."""
    rows = months.set_index("tier").loc[tiers[:MOST_SEGMENTS]]
    for place, row in enumerate(each_row(rows)):
        colour = colours.get(row.Index, GREY)
        axes[0].plot(row.active_share_before, place, "o", color=GREY, mfc="white", markersize=6)
        for axis, value, ends in (
            (axes[0], row.active_share, (row.ci_lower, row.ci_upper)),
            (axes[1], row.stickiness, (row.sticky_lower, row.sticky_upper)),
        ):
            axis.plot(ends, [place, place], color=colour, linewidth=2)
            axis.plot(value, place, "o", color=colour, markersize=5.5)
    for axis, what in zip(axes, ("monthly", "stickiness"), strict=True):
        axis.set_title(_part(what), size=10, loc="left", color=BLACK)
        axis.set_xlim(0, 1.15)
        axis.set_ylim(len(rows) - 0.5, -0.5)
        axis.set_xticks([0, 0.5, 1], [percent(share, 0) for share in (0, 0.5, 1)])
        axis.grid(axis="both")
    labels = [row_name(row.Index, row.members) for row in each_row(rows)]
    name_rows(axes[0], range(len(rows)), labels)
    name_rows(axes[1], range(len(rows)), [""] * len(rows))


def _state(name: str) -> str:
    return phrase(f"retention.lifecycle.figure.states.{name}")


def _part(name: str) -> str:
    return phrase(f"retention.lifecycle.figure.tiers.{name}")


def _name_weeks(
    axes: Axes, weeks: list[date], *, named: bool = True, most: int = _MOST_TICKS
) -> None:
    """Write the Monday of every so many weeks below, the last one always."""
    places = np.arange(len(weeks))[:: -max(1, -(-len(weeks) // most))][::-1]
    axes.set_xlim(_MARGIN - 1, len(weeks) - _MARGIN)
    axes.set_xticks(places, [short_day(weeks[place]) if named else "" for place in places])


def _footer(measures: Measures, method: str) -> str:
    return phrase(
        "retention.figure.footer", source=measures.source, day=measures.as_of, method=method
    )
