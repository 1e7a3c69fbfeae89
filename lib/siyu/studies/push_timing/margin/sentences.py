"""Say whether pushing pays, and what would tell."""

from __future__ import annotations

from typing import Any

import numpy as np

from siyu.formats import clauses, paragraph
from siyu.phrases import phrase
from siyu.studies.push_timing.margin.estimate import LARGER_SHARE, POWER, Gain
from siyu.studies.push_timing.margin.measure import Measures


def say_gain(measures: Measures, found: Gain, *, level: float) -> str:
    """The result: whether pushing pays, what it costs in members, and how sure that is."""
    if found.refused:
        return paragraph(refusal(measures, found), say_next(measures, found, level=level))
    margin = row_of(found, "margin")
    said = [
        say_verdict(measures, found, level=level),
        phrase(
            "push.margin.counted",
            pushed=found.n[0],
            none=found.n[1],
            raw=margin.raw,
            lower=margin.raw_lower,
            upper=margin.raw_upper,
        ),
    ]
    if measures.has_leaving:
        said.append(_leaving(row_of(found, "left"), level=level))
    if not measures.has_margin:
        said.append(phrase("push.margin.amounts"))
    return paragraph(*said, say_next(measures, found, level=level))


def say_verdict(measures: Measures, found: Gain, *, level: float) -> str:
    """Say in one sentence whether pushing pays, and what is left less members lost; or why not."""
    if found.refused:
        return refusal(measures, found)
    margin = row_of(found, "margin")
    lower, upper = margin.ci_lower, margin.ci_upper
    if found.verdict == "costs":  # said as what it costs
        lower, upper = -upper, -lower
        if margin.ci_upper >= 0:  # only with the members whom it loses
            return _say_cost_of_members(measures, found, level=level)
    side = "higher" if margin.difference >= 0 else "lower"
    said = phrase(
        f"push.margin.verdict.{side if found.verdict == 'unclear' else found.verdict}",
        size=abs(margin.difference),
        lower=lower,
        upper=upper,
        level=level,
        days=measures.margin_days,
    )
    if not measures.has_leaving:
        return said
    net = row_of(found, "net")
    left_over = phrase(
        "push.margin.verdict.net", net=net.difference, lower=net.ci_lower, upper=net.ci_upper
    )
    return clauses([said, left_over])


def _say_cost_of_members(measures: Measures, found: Gain, *, level: float) -> str:
    net, margin = row_of(found, "net"), row_of(found, "margin")
    return phrase(
        "push.margin.verdict.loses",
        size=-net.difference,
        lower=-net.ci_upper,
        upper=-net.ci_lower,
        level=level,
        days=measures.margin_days,
        margin=margin.difference,
        margin_lower=margin.ci_lower,
        margin_upper=margin.ci_upper,
    )


def _leaving(row: Any, *, level: float) -> str:
    side, lower, upper = side_of(row), 100 * row.ci_lower, 100 * row.ci_upper
    if side == "unclear":
        return phrase(
            "push.margin.left.unclear",
            difference=row.difference,
            level=level,
            lower=row.ci_lower,
            upper=row.ci_upper,
        )
    if side == "lower":
        lower, upper = -upper, -lower
    return phrase(
        f"push.margin.left.{'more' if side == 'higher' else 'fewer'}",
        size=100 * abs(row.difference),
        level=level,
        lower=lower,
        upper=upper,
    )


def say_next(measures: Measures, found: Gain, *, level: float) -> str:
    """Say how many members would tell, where it is not clear; "" where it is, or nobody knows."""
    if found.verdict in ("pays", "costs") or not np.isfinite(found.needed):
        return ""
    kind = "hold_out" if found.refused in ("none", "ratio") else "more"
    said = phrase(
        f"push.margin.next.{kind}",
        needed=found.needed,
        held=found.needed * measures.none_share,
        share=measures.none_share,
        smallest=found.smallest_cny,
        days=measures.margin_days,
        power=POWER,
        there=sum(found.n),
    )
    if kind == "more" and np.isfinite(found.needed_larger):
        larger = {"needed": found.needed_larger, "held": found.needed_larger * LARGER_SHARE}
        said = paragraph(said, phrase("push.margin.next.larger", share=LARGER_SHARE, **larger))
    return paragraph(said, phrase("push.margin.next.spread"))


def refusal(measures: Measures, found: Gain) -> str:
    """Say why there is no estimate."""
    return phrase(
        f"push.margin.refused.{found.refused}",
        experiment=measures.experiment,
        pushed=found.n[0],
        none=found.n[1],
        share=measures.none_share,
        p=found.p_ratio,
        days=measures.margin_days,
    )


def row_of(found: Gain, measure: str) -> Any:
    """Give the row of a measure."""
    return found.table.set_index("measure").loc[measure]


def side_of(row: Any) -> str:
    """Say which side a measure clearly takes with pushes: "higher", "lower" or "unclear"."""
    return "higher" if row.ci_lower > 0 else "lower" if row.ci_upper < 0 else "unclear"
