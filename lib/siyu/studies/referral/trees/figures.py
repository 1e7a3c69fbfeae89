"""Draw how members are brought day by day, generation by generation, and tree by tree."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

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
from siyu.formats import number
from siyu.phrases import phrase
from siyu.stats.branching import tree_sizes
from siyu.studies.marks import name_ends
from siyu.studies.referral.spread import FRIENDS, SEEDS, Spread
from siyu.studies.referral.trees import sentences
from siyu.studies.referral.trees.estimate import Growth
from siyu.studies.referral.trees.measure import Measures
from siyu.studies.tables import each_row

_MOST_PANELS = 4
_MOST_BARS = 12
_LEAST = 0.5
"""Of expected members: the foot of a logarithmic axis, below one person."""


def draw_paths(measures: Measures, found: Growth, *, level: float) -> Picture:
    """Draw how many members a friend has brought by each day since the own addition."""
    name = "referral_paths"
    shown = found.times[found.times["refused"] == ""].head(_MOST_PANELS)
    if shown.empty:
        return _nothing(measures, name)
    fast = shown.sort_values("cycle_days", kind="stable").iloc[0]
    slow = shown.sort_values("cycle_days", kind="stable").iloc[-1]
    title = phrase(
        f"referral.trees.figure.title.paths.{'several' if len(shown) > 1 else 'one'}",
        fast=fast["campaign"],
        slow=slow["campaign"],
        least=fast["cycle_days"],
        most=slow["cycle_days"],
    )
    days = measures.spread.cycle_days
    figure, (axes,) = canvas(
        title,
        phrase("referral.trees.figure.paths", days=days),
        _footer(measures, "paths", level=level),
        height=4.2,
    )
    ends = []
    for row, colour in zip(each_row(shown), SERIES, strict=False):
        path = found.paths[found.paths["campaign"] == row.campaign]
        at = np.append(0.0, path["days"])
        brought, lower, upper = (
            np.append(0.0, path[column]) for column in ("brought", "brought_lower", "brought_upper")
        )
        axes.fill_between(at, lower, upper, step="post", color=colour, alpha=0.12, linewidth=0)
        axes.step(at, brought, where="post", color=colour, linewidth=2)
        half = float(brought[-1]) / 2
        axes.plot(row.cycle_days, half, "o", color=colour, mfc="white", markersize=6, mew=1.6)
        named = phrase("page.in_brackets", text=shorten(row.campaign), n=number(row.n))
        ends.append((float(brought[-1]), named, colour))
    axes.axhline(1, color=BLACK, linewidth=0.8, linestyle=":")
    axes.set_xlim(0, days)
    top = float(found.paths["brought_upper"].max())
    axes.set_ylim(0, 1.05 * max(top if np.isfinite(top) else 1.0, 1.0))
    axes.set_xlabel(phrase("referral.trees.figure.days"))
    axes.grid(axis="y")
    figure.subplots_adjust(right=0.8)
    name_ends(axes, days, ends)
    alt = phrase("referral.trees.figure.alt.paths", title=title)
    return finish(figure, name=name, alt=alt, table=found.paths)


def draw_generations(measures: Measures, found: Growth, spread: Spread) -> Picture:
    """Draw new members by generation, on a logarithmic axis, beside what K leads to expect."""
    name, rows = "referral_generations", measures.generations
    shown = found.totals[found.totals["deepest"] > 0].head(_MOST_PANELS)
    if shown.empty:
        return _nothing(measures, name)
    deep = shown.sort_values("deepest", kind="stable").iloc[-1]
    title = phrase(
        "referral.trees.figure.title.generations", campaign=deep["campaign"], n=deep["deepest"]
    )
    figure, panels = canvas(
        title,
        phrase("referral.trees.figure.generations"),
        _footer(measures, "generations"),
        height=3.8,
        columns=len(shown),
    )
    tables = []
    for axes, (code, row) in zip(panels, shown.iterrows(), strict=True):
        own = rows[rows["campaign"] == code].set_index("generation")["n"]
        depth = min(int(own.index.max()), _MOST_BARS)
        at = np.arange(1, depth + 1)
        n = own.reindex(at, fill_value=0).to_numpy()
        expected = _expect(spread, str(row["campaign"]), int(row["n"]), at)
        axes.bar(at, np.maximum(n, _LEAST), bottom=0, color=PALE, width=0.75)
        axes.plot(at, expected, "o-", color=ACCENT, markersize=3.5, linewidth=1.5)
        for place, count in zip(at, n, strict=True):
            if depth <= 6 or place % 3 == 1:
                axes.annotate(
                    number(count),
                    (place, max(count, _LEAST)),
                    (0, 3),
                    textcoords="offset points",
                    ha="center",
                    size=8.5,
                    color=GREY,
                )
        axes.set_yscale("log")
        axes.set_ylim(_LEAST, 3 * max(n.max(), np.nanmax(expected, initial=1)))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.set_xticks(at if depth <= 6 else at[::3])
        axes.set_title(shorten(str(row["campaign"])), size=10, loc="left", color=BLACK)
        axes.set_xlabel(phrase("referral.trees.figure.generation"))
        tables.append(
            pd.DataFrame(
                {"campaign": row["campaign"], "generation": at, "n": n, "expected": expected}
            )
        )
    alt = phrase("referral.trees.figure.alt.generations", title=title)
    return finish(figure, name=name, alt=alt, table=pd.concat(tables, ignore_index=True))


def _expect(spread: Spread, campaign: str, seeds: int, generation: Any) -> Any:
    """Expect seeds x K0 x K per further generation; nothing where K is not known."""
    groups = spread.table[spread.table["campaign"] == campaign].set_index("group")["k"]
    return seeds * groups[SEEDS] * groups[FRIENDS] ** (generation - 1.0)


def draw_sizes(measures: Measures, found: Growth, spread: Spread) -> Picture:
    """Draw which share of trees is at least how large, beside two distributions of branching."""
    name = "referral_sizes"
    starts = measures.starts.groupby("campaign")["n"].sum()
    known = starts.index[starts >= measures.spread.min_users]
    shown = found.totals.loc[known].head(_MOST_PANELS)
    if shown.empty:
        return _nothing(measures, name)
    alone = [_share_alone(measures, int(code)) for code in shown.index]
    title = phrase(
        "referral.trees.figure.title.sizes",
        campaign=shown["campaign"].iloc[int(np.argmax(alone))],
        share=max(alone),
    )
    figure, panels = canvas(
        title,
        phrase("referral.trees.figure.sizes"),
        _footer(measures, "sizes"),
        height=3.9,
        columns=len(shown),
    )
    tables = []
    for axes, (code, row) in zip(panels, shown.iterrows(), strict=True):
        own = measures.starts[measures.starts["campaign"] == code]
        table = _survival(own, _model(spread, str(row["campaign"])))
        tables.append(table.assign(campaign=row["campaign"]))
        axes.plot(table["size"], table["uneven"], color=ACCENT, linewidth=1.6)
        axes.plot(table["size"], table["chance"], color=SECOND, linewidth=1.2, linestyle="--")
        seen = table[table["seen"] > 0]
        axes.plot(seen["size"], seen["seen"], "o", color=BLACK, markersize=4)
        _scale(axes, float(seen["seen"].min()))
        axes.set_title(
            phrase(
                "page.in_brackets",
                text=shorten(str(row["campaign"])),
                n=number(own["n"].sum()),
            ),
            size=10,
            loc="left",
            color=BLACK,
        )
    for y, kind, colour in ((0.93, "uneven", ACCENT), (0.85, "chance", SECOND)):
        text = phrase(f"referral.trees.figure.line.{kind}")
        panels[0].text(
            0.98, y, text, transform=panels[0].transAxes, ha="right", size=9, color=colour
        )
    alt = phrase("referral.trees.figure.alt.sizes", title=title)
    return finish(figure, name=name, alt=alt, table=pd.concat(tables, ignore_index=True))


def _share_alone(measures: Measures, campaign: int) -> float:
    own = measures.starts[measures.starts["campaign"] == campaign]
    return float(own.loc[own["size"] == 1, "n"].sum() / own["n"].sum())


def _model(spread: Spread, campaign: str) -> tuple[float, float]:
    """Give K of friends and the shape of how many each brings, which is that of invitations."""
    groups = spread.table[spread.table["campaign"] == campaign].set_index("group")["k"]
    shapes = spread.shapes.set_index("campaign")["shape"]
    return float(groups[FRIENDS]), float(shapes.get(campaign, np.nan))


def _survival(own: pd.DataFrame, model: tuple[float, float]) -> pd.DataFrame:
    """Give the share of trees of at least each size, seen and by two models."""
    mean, shape = model
    most = int(own["size"].max())
    sizes = np.arange(1, max(most, 10) + 1)
    n = own.set_index("size")["n"].reindex(sizes, fill_value=0).to_numpy()
    table = pd.DataFrame({"size": sizes, "n": n, "seen": n[::-1].cumsum()[::-1] / n.sum()})
    # In the order of the marks: the last size stands for itself only where a tree has it.
    table.loc[table["n"] == 0, "seen"] = 0.0
    for column, k in (("uneven", shape), ("chance", np.inf)):
        below = (
            np.append(0.0, np.cumsum(tree_sizes(sizes, mean, shape=k)))[:-1]
            if np.isfinite(mean) and not np.isnan(k)
            else np.nan
        )
        table[column] = 1 - below
    return table


def _scale(axes: Axes, least: float) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_ylim(least / 3, 1.4)
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:g}%"))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_minor_locator(NullLocator())
    axes.set_xlabel(phrase("referral.trees.figure.size"))
    axes.grid(axis="y")


def _nothing(measures: Measures, name: str) -> Picture:
    reason = sentences.say_refused(measures.spread.refused) or phrase("referral.trees.figure.few")
    return nothing(reason, name=name, title=phrase("referral.trees.figure.none"))


def _footer(measures: Measures, kind: str, **values: Any) -> str:
    return phrase(
        f"referral.trees.figure.footer.{kind}",
        source=measures.spread.source,
        day=measures.spread.as_of,
        **values,
    )
