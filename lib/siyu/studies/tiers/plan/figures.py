"""Draw the plan tier by tier, and what the best plan brings for each budget."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from siyu.figures import ACCENT, BLACK, GREY, SECOND, Picture, canvas, finish, nothing, shorten
from siyu.formats import number
from siyu.phrases import phrase, term
from siyu.studies.marks import name_ends, name_rows, row_name
from siyu.studies.tables import each_row
from siyu.studies.tiers.members import Members
from siyu.studies.tiers.plan import sentences
from siyu.studies.tiers.plan.estimate import Plan


def draw_plan(members: Members, found: Plan, *, level: float) -> Picture:
    """Draw what each tier gets, with its expected net gain, the interval, and what is certain."""
    name, title = "plan", sentences.say_plan(found, level=level)
    if found.refused or not sentences.gives(found.expected):
        return nothing(title, name=name, title=phrase("tiers.plan.figure.none"))
    tiers = found.expected.iloc[::-1].reset_index(drop=True)
    figure, (axes,) = canvas(
        phrase(
            "tiers.plan.figure.title",
            budget=found.budget_cny,
            net=found.total.net_gain_cny,
            lower=found.total.ci_lower,
            upper=found.total.ci_upper,
        ),
        phrase("tiers.plan.figure.subtitle", cost=found.total.cost_cny, days=found.offer_days),
        phrase("tiers.plan.figure.footer", source=members.source, day=members.as_of, level=level),
        height=2.2 + 0.62 * len(tiers),
    )
    axes.axvline(0, color=BLACK, linewidth=0.8)
    for place, row in enumerate(each_row(tiers)):
        if row.reason:
            said = phrase(f"tiers.plan.figure.reason.{row.reason}")
            axes.annotate(
                said, (0, place), (6, 0), textcoords="offset points", va="center", color=GREY
            )
            continue
        axes.plot([row.ci_lower, row.ci_upper], [place] * 2, color=ACCENT, linewidth=2.2)
        axes.plot(row.net_gain_cny, place, "o", color=ACCENT, markersize=7)
        axes.plot(row.cautious_cny, place, "|", color=SECOND, markersize=15, markeredgewidth=2.2)
        axes.annotate(
            number(row.net_gain_cny),
            (row.net_gain_cny, place),
            (0, 8),
            textcoords="offset points",
            ha="center",
            size=9.5,
        )
    name_rows(axes, range(len(tiers)), [_row_name(row) for row in each_row(tiers)])
    axes.set_ylim(-0.6, len(tiers) - 0.25)
    _yuan(axes.xaxis)
    axes.set_xlabel(phrase("tiers.plan.figure.net"))
    axes.grid(axis="x")
    return finish(
        figure,
        name=name,
        alt=phrase("tiers.plan.figure.alt", title=title),
        table=found.expected,
    )


def draw_curve(members: Members, found: Plan, *, level: float) -> Picture:
    """Draw what the best plan brings after its cost, for each budget, expected and certain."""
    name, title = "budget", sentences.title_next(found)
    expected = found.curve[found.curve["plan"] == "expected"]
    if len(expected) < 2:
        return nothing(title, name=name, title=phrase("tiers.plan.figure.free"))
    figure, (axes,) = canvas(
        title,
        phrase("tiers.plan.curve.subtitle", days=found.offer_days),
        phrase("tiers.plan.curve.footer", source=members.source, day=members.as_of, level=level),
        height=4.8,
    )
    end = float(expected["budget_cny"].max())
    ends = []
    for which, colour in (("expected", ACCENT), ("cautious", SECOND)):
        own = found.curve[found.curve["plan"] == which]
        axes.plot(own["budget_cny"], own["net_gain_cny"], color=colour, linewidth=2.2)
        ends.append((own["net_gain_cny"].iloc[-1], phrase(f"tiers.plan.curve.{which}"), colour))
    band = expected["ci_lower"], expected["ci_upper"]
    axes.fill_between(expected["budget_cny"], *band, color=ACCENT, alpha=0.15, linewidth=0)
    axes.plot(expected["budget_cny"], expected["divided_cny"], ":", color=GREY, linewidth=1.2)
    axes.axhline(0, color=BLACK, linewidth=0.8)
    axes.set_xlim(0, 1.03 * end)
    axes.margins(y=0.08)
    name_ends(axes, 1.03 * end, ends)
    _mark(axes, found, expected)
    for axis in (axes.xaxis, axes.yaxis):
        _yuan(axis)
    axes.set_xlabel(phrase("tiers.plan.curve.budget"))
    axes.set_ylabel(phrase("tiers.plan.figure.net"))
    axes.grid(axis="y")
    alt = phrase("tiers.plan.curve.alt", title=title)
    return finish(figure, name=name, alt=alt, table=found.curve)


def _mark(axes: Axes, found: Plan, expected: pd.DataFrame) -> None:
    """Mark the budget that was asked, where it lies on the curve, and where to stop."""
    for budget, which in ((found.budget_cny, "asked"), (found.slope.stop_cny, "stop")):
        own = expected[expected["budget_cny"] == budget]
        if own.empty:
            continue
        net = float(own["net_gain_cny"].iloc[0])
        axes.axvline(budget, color=BLACK, linewidth=0.9, linestyle="--")
        axes.plot(budget, net, "o", color=ACCENT, markersize=7)
        left = budget > 0.6 * expected["budget_cny"].max()
        axes.annotate(
            phrase(f"tiers.plan.curve.{which}", budget=budget),
            (budget, 0.95 if which == "asked" else 0.87),
            (-5 if left else 5, 0),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            ha="right" if left else "left",
            size=9.5,
        )


def _row_name(row: Any) -> str:
    tier = row_name(row.tier, float("nan") if pd.isna(row.members) else row.members)
    if row.reason:
        return tier
    return phrase(
        "tiers.plan.figure.row",
        tier=tier,
        strategy=shorten(term(row.strategy)),
        given=row.given,
        cost=row.cost_cny,
    )


def _yuan(axis: Any) -> None:
    axis.set_major_locator(MaxNLocator(6))
    axis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
