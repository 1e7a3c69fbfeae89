"""Say what policies of hours are worth, which hours are good for whom, or why nothing is read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from siyu.formats import listed, paragraph
from siyu.phrases import phrase
from siyu.studies.push_timing.policy.estimate import Values
from siyu.studies.push_timing.policy.measures import Measures
from siyu.studies.tables import each_row

_MOST_TOLD = 4
"""Segments told one by one; the others are in the table."""


def name(row: Any) -> str:
    """Name a policy as readers do."""
    if row.policy == "hour":
        return phrase("push.policy.name.hour", hours=spans([row.hour]))
    return phrase(f"push.policy.name.{row.policy}")


def spans(hours: Iterable[float]) -> str:
    """Write hours as times of the day, as they are said."""
    return listed(times(hours))


def times(hours: Iterable[float]) -> list[str]:
    """Write hours as times of the day: 12, 20 and 21 are 12:00–13:00 and 20:00–22:00."""
    parts: list[list[int]] = []
    for hour in sorted(int(one) for one in hours):
        if parts and parts[-1][1] == hour:
            parts[-1][1] = hour + 1
        else:
            parts.append([hour, hour + 1])
    return [f"{first}:00–{last}:00" for first, last in parts]


def answer(measures: Measures) -> str:
    """Name what counts as an answer."""
    return phrase(f"push.policy.answer.{measures.outcome}", hours=measures.horizon_hours)


def refusal(measures: Measures, found: Values) -> str:
    """Say why nothing is read; "" where something is."""
    if not found.refused:
        return ""
    worst = 0
    if found.refused == "design":
        worst = int(np.nanargmax(np.abs(found.design.ratios - 1)))
    return paragraph(
        phrase(
            f"push.policy.refused.{found.refused}",
            hours=spans(measures.hours[worst : worst + 1]),
            ratio=found.design.ratios[worst] if measures.hours else np.nan,
            n=measures.n,
        ),
        left_out(measures),
    )


def left_out(measures: Measures) -> str:
    """Say how many pushes have an impossible propensity; "" where none has."""
    wrong = measures.counts["wrong_propensity"]
    return phrase("push.policy.wrong", n=wrong) if wrong else ""


def say_headline(measures: Measures, found: Values, *, level: float) -> str:
    """Say in one sentence which hours to move to, or why that cannot be known."""
    return refusal(measures, found) if found.refused else headline(found, level=level)


def headline(found: Values, *, level: float) -> str:
    """Say which segment has clearly better hours, and what sending at all of them brings."""
    clear = found.segments[found.segments["verdict"] == "clear"]
    if clear.empty:
        return phrase("push.policy.headline.none")
    best = clear.iloc[int(clear["set_lift"].argmax())]
    return phrase(
        "push.policy.headline.segment",
        segment=best.segment,
        hours=good_hours(found, best.segment),
        lift=best.set_lift,
        lower=best.set_lift_lower,
        upper=best.set_lift_upper,
        level=level,
    )


def best_policy(found: Values, *, level: float) -> str:
    """Say which choice of hours for everybody brings most against the hours as drawn."""
    higher = found.table[found.table["verdict"] == "higher"]
    if higher.empty:
        return phrase("push.policy.best.none")
    row = higher.iloc[int(higher["difference"].argmax())]
    return phrase(
        "push.policy.best.clear",
        policy=name(row),
        gain=100 * row.difference,
        **_against(row, level),
    )


def say_policies(measures: Measures, found: Values, *, level: float) -> str:
    """The result: what is better than now, by how much, from how many pushes and users."""
    if found.refused:
        return refusal(measures, found)
    clear = (found.segments["verdict"] == "clear").any()
    best = found.table[found.table["policy"] == "best_hour"].iloc[0]
    return paragraph(
        headline(found, level=level) if clear else best_policy(found, level=level),
        say_base(measures, found, level=level),
        policy_effect(best, level=level),
        left_out(measures),
    )


def say_base(measures: Measures, found: Values, *, level: float) -> str:
    """Say how many pushes are answered at the hours as drawn."""
    return phrase(
        "push.policy.base",
        base=found.base,
        lower=found.base_lower,
        upper=found.base_upper,
        level=level,
        n=measures.n,
        users=len(measures.segment),
        answer=answer(measures),
    )


def policy_effect(row: Any, *, level: float) -> str:
    """Say what one policy is worth against now, or why it has no value."""
    if row.refused:
        return phrase(
            "push.policy.no_value",
            policy=name(row),
            why=phrase(f"push.policy.why.{row.refused}", pushes=row.pushes, users=row.users),
        )
    return phrase(
        f"push.policy.effect.{row.verdict}",
        policy=name(row),
        value=row.answer_rate,
        base=row.base,
        pushes=row.pushes,
        users=row.users,
        **_against(row, level),
    )


def segment_effect(row: Any, found: Values, *, level: float) -> str:
    """Say what hours are good for one segment, and what sending at all of them brings."""
    curve = found.curves[found.curves["segment"] == row.segment]
    return phrase(
        f"push.policy.segment.{row.verdict}",
        segment=row.segment,
        hours=good_hours(found, row.segment),
        worse=spans(curve["hour"][(curve["refused"] == "") & ~curve["not_worse"]]),
        missing=spans(curve["hour"][curve["refused"] != ""]),
        n=row.n_pushes,
        users=row.n_users,
        base=row.base,
        value=row.set_value,
        difference=row.set_difference,
        lower=row.set_difference_lower,
        upper=row.set_difference_upper,
        most=row.most_lift,
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
    whole = found.design.ratios[~found.design.partial]
    said = [
        phrase(
            "push.policy.design",
            lowest=np.nanmin(whole),
            highest=np.nanmax(whole),
            p=found.design.p,
        )
    ]
    if found.design.partial.any():
        part = spans(np.array(measures.hours)[found.design.partial])
        said.append(phrase("push.policy.part", hours=part))
    if len(shown):
        heavy = shown.iloc[int(shown["above"].argmax())]
        apart = float((shown[["ips", "dr"]].sub(shown["answer_rate"], axis=0)).abs().max().max())
        said.append(phrase("push.policy.methods", apart=100 * apart))
        said.append(
            phrase(
                f"push.policy.weights.{'some' if heavy.above > 0 else 'none'}",
                policy=name(heavy),
                share=heavy.above,
                bound=measures.clip_at,
                value=heavy.answer_rate,
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
