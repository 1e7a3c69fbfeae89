"""Draw the accounts of the last review, the matrix of moves, where they lead, and their rates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

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
from siyu.formats import number, percent, short_day
from siyu.phrases import phrase, term
from siyu.studies.marks import mark_interval, name_ends, name_rows, percent_axis
from siyu.studies.naming import EVERYONE
from siyu.studies.tables import each_row
from siyu.studies.tiers.moves import falls, sentences
from siyu.studies.tiers.moves.estimate import FLOWS, Chain
from siyu.studies.tiers.moves.measures import Measures

_MOST_PANELS = 4
_COMES_IN = 3
"""So many of FLOWS come in, the others go out."""
_ROWS = ("opening", *FLOWS, "closing")
_WAYS = {"down": SECOND, "up": ACCENT}
_SETTLED = {"now": GREY, "open": ACCENT, "closed": BLACK}
_DARK = 0.7
"""From this share on a cell is so dark that its text is white."""


def draw_accounts(measures: Measures, closed: pd.DataFrame) -> Picture:
    """Draw a waterfall per tier, the highest four: from the review before to the last one."""
    name = "tier_accounts"
    if reason := sentences.no_moves(measures):
        return nothing(reason, name=name, title=phrase("tiers.moves.figure.none"))
    since, until = measures.reviews[-2:]
    last = closed[closed["review"] == until]
    title = sentences.title_accounts(measures, closed)
    shown = [tier for tier in measures.tiers[::-1] if tier in set(last.dropna()["tier"])]
    if not shown:
        return nothing(title, name=name, title=phrase("tiers.moves.figure.none"))
    shown = shown[:_MOST_PANELS]
    everyone = sentences.last_of(closed, EVERYONE)
    figure, panels = canvas(
        title,
        phrase("tiers.moves.figure.accounts.subtitle", since=since, until=until),
        _footer(measures, phrase("tiers.moves.figure.accounts.method", n=everyone.closing)),
        height=4.4,
        columns=len(shown),
    )
    for place, (axes, tier) in enumerate(zip(panels, shown, strict=True)):
        _draw_account(axes, last[last["tier"] == tier].iloc[0])
        names = [phrase(f"tiers.moves.figure.accounts.{each}") for each in _ROWS]
        name_rows(axes, range(len(_ROWS)), names if place == 0 else [""] * len(_ROWS))
        axes.set_title(shorten(term(tier), width=22), size=10.5, loc="left", color=BLACK)
    alt = phrase("tiers.moves.figure.accounts.alt", title=title)
    return finish(figure, name=name, alt=alt, table=closed)


def _draw_account(axes: Axes, row: pd.Series) -> None:
    steps = [row[each] * (1 if i < _COMES_IN else -1) for i, each in enumerate(FLOWS)]
    ends = row["opening"] + np.append(0, np.cumsum(steps))
    high = max(ends.max(), 1.0)
    bars = [(0.0, row["opening"], GREY, number(row["opening"]))]
    for before, after, step in zip(ends, ends[1:], steps, strict=False):
        colour = ACCENT if step > 0 else SECOND if step else GREY
        text = f"+{number(step)}" if step > 0 else number(step)
        bars.append((min(before, after), abs(step), colour, text if step else "0"))
    bars.append((0.0, row["closing"], GREY, number(row["closing"])))
    for place, (left, width, colour, text) in enumerate(bars):
        axes.barh(place, width, left=left, color=colour, height=0.68)
        axes.annotate(
            text,
            (left + width, place),
            (3, 0),
            textcoords="offset points",
            va="center",
            size=9,
            color=BLACK if colour == GREY else colour,
        )
        if place < len(bars) - 1:
            edge = ends[min(place, len(ends) - 1)]
            axes.plot([edge, edge], [place + 0.34, place + 0.66], color=PALE, linewidth=1)
    axes.set_xlim(0, 1.32 * high)
    axes.set_ylim(len(bars) - 0.4, -0.6)
    axes.xaxis.set_major_locator(MaxNLocator(3, integer=True))
    axes.xaxis.set_major_formatter(lambda value, _: number(value))
    axes.grid(axis="x")


def draw_migration(measures: Measures, moved: pd.DataFrame, *, level: float) -> Picture:
    """Draw the share of each tier's members who went to each, the highest tiers above."""
    name = "tier_migration"
    if reason := sentences.no_migration(measures, moved):
        return nothing(reason, name=name, title=phrase("tiers.moves.figure.none"))
    title = sentences.title_migration(measures, moved, level=level)
    tiers = measures.tiers
    since, until = measures.reviews[-1 - measures.move_reviews], measures.reviews[-1]
    outside = ["left"]
    if moved.loc[moved["destination"] == "not_reviewed", "n"].sum():
        outside.append("not_reviewed")
    figure, (axes,) = canvas(
        title,
        phrase("tiers.moves.figure.migration.subtitle", since=since, until=until),
        _footer(
            measures,
            phrase(
                "tiers.moves.figure.migration.method", level=level, min_users=measures.min_users
            ),
        ),
        height=2.0 + 0.62 * len(tiers),
    )
    columns = [*tiers, *outside]
    places = [i + (0.35 if name in outside else 0) for i, name in enumerate(columns)]
    rows = moved.set_index(["origin", "destination"])
    for y, origin in enumerate(tiers[::-1]):
        for x, to in zip(places, columns, strict=True):
            _draw_cell(axes, x, y, rows.loc[(origin, to)], is_tier=to in tiers, kept=to == origin)
    axes.set_xlim(-0.5, places[-1] + 0.5)
    axes.set_ylim(len(tiers) - 0.5, -0.5)
    names = [shorten(term(tier), width=18) for tier in tiers]
    axes.set_xticks(
        places, [*names, *(phrase(f"tiers.moves.figure.migration.{name}") for name in outside)]
    )
    axes.xaxis.tick_top()
    axes.tick_params(top=False)
    for side in ("top", "bottom"):
        axes.spines[side].set_visible(False)
    n = [float(moved.loc[moved["origin"] == tier, "n_all"].iloc[0]) for tier in tiers[::-1]]
    labels = [
        phrase("page.in_brackets", text=text, n=number(size)) if size > 0 else text
        for text, size in zip(names[::-1], n, strict=True)
    ]
    name_rows(axes, range(len(tiers)), labels)
    alt = phrase("tiers.moves.figure.migration.alt", title=title)
    return finish(figure, name=name, alt=alt, table=moved)


