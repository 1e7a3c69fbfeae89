"""Turn frequencies into findings."""

from __future__ import annotations

from typing import Any

import pandas as pd

from siyu.findings import Evidence, Finding, Status, insufficient
from siyu.formats import full_stop
from siyu.phrases import phrase
from siyu.studies.push_timing.frequency import sentences
from siyu.studies.push_timing.frequency.measures import DRAWN, Measures
from siyu.studies.push_timing.frequency.net import ASSIGNED, WEEKS, Frontier
from siyu.studies.push_timing.frequency.today import worth_of_best
from siyu.studies.tables import each_row


def conclude(
    measures: Measures,
    slopes: pd.DataFrame,
    found: Frontier,
    watched: pd.DataFrame,
    *,
    level: float,
    block_threshold: float | None = None,
) -> list[Finding]:
    """Give findings of the effect of one more push, of the best number, and of blocks by segment.

    Args:
        measures: the reduced tables.
        slopes: from `slopes`.
        found: from `frontier`.
        watched: from `alerts`.
        level: the coverage at which they were computed.
        block_threshold: as given to `alerts`.
    """
    own = slopes[slopes["population"] == measures.main]
    return [
        *(_slope(measures, row, level=level) for row in each_row(own)),
        *_numbers(measures, found, level=level),
        *_alerts(measures, watched, level=level),
        *_limits(measures, watched, level=level, threshold=block_threshold),
    ]


def _slope(measures: Measures, row: Any, *, level: float) -> Finding:
    name, metric = f"push.frequency.slope.{row.outcome}", "log change per push received"
    message = full_stop(sentences.slope(measures, row, level=level))
    if row.refused:
        return insufficient(name, message, metric=metric, n=int(row.n_pushes), unit="ratio")
    # Numbers were drawn, but who is there to be pushed again was not. Without lots only weeks are
    # held equal, not who is pushed more: a description.
    evidence: Evidence = "adjusted" if measures.main == DRAWN else "descriptive"
    return Finding(
        id=name,
        metric=metric,
        value=float(row.slope),
        ci_lower=float(row.ci_lower),
        ci_upper=float(row.ci_upper),
        level=level,
        unit="ratio",
        n=int(row.n_users),
        message=message,
        method=phrase(
            f"push.frequency.method.{'log' if row.outcome == 'click' else 'cloglog'}",
            one_in=measures.kept_one_in,
        ),
        evidence=evidence,
    )


def _numbers(measures: Measures, found: Frontier, *, level: float) -> list[Finding]:
    if found.refused:
        reason = full_stop(sentences.frontier_refusal(measures, found))
        return [
            insufficient(
                "push.frequency.best",
                reason,
                metric="value per week",
                n=measures.n_sent,
                unit="cny",
            )
        ]
    # Weeks while members are there leave out who blocked, so lots do not make them alike.
    by_kind: dict[str, Evidence] = {ASSIGNED: "randomised", WEEKS: "adjusted"}
    given = []
    for kind, cap in found.best.items():
        row, leads = found.row(kind, cap), kind == found.lead
        given.append(
            Finding(
                id=f"push.frequency.best.{kind}",
                metric="value per week",
                value=float(row.weekly_value_cny),
                ci_lower=float(row.weekly_value_lower),
                ci_upper=float(row.weekly_value_upper),
                level=level,
                unit="cny",
                n=found.n_users[kind],
                message=full_stop(sentences.best(measures, found, kind, level=level)),
                action=sentences.advice(found) if leads else "",
                method=phrase("push.frequency.method.best"),
                evidence=by_kind.get(kind, "descriptive"),
                worth_cny=worth_of_best(measures, found) if leads else None,
            )
        )
    return given


def _alerts(measures: Measures, watched: pd.DataFrame, *, level: float) -> list[Finding]:
    metric = "change of blocks per push"
    if watched.empty:
        reason = sentences.say_alerts(measures, watched, level=level)
        return [
            insufficient(
                "push.frequency.blocks", full_stop(reason), metric=metric, n=measures.n_sent
            )
        ]
    given = []
    for row in each_row(watched):
        name = f"push.frequency.blocks.{row.segment}"
        if row.refused:
            reason = phrase(
                f"push.frequency.blocks.segment.{row.refused}",
                segment=row.segment,
                min_users=measures.min_users,
            )
            n = 0 if row.refused == "few" else int(row.n)
            given.append(insufficient(name, full_stop(reason), metric=metric, n=n))
            continue
        rose, clear = row.verdict == "rose", row.verdict != "unclear"
        # A change that is not clear is judged against nothing: noise is no reason to watch.
        statuses: dict[str, Status] = {"rose": "alert", "fell": "ok", "unclear": "info"}
        given.append(
            Finding(
                id=name,
                metric=metric,
                value=float(row.change),
                ci_lower=float(row.ci_lower),
                ci_upper=float(row.ci_upper),
                level=level,
                unit="share",
                n=int(row.n),
                message=full_stop(sentences.blocks(row, level=level)),
                method=phrase("push.frequency.method.change"),
                status=statuses[row.verdict],
                segment=measures.crossings.get(row.segment, {}),
                threshold=0.0 if clear else None,
                direction="below" if clear else None,
                action=phrase("push.frequency.action.rose") if rose else "",
                evidence="descriptive",
            )
        )
    return given


def _limits(
    measures: Measures, watched: pd.DataFrame, *, level: float, threshold: float | None
) -> list[Finding]:
    if threshold is None or watched.empty:
        return []
    judged = watched[watched["refused"] == ""]
    return [
        Finding(
            id=f"push.frequency.block_rate.{row.segment}",
            metric="blocks per push",
            value=float(row.block_rate_now),
            ci_lower=float(row.block_rate_lower),
            ci_upper=float(row.block_rate_upper),
            level=level,
            unit="share",
            n=int(row.n),
            message=full_stop(
                phrase(
                    "push.frequency.blocks.limit",
                    segment=row.segment,
                    now=sentences.PER_PUSHES * row.block_rate_now,
                    lower=sentences.PER_PUSHES * row.block_rate_lower,
                    upper=sentences.PER_PUSHES * row.block_rate_upper,
                    threshold=sentences.PER_PUSHES * threshold,
                )
            ),
            method=phrase("push.frequency.method.limit"),
            status=row.limit,
            segment=measures.crossings.get(row.segment, {}),
            threshold=threshold,
            direction="below",
            action=phrase("push.frequency.action.rose") if row.limit == "alert" else "",
            evidence="descriptive",
        )
        for row in each_row(judged)
    ]
