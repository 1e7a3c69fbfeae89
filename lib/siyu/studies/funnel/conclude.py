"""Turn the estimates into findings: what later runs compare, alerts fire on, and machines read."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pandas as pd

from siyu.findings import Finding, Status, status_of
from siyu.formats import number, percent, points, quote, span
from siyu.studies.funnel import sentences
from siyu.studies.funnel.change import Change
from siyu.studies.funnel.measures import Measures
from siyu.studies.funnel.naming import EVERYONE, SMALL
from siyu.studies.tables import each_row

_WILSON = "Wilson score interval; users independent"
_CHANGE = "delta method with users in both spans as one cluster, and Newcombe: the wider ends"
_PART = "delta method with users in both spans as one cluster"


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
        is below zero; a segment's own fall also has to hold by Holm over the segments.
    """
    found = [
        Finding(
            id=f"funnel.breakdown.{i}",
            metric="breakdown",
            value=None,
            unit="count",
            n=measures.n_entered,
            status="insufficient",
            message=reason,
            action="Choose another column for `by`.",
            method="columns known on entering only",
        )
        for i, reason in enumerate(measures.refused, start=1)
    ]
    if reason := sentences.too_little(measures):
        return [*found, _insufficient("funnel.conversion", "conversion", measures, reason)]
    return [
        _conversion(measures, steps, level=level, target_rate=target_rate),
        *found,
        *_moved(measures, change, level=level),
        *_steps(measures, steps, level=level),
        *_segments(measures, compared, level=level),
        *_time(measures, medians, level=level),
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
    return Finding(
        id="funnel.conversion",
        metric="conversion",
        value=float(last.rate),
        ci_lower=_finite(last.ci_lower),
        ci_upper=_finite(last.ci_upper),
        level=level,
        unit="share",
        n=int(last.entered),
        threshold=target_rate,
        direction="above",
        status=status,
        message=sentences.say_conversion(measures, steps, level=level),
        action="Start with the step most worth repairing." if status == "alert" else "",
        method=_WILSON,
    )


def _moved(measures: Measures, change: Change | None, *, level: float) -> Iterator[Finding]:
    message = sentences.say_change(measures, change, level=level)
    if change is None:
        yield _insufficient("funnel.change", "change of conversion", measures, message)
        return
    alone = len(change.segments) < 2  # one segment has no mix, and its rate is the whole change
    for row in each_row(change.total):
        if row.part in ("before", "now") or (alone and row.part != "change"):
            continue
        whole = row.part == "change"
        yield Finding(
            id="funnel.change" if whole else f"funnel.change.{row.part}",
            metric="change of conversion" if whole else f"change by {row.part}",
            value=float(row.value),
            ci_lower=_finite(row.ci_lower),
            ci_upper=_finite(row.ci_upper),
            level=level,
            unit="share",
            n=measures.n_entered,
            threshold=0.0 if whole else None,
            direction="above",
            status=_fell(row.ci_lower, row.ci_upper, clear=True) if whole else "info",
            message=message
            if whole
            else f"{row.part.capitalize()} of segments: {points(row.value)} of the change.",
            action="See whether users or steps changed before acting on a step." if whole else "",
            method=_CHANGE if whole else _PART,
        )
    if alone:
        return
    for row in each_row(change.segments):
        if min(row.entered, row.entered_before) < measures.min_users or row.segment == SMALL:
            continue
        verb = {"higher": "rose", "lower": "fell"}.get(row.verdict, "did not clearly change")
        yield Finding(
            id=f"funnel.change.{row.segment}",
            metric="change of conversion",
            segment=_segment(measures, row.segment),
            value=float(row.change),
            ci_lower=_finite(row.change_lower),
            ci_upper=_finite(row.change_upper),
            level=level,
            unit="share",
            n=int(row.entered),
            threshold=0.0,
            direction="above",
            status=_fell(row.change_lower, row.change_upper, clear=row.verdict != "unclear"),
            message=f"Conversion of {quote(row.segment)} {verb}: {percent(row.rate_before)} "
            f"to {percent(row.rate_now)} ({points(row.change)}).",
            action="Look at this segment's steps." if row.verdict == "lower" else "",
            method=_CHANGE + "; verdict by Holm over the segments",
        )


def _steps(measures: Measures, steps: pd.DataFrame, *, level: float) -> Iterator[Finding]:
    total = steps[steps["segment"] == EVERYONE]
    for before, row in zip(each_row(total), each_row(total.iloc[1:]), strict=False):
        if math.isnan(row.step_rate):
            continue
        yield Finding(
            id=f"funnel.step_rate.{row.k}",
            metric="step rate",
            value=float(row.step_rate),
            ci_lower=_finite(row.step_ci_lower),
            ci_upper=_finite(row.step_ci_upper),
            level=level,
            unit="share",
            n=int(before.reached),
            message=f"{percent(row.step_rate)} of {number(before.reached)} users went on from "
            f"{quote(before.step)} to {quote(row.step)}.",
            method=_WILSON,
        )


def _segments(measures: Measures, compared: pd.DataFrame, *, level: float) -> Iterator[Finding]:
    for row in each_row(compared):
        if row.segment == SMALL:
            continue
        verdict = {"higher": "converts better than", "lower": "converts worse than"}.get(
            row.verdict, "does not clearly differ from"
        )
        yield Finding(
            id=f"funnel.conversion.{row.segment}",
            metric="conversion",
            segment=_segment(measures, row.segment),
            value=float(row.rate),
            ci_lower=_finite(row.ci_lower),
            ci_upper=_finite(row.ci_upper),
            level=level,
            unit="share",
            n=int(row.entered),
            message=f"{quote(row.segment)} {verdict} the others: "
            f"{percent(row.rate)} of {number(row.entered)} users against {percent(row.rest_rate)}.",
            method=_WILSON + "; verdict by Holm over the segments",
        )


def _time(measures: Measures, medians: pd.DataFrame, *, level: float) -> Iterator[Finding]:
    if medians.empty or math.isnan(medians["median_days"].iloc[0]):
        return
    row = medians.iloc[0]
    yield Finding(
        id="funnel.median_days",
        metric="median time to convert",
        value=float(row.median_days),
        ci_lower=_finite(row.ci_lower),
        ci_upper=_finite(row.ci_upper),
        level=level,
        unit="days",
        n=int(row.n),
        message=sentences.say_time(medians, level=level) + ".",
        action=f"Follow up those who are still open after {span(row.median_days)}.",
        method="Aalen-Johansen, leaving competes; immature users count while followed",
    )


def _repair(measures: Measures, repairs: pd.DataFrame, *, level: float) -> Iterator[Finding]:
    clear = repairs[repairs["clear"]] if len(repairs) else repairs
    if clear.empty:
        return
    row = clear.iloc[0]
    yield Finding(
        id="funnel.repair",
        metric="conversions a repair would add",
        segment=_segment(measures, row.segment) | {"step": row.step},
        value=float(row.extra),
        ci_lower=_finite(row.extra_lower),
        ci_upper=_finite(row.extra_upper),
        level=level,
        unit="count",
        n=int(row.at_step),
        message=sentences.say_repair(measures, clear, clear, level=level) + ".",
        action=f"Test a repair of {quote(row.step)} for {quote(row.segment)} against "
        "what is done today.",
        method="gap to the other segments x own later rates; delta method, joint over all gaps",
        worth_cny=_finite(row.worth_cny),
    )


def _range(measures: Measures, definitions: pd.DataFrame, *, level: float) -> Finding:
    return Finding(
        id="funnel.definitions",
        metric="range over definitions",
        value=float(definitions.loc[definitions["asked"], "rate"].iloc[0]),
        level=level,
        unit="share",
        n=measures.n_entered,
        message=sentences.say_definitions(definitions) + ".",
        method="estimates over entry x ties x window",
    )


def _insufficient(id_: str, metric: str, measures: Measures, reason: str) -> Finding:
    return Finding(
        id=id_,
        metric=metric,
        value=None,
        unit="share",
        n=measures.n_entered,
        status="insufficient",
        message=reason,
        method="refused",
    )


def _fell(lower: float, upper: float, *, clear: bool) -> Status:
    if not clear or math.isnan(lower):
        return "watch"
    return status_of(ci_lower=lower, ci_upper=upper, threshold=0.0, direction="above")


def _segment(measures: Measures, name: str) -> dict[str, str]:
    values = name.split(" × ")
    if len(values) == len(measures.by):
        return dict(zip(measures.by, values, strict=True))
    return {" × ".join(measures.by): name}


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