def _draw_cell(axes: Axes, x: float, y: float, row: Any, *, is_tier: bool, kept: bool) -> None:
    value, lower, upper = (
        row[each]
        for each in (
            ("share", "ci_lower", "ci_upper")
            if is_tier
            else ("share_of_all", "all_lower", "all_upper")
        )
    )
    corner = (x - 0.48, y - 0.46)
    if pd.isna(value):
        axes.add_patch(
            Rectangle(corner, 0.96, 0.92, facecolor="white", edgecolor=PALE, hatch="///")
        )
        return
    colour = ACCENT if is_tier else GREY
    axes.add_patch(Rectangle(corner, 0.96, 0.92, facecolor=colour, alpha=value, linewidth=0))
    axes.add_patch(
        Rectangle(
            corner,
            0.96,
            0.92,
            facecolor="none",
            edgecolor=BLACK if kept else PALE,
            linewidth=1.3 if kept else 0.6,
        )
    )
    ink = "white" if value > _DARK else BLACK
    axes.text(x, y - 0.1, percent(value), ha="center", va="center", size=10.5, color=ink)
    ends = phrase("tiers.moves.figure.migration.interval", lower=lower, upper=upper)
    axes.text(x, y + 0.22, ends, ha="center", va="center", size=8, color=ink)


