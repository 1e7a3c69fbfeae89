"""Draw what members of each tier are worth, factor by factor, and what tiers differ by."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from siyu.figures import (
    ACCENT,
    BLACK,
    GREY,
    PALE,
    SECOND,
    THIRD,
    Picture,
    canvas,
    finish,
    nothing,
    shorten,
)
from siyu.formats import number
from siyu.phrases import phrase, term
from siyu.studies.marks import mark_interval, name_rows, row_name
from siyu.studies.tables import each_row
from siyu.studies.tiers.value import sentences
from siyu.studies.tiers.value.estimate import FACTORS, Values
from siyu.studies.tiers.value.measure import Measures

_PANELS = (("value", 0), ("orders", 2), ("margin", 1), ("referral", 3))
_COLOURS = dict(zip(FACTORS, (ACCENT, SECOND, THIRD), strict=True))


def draw_values(measures: Measures, values: Values, *, level: float) -> Picture:
    """Draw value, orders per member, margin per order and referral index of each tier."""
    name = "tier_values"
    if values.refused:
        reason = sentences.refusal(measures, values)
        return nothing(reason, name=name, title=phrase("tiers.value.figure.none"))
    title = sentences.say_headline(measures, values, level=level)
    figure, panels = canvas(
        title,
        phrase("tiers.value.figure.subtitle", days=measures.value_days, review=measures.review),
        phrase(
            "tiers.value.figure.footer", source=measures.source, day=measures.as_of, level=level
        ),
        height=2.6 + 0.45 * len(values.tiers),
        columns=len(_PANELS),
    )
    for axes, (column, digits) in zip(panels, _PANELS, strict=True):
        _draw_panel(axes, values, column, digits)
    labels = [
        shorten(term(row.tier)) if row.refused == "small" else row_name(row.tier, row.n)
        for row in each_row(values.tiers)
    ]
    name_rows(panels[0], range(len(labels)), labels)
    for axes in panels[1:]:
        name_rows(axes, [], [])
    alt = phrase("tiers.value.figure.alt", title=title)
    return finish(figure, name=name, alt=alt, table=values.tiers)


def _draw_panel(axes: Axes, values: Values, column: str, digits: int) -> None:
    lead = column == "value"
    colour = ACCENT if lead else GREY
    start = 1.0 if column == "referral" else 0.0
    reach = float(np.nanmax(values.tiers[f"{column}_upper"])) - start
    right = start + 1.5 * (reach or 1.0)
    for place, row in enumerate(each_row(values.tiers)):
        if row.refused:
            text = phrase(f"tiers.value.figure.{row.refused}") if lead else ""
            axes.text(start, place, text, color=GREY, size=8.5, va="center")
            continue
        mean, lower, upper = (
            getattr(row, one) for one in (column, f"{column}_lower", f"{column}_upper")
        )
        mark_interval(
            axes, place, (mean, lower, upper), number(mean, digits), colour=colour, beside=True
        )
    axes.set_xlim(min(start, float(np.nanmin(values.tiers[f"{column}_lower"]))), right)
    axes.set_ylim(-0.6, len(values.tiers) - 0.4)
    axes.locator_params(axis="x", nbins=3)
    axes.grid(axis="x")
    axes.set_title(phrase(f"tiers.value.figure.panel.{column}"), size=9.5, color=BLACK, loc="left")


def draw_parts(measures: Measures, values: Values, *, level: float) -> Picture:
    """Draw the way from the value of each tier to that of the next, factor by factor."""
    name = "tier_parts"
    if values.refused or values.gaps.empty:
        reason = sentences.say_parts(measures, values, level=level)
        return nothing(reason, name=name, title=phrase("tiers.value.figure.no_parts"))
    title = _title(values)
    figure, (axes,) = canvas(
        title,
        phrase(
            "tiers.value.figure.parts_subtitle", days=measures.value_days, review=measures.review
        ),
        phrase(
            "tiers.value.figure.parts_footer",
            source=measures.source,
            day=measures.as_of,
            level=level,
        ),
        height=5.2,
    )
    ticks = _draw_way(axes, values)
    axes.set_xticks(range(len(ticks)), ticks, size=8.5)
    axes.tick_params(axis="x", length=0)
    axes.set_ylabel(phrase("tiers.value.figure.axis"))
    axes.axhline(0, color=BLACK, linewidth=0.8)
    axes.grid(axis="y")
    alt = phrase("tiers.value.figure.parts_alt", title=title)
    return finish(figure, name=name, alt=alt, table=values.parts)


def _title(values: Values) -> str:
    """Say which factor leads in how many of the gaps."""
    leads = values.gaps["leads"]
    for factor in ("orders", "margin"):
        tiers = list(values.gaps.loc[leads == factor, "tier"])
        if tiers and (leads.isin([factor, ""])).all():
            return phrase(f"tiers.value.figure.leads.{factor}", tiers=tiers)
    return phrase(f"tiers.value.figure.leads.{'both' if leads.any() else 'none'}")


def _draw_way(axes: Axes, values: Values) -> list[str]:
    """Draw bars of tiers, and between them the parts; give their names."""
    table = values.tiers
    worth = table.set_index("tier")["value"]
    ticks: list[str] = []

    def _tier(tier: str) -> None:
        (row,), place = each_row(table[table["tier"] == tier]), len(ticks)
        axes.bar(place, row.value, width=0.72, color=PALE)
        axes.plot([place] * 2, [row.value_lower, row.value_upper], color=GREY, linewidth=1.6)
        axes.annotate(
            number(row.value),
            (place, row.value_upper),
            (0, 4),
            textcoords="offset points",
            ha="center",
            size=9.5,
        )
        ticks.append(shorten(term(tier), width=14))

    _tier(values.gaps["below"].iloc[0])
    for gap in each_row(values.gaps):
        at = float(worth[gap.below])
        for part in each_row(values.parts[values.parts["tier"] == gap.tier]):
            colour, place = _COLOURS[part.factor], len(ticks)
            axes.bar(place, part.part, bottom=at, width=0.72, color=colour, alpha=0.55)
            ends = [at + part.ci_lower, at + part.ci_upper]
            axes.plot([place] * 2, ends, color=colour, linewidth=1.6)
            axes.annotate(
                phrase(
                    f"tiers.value.figure.part{'_more' if round(part.part) > 0 else ''}",
                    part=part.part,
                ),
                (place, ends[1]),
                (0, 4),
                textcoords="offset points",
                ha="center",
                size=8.5,
                color=colour,
            )
            ticks.append(phrase(f"tiers.value.figure.factor.{part.factor}"))
            at += part.part
        _tier(gap.tier)
    return ticks
