"""Draw who buys again, and how far apart active days lie."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from siyu.figures import ACCENT, BLACK, GREY, SECOND, Picture, canvas, finish, nothing
from siyu.phrases import phrase
from siyu.studies.marks import MOST_SEGMENTS, name_rows, percent_axis, row_name
from siyu.studies.retention.habit import sentences
from siyu.studies.retention.habit.estimate import spread
from siyu.studies.retention.habit.measures import Gaps, Purchases
from siyu.studies.tables import each_row

_VERDICTS = {"higher": ACCENT, "lower": SECOND, "unclear": GREY}
_NEARLY_ALL, _ROOM = 0.95, 0.6


def draw_repeats(
    purchases: Purchases,
    curve: pd.DataFrame,
    rated: pd.DataFrame,
    compared: pd.DataFrame,
    *,
    level: float,
) -> Picture:
    """Draw the share with a second order by day, and beside it each segment's at the end."""
    name = "repeats"
    if reason := sentences.no_repeats(purchases):
        return nothing(reason, name=name, title=phrase("retention.repeat.figure.none"))
    title = sentences.say_rate(purchases, rated, level=level)
    several = not compared.empty
    method = phrase(
        f"retention.repeat.figure.method{'_segments' if several else ''}",
        n=purchases.n_buyers,
        days=purchases.repeat_days,
        level=level,
        alpha=1 - level,
    )
    figure, axes = canvas(
        title,
        phrase("retention.repeat.figure.subtitle", first=purchases.first, last=purchases.as_of),
        phrase(
            "retention.figure.footer", source=purchases.source, day=purchases.as_of, method=method
        ),
        height=max(4.4, 2.0 + 0.34 * min(len(compared), MOST_SEGMENTS)),
        columns=2 if several else 1,
    )
    _draw_curve(axes[0], curve, purchases.repeat_days)
    if several:
        _draw_segments(axes[1], compared, rated, purchases.repeat_days)
    alt = phrase("retention.repeat.figure.alt", title=title)
    return finish(figure, name=name, alt=alt, table=rated)


def draw_gaps(gaps: Gaps, usage: pd.DataFrame, *, level: float) -> Picture:
    """Draw the share of users by their usual gap, with the median, four in five and the window."""
    name = "gaps"
    if reason := sentences.no_gaps(gaps, usage):
        return nothing(reason, name=name, title=phrase("retention.gaps.figure.none"))
    title, table = sentences.say_usage(usage, level=level), spread(gaps)
    figure, (axes,) = canvas(
        title,
        phrase("retention.gaps.figure.subtitle", first=gaps.first, last=gaps.as_of, n=gaps.n_users),
        phrase(
            "retention.figure.footer",
            source=gaps.source,
            day=gaps.as_of,
            method=phrase("retention.gaps.figure.method", level=level, min_users=gaps.min_users),
        ),
        height=4.4,
    )
    right = _right(gaps, usage, table)
    steps = table[table["to_days"] <= right]
    x = [0, *steps["to_days"], right]
    share = [0, *steps["at_most"]]
    share.append(share[-1])
    axes.step(x, share, where="post", color=GREY, linewidth=1.6)
    for key, row in zip(("median", "p80"), each_row(usage), strict=True):
        axes.plot([row.ci_lower, row.ci_upper], [row.share] * 2, color=ACCENT, linewidth=3)
        axes.plot(row.gap_days, row.share, "o", color=ACCENT, markersize=6)
        text = phrase(f"retention.gaps.figure.{key}", days=row.gap_days)
        _name_mark(axes, text, (row.ci_lower, row.ci_upper), row.share, right, colour=ACCENT)
    if gaps.window is not None:
        axes.axvline(gaps.window, color=BLACK, linestyle="--", linewidth=1)
        text = phrase("retention.gaps.figure.window", window=gaps.window)
        _name_mark(axes, text, (gaps.window,) * 2, 0.08, right, colour=BLACK)
    axes.set_xlim(0, right)
    axes.set_ylim(0, 1.02)
    percent_axis(axes.yaxis)
    axes.set_xlabel(phrase("retention.gaps.figure.axis"))
    axes.grid(axis="y")
    alt = phrase("retention.gaps.figure.alt", title=title)
    return finish(figure, name=name, alt=alt, table=table)


def _right(gaps: Gaps, usage: pd.DataFrame, table: pd.DataFrame) -> float:
    """Give the end of the axis of gaps: all marks, and the steps of nearly all users."""
    steps = table.loc[table["at_most"] <= _NEARLY_ALL, "to_days"]
    return 1.08 * float(max(2, gaps.window or 1, *usage["ci_upper"], *steps))


def _name_mark(
    axes: Axes, text: str, ends: tuple[float, float], y: float, right: float, *, colour: str
) -> None:
    """Name a mark below its right end, or above its left one where there is no room.

    The curve rises: it runs above the one and below the other.
    """
    room = ends[1] < _ROOM * right
    axes.annotate(
        text,
        (ends[1] if room else ends[0], y),
        (10, -10) if room else (-10, 6),
        textcoords="offset points",
        ha="left" if room else "right",
        color=colour,
        size=9.5,
        bbox={"facecolor": "white", "linewidth": 0, "pad": 1},
    )


def _draw_curve(axes: Axes, curve: pd.DataFrame, repeat_days: int) -> None:
    days, share = [0, *curve["days"]], [0, *curve["incidence"]]
    axes.fill_between(
        curve["days"],
        curve["ci_lower"],
        curve["ci_upper"],
        step="post",
        color=ACCENT,
        alpha=0.15,
        linewidth=0,
    )
    axes.step(days, share, where="post", color=ACCENT, linewidth=2)
    axes.set_xlim(0, repeat_days)
    axes.set_ylim(0, 1.12 * float(np.nanmax([*curve["ci_upper"], 0.01])))
    percent_axis(axes.yaxis)
    axes.set_xlabel(phrase("retention.repeat.figure.axis"))
    axes.grid(axis="y")


def _draw_segments(
    axes: Axes, compared: pd.DataFrame, rated: pd.DataFrame, repeat_days: int
) -> None:
    shown = compared.head(MOST_SEGMENTS)
    axes.axvline(float(rated["rate"].iloc[0]), color=GREY, linestyle=":", linewidth=1)
    for place, row in enumerate(each_row(shown)):
        colour = _VERDICTS[row.verdict]
        axes.plot([row.ci_lower, row.ci_upper], [place] * 2, color=colour, linewidth=2)
        axes.plot(row.rate, place, "o", color=colour, markersize=5.5)
    names = [row_name(row.segment, row.at_risk) for row in each_row(shown)]
    name_rows(axes, range(len(shown)), names)
    axes.set_title(
        phrase("retention.repeat.figure.within", days=repeat_days),
        size=10,
        loc="left",
        color=BLACK,
    )
    axes.set_xlim(0, min(1.02, 1.08 * float(shown["ci_upper"].max())))
    axes.set_ylim(len(shown) - 0.5, -0.5)
    percent_axis(axes.xaxis, ticks=4)
    axes.grid(axis="y")
