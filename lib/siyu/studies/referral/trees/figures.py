"""Draw how members are brought day by day, generation by generation, and tree by tree."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

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
from siyu.studies.referral.sentences import say_refused
from siyu.studies.referral.spread import FRIENDS, SEEDS, Spread
from siyu.studies.referral.trees.estimate import Growth
from siyu.studies.referral.trees.measure import Measures
from siyu.studies.tables import each_row

_MOST_PANELS = 4
_MANY = 8
"""More bars than these cannot all be named."""
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
    name_ends(axes, days, ends)
    alt = phrase("referral.trees.figure.alt.paths", title=title)
    return finish(figure, name=name, alt=alt, table=found.paths)


def draw_generations(measures: Measures, found: Growth, spread: Spread) -> Picture:
    """Draw new members by generation, on a logarithmic axis, beside what K leads to expect."""
    name = "referral_generations"
    shown = found.totals.loc[sorted(set(measures.generations["campaign"]))].head(_MOST_PANELS)
    if shown.empty:
        return _nothing(measures, name)
    deep = shown.sort_values("deepest", kind="stable").iloc[-1]
    title = phrase(
        "referral.trees.figure.title.generations", campaign=deep["campaign"], n=deep["deepest"]
    )
    figure, panels = canvas(
        title,
        phrase("referral.trees.figure.generations"),
        _footer(measures, "generations", min_users=measures.spread.min_users),
        height=3.8,
        columns=len(shown),
    )
    tables = []
    for axes, (code, row) in zip(panels, shown.iterrows(), strict=True):
        own = measures.generations[measures.generations["campaign"] == code]
        table = _expect(own, spread, str(row["campaign"]), int(row["n"]))
        tables.append(table.assign(campaign=row["campaign"]))
        wide = own["last"] - own["first"] + 1
        axes.bar(
            own["first"] - 0.5,
            table["each"],
            width=wide - (0.15 if len(own) < _MANY else 0),
            align="edge",
            color=PALE,
            linewidth=0,
        )
        axes.plot(own["first"] + (wide - 1) / 2, table["expected"], "o-", color=ACCENT, ms=3.5)
        if len(own) < _MANY:
            for place, n in zip(own["first"] + (wide - 1) / 2, table["each"], strict=True):
                _name_bar(axes, place, n)
        axes.set_yscale("log")
        top = np.nanmax([table["each"].max(), table["expected"].max()])
        axes.set_ylim(_LEAST, 3 * top)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))
        axes.set_title(shorten(str(row["campaign"])), size=10, loc="left", color=BLACK)
        axes.set_xlabel(phrase("referral.trees.figure.generation"))
    panels[0].set_ylabel(phrase("referral.trees.figure.each"))
    alt = phrase("referral.trees.figure.alt.generations", title=title)
    told = pd.concat(tables, ignore_index=True).rename(
        columns={"first": "generation", "last": "last_generation"}
    )
    return finish(figure, name=name, alt=alt, table=told)


def _name_bar(axes: Axes, place: float, n: float) -> None:
    axes.annotate(
        number(n, 0 if n == round(n) else 1),
        (place, n),
        (0, 4),
        textcoords="offset points",
        ha="center",
        size=8.5,
        color=GREY,
    )


def _expect(own: pd.DataFrame, spread: Spread, campaign: str, seeds: int) -> pd.DataFrame:
    """Give members per generation, and expect seeds x K0 x K for each further one."""
    groups = spread.table[spread.table["campaign"] == campaign].set_index("group")["k"]
    expected = [
        float(np.mean(seeds * groups[SEEDS] * groups[FRIENDS] ** np.arange(first - 1.0, last)))
        for first, last in zip(own["first"], own["last"], strict=True)
    ]
    table = own[["first", "last", "n"]].assign(each=own["n"] / (own["last"] - own["first"] + 1))
    return table.assign(expected=expected).reset_index(drop=True)


def draw_sizes(measures: Measures, found: Growth, spread: Spread) -> Picture:
    """Draw which share of trees is at least how large, beside two distributions of branching."""
    name = "referral_sizes"
    several = measures.sizes.groupby("campaign").size() > 1
    shown = found.totals.loc[several.index[several]].head(_MOST_PANELS)
    if shown.empty:
        return _nothing(measures, name)
    bins = {
        str(row["campaign"]): measures.sizes[measures.sizes["campaign"] == code]
        for code, row in shown.iterrows()
    }
    tables = {campaign: _survival(own, _model(spread, campaign)) for campaign, own in bins.items()}
    alone = {campaign: 1 - float(table["seen"].iloc[1]) for campaign, table in tables.items()}
    most = max(alone, key=lambda campaign: alone[campaign])
    last = int(bins[most]["last"].iloc[0])
    title = phrase(
        f"referral.trees.figure.title.sizes.{'alone' if last == 1 else 'few'}",
        campaign=most,
        share=alone[most],
        n=last,
    )
    figure, panels = canvas(
        title,
        phrase("referral.trees.figure.sizes"),
        _footer(measures, "sizes", min_users=measures.spread.min_users),
        height=3.9,
        columns=len(shown),
    )
    for axes, (campaign, table) in zip(panels, tables.items(), strict=True):
        axes.plot(table["size"], table["uneven"], color=ACCENT, linewidth=1.6)
        axes.plot(table["size"], table["chance"], color=SECOND, linewidth=1.2, linestyle="--")
        axes.plot(table["size"], table["seen"], "o", color=BLACK, markersize=5)
        _scale(axes, float(table[["seen", "uneven"]].min().min()))
        axes.set_xticks(table["size"], [number(size) for size in table["size"]])
        n = number(bins[campaign]["n"].sum())
        named = phrase("page.in_brackets", text=shorten(campaign), n=n)
        axes.set_title(named, size=10, loc="left", color=BLACK)
    for y, kind, colour in ((0.93, "uneven", ACCENT), (0.85, "chance", SECOND)):
        text = phrase(f"referral.trees.figure.line.{kind}")
        panels[0].text(
            0.98, y, text, transform=panels[0].transAxes, ha="right", size=9, color=colour
        )
    told = [table.assign(campaign=campaign) for campaign, table in tables.items()]
    alt = phrase("referral.trees.figure.alt.sizes", title=title)
    return finish(figure, name=name, alt=alt, table=pd.concat(told, ignore_index=True))


def _model(spread: Spread, campaign: str) -> tuple[float, float]:
    """Give K of friends and the shape of how many each brings, which is that of invitations."""
    groups = spread.table[spread.table["campaign"] == campaign].set_index("group")["k"]
    shapes = spread.shapes.set_index("campaign")["shape"]
    return float(groups[FRIENDS]), float(shapes.get(campaign, np.nan))


def _survival(own: pd.DataFrame, model: tuple[float, float]) -> pd.DataFrame:
    """Give the share of trees of at least each size where a bin begins, seen and by two models."""
    mean, shape = model
    n = own["n"].to_numpy()
    table = pd.DataFrame(
        {"size": own["first"].to_numpy(), "seen": n[::-1].cumsum()[::-1] / n.sum()}
    )
    below = np.arange(1, int(table["size"].max()) + 1)
    for column, k in (("uneven", shape), ("chance", np.inf)):
        if np.isfinite(mean) and not np.isnan(k):
            smaller = np.append(0.0, np.cumsum(tree_sizes(below, mean, shape=k)))
            table[column] = 1 - smaller[table["size"] - 1]
        else:
            table[column] = np.nan
    return table


def _scale(axes: Axes, least: float) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_ylim(least / 3, 1.4)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:g}%"))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_minor_locator(NullLocator())
    axes.set_xlabel(phrase("referral.trees.figure.size"))
    axes.grid(axis="y")


def _nothing(measures: Measures, name: str) -> Picture:
    reason = say_refused(measures.spread.refused) or phrase("referral.trees.figure.few")
    return nothing(reason, name=name, title=phrase("referral.trees.figure.none"))


def _footer(measures: Measures, kind: str, **values: Any) -> str:
    return phrase(
        f"referral.trees.figure.footer.{kind}",
        source=measures.spread.source,
        day=measures.spread.as_of,
        **values,
    )
