"""Turn the reading of an experiment of lures into findings."""

from __future__ import annotations

from typing import Any

import numpy as np

from siyu.findings import Finding, Unit, insufficient
from siyu.formats import full_stop
from siyu.phrases import phrase
from siyu.studies.lures.experiment import Experiment
from siyu.studies.lures.reading import sentences
from siyu.studies.lures.reading.compare import BEST, NET
from siyu.studies.lures.reading.estimate import Reading
from siyu.studies.tables import each_row


def conclude(experiment: Experiment, found: Reading, *, level: float) -> list[Finding]:
    """Give the verdict, each arm's outcomes, and how far arms are from the best and the control.

    Args:
        experiment: from `find_experiment`.
        found: from `read`.
        level: the coverage at which it was read.
    """
    if found.refused:
        reason = full_stop(sentences.refusal(experiment, found))
        metric = "net worth of the lure chosen"
        return [insufficient("lures.reading.verdict", reason, metric=metric, n=0, unit="cny")]
    refused = found.counts[(found.counts["refused"] != "") & (found.counts["outcome"] != NET)]
    return [
        _verdict(experiment, found, level),
        *(_arm(experiment, found, row, level) for row in each_row(found.arms)),
        *(_gap(experiment, found, row, level) for row in each_row(found.gaps)),
        *(
            insufficient(
                f"lures.reading.{row.outcome}",
                full_stop(sentences.say_missing(experiment, row)),
                metric=f"{row.outcome} by arm",
                n=0,
            )
            for row in each_row(refused)
        ),
    ]


def _verdict(experiment: Experiment, found: Reading, level: float) -> Finding:
    verdict = found.verdict
    message = full_stop(sentences.say_verdict(experiment, found, level=level))
    name, metric = "lures.reading.verdict", "net worth of the lure chosen"
    if not verdict.kind:
        return insufficient(name, message, metric=metric, n=0, unit="cny")
    own = found.arms[(found.arms["outcome"] == NET) & (found.arms["arm"] == verdict.arm)].iloc[0]
    rolls, loses = verdict.kind == "roll_out", verdict.kind == "stop" and not experiment.has_control
    kind = "stop_all" if loses else verdict.kind
    if kind == "keep_testing" and not verdict.more:
        kind = "wait"
    return Finding(
        id=name,
        metric=metric,
        segment={"arm": verdict.arm},
        value=verdict.net_cny,
        ci_lower=float(own["ci_lower"]),
        ci_upper=float(own["ci_upper"]),
        level=level,
        unit="cny",
        n=int(found.counts.loc[found.counts["outcome"] == NET, "n"].sum()),
        message=message,
        headline=phrase("followed.lure"),
        action=phrase(f"lures.reading.action.{kind}", arm=verdict.arm, more=verdict.more),
        method=phrase(f"lures.reading.method.{'running' if found.waiting else 'verdict'}"),
        status="ok" if rolls else "alert" if loses else "info",
        threshold=0.0 if rolls or loses else None,
        direction="above" if rolls or loses else None,
        evidence="randomised",
        worth_cny=verdict.quarter_cny if np.isfinite(verdict.quarter_cny) else None,
    )


def _unit(outcome: str) -> Unit:
    return "cny" if outcome == NET else "share"


def _arm(experiment: Experiment, found: Reading, row: Any, level: float) -> Finding:
    kind = "net" if row.outcome == NET else "share"
    return Finding(
        id=f"lures.reading.{row.outcome}.{row.arm}",
        metric=row.outcome,
        segment={"arm": row.arm},
        value=float(row.mean),
        ci_lower=float(row.ci_lower),
        ci_upper=float(row.ci_upper),
        level=level,
        unit=_unit(row.outcome),
        n=int(row.n),
        message=full_stop(sentences.say_own(experiment, row, level=level)),
        method=phrase(f"lures.reading.method.{'cluster' if found.clusters else kind}"),
        evidence="randomised",
    )


def _gap(experiment: Experiment, found: Reading, row: Any, level: float) -> Finding:
    arms = found.arms[found.arms["outcome"] == row.outcome]
    pair = row.arm, experiment.definition.control_arm
    n = arms if row.against == BEST else arms[arms["arm"].isin(pair)]
    method = "running" if row.outcome == NET and found.waiting else row.against
    return Finding(
        id=f"lures.reading.against_{row.against}.{row.outcome}.{row.arm}",
        metric=f"{row.outcome} less that of the {row.against}",
        segment={"arm": row.arm},
        value=float(row.gap),
        ci_lower=float(row.ci_lower),
        ci_upper=float(row.ci_upper),
        level=level,
        unit=_unit(row.outcome),
        n=int(n["n"].sum()),
        message=full_stop(sentences.say_gap(experiment, row, level=level)),
        method=phrase(f"lures.reading.method.{method}"),
        evidence="randomised",
    )
