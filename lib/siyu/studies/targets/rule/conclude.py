"""Turn the planning rule into findings, and a factor clearly off 1.3 into an alert."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from siyu.findings import Finding, Unit, insufficient, status_of
from siyu.formats import full_stop
from siyu.phrases import phrase
from siyu.studies.naming import EVERYONE
from siyu.studies.tables import each_row
from siyu.studies.targets.adds import Adds
from siyu.studies.targets.rule import sentences
from siyu.studies.targets.rule.estimate import FACTOR, Rule

_INPUTS: dict[str, tuple[Unit, str]] = {
    "orders": ("count", "orders"),
    "share": ("share", "share"),
    "wanted": ("users", "wanted"),
    "by_rule": ("users", "wanted"),
    "by_data": ("users", "wanted"),
    "cost": ("cny", "wanted"),
}
"""Unit and method of each number."""
_GIVEN = ("orders", "wanted", "by_rule")
"""Those that may have been asked for, and then have no interval."""


def conclude(adds: Adds, rule: Rule, *, level: float) -> list[Finding]:
    """Give the findings of the rule.

    Args:
        adds: from `count_adds`.
        rule: from `estimate_rule`.
        level: the coverage at which it was made.

    Returns:
        Findings with stable ids. The factor of all touchpoints is an alert where its whole interval
        lies above 1.3 (too few would be recruited); so is that of a touchpoint, by intervals that
        hold for all touchpoints at once. The worth is what the recruits by the data cost more, or
        less, than those by the rule.
    """
    return [*_factor(adds, rule, level=level), *_inputs(rule, level=level)]


def _factor(adds: Adds, rule: Rule, *, level: float) -> Iterator[Finding]:
    metric, days = "recruits per member kept", adds.definition.kept_days
    if reason := sentences.why_not(adds, rule):
        n = int(rule.factors.iloc[-1]["mature"]) if len(rule.factors) else 0
        yield insufficient(
            "targets.rule.factor", full_stop(reason), metric=metric, n=n, unit="ratio"
        )
        return
    for row in each_row(rule.factors):
        whole = row.touchpoint == EVERYONE
        name = "targets.rule.factor" + ("" if whole else f".{row.touchpoint}")
        segment = {} if whole else {"touchpoint": row.touchpoint}
        if not row.verdict:
            said = phrase("targets.rule.finding.few", name=row.touchpoint)
            yield insufficient(
                name, said, metric=metric, n=int(row.mature), unit="ratio", segment=segment
            )
            continue
        message = (
            sentences.say_headline(adds, rule, level=level)
            if whole
            else phrase(
                "targets.rule.finding.touchpoint",
                name=row.touchpoint,
                factor=row.factor,
                lower=row.ci_lower,
                upper=row.ci_upper,
                days=days,
            )
        )
        yield Finding(
            id=name,
            metric=metric,
            value=float(row.factor),
            ci_lower=float(row.ci_lower),
            ci_upper=float(row.ci_upper),
            level=level,
            unit="ratio",
            n=int(row.mature),
            segment=segment,
            threshold=FACTOR,
            direction="below",
            status=status_of(
                ci_lower=row.ci_lower, ci_upper=row.ci_upper, threshold=FACTOR, direction="below"
            ),
            message=full_stop(message),
            headline=phrase("followed.factor") if whole else "",
            method=phrase("targets.rule.method.factor"),
            **(_acted(rule, row, whole=whole)),
        )


def _acted(rule: Rule, row: Any, *, whole: bool) -> dict[str, Any]:
    if not whole:
        if row.verdict != "above":
            return {}
        said = {"factor": row.factor, "name": row.touchpoint}
        return {"action": phrase("targets.rule.action.touchpoint", **said)}
    if row.verdict == "unclear":
        return {}
    names = sentences.list_touchpoints(rule, "above") or [EVERYONE]
    said = {"factor": row.factor, "names": names}
    worth = abs(rule.cost_cny.value) if rule.cost_cny.known else None
    return {"action": phrase(f"targets.rule.action.{row.verdict}", **said), "worth_cny": worth}


def _inputs(rule: Rule, *, level: float) -> Iterator[Finding]:
    for name, (unit, method) in _INPUTS.items():
        number = rule.cost_cny if name == "cost" else getattr(rule, name)
        if not number.known:
            continue
        given = name in _GIVEN and number.ci_lower == number.ci_upper
        said = phrase(
            f"targets.rule.{'given' if given else 'finding'}.{name}",
            value=number.value,
            lower=number.ci_lower,
            upper=number.ci_upper,
        )
        yield Finding(
            id=f"targets.rule.{name}",
            metric=f"planning rule, {name}",
            value=number.value,
            ci_lower=number.ci_lower,
            ci_upper=number.ci_upper,
            level=level,
            unit=unit,
            n=rule.n_orders,
            message=full_stop(said),
            method=phrase(f"targets.rule.method.{'given' if given else method}"),
        )
