"""Turn how trees grow into findings, and where to ask more seeds into a decision."""

from __future__ import annotations

from typing import Any

import numpy as np

from siyu.findings import Finding, insufficient
from siyu.formats import full_stop
from siyu.phrases import phrase
from siyu.studies.referral.sentences import say_refused
from siyu.studies.referral.told import tell
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
    ends = (row.cycle_days, row.cycle_days_lower, row.cycle_days_upper)
    return tell(
        "referral.trees.cycle_days",
        row.campaign,
        sentences.say_time(measures, row, level=level),
        None if row.refused else ends,
        n=row.n,
        level=level,
        metric="days from joining to bringing",
        method=phrase("referral.trees.method.cycle_days"),
        unit="days",
    )


def _total(measures: Measures, row: Any, level: float) -> Finding:
    return tell(
        "referral.trees.total_per_seed",
        row.campaign,
        sentences.say_total(measures, row, level=level),
        None if row.refused else (row.total, row.total_lower, row.total_upper),
        n=row.n,
        level=level,
        metric="people per seed",
        method=phrase("referral.trees.method.total_per_seed"),
    )


def _end(row: Any, level: float) -> Finding:
    return tell(
        "referral.trees.end_chance",
        row.campaign,
        sentences.say_end(row, level=level),
        (row.end_chance, row.end_chance_lower, row.end_chance_upper),
        n=row.followed,
        level=level,
        metric="chance that a tree ends by itself",
        method=phrase("referral.trees.method.end_chance"),
        unit="share",
    )


def _choice(row: Any, n: int, level: float) -> Finding:
    ends = (row.worth_cny, row.worth_cny_lower, row.worth_cny_upper)
    return tell(
        "referral.trees.choice",
        row.campaign,
        sentences.say_choice(row, level=level),
        ends if np.isfinite(row.worth_cny) and row.verdict != "watch" else None,
        n=n,
        level=level,
        metric="worth of a thousand more seeds",
        method=phrase("referral.trees.method.choice"),
        unit="cny",
        action=phrase(f"referral.trees.action.{row.verdict}"),
        worth_cny=float(row.worth_cny) if row.verdict in ("lead", "tie") else None,
    )
