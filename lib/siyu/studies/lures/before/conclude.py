"""Turn what an offer before the draw does, and how arms do among the fresh, into findings."""

from __future__ import annotations

from typing import Any

import numpy as np

from siyu.findings import Finding, insufficient, status_of
from siyu.formats import full_stop
from siyu.phrases import phrase
from siyu.studies.lures.before import sentences
from siyu.studies.lures.before.estimate import Before
from siyu.studies.lures.experiment import Experiment
from siyu.studies.tables import each_row

_METRIC = "conversion after an earlier offer over that of fresh people"


def conclude(experiment: Experiment, found: Before, *, level: float) -> list[Finding]:
    """Give a finding per kind of earlier offer, and one per arm among the fresh."""
    if found.refused:
        reason = full_stop(sentences.refusal(experiment, found))
        return [insufficient("lures.before", reason, metric=_METRIC, n=0, unit="ratio")]
    return [
        *(_ratio(experiment, found, row, level) for row in each_row(found.ratios)),
        *(_arm(found, row, level) for row in each_row(found.arms)),
    ]


def _ratio(experiment: Experiment, found: Before, row: Any, level: float) -> Finding:
    name = f"lures.before.{row.kind}"
    message = full_stop(sentences.say_ratio(experiment, found, row, level=level))
    if row.refused:
        n = 0 if np.isnan(row.n) else int(row.n)
        return insufficient(name, message, metric=_METRIC, n=n, unit="ratio", evidence="adjusted")
    status = status_of(
        ci_lower=row.ci_lower, ci_upper=row.ci_upper, threshold=1.0, direction="above"
    )
    return Finding(
        id=name,
        metric=_METRIC,
        value=float(row.ratio),
        ci_lower=float(row.ci_lower),
        ci_upper=float(row.ci_upper),
        level=level,
        unit="ratio",
        n=int(row.n),
        message=message,
        action=phrase("lures.before.action") if status == "alert" else "",
        method=phrase("lures.before.method.ratio"),
        status=status,
        threshold=1.0,
        direction="above",
        evidence="adjusted",
    )


def _arm(found: Before, row: Any, level: float) -> Finding:
    message = phrase(
        "lures.before.fresh",
        arm=row.arm,
        days=found.days,
        share=row.conversion,
        lower=row.ci_lower,
        upper=row.ci_upper,
        level=level,
    )
    return Finding(
        id=f"lures.before.fresh.{row.arm}",
        metric="conversion of fresh people",
        segment={"arm": row.arm},
        value=float(row.conversion),
        ci_lower=float(row.ci_lower),
        ci_upper=float(row.ci_upper),
        level=level,
        unit="share",
        # Where the others of the arm are few, their number must not be had by subtraction.
        n=found.fresh if np.isnan(row.n) else int(row.n),
        message=full_stop(message),
        method=phrase("lures.before.method.arms"),
        evidence="randomised",
    )
