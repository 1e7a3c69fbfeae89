"""Turn the estimates into findings: what later runs compare, alerts fire on, and machines read."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pandas as pd

from siyu.findings import Finding, Unit, insufficient, status_of
from siyu.formats import full_stop
from siyu.phrases import phrase
from siyu.studies.funnel import sentences
from siyu.studies.funnel.change import Change
from siyu.studies.funnel.measures import Measures
from siyu.studies.naming import EVERYONE, SMALL
from siyu.studies.tables import each_row


def conclude(
    measures: Measures,
    *,
    steps: pd.DataFrame,
    compared: pd.DataFrame,
    change: Change | None,
    medians: pd.DataFrame,
    repairs: pd.DataFrame,
    definitions: pd.DataFrame,
    level: float,
    target_rate: float | None = None,
) -> list[Finding]:
    """Give the findings of the funnel study.

    Args:
        measures: the reduced tables.
        steps: from `steps`.
        compared: from `compare_segments`.
        change: from `compare_periods`.
        medians: from `times`.
        repairs: from `repair`.
        definitions: from `with_intervals`.
        level: the coverage at which they were computed.
        target_rate: conversion below which the team wants to be told; None: no threshold.

    Returns:
        Findings with stable ids. A fall against the span before is an alert when its whole interval
        is below zero and its p-value, a segment's by Holm over the segments, says so too.
    """
    refused = [
        Finding(
            id=f"funnel.breakdown.{i}",
            metric="breakdown",
            value=None,
            unit="count",
            n=measures.n_entered,
            status="insufficient",
            message=reason,
            action=phrase("funnel.action.other_column"),
            method=phrase("funnel.method.known"),
        )
        for i, reason in enumerate(measures.refused, start=1)
    ]
    if reason := sentences.too_little(measures):
        return [*refused, _insufficient("funnel.conversion", "conversion", measures, reason)]
    return [
        _conversion(measures, steps, level=level, target_rate=target_rate),
        *refused,
        *_moved(measures, change, level=level),
        *_steps(steps, level=level),
        *_segments(measures, compared, level=level),
        *_time(medians, level=level),
        *_repair(measures, repairs, level=level),
        _range(measures, definitions, level=level),
    ]


def _conversion(
    measures: Measures, steps: pd.DataFrame, *, level: float, target_rate: float | None
) -> Finding:
    last = steps[steps["segment"] == EVERYONE].iloc[-1]
    status = status_of(
        ci_lower=last.ci_lower, ci_upper=last.ci_upper, threshold=target_rate, direction="above"
    )
    return _estimated(
        "funnel.conversion",
        "conversion",
        (last.rate, last.ci_lower, last.ci_upper),
        level=level,
        n=last.entered,
        threshold=target_rate,
        direction="above",
        status=status,
        message=sentences.say_conversion(measures, steps, level=level),
        headline=phrase("followed.conversion"),
        action=phrase("funnel.action.low") if status == "alert" else "",
        method=phrase("funnel.method.wilson"),
    )


def _moved(measures: Measures, change: Change | None, *, level: float) -> Iterator[Finding]:
    message = sentences.say_change(measures, change, level=level)
    if change is None:
        yield _insufficient("funnel.change", "change of conversion", measures, message)
        return
    total = {row.part: row for row in each_row(change.total)}
    whole = total["change"]
    yield _estimated(
        "funnel.change",
        "change of conversion",
        (whole.value, whole.ci_lower, whole.ci_upper),
        level=level,
        n=measures.n_entered,
        **_against_zero(whole.ci_lower, whole.ci_upper, clear=change.verdict != "unclear"),
        message=message,
        action=phrase("funnel.action.changed"),
        method=phrase("funnel.method.change"),
    )
    if len(change.segments) < 2:  # one segment has no mix, and its rate is the whole change
        return
    for row in (total["mix"], total["rate"]):
        yield _estimated(
            f"funnel.change.{row.part}",
            f"change by {row.part}",
            (row.value, row.ci_lower, row.ci_upper),
            level=level,
            n=measures.n_entered,
            direction="above",
            message=phrase(f"funnel.finding.{row.part}", value=row.value),
            method=phrase("funnel.method.part"),
        )
    yield from _moved_segments(measures, change, level=level)


def _moved_segments(measures: Measures, change: Change, *, level: float) -> Iterator[Finding]:
    for row in each_row(change.segments):
        if min(row.entered, row.entered_before) < measures.min_users or row.segment == SMALL:
            continue
        verb = {"higher": "rose", "lower": "fell"}.get(row.verdict, "unclear")
        yield _estimated(
            f"funnel.change.{row.segment}",
            "change of conversion",
            (row.change, row.change_lower, row.change_upper),
            level=level,
            n=row.entered,
            segment=measures.segments[row.segment],
            **_against_zero(row.change_lower, row.change_upper, clear=row.verdict != "unclear"),
            message=phrase(
                f"funnel.finding.segment_{verb}",
                segment=row.segment,
                before=row.rate_before,
                now=row.rate_now,
                change=row.change,
            ),
            action=phrase("funnel.action.segment") if row.verdict == "lower" else "",
            method=phrase("funnel.method.change_holm"),
        )


def _steps(steps: pd.DataFrame, *, level: float) -> Iterator[Finding]:
    total = steps[steps["segment"] == EVERYONE]
    for before, row in pairwise(each_row(total)):
        if math.isnan(row.step_rate):
            continue
        yield _estimated(
            f"funnel.step_rate.{row.k}",
            "step rate",
            (row.step_rate, row.step_ci_lower, row.step_ci_upper),
            level=level,
            n=before.reached,
            message=phrase(
                "funnel.finding.step",
                rate=row.step_rate,
                reached=before.reached,
                before=before.step,
                step=row.step,
            ),
            headline=phrase("followed.step_rate", before=before.step, step=row.step),
            method=phrase("funnel.method.wilson"),
        )


def _segments(measures: Measures, compared: pd.DataFrame, *, level: float) -> Iterator[Finding]:
    for row in each_row(compared):
        if row.segment == SMALL:
            continue
        verdict = {"higher": "better", "lower": "worse"}.get(row.verdict, "alike")
        yield _estimated(
            f"funnel.conversion.{row.segment}",
            "conversion",
            (row.rate, row.ci_lower, row.ci_upper),
            level=level,
            n=row.entered,
            segment=measures.segments[row.segment],
            message=phrase(
                f"funnel.finding.{verdict}",
                segment=row.segment,
                rate=row.rate,
                entered=row.entered,
                rest=row.rest_rate,
            ),
            method=phrase("funnel.method.wilson_holm"),
        )


def _time(medians: pd.DataFrame, *, level: float) -> Iterator[Finding]:
    if medians.empty or math.isnan(medians["median_days"].iloc[0]):
        return
    row = medians.iloc[0]
    yield _estimated(
        "funnel.median_days",
        "median time to convert",
        (row.median_days, row.ci_lower, row.ci_upper),
        level=level,
        unit="days",
        n=row.n,
        message=full_stop(sentences.say_time(medians, level=level)),
        headline=phrase("followed.median_days"),
        action=phrase("funnel.action.follow_up", median=row.median_days),
        method=phrase("funnel.method.time"),
    )


def _repair(measures: Measures, repairs: pd.DataFrame, *, level: float) -> Iterator[Finding]:
    clear = repairs[repairs["clear"]] if len(repairs) else repairs
    if clear.empty:
        return
    row = clear.iloc[0]
    yield _estimated(
        "funnel.repair",
        "conversions a repair would add",
        (row.extra, row.extra_lower, row.extra_upper),
        level=level,
        unit="count",
        n=row.at_step,
        segment={**measures.segments[row.segment], "step": row.step},
        message=full_stop(sentences.say_repair(measures, clear, clear, level=level)),
        action=phrase("funnel.action.repair", step=row.step, segment=row.segment),
        method=phrase("funnel.method.repair"),
        worth_cny=_finite(row.worth_cny),
    )


def _range(measures: Measures, definitions: pd.DataFrame, *, level: float) -> Finding:
    return _estimated(
        "funnel.definitions",
        "range over definitions",
        (definitions.loc[definitions["asked"], "rate"].iloc[0], math.nan, math.nan),
        level=level,
        n=measures.n_entered,
        message=full_stop(sentences.say_definitions(definitions)),
        method=phrase("funnel.method.definitions"),
    )


def _estimated(
    name: str,
    metric: str,
    estimate: tuple[float, float, float],
    *,
    n: float,
    unit: Unit = "share",
    **more: Any,
) -> Finding:
    """Make a finding of a value and the ends of its interval; an end that is not known is null."""
    value, lower, upper = estimate
    return Finding(
        id=name,
        metric=metric,
        value=float(value),
        ci_lower=_finite(lower),
        ci_upper=_finite(upper),
        unit=unit,
        n=int(n),
        **more,
    )


def _insufficient(name: str, metric: str, measures: Measures, reason: str) -> Finding:
    return insufficient(name, reason, metric=metric, n=measures.n_entered)


def _against_zero(lower: float, upper: float, *, clear: bool) -> dict[str, Any]:
    """Judge a change: a fall is an alert; what has no interval or is not clear is to be watched."""
    status = status_of(ci_lower=lower, ci_upper=upper, threshold=0.0, direction="above")
    known = clear and not math.isnan(lower)
    return {"threshold": 0.0, "direction": "above", "status": status if known else "watch"}


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
