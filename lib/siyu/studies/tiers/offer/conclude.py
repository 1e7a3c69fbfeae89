"""Turn what strategies do in tiers into findings."""

from __future__ import annotations

from typing import Any

import numpy as np

from siyu.findings import Direction, Finding, Status, Unit, insufficient
from siyu.formats import full_stop
from siyu.phrases import phrase
from siyu.studies.tables import each_row
from siyu.studies.tiers.offer import sentences
from siyu.studies.tiers.offer.estimate import Effects
from siyu.studies.tiers.offer.measure import Measures
from siyu.studies.tiers.offer.targeting import Targeting

_UNITS: dict[str, Unit] = {
    "habit": "share",
    "spend": "cny",
    "frequency": "days",
    "orders": "count",
}


def conclude(
    measures: Measures, found: Effects, scores: Targeting, *, level: float
) -> list[Finding]:
    """Give findings per tier, per tier and strategy, and per strategy; or one that refuses.

    Args:
        measures: the members.
        found: from `effects`.
        scores: from `target`.
        level: the coverage at which both were computed.
    """
    if found.refused:
        return [
            insufficient(
                "tiers.offer.choice",
                full_stop(sentences.refusal(measures, found)),
                metric="strategy for a tier",
                n=0,
                unit="cny",
            )
        ]
    rows = list(each_row(found.table[found.table["refused"] == ""]))
    return [
        *(_choice(measures, found, row, level) for row in each_row(found.choices)),
        *(_gain(measures, row, level) for row in rows),
        *(_aim(measures, row, level) for row in rows),
        *(_difference(found, row, level) for row in each_row(found.differ)),
        *(_score(row, level) for row in each_row(scores.table)),
    ]


def _choice(measures: Measures, found: Effects, row: Any, level: float) -> Finding:
    kind = "stop_all" if row.verdict == "stop" else row.verdict
    if kind == "keep_testing" and row.choice == measures.arms[0]:
        kind = "nothing"
    own = found.table[(found.table["tier"] == row.tier) & (found.table["refused"] == "")]
    name, metric = f"tiers.offer.choice.{row.tier}", "worth of the strategy chosen"
    n = int(own["n"].sum() + own["n_control"].iloc[0])
    message = full_stop(sentences.say_choice(measures, found, row, level=level))
    action = phrase(f"tiers.offer.action.{kind}", strategy=row.choice)
    segment = {"tier": row.tier}
    if not np.isfinite(row.worth_cny):  # of too few members today
        return insufficient(
            name,
            message,
            metric=metric,
            n=n,
            unit="cny",
            segment=segment,
            action=action,
            evidence="randomised",
        )
    status, threshold, direction = _judged(row.verdict, False)
    return Finding(
        id=name,
        metric=metric,
        segment=segment,
        value=float(row.worth_cny),
        ci_lower=float(row.worth_lower),
        ci_upper=float(row.worth_upper),
        level=level,
        unit="cny",
        n=n,
        message=message,
        action=action,
        method=phrase("tiers.offer.method.choice"),
        status=status,
        threshold=threshold,
        direction=direction,
        evidence="randomised",
        # To draw again is not worth what the leader seems to bring.
        worth_cny=float(row.worth_cny) if row.verdict == "roll_out" else None,
    )


def _gain(measures: Measures, row: Any, level: float) -> Finding:
    status, threshold, direction = _judged(row.verdict, row.net_gain_upper < 0)
    return Finding(
        id=f"tiers.offer.gain.{row.tier}.{row.strategy}",
        metric="net gain per member",
        segment={"tier": row.tier, "strategy": row.strategy},
        value=float(row.net_gain_cny),
        ci_lower=float(row.net_gain_lower),
        ci_upper=float(row.net_gain_upper),
        level=level,
        unit="cny",
        n=int(row.n + row.n_control),
        message=full_stop(sentences.say_gain(measures, row, level=level)),
        # What else to do is said once for the tier, by its choice.
        action=phrase("tiers.offer.action.stop", strategy=row.strategy)
        if row.verdict == "stop"
        else "",
        method=phrase("tiers.offer.method.money"),
        status=status,
        threshold=threshold,
        direction=direction,
        evidence="randomised",
    )


def _aim(measures: Measures, row: Any, level: float) -> Finding:
    name, metric = f"tiers.offer.aim.{row.tier}.{row.strategy}", f"effect on {row.objective}"
    segment, n = {"tier": row.tier, "strategy": row.strategy}, int(row.n + row.n_control)
    message = full_stop(sentences.say_aim(measures, row, level=level))
    if not np.isfinite(row.effect_lower):
        unit = _UNITS[row.objective]
        return insufficient(name, message, metric=metric, n=n, unit=unit, segment=segment)
    return Finding(
        id=name,
        metric=metric,
        segment=segment,
        value=float(row.effect),
        ci_lower=float(row.effect_lower),
        ci_upper=float(row.effect_upper),
        level=level,
        unit=_UNITS[row.objective],
        n=n,
        message=message,
        method=phrase("tiers.offer.method.aim"),
        evidence="randomised",
    )


def _difference(found: Effects, row: Any, level: float) -> Finding:
    said = sentences.say_difference(row)
    return Finding(
        id=f"tiers.offer.differ.{row.strategy}",
        metric="p of equal effects in all tiers",
        segment={"strategy": row.strategy},
        value=float(row.p),
        level=level,
        unit="ratio",
        n=found.n,
        message=full_stop(said[:1].upper() + said[1:]),
        method=phrase("tiers.offer.method.differ"),
        evidence="randomised",
    )


def _score(row: Any, level: float) -> Finding:
    name, message = f"tiers.offer.targeting.{row.strategy}", full_stop(sentences.say_score(row))
    if row.refused or row.verdict == "none":
        return insufficient(
            name,
            message,
            metric="Qini coefficient",
            n=0 if row.refused else int(row.n),
            unit="ratio",
        )
    return Finding(
        id=name,
        metric="Qini coefficient",
        segment={"strategy": row.strategy},
        value=float(row.qini),
        ci_lower=float(row.ci_lower),
        ci_upper=float(row.ci_upper),
        level=level,
        unit="ratio",
        n=int(row.n),
        message=message,
        action=phrase("tiers.offer.targeting.action", strategy=row.strategy)
        if row.verdict == "score"
        else "",
        method=phrase("tiers.offer.method.targeting"),
        evidence="randomised",
    )


def _judged(verdict: str, harms: bool) -> tuple[Status, float | None, Direction | None]:
    """Judge what is clear against nothing; what is not is information."""
    if verdict == "roll_out":
        return "ok", 0.0, "above"
    return ("alert", 0.0, "above") if harms else ("info", None, None)
