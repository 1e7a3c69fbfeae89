"""Turn what members of each tier are worth into findings."""

from __future__ import annotations

from collections.abc import Iterator

from siyu.findings import Direction, Finding, Status, insufficient
from siyu.formats import full_stop
from siyu.phrases import phrase
from siyu.studies.tables import each_row
from siyu.studies.tiers.value import sentences
from siyu.studies.tiers.value.estimate import Values
from siyu.studies.tiers.value.measure import Measures

_METRIC = "value of a member"


def conclude(measures: Measures, values: Values, *, level: float) -> list[Finding]:
    """Give a finding per tier, per gap between tiers, and per change since the previous review.

    Args:
        measures: the members.
        values: from `estimate`.
        level: the coverage at which they were computed.
    """
    if values.refused:
        reason = full_stop(sentences.refusal(measures, values))
        n = int(measures.members["n"].sum()) if values.refused == "few" else 0
        return [insufficient("tiers.value", reason, metric=_METRIC, n=n, unit="cny")]
    return [
        *_tiers(measures, values, level),
        *_gaps(values, level),
        *_changes(measures, values, level),
    ]


def _tiers(measures: Measures, values: Values, level: float) -> Iterator[Finding]:
    for row in each_row(values.tiers):
        name = f"tiers.value.{row.tier}"
        if row.refused:
            reason = full_stop(sentences.say_refused(measures, row.refused, [row.tier]))
            n = 0 if row.refused == "small" else int(row.n)
            yield insufficient(name, reason, metric=_METRIC, n=n, unit="cny")
            continue
        yield Finding(
            id=name,
            metric=_METRIC,
            value=float(row.value),
            ci_lower=float(row.value_lower),
            ci_upper=float(row.value_upper),
            level=level,
            unit="cny",
            n=int(row.n),
            segment={"tier": row.tier},
            message=full_stop(
                phrase(
                    "tiers.value.finding.value",
                    tier=row.tier,
                    value=row.value,
                    lower=row.value_lower,
                    upper=row.value_upper,
                    orders=row.orders,
                    margin=row.margin,
                    referral=row.referral,
                    days=measures.value_days,
                    review=measures.review,
                )
            ),
            headline=phrase("followed.tier_value", tier=row.tier),
            method=phrase("tiers.value.method.value"),
        )


def _gaps(values: Values, level: float) -> Iterator[Finding]:
    n = values.tiers.set_index("tier")["n"]
    for gap in each_row(values.gaps):
        yield Finding(
            id=f"tiers.value.gap.{gap.tier}",
            metric="gap in value to the tier below",
            value=float(gap.gap),
            ci_lower=float(gap.ci_lower),
            ci_upper=float(gap.ci_upper),
            level=level,
            unit="cny",
            n=int(n[gap.tier] + n[gap.below]),
            segment={"tier": gap.tier},
            message=full_stop(sentences.say_gap(values, gap, level=level)),
            action=sentences.say_fit(gap),
            method=phrase("tiers.value.method.gap"),
        )


def _changes(measures: Measures, values: Values, level: float) -> Iterator[Finding]:
    n = values.tiers.set_index("tier")["n"]
    for row in each_row(values.changes):
        side = sentences.side_of(row)
        direction: Direction | None = None if side == "unclear" else "above"
        status: Status = {"unclear": "info", "more": "ok", "less": "alert"}[side]  # type: ignore[assignment]
        yield Finding(
            id=f"tiers.value.change.{row.tier}",
            metric="change of value since the previous review",
            value=float(row.change),
            ci_lower=float(row.ci_lower),
            ci_upper=float(row.ci_upper),
            level=level,
            unit="cny",
            n=int(n[row.tier]),
            segment={"tier": row.tier},
            message=full_stop(sentences.say_change(measures, row, level=level)),
            action=phrase("tiers.value.action.falls") if side == "less" else "",
            method=phrase("tiers.value.method.change"),
            status=status,
            threshold=None if direction is None else 0.0,
            direction=direction,
        )
