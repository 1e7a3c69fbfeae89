"""Turn what a tier brought into findings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from siyu.findings import Direction, Finding, Status, insufficient
from siyu.formats import full_stop, paragraph
from siyu.phrases import phrase
from siyu.studies.tables import each_row
from siyu.studies.tiers.upgrade import sentences
from siyu.studies.tiers.upgrade.estimate import Effects
from siyu.studies.tiers.upgrade.measure import Measures

_METRIC = "effect of coming to a tier"


def conclude(measures: Measures, found: Effects, *, level: float) -> list[Finding]:
    """Give findings per tier: margin with its worth and what to do, orders, before and after, and
    what losing it did; one that refuses where nothing can be said.

    Args:
        measures: from `measure`.
        found: from `estimate`.
        level: the coverage at which it was computed.
    """
    if measures.refused:
        reason = full_stop(sentences.say_refusal(measures))
        return [insufficient("tiers.upgrade.margin", reason, metric=_METRIC, n=0, unit="cny")]
    return [
        finding
        for target in found.verdicts
        for finding in (
            _margin(measures, found, target, level),
            *_orders(measures, found, target, level),
            *_naive(measures, found, target, level),
            *_lost(measures, found, target, level),
        )
    ]


def _margin(measures: Measures, found: Effects, target: int, level: float) -> Finding:
    tier, verdict = measures.tiers[target], found.verdicts[target]
    said = sentences.say_tier(measures, found, target, level=level)
    row = sentences.row_of(found, target, "margin")
    about = sentences.say_next(measures, found, target)
    if verdict not in sentences.TOLD:
        action = phrase("tiers.upgrade.action.bunched") if verdict == "bunched" else ""
        n = 0 if row is None else row.n_exposed
        return insufficient(
            f"tiers.upgrade.margin.{tier}",
            paragraph(said, action, about),
            metric=_METRIC,
            n=n,
            unit="cny",
            segment={"tier": tier},
        )
    cost = found.right_cost_cny[target]
    worth = (row.effect - cost) * found.per_month[target] if verdict != "unclear" else None
    status: Status = "ok" if verdict == "pays" else "alert" if verdict == "costs" else "info"
    direction: Direction | None = None if verdict == "unclear" else "above"
    action = (
        phrase(
            f"tiers.upgrade.action.{verdict}",
            tier=tier,
            most=row.ci_lower,
            days=measures.block_days,
        )
        if direction
        else ""
    )
    return Finding(
        id=f"tiers.upgrade.margin.{tier}",
        metric=_METRIC,
        segment={"tier": tier},
        **_numbers(row, level),
        unit="cny",
        n=row.n_exposed,
        message=full_stop(said),
        action=paragraph(action, about),
        method=phrase("tiers.upgrade.method.adjusted"),
        status=status,
        threshold=None if direction is None else cost,
        direction=direction,
        evidence="adjusted",
        worth_cny=worth,
    )


def _orders(measures: Measures, found: Effects, target: int, level: float) -> Iterable[Finding]:
    row, tier = sentences.row_of(found, target, "orders"), measures.tiers[target]
    if row is None:
        return
    trusted = found.verdicts[target] in sentences.TOLD
    kind = "orders" if trusted else "no_effect"
    yield Finding(
        id=f"tiers.upgrade.orders.{tier}",
        metric=_METRIC,
        segment={"tier": tier},
        **_numbers(row, level),
        unit="count",
        n=row.n_exposed,
        message=phrase(
            f"tiers.upgrade.finding.{kind}",
            tier=tier,
            days=measures.block_days,
            effect=row.effect,
            lower=row.ci_lower,
            upper=row.ci_upper,
            level=level,
        ),
        method=phrase("tiers.upgrade.method.adjusted"),
        evidence="adjusted" if trusted else "descriptive",
    )


def _naive(measures: Measures, found: Effects, target: int, level: float) -> Iterable[Finding]:
    tier = measures.tiers[target]
    for row in each_row(found.naive[found.naive["target"] == target]):
        yield Finding(
            id=f"tiers.upgrade.naive.{tier}",
            metric="orders after an upgrade against before",
            segment={"tier": tier},
            value=float(row.change),
            ci_lower=float(row.ci_lower),
            ci_upper=float(row.ci_upper),
            level=level,
            unit="share",
            n=int(row.n),
            message=phrase(
                "tiers.upgrade.finding.naive",
                tier=tier,
                days=measures.block_days,
                change=row.change,
                lower=row.ci_lower,
                upper=row.ci_upper,
                level=level,
            ),
            method=phrase("tiers.upgrade.method.naive"),
        )


def _lost(measures: Measures, found: Effects, target: int, level: float) -> Iterable[Finding]:
    tier = measures.tiers[target]
    row, orders = (
        sentences.row_of(found, target, measure, kind="down") for measure in ("margin", "orders")
    )
    if row is None:
        return
    yield Finding(
        id=f"tiers.upgrade.lost.{tier}",
        metric="effect of losing a tier",
        segment={"tier": tier},
        **_numbers(row, level),
        unit="cny",
        n=row.n_exposed,
        message=full_stop(sentences.say_lost(measures, row, orders, level=level)),
        method=phrase("tiers.upgrade.method.adjusted"),
        # Those who kept a tier by an order just before the review are no measure of those who lost.
        evidence="descriptive" if found.verdicts[target] == "bunched" else "adjusted",
    )


def _numbers(row: Any, level: float) -> dict[str, Any]:
    return {
        "value": float(row.effect),
        "ci_lower": float(row.ci_lower),
        "ci_upper": float(row.ci_upper),
        "level": level,
    }
