"""Turn what looking every day tells into findings."""

from __future__ import annotations

from typing import Any

from siyu.findings import Finding, insufficient
from siyu.formats import full_stop
from siyu.phrases import phrase
from siyu.studies.lures.daily import sentences
from siyu.studies.lures.daily.course import Courses
from siyu.studies.lures.daily.looks import Looks
from siyu.studies.lures.experiment import Experiment
from siyu.studies.tables import each_row

_LOOK, _COURSE = "difference of conversion, at any look", "change of a difference of conversion"
_STOP = "days until the experiment could be stopped"


def conclude(experiment: Experiment, looks: Looks, courses: Courses) -> list[Finding]:
    """Give the findings of looking every day, and of the course of each difference.

    Args:
        experiment: from `find_experiment`.
        looks: from `watch`.
        courses: from `follow`.

    Returns:
        Findings with stable ids: `lures.daily.stop`, and per pair of arms `lures.daily.look...` and
        `lures.daily.course...`; each refused with its reason where nothing can be told.
    """
    return [*_looks(experiment, looks), *_courses(experiment, courses)]


def _looks(experiment: Experiment, found: Looks) -> list[Finding]:
    said = full_stop(sentences.say_stop(experiment, found))
    refused = insufficient(
        "lures.daily.stop", said, metric=_STOP, n=found.n, unit="days", evidence="randomised"
    )
    if found.refused:
        return [refused]
    stop = refused
    if found.won_on is not None and experiment.first_day is not None:
        stop = Finding(
            id="lures.daily.stop",
            metric=_STOP,
            value=float((found.won_on - experiment.first_day).days + 1),
            unit="days",
            n=found.n_then,
            level=found.level,
            message=said,
            method=phrase("lures.daily.method.looks"),
            evidence="randomised",
        )
    pairs = [
        Finding(
            id=f"lures.daily.look.{row.arm}.{row.against}",
            metric=_LOOK,
            value=float(row.value),
            ci_lower=float(row.ci_lower),
            ci_upper=float(row.ci_upper),
            level=found.level,
            unit="share",
            n=int(row.n + row.n_against),
            segment=_segment(row),
            message=full_stop(sentences.say_pair(row, found)),
            method=phrase("lures.daily.method.looks"),
            evidence="randomised",
        )
        for row in each_row(found.pairs)
    ]
    return [stop, *pairs]


def _courses(experiment: Experiment, found: Courses) -> list[Finding]:
    if found.refused:
        said = full_stop(sentences.say_refused(experiment, found.refused))
        return [
            insufficient(
                "lures.daily.course", said, metric=_COURSE, n=found.n, evidence="randomised"
            )
        ]
    return [
        Finding(
            id=f"lures.daily.course.{row.arm}.{row.against}",
            metric=_COURSE,
            value=float(row.change),
            ci_lower=float(row.change_lower),
            ci_upper=float(row.change_upper),
            level=found.level,
            unit="share",
            n=int(row.n),
            segment=_segment(row),
            message=full_stop(sentences.say_course(row, found)),
            action=phrase("lures.daily.action.fades") if row.verdict == "fades" else "",
            method=phrase("lures.daily.method.course"),
            evidence="randomised",
        )
        for row in each_row(found.pairs)
    ]


def _segment(row: Any) -> dict[str, str]:
    return {"arm": row.arm, "against": row.against}
