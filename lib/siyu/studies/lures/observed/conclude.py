"""Turn the four routes into findings that say how far each can be believed."""

from __future__ import annotations

from typing import Any

from siyu.findings import Evidence, Finding, insufficient
from siyu.formats import full_stop
from siyu.phrases import phrase
from siyu.studies.lures.experiment import Experiment
from siyu.studies.lures.observed import sentences
from siyu.studies.lures.observed.estimate import Observed
from siyu.studies.tables import each_row

_METRIC = "difference in the share who stay"
_EVIDENCE: dict[str, Evidence] = {"standardised": "adjusted", "drawn": "randomised"}
"""All else describes: who came was not drawn, though the lure was."""


def conclude(experiment: Experiment, found: Observed, *, level: float) -> list[Finding]:
    """Give a finding per lure and route."""
    if found.refused:
        reason = full_stop(sentences.refusal(experiment, found))
        return [insufficient("lures.observed", reason, metric=_METRIC, n=0)]
    return [_route(found, row, level) for row in each_row(found.table) if not row.refused]


def _route(found: Observed, row: Any, level: float) -> Finding:
    return Finding(
        id=f"lures.observed.{row.lure}.{row.route}",
        metric=_METRIC,
        segment={"lure": row.lure, "reference": found.reference},
        value=float(row.difference),
        ci_lower=float(row.ci_lower),
        ci_upper=float(row.ci_upper),
        level=level,
        unit="share",
        n=int(row.n),
        message=full_stop(sentences.say_route(found, row, level=level)),
        method=phrase(f"lures.observed.method.{row.route}"),
        evidence=_EVIDENCE.get(row.route, "descriptive"),
    )
