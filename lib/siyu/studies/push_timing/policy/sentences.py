"""Say what policies of hours are worth, which hours are good for whom, or why nothing is read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from siyu.formats import listed, paragraph
from siyu.phrases import phrase
from siyu.studies.push_timing.policy.estimate import RULES, Values
from siyu.studies.push_timing.policy.measures import Measures
from siyu.studies.tables import each_row

_MOST_TOLD = 4
"""Segments told one by one; the others are in the table."""


def name(row: Any) -> str:
    """Name a policy as readers do."""
    if row.policy == "hour":
        return phrase("push_policy.name.hour", hours=spans([row.hour]))
    return phrase(f"push_policy.name.{row.policy}")


def spans(hours: Iterable[float]) -> str:
    """Write hours as times of the day: 12, 20 and 21 are 12:00–13:00 and 20:00–22:00."""
    parts: list[list[int]] = []
    for hour in sorted(int(one) for one in hours):
        if parts and parts[-1][1] == hour:
            parts[-1][1] = hour + 1
        else:
            parts.append([hour, hour + 1])
    return listed([f"{first}:00–{last}:00" for first, last in parts])


def answer(measures: Measures) -> str:
    """Name what counts as an answer."""
    return phrase(f"push_policy.answer.{measures.outcome}", hours=measures.horizon_hours)


def refusal(measures: Measures, found: Values) -> str:
    """Say why nothing is read; "" where something is."""
    if not found.refused:
        return ""
    worst = 0
    if found.refused == "design":
        worst = int(np.nanargmax(np.abs(found.design.ratios - 1)))
    return paragraph(
        phrase(
            f"push_policy.refused.{found.refused}",
            hours=spans(measures.hours[worst : worst + 1]),
            ratio=found.design.ratios[worst] if measures.hours else np.nan,
            n=measures.n,
        ),
        left_out(measures),
    )


def left_out(measures: Measures) -> str:
    """Say how many pushes have an impossible propensity; "" where none has."""
    wrong = measures.counts["wrong_propensity"]
    return phrase("push_policy.wrong", n=wrong) if wrong else ""


def headline(measures: Measures, found: Values, *, level: float) -> str:
    """Say whether anything is clearly better than the hours of now, and for whom."""
    if found.refused:
        return phrase("push_policy.figure.none")
    clear = found.segments[found.segments["verdict"] == "clear"]
    if len(clear):
        best = clear.iloc[int(clear["best_lift"].argmax())]
        return phrase(
            "push_policy.headline.segment",
            segment=best.segment,
            hours=good_hours(found, best.segment),
            lift=best.best_lift,
            lower=best.best_lift_lower,
            upper=best.best_lift_upper,
            level=level,
        )
    rules = found.table[found.table["policy"].isin(RULES) & (found.table["verdict"] == "higher")]
    if len(rules):
        row = rules.iloc[int(rules["difference"].argmax())]
        return phrase("push_policy.headline.rule", policy=name(row), **_against(row, level))
    return phrase("push_policy.headline.none")


def say_policies(measures: Measures, found: Values, *, level: float) -> str:
    """The result: what is better than now, by how much, from how many pushes and users."""
    if found.refused:
        return refusal(measures, found)
    clear = found.segments[found.segments["verdict"] == "clear"]
    best = found.table[found.table["policy"] == "best_hour"].iloc[0]
    return paragraph(
        headline(measures, found, level=level),
        phrase(
            "push_policy.base",
            base=found.base,
            lower=found.base_lower,
            upper=found.base_upper,
            level=level,
            n=measures.n,
            users=len(measures.segment),
            answer=answer(measures),
        ),
        *(
            segment_effect(row, found, level=level)
            for row in each_row(clear.head(_MOST_TOLD).reset_index(drop=True))
        ),
        policy_effect(best, level=level),
        left_out(measures),
    )


def policy_effect(row: Any, *, level: float) -> str:
    """Say what one policy is worth against now, or why it has no value."""
    if row.refused:
        return phrase(
            "push_policy.no_value",
            policy=name(row),
            why=phrase(f"push_policy.why.{row.refused}", pushes=row.pushes, users=row.users),
        )
    return phrase(
        f"push_policy.effect.{row.verdict}",
        policy=name(row),
        value=row.value,
        base=row.base,
        pushes=row.pushes,
        users=row.users,
        **_against(row, level),
    )


def segment_effect(row: Any, found: Values, *, level: float) -> str:
    """Say what hours are good for one segment, and what sending at the best brings."""
    curve = found.curves[found.curves["segment"] == row.segment]
    return phrase(
        f"push_policy.segment.{row.verdict}",
        segment=row.segment,
        hours=good_hours(found, row.segment),
        missing=spans(curve["hour"][curve["refused"] != ""]),
        n=row.n,
        users=row.n_users,
        base=row.base,
        value=row.best_value,
        now=row.best_base,
        valued=row.best_users,
        difference=row.best_difference,
        lower=row.best_difference_lower,
        upper=row.best_difference_upper,
        level=level,
    )


def good_hours(found: Values, segment: str) -> str:
    """Write the hours of a segment that are not clearly worse than its best."""
    own = found.curves[(found.curves["segment"] == segment) & found.curves["not_worse"]]
    return spans(own["hour"])


def say_curves(measures: Measures, found: Values, *, level: float) -> str:
    """Say of the largest segments which hours are not worse than the best."""
    if found.refused:
        return refusal(measures, found)
    told = found.segments.head(_MOST_TOLD)
    return paragraph(*(segment_effect(row, found, level=level) for row in each_row(told)))


def say_design(measures: Measures, found: Values) -> str:
    """Say whether the logged chances can be trusted, and what heavy weights do."""
    if found.refused:
        return refusal(measures, found)
    shown = found.table[found.table["refused"] == ""]
    said = [
        phrase(
            "push_policy.design",
            lowest=np.nanmin(found.design.ratios),
            highest=np.nanmax(found.design.ratios),
            p=found.design.p,
        )
    ]
    if len(shown):
        heavy = shown.iloc[int(shown["above"].argmax())]
        apart = float((shown[["ips", "dr"]].sub(shown["value"], axis=0)).abs().max().max())
        said.append(phrase("push_policy.methods", apart=100 * apart))
        said.append(
            phrase(
                f"push_policy.weights.{'some' if heavy.above > 0 else 'none'}",
                policy=name(heavy),
                share=heavy.above,
                bound=measures.clip_at,
                value=heavy.value,
                clipped=heavy.clipped,
                lower=heavy.clipped_lower,
                upper=heavy.clipped_upper,
            )
        )
    return paragraph(*said)


def _against(row: Any, level: float) -> Mapping[str, Any]:
    return {
        "difference": row.difference,
        "lower": row.difference_lower,
        "upper": row.difference_upper,
        "level": level,
    }
