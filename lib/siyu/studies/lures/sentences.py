"""Say who was drawn, who of them is read, and why others are not."""

from __future__ import annotations

from siyu.formats import paragraph
from siyu.phrases import phrase
from siyu.studies.lures.experiment import NOT_COUNTED, REASONS, Experiment


def say_counted(experiment: Experiment) -> str:
    """Say how many were drawn into which arms, who is left out, and what is not known."""
    if experiment.refused in NOT_COUNTED:
        return refusal(experiment)
    total = int(experiment.drawn["n"].sum())
    left_out = experiment.left_out.groupby("reason")["n"].sum()
    said = [
        phrase(
            "lures.counted.drawn",
            n=total,
            arms=experiment.arms,
            experiment=experiment.name,
            day=experiment.first_day,
        )
    ]
    said += [
        phrase(f"lures.counted.{reason}", n=int(left_out[reason]))
        for reason in REASONS
        if reason in left_out.index
    ]
    said += [
        phrase(f"lures.counted.no_{what}")
        for what, there in (
            ("stay", bool(experiment.retention_days)),
            ("cost", experiment.has_cost),
            ("orders", experiment.has_orders),
        )
        if not there
    ]
    return paragraph(*said)


def refusal(experiment: Experiment) -> str:
    """Say why nothing of the experiment can be read; "" where it can."""
    if not experiment.refused:
        return ""
    known = experiment.known
    return phrase(f"lures.refused.{experiment.refused}", experiment=experiment.name, known=known)
