"""Draw lures on two axes: how fast they bring members, and how long these stay; with the price."""

from __future__ import annotations

import pandas as pd

from siyu.figures import ACCENT, BLACK, GREY, Picture, canvas, finish, nothing
from siyu.formats import number, span
from siyu.phrases import phrase
from siyu.studies.retention.lure.measure import Lures
from siyu.studies.retention.lure.sentences import say_lures
from siyu.studies.tables import each_row

_MINUTES = 1440
_TICKS = (1, 2, 5, 10, 20, 30, *(60 * hours for hours in (1, 2, 5, 12, 24, 48, 120, 240, 720)))
"""Minutes that are written at the axis."""


def draw_lures(lures: Lures, found: pd.DataFrame, *, horizon_days: int, level: float) -> Picture:
    """Draw each lure's median time to add against its mean stay, both with intervals."""
    name, title = "lures", say_lures(lures, found)
    both = found.dropna(subset=["minutes", "mean_days"]) if len(found) else found
    if len(both) < 2:
        return nothing(title, name=name, title=phrase("retention.lure.figure.none"))
    figure, (axes,) = canvas(
        title,
        phrase(
            "retention.lure.figure.subtitle",
            horizon=horizon_days,
            start=lures.start,
            first=lures.first,
            last=lures.as_of,
        ),
        phrase("retention.lure.figure.footer", source=lures.source, day=lures.as_of, level=level),
        height=5.0,
    )
    low, high = both["minutes_lower"].min(), both["minutes_upper"].max()
    for row in each_row(both):
        # The name stands on the side where there is room.
        side = 1 if row.minutes**2 <= low * high else -1
        axes.plot(
            [row.minutes_lower, row.minutes_upper], [row.mean_days] * 2, color=ACCENT, linewidth=2
        )
        axes.plot([row.minutes] * 2, [row.days_lower, row.days_upper], color=ACCENT, linewidth=2)
        axes.plot(row.minutes, row.mean_days, "o", color=ACCENT, markersize=7)
        price = "unpriced" if pd.isna(row.cost_cny) else "priced"
        axes.annotate(
            phrase(
                f"retention.lure.figure.{price}",
                lure=row.lure,
                n=number(row.n),
                cost=row.cost_cny,
                known=number(row.priced),
            ),
            (row.minutes, row.mean_days),
            (9 * side, 9),
            textcoords="offset points",
            ha="left" if side == 1 else "right",
            size=9.5,
            color=BLACK,
        )
    # Most lures bring members within minutes or days: equal steps are equal ratios.
    axes.set_xscale("log")
    axes.set_xlim(low / 1.25, high * 1.25)
    ticks = [tick for tick in _TICKS if low / 1.25 <= tick <= high * 1.25]
    axes.set_xticks(ticks, [span(tick / _MINUTES) for tick in ticks])
    axes.set_xticks([], minor=True)
    axes.set_ylim(0, horizon_days)
    axes.set_xlabel(phrase("retention.lure.figure.faster", start=lures.start))
    axes.set_ylabel(phrase("retention.lure.figure.longer", horizon=horizon_days))
    axes.grid(color="#EEF0F2")
    axes.tick_params(colors=GREY, labelcolor=BLACK)
    alt = phrase("retention.lure.figure.alt", title=title)
    return finish(figure, name=name, alt=alt, table=found)
