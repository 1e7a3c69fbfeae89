"""Turn the check of the draw into findings."""

from __future__ import annotations

from siyu.findings import Finding, insufficient
from siyu.formats import full_stop
from siyu.phrases import phrase
from siyu.stats.experiments import SUSPECT_RATIO_P
from siyu.studies.lures.experiment import Experiment
from siyu.studies.lures.ratio import sentences
from siyu.studies.lures.ratio.estimate import Ratios


def conclude(experiment: Experiment, found: Ratios) -> list[Finding]:
    """Give the finding whether arms are as large as planned, with its arms."""
    name, metric = "lures.ratio.all", "p of arms as large as planned"
    if found.refused:
        reason = full_stop(sentences.refusal(experiment, found))
        return [insufficient(name, reason, metric=metric, n=0, unit="ratio")]
    overall = found.table[found.table["kind"].isin(("all", "read"))]
    n = int(found.arms["n"].sum())
    check = Finding(
        id=name,
        metric=metric,
        value=float(overall["p"].min()),
        unit="ratio",
        n=n,
        message=full_stop(sentences.say_ratio(experiment, found)),
        method=phrase("lures.ratio.method"),
        status="alert" if found.is_suspect else "ok",
        threshold=SUSPECT_RATIO_P,
        direction="above",
        action=phrase("lures.ratio.action") if found.is_suspect else "",
        evidence="randomised",
    )
    return [check]
