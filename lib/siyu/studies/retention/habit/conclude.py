"""Turn habits into findings."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from siyu.findings import Finding, insufficient, status_of
from siyu.formats import full_stop
from siyu.phrases import phrase
from siyu.studies.naming import EVERYONE, SMALL
from siyu.studies.retention.habit import sentences
from siyu.studies.retention.habit.measures import Gaps, Purchases
from siyu.studies.retention.sentences import interval
from siyu.studies.tables import each_row


def conclude(
    purchases: Purchases,
    gaps: Gaps,
    *,
    rated: pd.DataFrame,
    usage: pd.DataFrame,
    level: float,
) -> list[Finding]:
    """Give the findings of habits.

    Args:
        purchases: the reduced tables of buyers.
        gaps: the reduced tables of active days.
        rated: from `repeat_rates`.
        usage: from `usage_interval`.
        level: the coverage at which they were computed.

    Returns:
        Findings with stable ids. A return window that is too short, or may be, is to be watched: it
        is a setting of the study, and no alert.
    """
    return [
        *_repeats(purchases, rated, level=level),
        *_usage(gaps, usage, level=level),
    ]


def _repeats(purchases: Purchases, rated: pd.DataFrame, *, level: float) -> Iterator[Finding]:
    for i, refusal in enumerate(purchases.refused, start=1):
        yield _refused(f"retention.repeat_purchase.breakdown.{i}", refusal, purchases.n_buyers)
    if reason := sentences.no_repeats(purchases):
        yield _refused("retention.repeat_purchase", reason, purchases.n_buyers)
        return
    for row in each_row(rated[rated["rate"].notna() & (rated["segment"] != SMALL)]):
        everyone = row.segment == EVERYONE
        said = full_stop(sentences.say_rate(purchases, rated, level=level))
        own = phrase(
            "retention.repeat.finding",
            segment=row.segment,
            rate=row.rate,
            n=row.at_risk,
            days=purchases.repeat_days,
            **interval(row, level),
        )
        yield Finding(
            id="retention.repeat_purchase" + ("" if everyone else f".{row.segment}"),
            metric="repeat purchase",
            value=float(row.rate),
            ci_lower=float(row.ci_lower),
            ci_upper=float(row.ci_upper),
            level=level,
            unit="share",
            n=int(row.at_risk),
            segment={} if everyone else purchases.segments[row.segment],
            message=said if everyone else own,
            headline=phrase("followed.repeat", days=purchases.repeat_days) if everyone else "",
            method=phrase("retention.repeat.method", days=purchases.repeat_days),
        )


def _usage(gaps: Gaps, usage: pd.DataFrame, *, level: float) -> Iterator[Finding]:
    reason = sentences.no_gaps(gaps, usage)
    judged = "" if reason else sentences.verdict(gaps, usage)
    for name, row in zip(("median", "p80"), each_row(usage), strict=True):
        if reason:
            yield _refused(f"retention.usage_interval.{name}", reason, gaps.n_users)
            continue
        window = gaps.window if name == "p80" else None
        status = status_of(
            ci_lower=row.ci_lower, ci_upper=row.ci_upper, threshold=window, direction="below"
        )
        message = phrase(
            f"retention.gaps.finding.{name}",
            n=row.n,
            days=row.gap_days,
            **interval(row, level),
        )
        yield Finding(
            id=f"retention.usage_interval.{name}",
            metric="usage interval",
            value=float(row.gap_days),
            ci_lower=float(row.ci_lower),
            ci_upper=float(row.ci_upper),
            level=level,
            unit="days",
            n=int(row.n),
            threshold=window,
            direction=None if window is None else "below",
            status="watch" if status == "alert" else status,
            message=message,
            action=phrase("retention.gaps.action") if window and judged == "short" else "",
            method=phrase("retention.gaps.method"),
        )


def _refused(name: str, reason: str, n: int) -> Finding:
    if name.startswith("retention.usage_interval"):
        return insufficient(name, reason, metric="usage interval", unit="days", n=n)
    return insufficient(name, reason, metric="repeat purchase", n=n)
