"""Draw how unevenly friends invite."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import nbinom, poisson

from siyu.figures import ACCENT, BLACK, GREY, PALE, SECOND, Picture, canvas, finish, nothing
from siyu.phrases import phrase
from siyu.stats.intervals import wilson
from siyu.studies.marks import percent_axis, row_name
from siyu.studies.referral.bins import bin_counts
from siyu.studies.referral.spread.estimate import Spread
from siyu.studies.referral.spread.measure import Measures
from siyu.studies.tables import each_row

_MOST_PANELS = 4
_MOST_INVITATIONS = 8


def draw_invitations(measures: Measures, found: Spread, *, level: float) -> Picture:
    """Draw how many friends invite nobody, one, two ..., beside two distributions."""
    name = "referral_invitations"
    tables = {row.campaign: _distribution(measures, row, level) for row in each_row(found.shapes)}
    told = [campaign for campaign, table in tables.items() if len(table) > 1][:_MOST_PANELS]
    shown = found.shapes[found.shapes["campaign"].isin(told)]
    if shown.empty:
        reason = phrase("referral.spread.figure.few", min_users=measures.min_users)
        return nothing(reason, name=name, title=phrase("referral.spread.figure.none"))
    most = shown.sort_values("none_share", kind="stable").iloc[-1]
    title = phrase(
        "referral.spread.figure.title.invitations",
        campaign=most["campaign"],
        none=most["none_share"],
    )
    figure, panels = canvas(
        title,
        phrase("referral.spread.figure.invitations", days=measures.cycle_days),
        phrase(
            "referral.spread.figure.footer.invitations",
            source=measures.source,
            day=measures.as_of,
            level=level,
            min_users=measures.min_users,
        ),
        height=3.7,
        columns=len(shown),
    )
    for axes, row in zip(panels, each_row(shown), strict=True):
        table = tables[row.campaign]
        at = range(len(table))
        axes.bar(at, table["share"], color=PALE, width=0.8)
        axes.vlines(at, table["ci_lower"], table["ci_upper"], color=GREY)
        axes.plot(at, table["uneven"], "o-", color=ACCENT, markersize=4)
        axes.plot(at, table["chance"], "s--", color=SECOND, linewidth=1.2, markersize=3.5)
        axes.set_title(row_name(row.campaign, row.n), size=10, loc="left", color=BLACK)
        axes.set_xticks(at, table["invitations"])
        axes.set_ylim(0, 1.3 * max(table["ci_upper"].max(), table["chance"].max()))
        axes.set_xlabel(phrase("referral.spread.figure.sent"))
        percent_axis(axes.yaxis, ticks=4)
        axes.grid(axis="y")
    for y, kind, colour in ((0.92, "uneven", ACCENT), (0.84, "chance", SECOND)):
        text = phrase(f"referral.spread.figure.line.{kind}")
        panels[0].text(
            0.98, y, text, transform=panels[0].transAxes, ha="right", size=9, color=colour
        )
    alt = phrase("referral.spread.figure.alt.invitations", title=title)
    whole = pd.concat([tables[one].assign(campaign=one) for one in told], ignore_index=True)
    return finish(figure, name=name, alt=alt, table=whole)


def _distribution(measures: Measures, row: Any, level: float) -> pd.DataFrame:
    """Give the shares of friends by how many they invited, and those of two models."""
    code = measures.campaigns.index[measures.campaigns["campaign"] == row.campaign][0]
    own = measures.stayed[measures.stayed["campaign"] == code]
    bins = bin_counts(
        own["invitations"].clip(upper=_MOST_INVITATIONS), own["n"], least=measures.min_users
    )
    lower, upper = wilson(bins["n"], row.n, level=level)
    k, mean = row.shape, row.invitations
    chance = poisson(mean)
    uneven = chance if np.isinf(k) else nbinom(k, k / (k + mean))
    last = [np.inf if i == len(bins) - 1 else end for i, end in enumerate(bins["last"])]
    return pd.DataFrame(
        {
            "invitations": [
                _named(first, end) for first, end in zip(bins["first"], last, strict=True)
            ],
            "n": bins["n"],
            "share": bins["n"] / row.n,
            "ci_lower": lower,
            "ci_upper": upper,
            "uneven": uneven.cdf(last) - uneven.cdf(bins["first"] - 1),
            "chance": chance.cdf(last) - chance.cdf(bins["first"] - 1),
        }
    )


def _named(first: int, last: float) -> str:
    if np.isinf(last):
        return f"{first}+"
    return str(first) if first == last else f"{first}–{int(last)}"
