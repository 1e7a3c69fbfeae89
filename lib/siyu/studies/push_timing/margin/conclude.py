"""Turn what pushing brings into findings."""

from __future__ import annotations

from typing import Any

from siyu.findings import Direction, Finding, Status, Unit, insufficient
from siyu.formats import full_stop
from siyu.phrases import phrase
from siyu.studies.push_timing.margin import sentences
from siyu.studies.push_timing.margin.estimate import Gain
from siyu.studies.push_timing.margin.measure import Measures
from siyu.studies.tables import each_row

_UNITS: dict[str, Unit] = {"orders": "count", "margin": "cny", "left": "share", "net": "cny"}


def conclude(measures: Measures, found: Gain, *, level: float) -> list[Finding]:
    """Give a finding per measure; one that refuses where nothing can be said.

    Args:
        measures: the members.
        found: from `gain`.
        level: the coverage at which it was computed.
    """
    if found.refused:
        said = sentences.say_gain(measures, found, level=level)
        return [
            insufficient(
                "push.margin.margin",
                full_stop(said),
                metric="gain of pushing",
                n=sum(measures.drawn),
                unit="cny",
            )
        ]
    return [_finding(measures, found, row, level=level) for row in each_row(found.table)]


def _finding(measures: Measures, found: Gain, row: Any, *, level: float) -> Finding:
    side, plain = sentences.side_of(row), row.measure == "left"
    if row.measure == "margin":
        message = sentences.say_verdict(measures, found, level=level)
        action = {
            "pays": phrase("push.margin.action.pays"),
            "costs": phrase("push.margin.action.costs"),
            "unclear": sentences.say_next(measures, found, level=level),
        }[found.verdict]
    else:
        message = phrase(
            f"push.margin.finding.{row.measure}",
            days=measures.margin_days,
            difference=row.difference,
            lower=row.ci_lower,
            upper=row.ci_upper,
        )
        action = phrase("push.margin.action.left") if plain and side == "higher" else ""
    # What is clear is good or bad; what is not is judged against nothing.
    direction: Direction | None = None if side == "unclear" else "below" if plain else "above"
    status: Status = "info" if direction is None else "ok"
    if side == ("higher" if plain else "lower"):
        status = "alert"
    return Finding(
        id=f"push.margin.{row.measure}",
        metric="gain of pushing",
        value=float(row.difference),
        ci_lower=float(row.ci_lower),
        ci_upper=float(row.ci_upper),
        level=level,
        unit=_UNITS[row.measure],
        n=sum(found.n),
        message=full_stop(message),
        headline=phrase("followed.pushing") if row.measure == "margin" else "",
        action=action,
        method=phrase(f"push.margin.method.{'plain' if plain else 'adjusted'}"),
        status=status,
        threshold=None if direction is None else 0.0,
        direction=direction,
        evidence="randomised",
    )
