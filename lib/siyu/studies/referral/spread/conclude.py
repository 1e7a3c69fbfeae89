"""Turn K and what it is made of into findings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from siyu.findings import Finding, Unit, insufficient
from siyu.formats import full_stop
from siyu.phrases import phrase
from siyu.studies.naming import EVERYONE
from siyu.studies.referral.sentences import say_refused
from siyu.studies.referral.spread import sentences
from siyu.studies.referral.spread.estimate import SEEDS, Spread
from siyu.studies.referral.spread.measure import Measures
from siyu.studies.tables import each_row


def conclude(measures: Measures, found: Spread, *, level: float) -> list[Finding]:
    """Give the findings of K, of seeds and of friends, and of what it is made of.

    Args:
        measures: the people.
        found: from `spread`.
        level: the coverage at which it was computed.
    """
    if measures.refused:
        reason = full_stop(say_refused(measures.refused))
        return [insufficient("referral.spread.k", reason, metric="K", n=0, unit="ratio")]
    return [
        *_find_k(measures, found, level),
        *_find_seeds(measures, found, level),
        *_find_shapes(measures, found, level),
        *_find_answers(found, level),
    ]


def _find_k(measures: Measures, found: Spread, level: float) -> Iterator[Finding]:
    for row in each_row(found.verdicts):
        named: dict[str, Any] = {
            "metric": "new members per friend",
            "segment": {"campaign": row.campaign},
            "action": phrase(f"referral.spread.action.{row.verdict}"),
        }
        said = full_stop(sentences.say_friends(measures, row, level=level))
        if row.verdict == "few":
            yield insufficient(
                f"referral.spread.k.{row.campaign}", said, n=row.n, unit="ratio", **named
            )
        else:
            ends = (row.k, row.k_lower, row.k_upper)
            yield _finding("k", said, ends, row.n, level, method="k", **named)


def _find_seeds(measures: Measures, found: Spread, level: float) -> Iterator[Finding]:
    for row in each_row(found.table[found.table["group"] == SEEDS]):
        named: dict[str, Any] = {
            "metric": "new members per seed",
            "segment": {"campaign": row.campaign},
        }
        told = sentences.say_seeds(measures, row._asdict(), row.campaign, level=level)
        if row.refused:
            yield insufficient(
                f"referral.spread.k_seeds.{row.campaign}",
                full_stop(told),
                n=row.n,
                unit="ratio",
                **named,
            )
        else:
            ends = (row.k, row.k_lower, row.k_upper)
            yield _finding("k_seeds", full_stop(told), ends, row.n, level, method="k", **named)


def _find_shapes(measures: Measures, found: Spread, level: float) -> Iterator[Finding]:
    for row in each_row(found.shapes):
        said = full_stop(sentences.say_shape(measures, row, level=level))
        segment = {"campaign": row.campaign}
        ends = (row.invitations, row.invitations_lower, row.invitations_upper)
        yield _finding(
            "invitations",
            said,
            ends,
            row.n,
            level,
            method="k",
            metric="invitations per friend who stayed",
            segment=segment,
        )
        if np.isfinite(row.shape):
            yield _finding(
                "dispersion",
                said,
                (row.shape, row.shape_lower, row.shape_upper),
                row.n,
                level,
                method="shape",
                metric="shape of the negative binomial number of invitations",
                segment=segment,
            )


def _find_answers(found: Spread, level: float) -> Iterator[Finding]:
    for row in each_row(found.answers[found.answers["channel"] == EVERYONE]):
        yield _finding(
            "acceptance",
            full_stop(sentences.say_answer(row, level=level)),
            (row.share, row.share_lower, row.share_upper),
            row.inviters,
            level,
            method="acceptance",
            metric="share of invitations that bring a new member",
            segment={"campaign": row.campaign},
            unit="share",
        )


def _finding(
    what: str,
    message: str,
    ends: tuple[float, float, float],
    n: int,
    level: float,
    *,
    method: str,
    metric: str,
    segment: dict[str, str],
    unit: Unit = "ratio",
    action: str = "",
) -> Finding:
    value, lower, upper = (float(end) if np.isfinite(end) else None for end in ends)
    return Finding(
        id=f"referral.spread.{what}.{segment['campaign']}",
        metric=metric,
        segment=segment,
        value=value,
        ci_lower=lower,
        ci_upper=upper,
        level=level,
        unit=unit,
        n=int(n),
        message=message,
        action=action,
        method=phrase(f"referral.spread.method.{method}"),
    )
