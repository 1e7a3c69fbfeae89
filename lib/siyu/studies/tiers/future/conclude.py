"""Turn a forecast into findings: numbers only where the test on what came since held."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from siyu.findings import Finding, Unit, insufficient
from siyu.formats import full_stop
from siyu.phrases import phrase
from siyu.studies.naming import EVERYONE
from siyu.studies.tables import each_row
from siyu.studies.tiers.future import sentences
from siyu.studies.tiers.future.estimate import Forecast
from siyu.studies.tiers.future.measure import Measures

_UNITS: dict[str, Unit] = {"purchases": "count", "value": "cny", "alive": "share"}


def conclude(measures: Measures, found: Forecast, *, level: float) -> list[Finding]:
    """Give the findings of a forecast.

    Args:
        measures: what buyers bought.
        found: from `forecast`.
        level: the coverage at which it was computed.

    Returns:
        `tiers.future.purchases` alone, insufficient, where there is no forecast at all. Else
        `.holdout`, `.purchases`, `.value` and `.alive`, of all buyers and of each tier; these are
        insufficient unless the test held.
    """
    if found.model is None:
        n = int(measures.now["n"].sum())
        return [_refused("purchases", EVERYONE, n, sentences.why_not(measures, found))]
    findings = [_holdout(measures, row, level=level) for row in each_row(found.holdout)]
    for row in each_row(found.table):
        findings += _forecasts(measures, found, row, level=level)
    return findings


def _id(what: str, group: str) -> str:
    return f"tiers.future.{what}" + ("" if group == EVERYONE else f".{group}")


def _segment(group: str) -> dict[str, str]:
    return {} if group == EVERYONE else {"tier": group}


def _refused(what: str, group: str, n: int, reason: str) -> Finding:
    name = _id(what, group)
    return insufficient(name, full_stop(reason), metric=what, unit=_UNITS[what], n=n)


def _holdout(measures: Measures, row: Any, *, level: float) -> Finding:
    said = phrase(
        "tiers.future.finding.holdout",
        group=sentences.name_group(row.group),
        on=measures.tested_from,
        days=measures.holdout_days,
        later=row.later,
        expected=row.expected,
        lower=row.ci_lower,
        upper=row.ci_upper,
    )
    return Finding(
        id=_id("holdout", row.group),
        metric="purchases expected per purchase that came",
        value=float(row.expected / row.later) if row.later else None,
        ci_lower=float(row.ci_lower / row.later) if row.later else None,
        ci_upper=float(row.ci_upper / row.later) if row.later else None,
        level=level,
        unit="ratio",
        n=int(row.n),
        segment=_segment(row.group),
        message=full_stop(said),
        method=phrase("tiers.future.method.model"),
        status="info" if row.later else "insufficient",
    )


def _forecasts(measures: Measures, found: Forecast, row: Any, *, level: float) -> Iterator[Finding]:
    for what in _UNITS:
        if reason := _why_not(measures, found, row, what, level=level):
            yield _refused(what, row.group, int(row.n), reason)
            continue
        value, lower, upper = {
            "purchases": (row.expected, row.ci_lower, row.ci_upper),
            "value": (row.value_cny, row.value_lower, row.value_upper),
            "alive": (row.alive, row.alive_lower, row.alive_upper),
        }[what]
        yield Finding(
            id=_id(what, row.group),
            metric={"purchases": "expected purchases", "value": "expected margin"}.get(
                what, "share still buying"
            ),
            value=float(value),
            ci_lower=float(lower),
            ci_upper=float(upper),
            level=level,
            unit=_UNITS[what],
            n=int(row.n),
            segment=_segment(row.group),
            message=full_stop(
                phrase(
                    f"tiers.future.finding.{what}",
                    group=sentences.name_group(row.group),
                    n=row.n,
                    days=measures.horizon_days,
                    expected=row.expected,
                    each=row.expected / row.n,
                    recent=row.recent,
                    value=row.value_cny,
                    share=row.alive,
                    lower=lower,
                    upper=upper,
                )
            ),
            method=phrase(f"tiers.future.method.{'value' if what == 'value' else 'model'}"),
            **_advice(row, what),
        )


def _advice(row: Any, what: str) -> dict[str, Any]:
    """What to do about a row; who is woken may not buy, so what that is worth nobody knows."""
    if what == "purchases" and row.change == "falls":
        return {"action": phrase("tiers.future.action.falls")}
    if what == "alive" and row.value_outcome == "held" and row.wake_cny > 0:
        action = phrase("tiers.future.action.wake", asleep=row.asleep, each=row.wake_cny)
        return {"action": action}
    return {}


def _why_not(measures: Measures, found: Forecast, row: Any, what: str, *, level: float) -> str:
    """Say why a number of a row cannot be told; "" where it can."""
    outcome = row.value_outcome if what == "value" and row.outcome == "held" else row.outcome
    if row.group == EVERYONE and row.outcome != "held":
        return sentences.why_not(measures, found)
    if outcome != "held":
        return phrase(
            f"tiers.future.finding.{outcome}",
            group=sentences.name_group(row.group),
            on=measures.tested_from,
        )
    if what == "value" and (found.amounts or not row.value_cny > 0):
        return sentences.say_value(measures, found, level=level)
    return ""
