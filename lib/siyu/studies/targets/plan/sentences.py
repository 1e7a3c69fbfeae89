"""Say how likely the target is, what it would take, and what moves the chance most."""

from __future__ import annotations

from typing import Any

import pandas as pd

from siyu.formats import paragraph, paragraphs
from siyu.phrases import phrase
from siyu.studies.naming import EVERYONE
from siyu.studies.tables import each_row
from siyu.studies.targets.adds import Adds
from siyu.studies.targets.forecast.estimate import days_ahead
from siyu.studies.targets.plan.estimate import Plan
from siyu.studies.targets.plan.ways import CHANCES


def say_counted(adds: Adds, found: Plan) -> str:
    """Name what is counted: new members who stay so long, or additions."""
    return phrase(f"targets.plan.counted.{found.counted}", days=adds.definition.kept_days)


def verdict_of(found: Plan, threshold: float) -> str:
    """Say on which side of the threshold the chance lies: "above", "below", or "close" to it."""
    if found.ci_lower >= threshold:
        return "above"
    return "below" if found.ci_upper < threshold else "close"


def say_headline(adds: Adds, found: Plan, *, chance_threshold: float) -> str:
    """Say in one sentence how likely the target is.

    Args:
        adds: from `count_adds`.
        found: from `plan`.
        chance_threshold: the least chance that will do.
    """
    if found.refused:
        return phrase(f"targets.plan.refused.{found.refused}")
    return phrase(
        f"targets.plan.chance.{verdict_of(found, chance_threshold)}",
        target=found.target,
        counted=say_counted(adds, found),
        last=days_ahead(adds)[1],
        chance=found.chance,
        threshold=chance_threshold,
    )


def say_plan(found: Plan, *, level: float) -> str:
    """The result: what is expected, and what it takes for a chance of 50% and of 80%.

    Args:
        found: from `plan`.
        level: the coverage at which it was made.
    """
    if found.refused:
        return ""
    said = phrase(
        "targets.plan.expected",
        expected=found.expected,
        lower=found.lower,
        upper=found.upper,
        level=level,
        error=max(found.ci_upper - found.chance, found.chance - found.ci_lower),
    )
    needs = [say_need(found, chance, level=level) for chance in CHANCES]
    first = list_cheapest(found)
    named = phrase("targets.plan.first", names=first) if first else ""
    costs = phrase("targets.plan.limits.costs") if found.cheapest else ""
    return paragraphs(said, *needs, paragraph(named, costs, phrase("targets.plan.limits.alike")))


def say_need(found: Plan, chance: float, *, level: float) -> str:
    """Say what it takes for a chance, all touchpoints alike, and cheapest first."""
    rows = {row.way: row for row in each_row(found.ways[found.ways["chance"] == chance])}
    even, cheap = rows["even"], rows.get("cheap")
    if even.extra <= 0:
        return phrase("targets.plan.need.enough", chance=chance, adds=even.adds)
    more = even.extra / (even.adds - even.extra)
    numbers = {"chance": chance, "adds": even.adds, "extra": even.extra, "more": more}
    said = [phrase("targets.plan.need.even", **numbers)]
    if pd.notna(even.cost_cny):
        said.append(phrase("targets.plan.need.even_cost", **_cost(even), level=level))
    needs = found.needs
    own = needs[(needs["chance"] == chance) & (needs["way"] == "even") & needs["beyond"]]
    if len(own):
        names = list(dict.fromkeys(own["touchpoint"]))
        said.append(phrase("targets.plan.need.beyond", names=names))
    if cheap is None:
        said.append(phrase("targets.plan.need.no_cost"))
    elif cheap.reached:
        extra = cheap.extra
        said.append(phrase("targets.plan.need.cheap", extra=extra, **_cost(cheap), level=level))
    else:
        said.append(phrase("targets.plan.need.cheap_short", extra=cheap.extra))
    return paragraph(*said)


def _cost(row: Any) -> dict[str, float]:
    return {"cost": row.cost_cny, "lower": row.cost_lower, "upper": row.cost_upper}


def list_cheapest(found: Plan, chance: float = CHANCES[-1]) -> list[str]:
    """List where more is bought for a chance, the cheapest member first; none where nothing is."""
    own = found.needs[(found.needs["chance"] == chance) & (found.needs["way"] == "cheap")]
    own = own.assign(extra=own["needed"] - own["expected"])
    bought = own.groupby("touchpoint")["extra"].sum()
    return [name for name in found.cheapest if bought.get(name, 0.0) > 0.5]


def say_levers(found: Plan, *, level: float) -> str:
    """Say what a tenth more of anything does, and where it does most.

    Args:
        found: from `plan`.
        level: the coverage at which it was made.
    """
    if found.refused:
        return ""
    rows = {(row.lever, row.touchpoint): row for row in each_row(found.levers)}
    alike, best = rows["add_rate", EVERYONE], rows["touchpoint", found.best]
    return paragraph(
        phrase(
            f"targets.plan.levers.alike_{found.counted}",
            change=alike.change,
            lower=alike.change_lower,
            upper=alike.change_upper,
            extra=alike.extra,
            level=level,
        ),
        phrase(
            f"targets.plan.levers.{'best_clear' if found.best_clear else 'best'}",
            name=found.best,
            extra=best.extra,
            lower=best.extra_lower,
            upper=best.extra_upper,
            change=best.change,
        ),
    )


def name_lever(lever: str, touchpoint: str) -> str:
    """Name what is moved."""
    return phrase(f"targets.plan.lever.{lever}", touchpoint=touchpoint)
