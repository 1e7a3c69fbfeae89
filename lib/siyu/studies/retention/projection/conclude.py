"""Turn a projection into findings: numbers only where the test on what came since held."""

from __future__ import annotations

from collections.abc import Iterator

from siyu.findings import Finding, insufficient
from siyu.phrases import phrase
from siyu.studies.retention.projection import sentences
from siyu.studies.retention.projection.estimate import Projection
from siyu.studies.retention.projection.measure import Lives
from siyu.studies.tables import each_row


def conclude_projection(lives: Lives, projection: Projection, *, level: float) -> list[Finding]:
    """Give the findings of a projection.

    Args:
        lives: the reduced table.
        projection: from `project`.
        level: the coverage at which it was computed.

    Returns:
        `retention.projection` alone, insufficient, where there is none. Else `.holdout` (what came,
        of those there on the earlier day), `.week_<k>` and `.connected`; these are insufficient
        unless the hold-out held.
    """
    if projection.curve.empty:
        return [_insufficient("", lives, projection)]
    return [
        _holdout(lives, projection, level=level),
        *_weeks(lives, projection, level=level),
        _connected(lives, projection, level=level),
    ]


def _insufficient(suffix: str, lives: Lives, projection: Projection, reason: str = "") -> Finding:
    return insufficient(
        f"retention.projection{suffix}",
        reason or sentences.why_not(lives, projection),
        metric="projection",
        unit="users" if suffix == ".connected" else "share",
        n=lives.n_added,
    )


def _holdout(lives: Lives, projection: Projection, *, level: float) -> Finding:
    holdout = projection.holdout
    if holdout is None:
        return _insufficient(".holdout", lives, projection)
    return Finding(
        id="retention.projection.holdout",
        metric="share still connected",
        value=holdout.share,
        ci_lower=holdout.lower,
        ci_upper=holdout.upper,
        level=level,
        unit="share",
        n=holdout.n,
        message=sentences.say_holdout(holdout, level=level),
        method=phrase("retention.projection.method.holdout"),
    )


def _weeks(lives: Lives, projection: Projection, *, level: float) -> Iterator[Finding]:
    for row in each_row(projection.curve[projection.curve["weeks"].isin(projection.asked)]):
        if projection.outcome != "held":
            yield _insufficient(f".week_{row.weeks}", lives, projection)
            continue
        yield Finding(
            id=f"retention.projection.week_{row.weeks}",
            metric="projected share connected",
            value=float(row.projected),
            ci_lower=float(row.projected_lower),
            ci_upper=float(row.projected_upper),
            level=level,
            unit="share",
            n=lives.n_added,
            message=sentences.say_week(projection, row.weeks, level=level),
            method=phrase("retention.projection.method.model"),
        )


def _connected(lives: Lives, projection: Projection, *, level: float) -> Finding:
    said = sentences.say_connected(projection, level=level)
    if not said:
        few = phrase("retention.projection.few_there", min_users=lives.min_users)
        reason = few if projection.outcome == "held" else ""
        return _insufficient(".connected", lives, projection, reason)
    return Finding(
        id="retention.projection.connected",
        metric="projected users connected",
        value=projection.expected,
        ci_lower=projection.expected_lower,
        ci_upper=projection.expected_upper,
        level=level,
        unit="users",
        n=projection.n_there,
        message=said,
        method=phrase("retention.projection.method.model"),
    )
