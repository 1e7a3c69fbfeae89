"""Turn the trend with the amount, and the best amount, into findings."""

from __future__ import annotations

from siyu.findings import Finding, insufficient
from siyu.formats import full_stop
from siyu.phrases import phrase
from siyu.studies.lures.dose import sentences
from siyu.studies.lures.dose.estimate import Doses
from siyu.studies.lures.experiment import Experiment

_TREND = f"rise of conversion per {sentences.STEP_CNY} yuan"


def conclude(experiment: Experiment, found: Doses, *, level: float) -> list[Finding]:
    """Give a finding of the trend and one of the best amount."""
    if found.refused or found.trend is None:
        reason = full_stop(sentences.refusal(experiment, found))
        return [insufficient("lures.dose", reason, metric=_TREND, n=0)]
    best = found.table.sort_values("net_cny", kind="stable").iloc[-1]
    clear = found.table["is_candidate"].sum() == 1
    return [
        Finding(
            id="lures.dose.trend",
            metric=_TREND,
            value=sentences.STEP_CNY * found.trend.slope,
            ci_lower=sentences.STEP_CNY * found.trend.ci_lower,
            ci_upper=sentences.STEP_CNY * found.trend.ci_upper,
            level=level,
            unit="share",
            n=found.n,
            message=full_stop(sentences.say_trend(found, level=level)),
            method=phrase("lures.dose.method.trend"),
            evidence="randomised",
        ),
        Finding(
            id="lures.dose.choice",
            metric="net benefit of the best amount over the next, per person assigned",
            segment={"dose_cny": f"{best['dose_cny']:g}"},
            value=float(best["gap_cny"]),
            ci_lower=float(best["gap_lower"]),
            ci_upper=float(best["gap_upper"]),
            level=level,
            unit="cny",
            n=found.n,
            message=full_stop(sentences.say_choice(found, level=level)),
            action=phrase(
                f"lures.dose.action.{'clear' if clear else 'open'}", dose=best["dose_cny"]
            ),
            method=phrase("lures.dose.method.choice"),
            evidence="randomised",
        ),
    ]
