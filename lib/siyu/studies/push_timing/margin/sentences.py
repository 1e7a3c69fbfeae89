"""Say whether pushing pays, and what would tell."""

from __future__ import annotations

from typing import Any

import numpy as np

from siyu.formats import paragraph
from siyu.phrases import phrase
from siyu.studies.push_timing.margin.estimate import POWER, Gain
from siyu.studies.push_timing.margin.measure import Measures


def say_gain(measures: Measures, found: Gain, *, level: float) -> str:
    """The result: whether pushing pays, what it costs in members, and how sure that is."""
    if found.refused:
        return paragraph(refusal(measures, found), say_next(measures, found, level=level))
    margin = row_of(found, "margin")
    said = [
        headline(measures, found, level=level),
        phrase("push.margin.raw", raw=margin.raw, lower=margin.raw_lower, upper=margin.raw_upper),
    ]
    if measures.has_leaving:
        left, net = row_of(found, "left"), row_of(found, "net")
        said += [
            phrase(
                f"push.margin.left.{_side(left)}",
                difference=left.difference,
                level=level,
                lower=left.ci_lower,
                upper=left.ci_upper,
            ),
            phrase("push.margin.net", net=net.difference, lower=net.ci_lower, upper=net.ci_upper),
        ]
    if not measures.has_margin:
        said.append(phrase("push.margin.amounts"))
    return paragraph(*said, say_next(measures, found, level=level))


def headline(measures: Measures, found: Gain, *, level: float) -> str:
    """Say what pushing brings per member, or that it is not clear."""
    margin = row_of(found, "margin")
    return phrase(
        f"push.margin.{found.verdict}",
        difference=margin.difference,
        lower=margin.ci_lower,
        upper=margin.ci_upper,
        level=level,
        days=measures.margin_days,
        pushed=found.n[0],
        none=found.n[1],
    )


def say_next(measures: Measures, found: Gain, *, level: float) -> str:
    """Say how many members would tell, where it is not clear; "" where it is, or nobody knows."""
    if found.verdict in ("pays", "costs") or not np.isfinite(found.needed):
        return ""
    kind = "hold_out" if found.refused in ("none", "ratio") else "more"
    return phrase(
        f"push.margin.next.{kind}",
        needed=found.needed,
        held=found.needed * measures.none_share,
        share=measures.none_share,
        smallest=found.smallest_cny,
        days=measures.margin_days,
        power=POWER,
        there=sum(found.n),
    )


def refusal(measures: Measures, found: Gain) -> str:
    """Say why there is no estimate."""
    return phrase(
        f"push.margin.refused.{found.refused}",
        experiment=measures.experiment,
        pushed=measures.drawn[0],
        none=measures.drawn[1],
        share=measures.none_share,
        p=found.p_ratio,
        days=measures.margin_days,
        followed=found.n[0],
        held=found.n[1],
    )


def row_of(found: Gain, measure: str) -> Any:
    """Give the row of a measure."""
    return found.table.set_index("measure").loc[measure]


def _side(row: Any) -> str:
    return "more" if row.ci_lower > 0 else "fewer" if row.ci_upper < 0 else "unclear"
