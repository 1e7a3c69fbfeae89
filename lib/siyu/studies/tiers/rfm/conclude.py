"""Turn segments, moves and concentration into findings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from siyu.findings import Direction, Finding, Status, Unit, insufficient
from siyu.formats import full_stop
from siyu.phrases import phrase
from siyu.stats.intervals import wilson
from siyu.studies.tables import each_row
from siyu.studies.tiers.rfm import sentences
from siyu.studies.tiers.rfm.estimate import Concentration, Segments
from siyu.studies.tiers.rfm.measure import Measures
from siyu.studies.tiers.rfm.moves import Moves
from siyu.studies.tiers.rfm.rule import GROUPS, NEVER, SEGMENTS

_GOOD, _BAD = GROUPS["core"], GROUPS["slipping"]


def conclude(
    measures: Measures, *, segments: Segments, moves: Moves, concentration: Concentration
) -> list[Finding]:
    """Give the findings of segments, of their net flows and of concentration.

    A segment that is to grow and shrinks, by Holm, is an alert; growth is none. The margin that its
    members brought in the period is said to be at stake, and is no `worth_cny`: what acting on them
    is worth nobody knows.

    Args:
        measures: the members.
        segments: from `describe`.
        moves: from `move`.
        concentration: from `concentrate`.
    """
    return [
        *_segments(measures, segments),
        *_moves(measures, moves),
        *_concentration(measures, concentration),
    ]


def _segments(measures: Measures, found: Segments) -> Iterator[Finding]:
    metric = "share of margin" if found.of_margin else "share of net amount"
    if found.refused:
        reason = full_stop(sentences.say_headline(measures, found))
        yield insufficient("tiers.rfm.segments", reason, metric=metric, n=found.n_buyers)
        return
    of = "margin" if found.of_margin else "amount"
    for row in each_row(found.table[found.table["segment"].isin(SEGMENTS)]):
        value, lower, upper = (
            float(getattr(row, f"{of}_share{end}")) for end in ("", "_lower", "_upper")
        )
        if not np.isfinite(lower):  # of one buyer
            reason = sentences.refusal(measures, "few")
            name = f"tiers.rfm.{of}_share.{row.segment}"
            yield insufficient(name, full_stop(reason), metric=metric, n=int(row.n))
            continue
        yield Finding(
            id=f"tiers.rfm.{of}_share.{row.segment}",
            metric=metric,
            segment={"rfm": row.segment},
            value=value,
            ci_lower=lower,
            ci_upper=upper,
            level=found.level,
            unit="share",
            n=int(row.n),
            message=full_stop(
                phrase(
                    f"tiers.rfm.finding.{of}",
                    name=sentences.segment_name(row.segment),
                    n=row.n,
                    value=value,
                    lower=lower,
                    upper=upper,
                    mean=row.margin_mean,
                    mean_lower=row.margin_mean_lower,
                    mean_upper=row.margin_mean_upper,
                    level=found.level,
                )
            ),
            action=phrase(f"tiers.rfm.action.{row.segment}", stake=row.margin_cny),
            method=phrase("tiers.rfm.method.share"),
        )
    for row in each_row(found.table[found.table["segment"] == NEVER]):
        lower, upper = (float(end) for end in wilson(row.n, found.n_members, level=found.level))
        yield Finding(
            id="tiers.rfm.members.never",
            metric="members who never bought",
            segment={"rfm": NEVER},
            value=float(row.share),
            ci_lower=lower,
            ci_upper=upper,
            level=found.level,
            unit="share",
            n=found.n_members,
            message=full_stop(
                phrase(
                    "tiers.rfm.finding.never",
                    n=row.n,
                    members=found.n_members,
                    value=row.share,
                    lower=lower,
                    upper=upper,
                    level=found.level,
                )
            ),
            action=phrase("tiers.rfm.action.never"),
            method=phrase("tiers.rfm.method.never"),
        )


def _moves(measures: Measures, found: Moves) -> Iterator[Finding]:
    metric = "net flow"
    if found.refused:
        if found.refused != "none":  # what was not asked for is no finding
            reason = full_stop(sentences.say_verdict(measures, found))
            yield insufficient("tiers.rfm.net_flow", reason, metric=metric, n=found.n, unit="users")
        return
    for row in each_row(found.flows):
        status, direction = _judge(row)
        yield Finding(
            id=f"tiers.rfm.net_flow.{row.segment}",
            metric=metric,
            segment={"rfm": row.segment},
            value=float(row.net),
            ci_lower=float(row.ci_lower),
            ci_upper=float(row.ci_upper),
            level=found.level,
            unit="users",
            n=found.n,
            threshold=None if direction is None else 0.0,
            direction=direction,
            status=status,
            message=full_stop(sentences.say_flow(measures, row, level=found.level)),
            action=phrase("tiers.rfm.action.down") if status == "alert" else "",
            method=phrase("tiers.rfm.method.flow"),
        )


def _judge(row: Any) -> tuple[Status, Direction | None]:
    """Judge a clear fall: what grows may grow with the pool, or with its age, and is no alarm."""
    if row.verdict != "down" or row.segment not in (*_GOOD, *_BAD):
        return "info", None
    is_good = row.segment in _GOOD
    return ("alert", "above") if is_good else ("ok", "below")


def _concentration(measures: Measures, found: Concentration) -> Iterator[Finding]:
    of = "margin" if found.of_margin else "amount"
    if found.refused:
        if found.refused == "few":  # the other reasons are those of the segments
            reason = full_stop(sentences.say_top(measures, found))
            yield insufficient("tiers.rfm.top_share", reason, metric=f"share of {of}", n=0)
        return
    said: list[tuple[str, str, str, Unit, str]] = [
        ("top_share", "buyers", "top_20", "share", sentences.say_top(measures, found)),
        ("gini", "buyers", "gini", "ratio", sentences.say_gini(found)),
    ]
    if change := sentences.say_change(measures, found):
        said.append(("top_share_change", "change", "top_20", "share", change))
    for name, who, measure, unit, message in said:
        row = sentences.row_of(found, who, measure)
        yield Finding(
            id=f"tiers.rfm.{name}",
            metric=f"concentration of {of}",
            value=float(row.value),
            ci_lower=float(row.ci_lower),
            ci_upper=float(row.ci_upper),
            level=found.level,
            unit=unit,
            n=int(row.n),
            message=full_stop(message),
            headline=phrase(f"followed.top_{of}") if name == "top_share" else "",
            method=phrase(f"tiers.rfm.method.{name}"),
        )
