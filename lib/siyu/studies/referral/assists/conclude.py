"""Turn games of assists into findings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from siyu.findings import Finding, Unit, insufficient
from siyu.formats import full_stop
from siyu.phrases import phrase
from siyu.studies.referral.assists import sentences
from siyu.studies.referral.assists.estimate import Assists
from siyu.studies.referral.assists.measure import Measures
from siyu.studies.tables import each_row

_PLAY: dict[str, Unit] = {
    "helped": "count",
    "used": "share",
    "all_used": "share",
    "friends": "count",
}


def conclude(measures: Measures, found: Assists, *, level: float) -> list[Finding]:
    """Give the findings of games: the use of lives, new members, and the change of activity.

    Args:
        measures: the players.
        found: from `assists`.
        level: the coverage at which it was computed.
    """
    if found.refused:
        reason = phrase(f"referral.assists.refused.{found.refused}")
        return [insufficient("referral.assists", full_stop(reason), metric="assists", n=0)]
    return [*_play(measures, found, level=level), *_active(measures, found, level=level)]


def _play(measures: Measures, found: Assists, *, level: float) -> Iterator[Finding]:
    for row in each_row(found.play):
        segment = {"campaign": row.campaign}
        if row.refused:
            reason = full_stop(sentences.refusal(measures, row))
            name = f"referral.assists.all_used.{row.campaign}"
            yield insufficient(name, reason, metric="assists", n=0, segment=segment)
            continue
        for name, unit in _PLAY.items():
            action = ""
            if name == "all_used" and row.verdict in ("bind", "slack"):
                action = phrase(f"referral.assists.action.{row.verdict}", campaign=row.campaign)
            yield Finding(
                id=f"referral.assists.{name}.{row.campaign}",
                metric=f"assists, {name}",
                value=float(getattr(row, name)),
                ci_lower=float(getattr(row, f"{name}_lower")),
                ci_upper=_finite(getattr(row, f"{name}_upper")),
                level=level,
                unit=unit,
                n=int(row.n),
                segment=segment,
                message=sentences.say_game(row, level=level),
                action=action,
                method=phrase("referral.assists.method.play"),
            )


def _active(measures: Measures, found: Assists, *, level: float) -> Iterator[Finding]:
    for row in each_row(found.activity):
        segment = {"campaign": row.campaign}
        name = f"referral.assists.activity.{row.campaign}"
        if not row.verdict:
            reason = phrase(
                f"referral.assists.active.{row.refused or 'few'}",
                campaign=row.campaign,
                min_users=measures.min_users,
            )
            yield insufficient(
                name, full_stop(reason), metric="activity", n=0, unit="days", segment=segment
            )
            continue
        yield Finding(
            id=name,
            metric="activity",
            value=float(row.change),
            ci_lower=float(row.ci_lower),
            ci_upper=float(row.ci_upper),
            level=level,
            unit="days",
            n=int(row.n),
            segment=segment,
            message=sentences.say_change(row, level=level),
            method=phrase("referral.assists.method.active"),
            evidence="adjusted",
        )


def _finite(value: Any) -> float | None:
    return float(value) if value < float("inf") else None
