"""Turn the values of policies into findings."""

from __future__ import annotations

from typing import Any

from siyu.findings import Finding, insufficient
from siyu.formats import full_stop
from siyu.phrases import phrase
from siyu.studies.push_timing.policy import sentences
from siyu.studies.push_timing.policy.estimate import Values
from siyu.studies.push_timing.policy.measures import Measures
from siyu.studies.tables import each_row

_METRIC = "value of a policy of hours"


def conclude(measures: Measures, found: Values, *, level: float) -> list[Finding]:
    """Give a finding of the hours as they are now, and one per policy against them.

    Args:
        measures: the reduced tables.
        found: from `estimate`.
        level: the coverage at which it was computed.
    """
    if found.refused:
        why = sentences.refusal(measures, found)
        return [insufficient("push.policy", why, metric=_METRIC, n=measures.n)]
    now = Finding(
        id="push.policy.as_sent",
        metric=_METRIC,
        value=found.base,
        ci_lower=found.base_lower,
        ci_upper=found.base_upper,
        level=level,
        unit="share",
        n=measures.n,
        message=sentences.say_base(measures, found, level=level),
        headline=phrase("followed.by_lot"),
        method=phrase("push.policy.method.base"),
        evidence="randomised",
    )
    return [now, *(_policy(row, level=level) for row in each_row(found.table))]


def _policy(row: Any, *, level: float) -> Finding:
    own = f"hour_{int(row.hour)}" if row.policy == "hour" else row.policy
    message = full_stop(sentences.policy_effect(row, level=level))
    if row.refused:
        return insufficient(f"push.policy.{own}", message, metric=_METRIC, n=int(row.n_pushes))
    return Finding(
        id=f"push.policy.{own}",
        metric=_METRIC,
        value=float(row.difference),
        ci_lower=float(row.difference_lower),
        ci_upper=float(row.difference_upper),
        level=level,
        unit="share",
        n=int(row.n_pushes),
        message=message,
        method=phrase("push.policy.method.policy"),
        evidence="randomised",
    )
