"""Say what a tier brought, why before and after say something else, and what would prove it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from siyu.formats import clauses, paragraph, paragraphs
from siyu.phrases import phrase
from siyu.studies.tables import each_row
from siyu.studies.tiers.upgrade.estimate import FEWEST, Effects
from siyu.studies.tiers.upgrade.judge import POWER
from siyu.studies.tiers.upgrade.measure import Measures

TOLD = ("pays", "costs", "unclear")
"""Verdicts of tiers whose effect is told."""
_MOST_MONTHS = 24
"""A lot that takes longer is no plan."""


def say_headline(measures: Measures, found: Effects, *, level: float) -> str:
    """The result in one sentence: the tier that brings most, or loses most, or that none does."""
    if refusal := say_refusal(measures):
        return refusal
    clear = [t for t, verdict in found.verdicts.items() if verdict in ("pays", "costs")]
    if clear:
        best = max(clear, key=lambda target: abs(row_of(found, target, "margin").effect))
        return say_tier(measures, found, best, level=level)
    told = any(verdict == "unclear" for verdict in found.verdicts.values())
    return phrase(f"tiers.upgrade.headline.{'unclear' if told else 'nothing'}")


def say_effects(measures: Measures, found: Effects, *, level: float) -> str:
    """Say of each tier what it brought, what would prove it, and of whom nothing is said."""
    if refusal := say_refusal(measures):
        return refusal
    tiers = [say_tier(measures, found, target, level=level) for target in found.verdicts]
    said = [] if measures.has_margin else [phrase("tiers.upgrade.amounts")]
    said.append(phrase("tiers.upgrade.counted", band=measures.band))
    left_out = [
        phrase(f"tiers.upgrade.left_out.{name}", n=n, days=measures.block_days)
        for name, n in (("immature", measures.immature), ("unknown", measures.unknown))
        if n
    ]
    if left_out:
        said.append(phrase("tiers.upgrade.left_out.said", what=left_out))
    if measures.ends is not None:
        said.append(phrase("tiers.upgrade.ends", day=measures.ends))
    return paragraphs(*tiers, paragraph(*said))


def say_tier(measures: Measures, found: Effects, target: int, *, level: float) -> str:
    """Say in one sentence what coming to a tier brought, or why that is not known."""
    verdict, tier = found.verdicts[target], measures.tiers[target]
    about: dict[str, Any] = {"tier": tier, "days": measures.block_days, "level": level}
    if verdict == "few":
        least = max(FEWEST, measures.min_users)
        return phrase("tiers.upgrade.tier.few", **about, least=least)
    margin, orders = (row_of(found, target, measure) for measure in ("margin", "orders"))
    if verdict == "bunched":
        near = measures.near.set_index("target").loc[target]
        about["times"] = near["above"] / max(near["below"], 1)
    if verdict == "doubted":
        worst = found.checks[found.checks["target"] == target].sort_values("p_holm").iloc[0]
        about["check"] = phrase(f"tiers.upgrade.check.{worst['check']}")
    effect, lower, upper = margin.effect, margin.ci_lower, margin.ci_upper
    if verdict == "costs" and effect < 0:
        verdict, effect, lower, upper = "less", -effect, -upper, -lower
    said = phrase(
        f"tiers.upgrade.tier.{verdict}",
        **about,
        margin=effect,
        lower=lower,
        upper=upper,
        orders=orders.effect,
        orders_lower=orders.ci_lower,
        orders_upper=orders.ci_upper,
        n=orders.n_exposed,
    )
    cost = found.right_cost_cny[target]
    return clauses([said, phrase("tiers.upgrade.cost", cost=cost)]) if cost else said


def say_naive(measures: Measures, found: Effects) -> str:
    """Say what before and after say of each tier whose effect is told, and why that is none."""
    said = []
    for row in each_row(found.naive):
        side = "rose" if row.ci_lower > 0 else "fell" if row.ci_upper < 0 else "same"
        adjusted = row_of(found, row.target, "orders")
        if found.verdicts[row.target] not in TOLD:
            continue
        said.append(
            phrase(
                f"tiers.upgrade.naive.{side}",
                tier=measures.tiers[row.target],
                days=measures.block_days,
                before=row.before,
                after=row.after,
                change=abs(row.change),
                expected=adjusted.expected,
                effect=adjusted.effect,
                lower=adjusted.ci_lower,
                upper=adjusted.ci_upper,
            )
        )
    return paragraph(*said, phrase("tiers.upgrade.naive.why")) if said else ""


def say_checks(measures: Measures, found: Effects, *, level: float) -> str:
    """Say whether the estimate finds effects where there can be none."""
    if measures.refused:
        return ""
    if not len(found.checks):
        return phrase("tiers.upgrade.checks.none")
    failed = found.checks[found.checks["p_holm"] < 1 - level]
    kept = phrase("tiers.upgrade.checks.passed", n=len(found.checks), level=level)
    said = [
        phrase(
            "tiers.upgrade.checks.failed",
            tier=measures.tiers[row.target],
            check=phrase(f"tiers.upgrade.check.{row.check}"),
            measure=phrase(f"tiers.upgrade.measure.{row.measure}"),
            effect=row.effect,
            lower=row.ci_lower,
            upper=row.ci_upper,
        )
        for row in each_row(failed)
    ]
    return paragraph(*(said or [kept]))


def say_next(measures: Measures, found: Effects, target: int) -> str:
    """Say how to know by lot what a tier brings; "" where nobody comes to it."""
    needed, worth = found.needed[target]
    monthly = measures.reached.get(target, 0) / max(measures.months, 1.0)
    if not np.isfinite(needed) or not monthly > 0:
        return ""
    kind = "lot" if needed / monthly <= _MOST_MONTHS else "long"
    return phrase(
        f"tiers.upgrade.next.{kind}",
        tier=measures.tiers[target],
        needed=needed,
        monthly=monthly,
        months=needed / monthly,
        smallest=worth,
        days=measures.block_days,
        power=POWER,
    )


def say_lost(measures: Measures, row: Any, orders: Any, *, level: float) -> str:
    """Say what losing a tier did, from its rows of margin and of orders."""
    # A line expects too little of those who have not bought for long, for orders end at none: that
    # they bring more is no finding.
    side = "less" if row.effect < 0 and row.p_holm < 1 - level else "unclear"
    return phrase(
        f"tiers.upgrade.lost.{side}",
        tier=measures.tiers[row.target],
        days=measures.block_days,
        margin=row.effect,
        lower=row.ci_lower,
        upper=row.ci_upper,
        orders=orders.effect,
        orders_lower=orders.ci_lower,
        orders_upper=orders.ci_upper,
        level=level,
        n=row.n_exposed,
    )


def say_refusal(measures: Measures) -> str:
    """Say why nothing is estimated; "" where something is."""
    if not measures.refused:
        return ""
    return phrase(
        f"tiers.upgrade.refused.{measures.refused}",
        follows=measures.follows,
        reproduced=measures.reproduced,
        days=measures.blocks_before * measures.block_days,
    )


def row_of(found: Effects, target: int, measure: str, *, kind: str = "up") -> Any:
    """Give the row of an effect; None where there is none."""
    table = found.effects
    rows: pd.DataFrame = table[
        (table["kind"] == kind) & (table["target"] == target) & (table["measure"] == measure)
    ]
    return next(each_row(rows), None)
