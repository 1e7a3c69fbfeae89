"""Turn what reaching a tier does into findings."""

from __future__ import annotations

from typing import Any

import numpy as np

from siyu.findings import Direction, Finding, Status, Unit, insufficient
from siyu.formats import full_stop, paragraph
from siyu.phrases import phrase
from siyu.studies.tables import each_row
from siyu.studies.tiers.threshold import sentences
from siyu.studies.tiers.threshold.estimate import SPEND, SUSPECT_P, Effects
from siyu.studies.tiers.threshold.measure import OUTCOMES, Measures

_UNITS: dict[str, Unit] = {"orders": "count", "spend": "cny", "margin": "cny"}


def conclude(measures: Measures, effects: Effects, *, level: float) -> list[Finding]:
    """Give a finding per tier and outcome, and one per density; refusals where nothing is read.

    What a tier does to spend is judged; orders and margin are parts of it and have no verdict. A
    clear jump is worth that of the margin, times the members just above at one review.

    Args:
        measures: the reviews.
        effects: from `find_effects`.
        level: the coverage at which they were computed.
    """
    if refused := sentences.refusal(measures):
        n = measures.counts["n"]
        return [_refuse("tiers.threshold.spend", refused, n=n, unit="cny")]
    found = []
    named = [name for name in OUTCOMES if measures.has_margin or name != "margin"]
    for tier in measures.thresholds["tier"]:
        for name in named:
            if tier in effects.refused:
                said = sentences.say_tier(measures, effects, tier, level=level)
                found.append(
                    _refuse(
                        f"tiers.threshold.{name}.{tier}",
                        said,
                        n=_reviews_near(effects, tier),
                        unit=_UNITS[name],
                    )
                )
            else:
                row = sentences.row_of(effects.table, tier, measure=name)
                found.append(_jump(measures, effects, row, level=level))
    densities = [
        _density(measures, effects, row, level=level) for row in each_row(effects.densities)
    ]
    return found + densities


def _refuse(name: str, reason: str, *, n: int, unit: Unit, action: str = "") -> Finding:
    said = full_stop(reason)
    return insufficient(name, said, metric="jump at a tier", n=n, unit=unit, action=action)


def _jump(measures: Measures, effects: Effects, row: Any, *, level: float) -> Finding:
    judged = row.measure == SPEND
    message = (
        sentences.say_tier(measures, effects, row.tier, level=level)
        if judged
        else phrase(
            f"tiers.threshold.finding.{row.measure}",
            tier=row.tier,
            days=measures.jump_days,
            value=row.value,
            lower=row.ci_lower,
            upper=row.ci_upper,
        )
    )
    doubt = sentences.say_doubt(effects, row.tier, level=level) if judged else ""
    clear = judged and row.verdict != "unclear" and not doubt
    status: Status = "info" if not clear else "ok" if row.verdict == "up" else "alert"
    worth = None
    if clear and measures.has_margin:
        earned = sentences.row_of(effects.table, row.tier, measure="margin")
        worth = float(earned.value * earned.members_above)
    return Finding(
        id=f"tiers.threshold.{row.measure}.{row.tier}",
        metric="jump at a tier",
        segment={"tier": row.tier},
        value=float(row.value),
        ci_lower=float(row.ci_lower),
        ci_upper=float(row.ci_upper),
        level=level,
        unit=_UNITS[row.measure],
        n=int(row.n_below + row.n_above),
        message=paragraph(message, doubt),
        action=sentences.say_action(measures, effects, row.tier) if judged and not doubt else "",
        method=phrase("tiers.threshold.method.jump"),
        status=status,
        threshold=0.0 if clear else None,
        direction="above" if clear else None,
        evidence="adjusted",
        worth_cny=worth,
    )


def _density(measures: Measures, effects: Effects, row: Any, *, level: float) -> Finding:
    """Find whether members place themselves: where they do, it is said once what to do of it."""
    name = f"tiers.threshold.density.{row.tier}"
    message = sentences.say_density(effects, row.tier, level=level)
    n = int(row.n_below + row.n_above)
    suspect = row.p < SUSPECT_P
    action = sentences.say_action(measures, effects, row.tier) if suspect else ""
    if not np.isfinite(row.ratio):
        return _refuse(name, message, n=n, unit="ratio", action=action)
    good: Direction = "below" if row.ratio > 1 else "above"
    return Finding(
        id=name,
        metric="jump of the density",
        segment={"tier": row.tier},
        value=float(row.ratio),
        ci_lower=float(row.ratio_lower),
        ci_upper=float(row.ratio_upper),
        level=level,
        unit="ratio",
        n=n,
        message=full_stop(message),
        action=action,
        method=phrase("tiers.threshold.method.density"),
        status="alert" if suspect else "info",
        threshold=1.0 if suspect else None,
        direction=good if suspect else None,
    )


def _reviews_near(effects: Effects, tier: str) -> int:
    near = effects.densities[effects.densities["tier"] == tier]
    return int(near["n_below"].sum() + near["n_above"].sum())
