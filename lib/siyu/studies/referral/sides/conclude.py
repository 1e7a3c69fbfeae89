"""Turn what rewards do to trees into findings, or into the experiment to run next."""

from __future__ import annotations

from typing import Any

from siyu.findings import Finding, Status, Unit, insufficient
from siyu.formats import full_stop
from siyu.phrases import phrase
from siyu.studies.referral.sides import sentences
from siyu.studies.referral.sides.estimate import Sides
from siyu.studies.referral.sides.measure import Measures
from siyu.studies.tables import each_row

_METRIC = "effect of the reward per seed"
_UNITS: dict[str, Unit] = {"cost_cny": "cny", "net_cny": "cny"}
_STATUS: dict[str, Status] = {"roll_out": "ok", "stop": "alert", "keep_testing": "watch"}


def conclude(measures: Measures, found: Sides, *, level: float) -> list[Finding]:
    """Give a finding per arm and outcome; the net decides. A refusal names the next experiment.

    Args:
        measures: the seeds.
        found: from `compare_sides`.
        level: the coverage at which it was computed.
    """
    if found.refused:
        reason = full_stop(sentences.refusal(measures, found))
        return [
            insufficient(
                "referral.sides",
                reason,
                metric=_METRIC,
                n=found.n,
                unit="count",
                action=sentences.say_next(measures, found),
                evidence="randomised",
            )
        ]
    spread = found.table[found.table["ci_lower"].notna()]
    return [_finding(measures, row, level=level) for row in each_row(spread)]


def _finding(measures: Measures, row: Any, *, level: float) -> Finding:
    judged: dict[str, Any] = {}
    message = sentences.say_effect(measures, row, level=level)
    if row.verdict:
        judged = {"status": _STATUS[row.verdict], "threshold": 0.0, "direction": "above"}
        message = sentences.say_verdict(measures, row, level=level)
    if row.verdict in ("roll_out", "stop"):
        judged["action"] = phrase(f"referral.sides.action.{row.verdict}", arm=row.arm)
        judged["worth_cny"] = float(abs(row.difference) * (row.n + row.n_control))
    return Finding(
        id=f"referral.sides.{row.measure}.{row.arm}",
        metric=_METRIC,
        value=float(row.difference),
        ci_lower=float(row.ci_lower),
        ci_upper=float(row.ci_upper),
        level=level,
        unit=_UNITS.get(row.measure, "count"),
        n=int(row.n + row.n_control),
        segment={"arm": row.arm},
        message=message,
        method=phrase("referral.sides.method"),
        evidence="randomised",
        **judged,
    )
