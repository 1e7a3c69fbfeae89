"""Turn how trees grow into findings, and where to ask more seeds into a decision."""

from __future__ import annotations

from typing import Any

import numpy as np

from siyu.findings import Finding, Unit, insufficient
from siyu.formats import full_stop
from siyu.phrases import phrase
from siyu.studies.referral.sentences import say_refused
from siyu.studies.referral.trees import sentences
from siyu.studies.referral.trees.estimate import Growth
from siyu.studies.referral.trees.measure import Measures
from siyu.studies.tables import each_row


def conclude(measures: Measures, found: Growth, *, level: float) -> list[Finding]:
    """Give the findings of trees: cycle time, people per seed, how trees end, what to do.

    Args:
        measures: the trees.
        found: from `grow`.
        level: the coverage at which it was computed.
    """
    if measures.spread.refused:
        reason = full_stop(say_refused(measures.spread.refused))
        return [insufficient("referral.trees.total", reason, metric="trees", n=0, unit="ratio")]
    return [
        *(_time(measures, row, level) for row in each_row(found.times)),
        *(_total(measures, row, level) for row in each_row(found.totals)),
        *(_end(row, level) for row in each_row(found.totals) if np.isfinite(row.end_chance)),
        *(
            _choice(row, n, level)
            for row, n in zip(each_row(found.choices), found.totals["n"], strict=True)
        ),
    ]


def _time(measures: Measures, row: Any, level: float) -> Finding:
    said = sentences.say_time(measures, row, level=level)
    ends = (row.cycle_days, row.cycle_days_lower, row.cycle_days_upper)
    told = None if row.refused else ends
    return _finding(
        "cycle_days",
        row.campaign,
        said,
        told,
        row.n,
        level,
        "days",
        "days from joining to bringing",
    )


def _total(measures: Measures, row: Any, level: float) -> Finding:
    said = sentences.say_total(measures, row, level=level)
    told = None if row.refused else (row.total, row.total_lower, row.total_upper)
    return _finding(
        "total_per_seed", row.campaign, said, told, row.n, level, "ratio", "people per seed"
    )


def _end(row: Any, level: float) -> Finding:
    said = sentences.say_end(row, level=level)
    ends = (row.end_chance, row.end_chance_lower, row.end_chance_upper)
    return _finding(
        "end_chance",
        row.campaign,
        said,
        ends,
        row.followed,
        level,
        "share",
        "chance that a tree ends by itself",
    )


def _choice(row: Any, n: int, level: float) -> Finding:
    said = sentences.say_choice(row, level=level)
    ends = (row.worth_cny, row.worth_cny_lower, row.worth_cny_upper)
    told = ends if np.isfinite(row.worth_cny) and row.verdict != "watch" else None
    return _finding(
        "choice",
        row.campaign,
        said,
        told,
        n,
        level,
        "cny",
        "worth of a thousand more seeds",
        action=phrase(f"referral.trees.action.{row.verdict}"),
        worth_cny=float(row.worth_cny) if row.verdict in ("lead", "tie") else None,
    )


def _finding(
    what: str,
    campaign: str,
    said: str,
    ends: tuple[float, float, float] | None,
    n: int,
    level: float,
    unit: Unit,
    metric: str,
    *,
    action: str = "",
    worth_cny: float | None = None,
) -> Finding:
    name, segment = f"referral.trees.{what}.{campaign}", {"campaign": campaign}
    said = full_stop(said)
    if ends is None:
        return insufficient(
            name, said, metric=metric, n=int(n), unit=unit, segment=segment, action=action
        )
    value, lower, upper = (float(end) if np.isfinite(end) else None for end in ends)
    return Finding(
        id=name,
        metric=metric,
        segment=segment,
        value=value,
        ci_lower=lower,
        ci_upper=upper,
        level=level,
        unit=unit,
        n=int(n),
        message=said,
        action=action,
        method=phrase(f"referral.trees.method.{what}"),
        worth_cny=worth_cny,
    )