def draw_chain(measures: Measures, found: Chain, *, level: float) -> Picture:
    """Draw each tier's share today beside where it would settle, the highest four."""
    name = "tier_settled"
    if reason := sentences.no_chain(measures, found):
        return nothing(reason, name=name, title=phrase("tiers.moves.figure.none"))
    title = sentences.title_chain(measures, found, level=level)
    rows = found.shares.iloc[::-1][:_MOST_PANELS]
    since, until = measures.reviews[-1 - measures.move_reviews], measures.reviews[-1]
    figure, panels = canvas(
        title,
        phrase("tiers.moves.figure.chain.subtitle", since=since, until=until),
        _footer(measures, phrase("tiers.moves.figure.chain.method", level=level)),
        height=2.9,
        columns=len(rows),
    )
    for index, (axes, row) in enumerate(zip(panels, each_row(rows), strict=True)):
        highest = 0.0
        for place, (which, colour) in enumerate(_SETTLED.items()):
            value, lower, upper = (
                getattr(row, f"{which}{end}") for end in ("", "_lower", "_upper")
            )
            if pd.isna(value):
                continue
            highest = max(highest, upper)
            mark_interval(axes, place, (value, lower, upper), percent(value), colour=colour)
        axes.set_xlim(0, 1.15 * highest)
        axes.set_ylim(len(_SETTLED) - 0.6, -0.75)
        percent_axis(axes.xaxis, ticks=3)
        axes.grid(axis="x")
        names = [
            phrase(f"tiers.moves.figure.chain.{which}") if index == 0 else "" for which in _SETTLED
        ]
        name_rows(axes, range(len(_SETTLED)), names)
        axes.set_title(shorten(term(row.tier), width=22), size=10.5, loc="left", color=BLACK)
    alt = phrase("tiers.moves.figure.chain.alt", title=title)
    return finish(figure, name=name, alt=alt, table=found.shares)


def draw_rates(
    measures: Measures,
    rated: pd.DataFrame,
    compared: pd.DataFrame,
    *,
    high_tiers: Sequence[str],
    level: float,
) -> Picture:
    """Draw per review the share of each tier's members who moved down and up, the highest four."""
    name = "tier_rates"
    title = falls.title_rates(measures, compared, high_tiers=high_tiers)
    shown = [
        tier
        for tier in measures.tiers[::-1]
        if len(rated) and rated.loc[rated["tier"] == tier, "moved_rate"].notna().any()
    ][:_MOST_PANELS]
    if not shown:
        return nothing(title, name=name, title=phrase("tiers.moves.figure.none"))
    figure, panels = canvas(
        title,
        phrase("tiers.moves.figure.rates.subtitle"),
        _footer(measures, phrase("tiers.moves.figure.rates.method", level=level)),
        height=3.9,
        columns=len(shown),
    )
    days = list(measures.reviews[1:])
    places = np.arange(len(days))
    step = max(1, -(-len(days) // 3))
    for axes, tier in zip(panels, shown, strict=True):
        own, ends = rated[rated["tier"] == tier], []
        for way, rows in own.groupby("way"):
            colour = _WAYS[str(way)]
            axes.fill_between(
                places, rows["ci_lower"], rows["ci_upper"], color=colour, alpha=0.14, linewidth=0
            )
            axes.plot(places, rows["moved_rate"], ".-", color=colour, linewidth=1.8, markersize=5)
            if rows["moved_rate"].notna().iloc[-1]:
                ends.append(
                    (
                        float(rows["moved_rate"].iloc[-1]),
                        phrase(f"tiers.moves.figure.rates.{way}"),
                        colour,
                    )
                )
        axes.set_xlim(-0.4, len(days) - 0.6)
        axes.set_ylim(0, min(1.02, 1.08 * float(own["ci_upper"].max())))
        percent_axis(axes.yaxis, ticks=4)
        axes.set_xticks(places[::-step][::-1], [short_day(day) for day in days[::-step][::-1]])
        axes.grid(axis="y")
        name_ends(axes, len(days) - 0.6, ends, right=1)
        axes.set_title(shorten(term(tier), width=22), size=10.5, loc="left", color=BLACK)
    alt = phrase("tiers.moves.figure.rates.alt", title=title)
    return finish(figure, name=name, alt=alt, table=rated)


def _footer(measures: Measures, method: str) -> str:
    return phrase(
        "tiers.moves.figure.footer", source=measures.source, day=measures.as_of, method=method
    )
