"""Turn the ladder of followers who have not bought yet into findings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from siyu.findings import Finding, insufficient
from siyu.formats import full_stop, paragraph
from siyu.phrases import phrase
from siyu.studies.tables import each_row
from siyu.studies.tiers.ladder import sentences
from siyu.studies.tiers.ladder.estimate import Ladder
from siyu.studies.tiers.ladder.measure import NONE, Measures

_METRIC = "first order by rung"


def conclude(measures: Measures, ladder: Ladder, *, level: float) -> list[Finding]:
    """Give a finding per rung, per step from one rung to the next, and for all together.

    Args:
        measures: the followers.
        ladder: from `estimate`.
        level: the coverage at which it was computed.
    """
    if ladder.refused:
        reason = full_stop(sentences.refusal(measures, ladder))
        n = int(measures.followed["n"].sum())
        return [insufficient("tiers.ladder", reason, metric=_METRIC, n=n)]
    return [
        *(_rung(measures, row, level) for row in each_row(ladder.rungs)),
        *_steps(ladder, level),
        _total(measures, ladder, level),
    ]


def _rung(measures: Measures, row: Any, level: float) -> Finding:
    name = f"tiers.ladder.rate.{_slug(row.rung)}"
    rung = sentences.name_of(row.rung)
    if row.state != "shown":
        reason = phrase(f"tiers.ladder.{row.state}", rungs=[rung], min_users=measures.min_users)
        return insufficient(name, full_stop(reason), metric=_METRIC, n=0)
    known = bool(np.isfinite(row.point_cny))
    return Finding(
        id=name,
        metric=_METRIC,
        value=float(row.rate),
        ci_lower=float(row.ci_lower),
        ci_upper=float(row.ci_upper),
        level=level,
        unit="share",
        n=int(row.n),
        segment={"rung": row.rung},
        message=full_stop(
            phrase(
                "tiers.ladder.finding",
                rung=rung,
                rate=row.rate,
                lower=row.ci_lower,
                upper=row.ci_upper,
                days=measures.order_days,
                today=row.today,
                expected=row.expected,
                expected_lower=row.expected_lower,
                expected_upper=row.expected_upper,
            )
        ),
        action=paragraph(sentences.say_action(row), phrase("tiers.ladder.lot"))
        if row.today
        else "",
        method=phrase("tiers.ladder.method.rate"),
        worth_cny=float(row.point_cny) if known else None,
    )


def _steps(ladder: Ladder, level: float) -> Iterator[Finding]:
    n = ladder.rungs.set_index("rung")["n"]
    for row in each_row(ladder.steps):
        yield Finding(
            id=f"tiers.ladder.step.{_slug(row.rung)}",
            metric="first order against the rung below",
            value=float(row.difference),
            ci_lower=float(row.ci_lower),
            ci_upper=float(row.ci_upper),
            level=level,
            unit="share",
            n=int(n[row.rung] + n[row.below]),
            segment={"rung": row.rung},
            message=full_stop(sentences.say_step(row, level=level)),
            method=phrase("tiers.ladder.method.step"),
        )


def _total(measures: Measures, ladder: Ladder, level: float) -> Finding:
    expected, lower, upper = ladder.total
    return Finding(
        id="tiers.ladder.expected",
        metric="first orders to be expected",
        value=expected,
        ci_lower=lower,
        ci_upper=upper,
        level=level,
        unit="count",
        n=int(ladder.rungs["today"].sum()),
        message=full_stop(sentences.say_total(measures, ladder, level=level)),
        method=phrase("tiers.ladder.method.total"),
    )


def _slug(rung: str) -> str:
    return "none" if rung == NONE else rung.replace(" ", "_")
