"""Turn the lures' speed, stay and price into findings."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from siyu.findings import Finding, Unit, insufficient
from siyu.phrases import phrase
from siyu.studies.retention.lure.measure import Lures
from siyu.studies.tables import each_row

_HOURS, _MINUTES = 60, 1440


def conclude_lures(
    lures: Lures, found: pd.DataFrame, *, horizon_days: int, level: float
) -> list[Finding]:
    """Give, per lure, findings of the speed of joining, the stay and the price, where known."""
    if lures.refused:
        what = "speed, stay and price of lures"
        return [insufficient("retention.lure", lures.refused, metric=what, unit="days", n=0)]
    return [
        finding
        for row in each_row(found)
        for finding in _of(row, start=lures.start, horizon_days=horizon_days, level=level)
    ]


def _of(row: pd.Series, *, start: str, horizon_days: int, level: float) -> Iterator[Finding]:
    parts: tuple[tuple[str, Unit, float, float, float, float, float], ...] = (
        ("speed", "hours", row.timed, row.minutes, row.minutes_lower, row.minutes_upper, _HOURS),
        ("stay", "days", row.n, row.mean_days, row.days_lower, row.days_upper, 1),
        ("price", "cny", row.priced, row.cost_cny, row.cost_lower, row.cost_upper, 1),
    )
    for what, unit, n, value, lower, upper, scale in parts:
        if pd.isna(lower) or pd.isna(upper):
            continue
        yield Finding(
            id=f"retention.lure.{row.lure}.{what}",
            metric=f"{what} of a lure",
            value=float(value) / scale,
            ci_lower=float(lower) / scale,
            ci_upper=float(upper) / scale,
            level=level,
            unit=unit,
            n=int(n),
            segment={"lure": row.lure},
            message=phrase(
                f"retention.lure.finding.{what}",
                lure=row.lure,
                value=value / _MINUTES if what == "speed" else value,
                horizon=horizon_days,
                start=start,
            ),
            method=phrase(f"retention.lure.method.{what}"),
        )
