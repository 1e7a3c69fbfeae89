"""Say the schedule and the lots to draw next, and turn both into findings."""

from __future__ import annotations

from typing import Any

import pandas as pd

from siyu.findings import Finding, insufficient
from siyu.formats import paragraph
from siyu.phrases import phrase
from siyu.studies.push_timing.policy import Measures, Values
from siyu.studies.push_timing.policy.sentences import good_hours, refusal, segment_effect
from siyu.studies.push_timing.schedule.plan import HALF_YEAR_WEEKS
from siyu.studies.tables import each_row

_METRIC = "gain of the best hour of a segment"
_LOTS = "pushes by lot that are needed"


def say_schedule(measures: Measures, found: Values, table: pd.DataFrame) -> str:
    """Say for whom the hour is to be changed, what that is worth, and for whom it does not matter.

    Args:
        measures: the reduced tables.
        found: from `estimate`.
        table: from `plan`.
    """
    if found.refused:
        return refusal(measures, found)
    said = [
        phrase(
            "push_schedule.change",
            segment=row.segment,
            hours=good_hours(found, row.segment),
            lift=row.lift,
            worth=_worth(row),
        )
        for row in each_row(table[table["verdict"] == "clear"])
    ]
    others = {
        verdict: list(table.loc[table["verdict"] == verdict, "segment"])
        for verdict in ("none", "unclear", "thin")
    }
    return paragraph(
        *(said or [phrase("push_schedule.keep")]),
        *(
            phrase(f"push_schedule.{verdict}", segments=segments)
            for verdict, segments in others.items()
            if segments
        ),
    )


def say_lots(table: pd.DataFrame, *, lift_wanted: float, power: float, level: float) -> str:
    """Say which lots to draw next, from the table of `plan_lots`."""
    if table.empty:
        return phrase("push_schedule.lots.none")
    return paragraph(
        *(_lots(row, lift_wanted, power, level) for row in each_row(table.head(3))),
        phrase("push_schedule.lots.others", n=len(table) - 3) if len(table) > 3 else "",
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
            action=phrase("push_schedule.lots.action", hours=row.hours, segment=row.segment),
            method=phrase("push_schedule.method.lots"),
        )
        for row in each_row(lots)
    ]
    return [*scheduled, *planned]


def _scheduled(measures: Measures, found: Values, row: Any, *, level: float) -> Finding:
    name = f"push.schedule.{row.segment}"
    if found.refused:
        why = refusal(measures, found)
        return insufficient(name, why, metric=_METRIC, n=int(row.n))
    (own,) = each_row(found.segments[found.segments["segment"] == row.segment])
    message = segment_effect(own, found, level=level)
    if row.verdict == "thin":
        return insufficient(name, message, metric=_METRIC, n=int(row.n))
    clear = row.verdict == "clear"
    return Finding(
        id=name,
        metric=_METRIC,
        value=float(own.best_difference),
        ci_lower=float(own.best_difference_lower),
        ci_upper=float(own.best_difference_upper),
        level=level,
        unit="share",
        n=int(row.n),
        segment=measures.crossings.get(row.segment, {}),
        message=message,
        action=phrase("push_schedule.action", hours=good_hours(found, row.segment))
        if clear
        else "",
        method=phrase("push_schedule.method.segment"),
        evidence="randomised",
        worth_cny=None
        if not clear or pd.isna(row.value_per_week_cny)
        else float(row.value_per_week_cny),
    )


def _worth(row: Any) -> str:
    if pd.isna(row.value_per_week_cny):
        return phrase("push_schedule.unvalued")
    return phrase(
        "push_schedule.valued",
        worth=row.value_per_week_cny,
        lower=row.value_per_week_cny_lower,
        upper=row.value_per_week_cny_upper,
        per_week=row.per_week,
    )


def _lots(row: Any, lift_wanted: float, power: float, level: float) -> str:
    lots = phrase(
        "push_schedule.lots.one",
        segment=row.segment,
        hours=row.hours,
        n=row.n_pushes,
        each=row.n_per_hour,
        lift=lift_wanted,
        rate=row.rate,
        power=power,
        level=level,
        deff=row.deff,
        users=row.n_users,
        often=row.per_user_week,
        weeks=row.weeks,
    )
    if row.weeks <= HALF_YEAR_WEEKS:
        return lots
    seen = row.lift_in_half_year
    return paragraph(
        lots, phrase(f"push_schedule.lots.{'never' if pd.isna(seen) else 'half'}", seen=seen)
    )
