"""Turn the plan into findings, and a chance that is too small into an alert."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from siyu.findings import Finding, insufficient, status_of
from siyu.formats import full_stop
from siyu.phrases import phrase
from siyu.studies.naming import EVERYONE
from siyu.studies.tables import each_row
from siyu.studies.targets.adds import Adds
from siyu.studies.targets.forecast.estimate import days_ahead
from siyu.studies.targets.plan import sentences
from siyu.studies.targets.plan.estimate import Plan
from siyu.studies.targets.plan.ways import CHANCES


def conclude(
    adds: Adds, found: Plan, *, chance_threshold: float = 0.5, level: float
) -> list[Finding]:
    """Give the findings of the plan.

    Args:
        adds: from `count_adds`.
        found: from `plan`.
        chance_threshold: the least chance that will do, 0 to 1.
        level: the coverage at which it was made.

    Returns:
        Findings with stable ids. The chance is an alert where it is below the threshold, with what
        to add for a chance of 80%; its worth is what that saves against raising all touchpoints
        alike. Intervals of chances tell of the number of draws alone.
    """
    n = int(adds.days["added"].sum())
    if found.refused:
        said = full_stop(sentences.say_headline(adds, found, chance_threshold=chance_threshold))
        return [insufficient("targets.plan.chance", said, metric="chance of the target", n=n)]
    return [
        *_chance(adds, found, chance_threshold, n=n, level=level),
        *_needs(found, n=n, level=level),
        *_levers(found, n=n, level=level),
    ]


def _chance(
    adds: Adds, found: Plan, threshold: float, *, n: int, level: float
) -> Iterator[Finding]:
    status = status_of(
        ci_lower=found.ci_lower, ci_upper=found.ci_upper, threshold=threshold, direction="above"
    )
    yield Finding(
        id="targets.plan.chance",
        metric="chance of the target",
        value=found.chance,
        ci_lower=found.ci_lower,
        ci_upper=found.ci_upper,
        level=level,
        unit="share",
        n=n,
        threshold=threshold,
        direction="above",
        status=status,
        message=full_stop(sentences.say_headline(adds, found, chance_threshold=threshold)),
        headline=phrase("followed.chance"),
        method=phrase("targets.plan.method.chance"),
        **(_acted(found) if status == "alert" else {}),
    )
    ends = {"lower": found.lower, "upper": found.upper}
    yield Finding(
        id="targets.plan.expected",
        metric="counted towards the target, expected",
        value=found.expected,
        ci_lower=found.lower,
        ci_upper=found.upper,
        level=level,
        unit="users",
        n=n,
        message=full_stop(
            phrase(
                "targets.plan.finding.expected",
                value=found.expected,
                counted=sentences.say_counted(adds, found),
                last=days_ahead(adds)[1],
                **ends,
            )
        ),
        headline=phrase("followed.expected"),
        method=phrase("targets.plan.method.expected"),
    )


def _acted(found: Plan) -> dict[str, Any]:
    """Say what to add for the higher chance, and what buying it cheapest first saves."""
    chance = CHANCES[-1]
    ways = {row.way: row for row in each_row(found.ways[found.ways["chance"] == chance])}
    even, cheap = ways["even"], ways.get("cheap")
    if cheap is None or not cheap.reached:
        return {"action": phrase("targets.plan.action.even", extra=even.extra)}
    said = {"extra": cheap.extra, "cost": cheap.cost_cny, "chance": chance}
    names = sentences.list_cheapest(found)
    saved = float(even.cost_cny - cheap.cost_cny)
    worth = max(saved, 0.0) if np.isfinite(saved) else None
    return {"action": phrase("targets.plan.action.cheap", names=names, **said), "worth_cny": worth}


def _needs(found: Plan, *, n: int, level: float) -> Iterator[Finding]:
    for row in each_row(found.ways):
        share = round(100 * row.chance)
        if row.way == "even":
            yield Finding(
                id=f"targets.plan.needed.{share}",
                metric="additions needed",
                value=float(row.adds),
                ci_lower=float(row.adds_lower),
                ci_upper=float(row.adds_upper),
                level=level,
                unit="users",
                n=n,
                message=full_stop(
                    phrase(
                        "targets.plan.finding.needed",
                        value=row.adds,
                        extra=row.extra,
                        chance=row.chance,
                    )
                ),
                method=phrase("targets.plan.method.needed"),
            )
        elif row.reached and pd.notna(row.cost_cny):
            ends = {"lower": row.cost_lower, "upper": row.cost_upper}
            yield Finding(
                id=f"targets.plan.cost.{share}",
                metric="cost of the further additions",
                value=float(row.cost_cny),
                ci_lower=float(row.cost_lower),
                ci_upper=float(row.cost_upper),
                level=level,
                unit="cny",
                n=n,
                message=full_stop(
                    phrase(
                        "targets.plan.finding.cost", value=row.cost_cny, chance=row.chance, **ends
                    )
                ),
                method=phrase("targets.plan.method.cost"),
            )


def _levers(found: Plan, *, n: int, level: float) -> Iterator[Finding]:
    for row in each_row(found.levers):
        whole = row.touchpoint == EVERYONE
        said = phrase(
            "targets.plan.finding.lever",
            name=sentences.name_lever(row.lever, row.touchpoint),
            change=row.change,
        )
        yield Finding(
            id=f"targets.plan.lever.{row.lever}" + ("" if whole else f".{row.touchpoint}"),
            metric="chance of the target, raised by",
            value=float(row.change),
            ci_lower=float(row.change_lower),
            ci_upper=float(row.change_upper),
            level=level,
            unit="share",
            n=n,
            segment={} if whole else {"touchpoint": row.touchpoint},
            message=full_stop(said),
            method=phrase("targets.plan.method.lever"),
        )
