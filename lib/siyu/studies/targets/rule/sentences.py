"""Say what the rule's factor is in the data, how many it wants recruited, and what that costs."""

from __future__ import annotations

from siyu.formats import paragraph, paragraphs
from siyu.phrases import phrase
from siyu.studies.naming import EVERYONE
from siyu.studies.targets.adds import Adds
from siyu.studies.targets.rule.estimate import Rule
from siyu.studies.targets.rule.measure import Orders


def why_not(adds: Adds, rule: Rule) -> str:
    """Say why there is no factor, or "" where there is one."""
    if not adds.touchpoints:
        return phrase("targets.nobody")
    if not adds.has_left:
        return phrase("targets.rule.factor.no_left")
    if not rule.factor.known:
        asked = {"min_users": adds.min_users, "days": adds.definition.kept_days}
        return phrase("targets.rule.factor.few", **asked)
    return ""


def say_headline(adds: Adds, rule: Rule, *, level: float) -> str:
    """Say in one sentence what the 1.3 is in the data.

    Args:
        adds: from `count_adds`.
        rule: from `estimate_rule`.
        level: the coverage at which it was made.
    """
    if reason := why_not(adds, rule):
        return reason
    return phrase(
        f"targets.rule.factor.{rule.factors.iloc[-1]['verdict']}",
        factor=rule.factor.value,
        lower=rule.factor.ci_lower,
        upper=rule.factor.ci_upper,
        level=level,
        days=adds.definition.kept_days,
    )


def say_rule(adds: Adds, orders: Orders, rule: Rule, *, level: float) -> str:
    """Say the inputs of the rule, how many to recruit by it and by the data, and the difference.

    Args:
        adds: from `count_adds`.
        orders: from `measure`.
        rule: from `estimate_rule`.
        level: the coverage at which it was made.
    """
    if not adds.touchpoints:
        return phrase("targets.nobody")
    return paragraphs(
        say_inputs(adds, orders, rule, level=level),
        paragraph(say_recruits(rule, level=level), say_difference(rule, level=level)),
        say_factor(adds, rule),
        phrase("targets.rule.limits"),
    )


def say_inputs(adds: Adds, orders: Orders, rule: Rule, *, level: float) -> str:
    """Say which orders are reckoned with, the share of existing members, and the members wanted."""
    return phrase(
        f"targets.rule.inputs.{rule.source or 'none'}",
        days=adds.definition.target_days,
        first=orders.first,
        users=rule.n_users,
        orders=rule.orders.value,
        orders_lower=rule.orders.ci_lower,
        orders_upper=rule.orders.ci_upper,
        share=rule.share.value,
        lower=rule.share.ci_lower,
        upper=rule.share.ci_upper,
        wanted=rule.wanted.value,
        wanted_lower=rule.wanted.ci_lower,
        wanted_upper=rule.wanted.ci_upper,
        level=level,
    )


def say_recruits(rule: Rule, *, level: float) -> str:
    """Say how many to recruit, by the rule and by the data; "" where neither is known."""
    if not rule.by_rule.known:
        return ""
    given = "given" if rule.source == "members" else "estimated"
    return phrase(
        f"targets.rule.recruits.{given if rule.by_data.known else 'alone'}",
        by_rule=rule.by_rule.value,
        rule_lower=rule.by_rule.ci_lower,
        rule_upper=rule.by_rule.ci_upper,
        by_data=rule.by_data.value,
        data_lower=rule.by_data.ci_lower,
        data_upper=rule.by_data.ci_upper,
        level=level,
    )


def say_difference(rule: Rule, *, level: float) -> str:
    """Say how far data and rule differ, and what that costs; "" where it is not known."""
    gap = rule.difference
    if not gap.known:
        return ""
    which = "more" if gap.ci_lower > 0 else "fewer" if gap.ci_upper < 0 else "unclear"
    lower, upper = gap.ci_lower, gap.ci_upper
    if which == "fewer":
        lower, upper = -upper, -lower
    said = phrase(
        f"targets.rule.difference.{which}",
        gap=-gap.value if which == "fewer" else gap.value,
        lower=lower,
        upper=upper,
        level=level,
    )
    cost = rule.cost_cny
    if not cost.known:
        return said
    each = float(rule.costs.iloc[-1]["per_add"])
    ends = {"lower": cost.ci_lower, "upper": cost.ci_upper}
    return paragraph(said, phrase("targets.rule.cost", each=each, cost=cost.value, **ends))


def say_factor(adds: Adds, rule: Rule) -> str:
    """Say whom the factor rests on, and at which touchpoints it is clearly another."""
    if why_not(adds, rule):
        return ""
    whole = rule.factors.iloc[-1]
    said = phrase(
        "targets.rule.mature",
        n=whole["mature"],
        kept=whole["kept"],
        immature=whole["added"] - whole["mature"],
        first=adds.first,
        last=adds.mature_until,
        days=adds.definition.kept_days,
    )
    apart = [
        phrase(f"targets.rule.touchpoints.{verdict}", names=names)
        for verdict in ("above", "below")
        if (names := list_touchpoints(rule, verdict))
    ]
    return paragraph(said, *(apart or [phrase("targets.rule.touchpoints.none")]))


def list_touchpoints(rule: Rule, verdict: str) -> list[str]:
    """List the touchpoints whose factor is clearly above, or below, 1.3; the farthest first."""
    rows = rule.factors[rule.factors["touchpoint"] != EVERYONE]
    rows = rows[rows["verdict"] == verdict]
    return list(rows.sort_values("factor", ascending=verdict == "below")["touchpoint"])
