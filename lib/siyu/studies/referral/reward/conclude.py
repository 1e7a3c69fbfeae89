"""Turn who left, what a friend who stays costs and what a later reward saves into findings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from siyu.findings import Direction, Finding, Status, insufficient
from siyu.formats import full_stop, paragraph
from siyu.phrases import phrase
from siyu.studies.referral.reward import sentences
from siyu.studies.referral.reward.costs import Costs
from siyu.studies.referral.reward.leaving import Leaving
from siyu.studies.referral.reward.measure import Measures
from siyu.studies.tables import each_row

_LEFT, _COST, _SAVED = "friends who left", "cost per friend who stays", "rewards saved"
_STATUS: dict[str, Status] = {
    "more": "alert",
    "fewer": "ok",
    "continue": "ok",
    "change": "alert",
    "stop": "alert",
    "unclear": "watch",
}


def conclude(measures: Measures, left: Leaving, cost: Costs, *, level: float) -> list[Finding]:
    """Give the findings of rewards.

    Args:
        measures: the reduced tables.
        left: from `leaving`.
        cost: from `costs`.
        level: the coverage at which both were computed.

    Returns:
        Per campaign: the share who left within a day, how much more that is than of others (an
        alert where clearly more), the share kept, the cost per friend who stays (an alert where
        clearly dearer than elsewhere; worth what as many members from elsewhere would have saved),
        and what later rewards would have saved. Refusals say why.
    """
    if left.refused:
        reason = phrase(f"referral.reward.refused.{left.refused}")
        return [insufficient("referral.reward", full_stop(reason), metric=_LEFT, n=0)]
    return [
        *_left(measures, left, level=level),
        *_costs(measures, cost, level=level),
        *_saved(measures, cost, level=level),
    ]


def _left(measures: Measures, found: Leaving, *, level: float) -> Iterator[Finding]:
    for row in each_row(found.table[found.table["window"] == "first"]):
        segment = {"campaign": row.campaign}
        if pd.isna(row.share):
            few = {"campaign": row.campaign, "min_users": measures.min_users}
            reason = phrase("referral.reward.refused.few", **few)
            name = f"referral.reward.left_within_1_day.{row.campaign}"
            yield insufficient(name, full_stop(reason), metric=_LEFT, n=0, segment=segment)
            continue
        plain: dict[str, Any] = {"level": level, "unit": "share", "n": int(row.n), "metric": _LEFT}
        yield Finding(
            id=f"referral.reward.left_within_1_day.{row.campaign}",
            value=float(row.share),
            ci_lower=float(row.ci_lower),
            ci_upper=float(row.ci_upper),
            message=phrase(
                "referral.reward.finding.left", campaign=row.campaign, share=row.share, n=row.n
            ),
            method=phrase("referral.reward.method.share"),
            segment=segment,
            **plain,
        )
        if row.verdict:
            hold = {"campaign": row.campaign, "days": measures.hold_days}
            yield Finding(
                id=f"referral.reward.excess_left.{row.campaign}",
                value=float(row.difference),
                ci_lower=float(row.difference_lower),
                ci_upper=float(row.difference_upper),
                message=sentences.say_left(row, level=level),
                method=phrase("referral.reward.method.excess"),
                segment=segment,
                evidence="adjusted",
                action=phrase("referral.reward.action.left", **hold)
                if row.verdict == "more"
                else "",
                **_judged(row.verdict, 0.0),
                **plain,
            )


def _costs(measures: Measures, found: Costs, *, level: float) -> Iterator[Finding]:
    for row in each_row(found.table):
        segment = {"campaign": row.campaign}
        plain: dict[str, Any] = {"level": level, "segment": segment}
        if pd.notna(row.kept_share):
            yield Finding(
                id=f"referral.reward.kept.{row.campaign}",
                metric="friends who stay",
                value=float(row.kept_share),
                ci_lower=float(row.kept_share_lower),
                ci_upper=float(row.kept_share_upper),
                unit="share",
                n=int(row.n),
                message=phrase(
                    "referral.reward.finding.kept",
                    campaign=row.campaign,
                    share=row.kept_share,
                    n=row.n,
                    days=measures.kept_days,
                ),
                method=phrase("referral.reward.method.share"),
                **plain,
            )
        name = f"referral.reward.cost_per_kept.{row.campaign}"
        if row.refused:
            reason = sentences.refusal(measures, row)
            yield insufficient(
                name, full_stop(reason), metric=_COST, n=0, unit="cny", segment=segment
            )
            continue
        judged: dict[str, Any] = {}
        if row.verdict:
            judged = _judged(row.verdict, float(found.elsewhere[0]))
            judged["evidence"] = "descriptive"
        if row.verdict in ("continue", "change", "stop"):
            judged["action"] = phrase(
                f"referral.reward.action.{row.verdict}",
                campaign=row.campaign,
                most=row.most_reward,
            )
            judged["worth_cny"] = float(row.worth_cny)
        said = [sentences.say_cost(measures, row, level=level), sentences.say_verdict(row)]
        yield Finding(
            id=name,
            metric=_COST,
            value=float(row.cost_per_kept),
            ci_lower=float(row.ci_lower),
            ci_upper=float(row.ci_upper) if np.isfinite(row.ci_upper) else None,
            unit="cny",
            n=int(row.n),
            message=paragraph(*said),
            headline=phrase("followed.friend_cost", campaign=row.campaign),
            method=phrase("referral.reward.method.cost"),
            **plain,
            **judged,
        )


def _saved(measures: Measures, found: Costs, *, level: float) -> Iterator[Finding]:
    for row in each_row(found.held):
        yield Finding(
            id=f"referral.reward.saved.{row.campaign}",
            metric=_SAVED,
            value=float(row.saved_cny),
            ci_lower=float(row.saved_cny_lower),
            ci_upper=float(row.saved_cny_upper),
            level=level,
            unit="cny",
            n=int(row.n),
            segment={"campaign": row.campaign},
            message=sentences.say_saved(measures, row, level=level),
            method=phrase("referral.reward.method.hold"),
        )


def _judged(verdict: str, threshold: float) -> dict[str, Any]:
    direction: Direction = "below"
    return {"status": _STATUS[verdict], "threshold": threshold, "direction": direction}
