"""Say the schedule and the lots to draw next, and turn both into findings."""

from __future__ import annotations

from typing import Any

import pandas as pd

from siyu.findings import Finding, insufficient
from siyu.formats import listed, paragraph
from siyu.phrases import phrase
from siyu.studies.push_timing.policy import Measures, Values
from siyu.studies.push_timing.policy.sentences import good_hours, refusal, segment_effect
from siyu.studies.push_timing.schedule.lots import LONGEST_WEEKS
from siyu.studies.tables import each_row

_METRIC = "gain of the good hours of a segment"
_LOTS = "pushes by lot that are needed"


def say_schedule(measures: Measures, found: Values, table: pd.DataFrame) -> str:
    """Say for whom the hour is to be changed, what that is worth, and what is open for whom.

    Args:
        measures: the reduced tables.
        found: from `estimate`.
        table: from `plan`.
    """
    if found.refused:
        return refusal(measures, found)
    said = [
        phrase(
            "push.schedule.change",
            segment=row.segment,
            hours=good_hours(found, row.segment),
            lift=row.set_lift,
            lower=row.set_lift_lower,
            upper=row.set_lift_upper,
            worth=paragraph(_by_hand(row), _worth(row)),
        )
        for row in each_row(table[table["verdict"] == "clear"])
    ]
    leading = [
        phrase("push.schedule.leading", segment=row.segment, hours=good_hours(found, row.segment))
        for row in each_row(table[table["verdict"] == "leads"])
    ]
    others = {
        verdict: list(table.loc[table["verdict"] == verdict, "segment"])
        for verdict in ("unclear", "none", "alike", "thin")
    }
    return paragraph(
        *(said or [phrase("push.schedule.keep")]),
        phrase("push.schedule.leads", leading=leading) if leading else "",
        *(
            phrase(f"push.schedule.{verdict}", segments=segments)
            for verdict, segments in others.items()
            if segments
        ),
    )


def say_lots(table: pd.DataFrame, *, lift_wanted: float, power: float, level: float) -> str:
    """Say which lots to draw next, from the table of `plan_lots`: one design, the widest."""
    if table.empty:
        return phrase("push.schedule.lots.none")
    (row,) = each_row(table.tail(1))
    return paragraph(
        _lots(row, lift_wanted, power, level),
        phrase("push.schedule.lots.others", n=len(table) - 1) if len(table) > 1 else "",
    )


def conclude(
    measures: Measures,
    found: Values,
    table: pd.DataFrame,
    lots: pd.DataFrame,
    *,
    level: float,
    lift_wanted: float,
    power: float,
) -> list[Finding]:
    """Give a finding per segment of the schedule, and one per lots to draw next.

    Args:
        measures: the reduced tables.
        found: from `estimate`.
        table: from `plan`.
        lots: from `plan_lots`.
        level: the coverage at which they were computed.
        lift_wanted: as given to `plan_lots`.
        power: as given to `plan_lots`.
    """
    if found.refused:
        why = refusal(measures, found)
        scheduled = [insufficient("push.schedule", why, metric=_METRIC, n=measures.n)]
    else:
        scheduled = [_scheduled(measures, found, row, level=level) for row in each_row(table)]
    planned = [
        Finding(
            id=f"push.lots.{row.segment}",
            metric=_LOTS,
            value=float(row.n_pushes),
            level=level,
            unit="count",
            n=int(row.n_users),
            segment=measures.crossings.get(row.segment, {}),
            message=_lots(row, lift_wanted, power, level),
            action=phrase("push.schedule.lots.action", hours=_hours(row), segment=row.segment),
            method=phrase("push.schedule.method.lots"),
        )
        for row in each_row(lots)
    ]
    return [*scheduled, *planned]


def _scheduled(measures: Measures, found: Values, row: Any, *, level: float) -> Finding:
    name = f"push.schedule.{row.segment}"
    (own,) = each_row(found.segments[found.segments["segment"] == row.segment])
    message = segment_effect(own, found, level=level)
    if row.verdict == "thin":
        return insufficient(name, message, metric=_METRIC, n=int(row.n_pushes))
    clear = row.verdict == "clear"
    priced = clear and not pd.isna(row.value_per_week_cny)
    return Finding(
        id=name,
        metric=_METRIC,
        value=float(own.set_difference),
        ci_lower=float(own.set_difference_lower),
        ci_upper=float(own.set_difference_upper),
        level=level,
        unit="share",
        n=int(row.n_pushes),
        segment=measures.crossings.get(row.segment, {}),
        message=paragraph(message, _by_hand(row), _worth(row)) if priced else message,
        action=_action(row, found),
        method=phrase("push.schedule.method.segment"),
        evidence="randomised",
        worth_cny=float(row.value_per_week_cny) if priced else None,
    )


def _action(row: Any, found: Values) -> str:
    if row.verdict not in ("clear", "leads"):
        return ""
    return phrase(f"push.schedule.action.{row.verdict}", hours=good_hours(found, row.segment))


def _by_hand(row: Any) -> str:
    """Say what the same hours bring against those planned without lots; "" where unknown."""
    if pd.isna(row.hand_lift):
        return ""
    ends = {"lower": row.hand_lift_lower, "upper": row.hand_lift_upper}
    return phrase("push.schedule.by_hand", lift=row.hand_lift, **ends)


def _worth(row: Any) -> str:
    if pd.isna(row.value_per_week_cny):
        return phrase("push.schedule.unvalued")
    return phrase(
        "push.schedule.valued",
        worth=row.value_per_week_cny,
        lower=row.value_per_week_cny_lower,
        upper=row.value_per_week_cny_upper,
        drawn=row.drawn_pushes_per_week,
        users=row.n_users,
        planned=row.pushes_per_week,
        whole=row.all_value_per_week_cny,
    )


def _hours(row: Any) -> str:
    return listed(row.drawn_hours.split(", "))


def _lots(row: Any, lift_wanted: float, power: float, level: float) -> str:
    lots = phrase(
        "push.schedule.lots.one",
        segment=row.segment,
        hours=_hours(row),
        n=row.n_pushes,
        lift=lift_wanted,
        rate=row.answer_rate,
        power=power,
        level=level,
        per_week=row.pushes_per_week,
        weeks=row.weeks_needed,
    )
    if row.weeks_needed <= LONGEST_WEEKS:
        return lots
    seen = row.lift_in_half_year
    return paragraph(
        lots, phrase(f"push.schedule.lots.{'never' if pd.isna(seen) else 'half'}", seen=seen)
    )
