"""Draw what members buy, and how many they are, on both sides of each threshold."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from siyu.figures import ACCENT, BLACK, GREY, PALE, SECOND, Picture, canvas, finish, nothing
from siyu.phrases import phrase
from siyu.studies.marks import name_rows, whiskers
from siyu.studies.tables import each_row
from siyu.studies.tiers.threshold import sentences
from siyu.studies.tiers.threshold.estimate import KNOWN_BEFORE, SPEND, SUSPECT_P, Effects
from siyu.studies.tiers.threshold.measure import Measures

_WIDE = 3
"""Panels beside each other, at most."""
_DRAWN = 0.6
"""Share of the bandwidth over which a density is drawn: farther away, others weigh more."""


def draw_effects(measures: Measures, effects: Effects, *, level: float) -> Picture:
    """Draw spend after reviews on both sides of each threshold that is read, with the jump."""
    name, rows = "threshold_effects", effects.table[effects.table["measure"] == SPEND]
    if rows.empty:
        return _nothing(measures, effects, name, level)
    title = _effects_title(effects)
    subtitle = phrase(
        "tiers.threshold.figure.effects.subtitle", days=measures.jump_days, level=level
    )
    figure, panels = _panels(measures, title, subtitle, len(rows), method="jump")
    for axes, row in zip(panels, each_row(rows), strict=False):
        colour = GREY if row.verdict == "unclear" else ACCENT
        dots = effects.bins[effects.bins["tier"] == row.tier]
        axes.vlines(dots["basis_cny"], dots["ci_lower"], dots["ci_upper"], color=PALE, linewidth=2)
        axes.plot(dots["basis_cny"], dots["mean_cny"], "o", color=GREY, markersize=4)
        for start, end, height, slope in (
            (-row.bandwidth_cny, 0, row.mean_below, row.slope_below),
            (0, row.bandwidth_cny, row.mean_above, row.slope_above),
        ):
            away = np.array([start, end])
            axes.plot(row.threshold_cny + away, height + slope * away, color=colour, linewidth=2.2)
        axes.axvline(row.threshold_cny, color=BLACK, linewidth=0.8, linestyle=":")
        axes.set_ylim(0, 1.05 * max(dots["ci_upper"].max(), row.mean_below, row.mean_above))
        axes.set_xlabel(phrase("tiers.threshold.figure.effects.x"))
        panel = phrase(
            "tiers.threshold.figure.effects.panel",
            tier=row.tier,
            line=sentences.amount(row.threshold_cny),
            value=row.value,
            lower=row.ci_lower,
            upper=row.ci_upper,
        )
        axes.set_title(panel, size=9.5, color=BLACK, loc="left")
    alt = phrase("tiers.threshold.figure.effects.alt", title=title)
    return finish(figure, name=name, alt=alt, table=effects.bins)


def draw_densities(measures: Measures, effects: Effects, *, level: float) -> Picture:
    """Draw how many reviews there are per yuan on both sides of each threshold."""
    name, rows = "threshold_densities", effects.densities
    if rows.empty:
        return _nothing(measures, effects, name, level)
    suspect = rows[rows["p"] < SUSPECT_P]
    title = phrase(
        f"tiers.threshold.figure.density.title.{'bunched' if len(suspect) else 'smooth'}",
        tiers=list(suspect["tier"]),
    )
    subtitle = phrase("tiers.threshold.figure.density.subtitle", level=level)
    figure, panels = _panels(measures, title, subtitle, len(rows), method="density")
    for axes, row in zip(panels, each_row(rows), strict=False):
        colour = SECOND if row.p < SUSPECT_P else ACCENT
        bars = effects.bars[effects.bars["tier"] == row.tier]
        widths = bars["to_cny"] - bars["from_cny"]
        axes.bar(
            bars["from_cny"], bars["density"], width=widths, align="edge", color=PALE,
            edgecolor="white",
        )  # fmt: skip
        away, top = np.linspace(0, _DRAWN, 50), max(bars["density"], default=0.0)
        for sign, terms in zip((-1, 1), effects.curves[row.tier], strict=True):
            curve = np.polynomial.polynomial.polyval(away, terms)
            at = row.threshold_cny + sign * row.bandwidth_cny * away
            axes.plot(at, curve, color=colour, linewidth=2)
            top = max(top, float(np.max(curve)))
        axes.axvline(row.threshold_cny, color=BLACK, linewidth=0.8, linestyle=":")
        axes.set_ylim(0, 1.05 * top)
        axes.set_xlabel(phrase("tiers.threshold.figure.effects.x"))
        kind = "ratio" if np.isfinite(row.ratio) else "plain"
        panel = phrase(
            f"tiers.threshold.figure.density.panel.{kind}",
            tier=row.tier,
            line=sentences.amount(row.threshold_cny),
            ratio=row.ratio,
            lower=row.ratio_lower,
            upper=row.ratio_upper,
            p=sentences.chance(row.p),
        )
        axes.set_title(panel, size=9.5, color=BLACK, loc="left")
    alt = phrase("tiers.threshold.figure.density.alt", title=title)
    return finish(figure, name=name, alt=alt, table=effects.bars)


def draw_checks(measures: Measures, effects: Effects, *, level: float) -> Picture:
    """Draw the jump of spend in other ways of reading, and where no tier begins."""
    name = "threshold_checks"
    rows = effects.table[effects.table["measure"] == SPEND]
    if rows.empty:
        return _nothing(measures, effects, name, level)
    verdict, _ = sentences.judge_checks(effects, level=level)
    title = phrase(f"tiers.threshold.figure.checks.title.{verdict}")
    subtitle = phrase(
        "tiers.threshold.figure.checks.subtitle", days=measures.jump_days, level=level
    )
    checks = effects.checks[~effects.checks["check"].isin(KNOWN_BEFORE)]
    shown = ["asked", "half", "double", "donut", "below", "above"]
    figure, panels = _panels(measures, title, subtitle, len(rows), method="jump")
    for place, (axes, row) in enumerate(zip(panels, each_row(rows), strict=False)):
        own = {one.check: one for one in each_row(checks[checks["tier"] == row.tier])}
        own["asked"] = row
        for y, check in enumerate(shown):
            if check not in own:
                continue
            one = own[check]
            colour = ACCENT if check == "asked" else GREY
            whiskers(axes, one.value, y, one.ci_lower, one.ci_upper, colour=colour)
            axes.plot(one.value, y, "o", color=colour, markersize=5)
        labels = [phrase(f"tiers.threshold.figure.checks.{check}") for check in shown]
        name_rows(axes, range(len(shown)), labels if place % _WIDE == 0 else [""] * len(shown))
        axes.invert_yaxis()
        axes.axvline(0, color=BLACK, linewidth=0.8)
        line = sentences.amount(row.threshold_cny)
        panel = phrase("tiers.threshold.figure.checks.panel", tier=row.tier, line=line)
        axes.set_title(panel, size=9.5, color=BLACK, loc="left")
    alt = phrase("tiers.threshold.figure.checks.alt", title=title)
    return finish(figure, name=name, alt=alt, table=effects.checks)


def _panels(
    measures: Measures, title: str, subtitle: str, n: int, *, method: str
) -> tuple[Figure, list[Axes]]:
    columns, below = min(n, _WIDE), -(-n // _WIDE)
    footer = phrase(
        "tiers.threshold.figure.footer",
        source=measures.source,
        first=measures.first,
        day=measures.as_of,
        n=measures.counts["n"],
        method=phrase(f"tiers.threshold.method.{method}"),
    )
    figure, panels = canvas(
        title, subtitle, footer, height=1.3 + 2.9 * below, columns=columns, heights=[1] * below
    )
    for axes in panels[n:]:
        axes.set_axis_off()
    return figure, panels


def _nothing(measures: Measures, effects: Effects, name: str, level: float) -> Picture:
    reason = sentences.say_effects(measures, effects, level=level)
    return nothing(reason, name=name, title=phrase("tiers.threshold.figure.none"))


def _effects_title(effects: Effects) -> str:
    judged = effects.table[effects.table["measure"] == SPEND]
    sides = set(judged["verdict"]) - {"unclear"}
    key = "mixed" if len(sides) > 1 else next(iter(sides), "unclear")
    clear = judged[judged["verdict"] != "unclear"]
    return phrase(f"tiers.threshold.figure.effects.title.{key}", tiers=list(clear["tier"]))
