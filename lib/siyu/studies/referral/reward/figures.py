"""Draw who left how soon beside other newcomers, and what a friend who stays costs."""

from __future__ import annotations

import numpy as np

from siyu.figures import ACCENT, BLACK, GREY, SECOND, Picture, canvas, finish, nothing
from siyu.formats import number, percent
from siyu.phrases import phrase
from siyu.studies.marks import MOST_SEGMENTS, name_rows, percent_axis, row_name
from siyu.studies.referral.reward import sentences
from siyu.studies.referral.reward.costs import Costs
from siyu.studies.referral.reward.leaving import Leaving
from siyu.studies.referral.reward.measure import EARLY_DAYS, Measures
from siyu.studies.tables import each_row

_LEFT = {"more": SECOND, "fewer": ACCENT}
_COST = {"change": SECOND, "stop": SECOND, "lose": SECOND, "continue": ACCENT}


def draw_leaving(measures: Measures, found: Leaving, *, level: float) -> Picture:
    """Draw for each campaign the share of friends who left, and of others of the same days."""
    name, title = "reward_leaving", sentences.say_left_headline(found)
    shown = found.table[found.table["share"].notna()]
    if found.refused or not len(shown):
        reason = sentences.say_leaving(measures, found, level=level)
        return nothing(reason, name=name, title=phrase("referral.reward.figure.none_left"))
    campaigns = list(dict.fromkeys(shown["campaign"]))
    figure, panels = canvas(
        title,
        phrase("referral.reward.figure.left_subtitle", day=measures.as_of),
        phrase(
            "referral.reward.figure.left_footer",
            source=measures.source,
            day=measures.as_of,
            level=level,
        ),
        height=1.9 + 0.5 * len(campaigns),
        columns=2,
    )
    for place, (axes, window) in enumerate(zip(panels, ("first", "later"), strict=True)):
        own = shown[shown["window"] == window].set_index("campaign").reindex(campaigns)
        for y, row in enumerate(each_row(own)):
            colour = _LEFT.get(str(row.verdict), BLACK)
            axes.plot(row.others, y, "o", color=GREY, mfc="white", markersize=7)
            axes.plot([row.ci_lower, row.ci_upper], [y, y], color=colour, linewidth=2)
            axes.plot(row.share, y, "o", color=colour, markersize=5.5)
            if np.isfinite(row.share):
                axes.annotate(
                    percent(row.share),
                    (np.fmax(row.ci_upper, row.others), y),
                    (9, 0),
                    textcoords="offset points",
                    va="center",
                    size=9,
                    color=colour,
                )
        ends = own[["share", "ci_upper", "others"]].to_numpy(float)
        axes.set_xlim(0, 1.25 * float(np.nanmax(ends, initial=0.0)) or 1.0)
        axes.set_ylim(len(campaigns) - 0.5, -0.5)
        names = [row_name(row.Index, row.n) for row in each_row(own)]
        name_rows(axes, range(len(campaigns)), names if place == 0 else [""] * len(campaigns))
        axes.set_title(
            phrase(f"referral.reward.figure.{window}", days=EARLY_DAYS),
            size=10.5,
            loc="left",
            color=BLACK,
        )
        percent_axis(axes.xaxis)
        axes.grid(axis="x")
    alt = phrase("referral.reward.figure.left_alt", title=title)
    return finish(figure, name=name, alt=alt, table=shown)


def draw_costs(measures: Measures, found: Costs, *, level: float) -> Picture:
    """Draw what a member who stays costs: friends by campaign, others by touchpoint."""
    name, title = "reward_costs", sentences.say_cost_headline(found)
    table = found.table[found.table["cost_per_kept"].notna()]
    if found.refused or not len(table):
        reason = sentences.say_costs(measures, found, level=level)
        return nothing(reason, name=name, title=phrase("referral.reward.figure.none_cost"))
    rows = [
        (row_name(row.campaign, row.n), row, _COST.get(row.verdict, BLACK), 2.2)
        for row in each_row(table.sort_values("cost_per_kept"))
    ]
    touchpoints = found.touchpoints.nlargest(MOST_SEGMENTS, "n").sort_values("cost_per_kept")
    rows += [(row_name(row.touchpoint, row.n), row, GREY, 1.4) for row in each_row(touchpoints)]
    figure, (axes,) = canvas(
        title,
        phrase("referral.reward.figure.cost_subtitle", days=measures.kept_days, day=measures.as_of),
        phrase(
            "referral.reward.figure.cost_footer",
            source=measures.source,
            day=measures.as_of,
            level=level,
        ),
        height=1.8 + 0.3 * len(rows),
    )
    finite = [row.ci_upper for _, row, _, _ in rows if np.isfinite(row.ci_upper)]
    right = 1.12 * max([*finite, *(row.cost_per_kept for _, row, _, _ in rows)])
    for y, (_, row, colour, width) in enumerate(rows):
        end = min(row.ci_upper, right)
        axes.plot([max(row.ci_lower, 0), end], [y, y], color=colour, linewidth=width)
        axes.plot(row.cost_per_kept, y, "o", color=colour, markersize=5.5)
        axes.annotate(
            number(row.cost_per_kept, 1),
            (end, y),
            (7, 0),
            textcoords="offset points",
            va="center",
            size=9,
            color=colour,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8},
        )
    cost = found.elsewhere[0]
    if np.isfinite(cost):
        axes.axvline(cost, color=BLACK, linewidth=0.9, linestyle=(0, (4, 3)))
        axes.annotate(
            phrase("referral.reward.figure.elsewhere", cost=cost),
            (cost, len(rows) - 0.55),
            (4, 0),
            textcoords="offset points",
            size=8.5,
            color=BLACK,
        )
    axes.axhline(len(table) - 0.5, color=GREY, linewidth=0.6)
    axes.set_xlim(0, right)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    name_rows(axes, range(len(rows)), [name for name, *_ in rows])
    axes.grid(axis="x")
    columns = ["n", "cost_per_kept", "ci_lower", "ci_upper"]
    told = [
        table[["campaign", *columns, "difference", "p_holm", "verdict"]],
        found.touchpoints[["touchpoint", *columns]],
    ]
    shown = told[0].merge(told[1], how="outer", on=columns) if len(told[1]) else told[0]
    alt = phrase("referral.reward.figure.cost_alt", title=title)
    return finish(figure, name=name, alt=alt, table=shown)
