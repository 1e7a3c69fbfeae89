"""Say what could have been known on which day, and whether a lure's lead fades."""

from __future__ import annotations

from typing import Any

from siyu.formats import paragraphs
from siyu.phrases import phrase
from siyu.stats.novelty import FEWEST_DAYS
from siyu.studies.lures.daily.course import Courses
from siyu.studies.lures.daily.looks import Looks
from siyu.studies.lures.experiment import Experiment
from siyu.studies.lures.sentences import refusal
from siyu.studies.tables import each_row


def say_refused(experiment: Experiment, refused: str) -> str:
    """Say why days cannot be told; "" where they can."""
    if not refused or refused == experiment.refused:
        return refusal(experiment)
    return phrase(
        f"lures.daily.refused.{refused}",
        experiment=experiment.name,
        days=experiment.definition.conversion_days,
        min_users=experiment.min_users,
        fewest=FEWEST_DAYS,
    )


def say_stop(experiment: Experiment, found: Looks) -> str:
    """Say on which day the experiment could have been stopped, and with what result."""
    if found.refused:
        return say_refused(experiment, found.refused)
    outcome = "ahead" if found.winner else "open"
    if found.winner and found.winner == experiment.definition.control_arm:
        outcome = "behind"
    elif experiment.has_control:
        outcome += "_control"
    return phrase(
        f"lures.daily.stop.{outcome}",
        winner=found.winner,
        control=experiment.definition.control_arm,
        day=found.won_on,
        n=found.n_then,
        total=found.n,
        looks=found.n_looks,
        level=found.level,
    )


def say_looks(experiment: Experiment, found: Looks) -> str:
    """The result: when it could have been stopped, each pair, and what a single test would say."""
    if found.refused:
        return say_refused(experiment, found.refused)
    rows = list(each_row(found.pairs))
    hasty = [row for row in rows if row.naive_on and row.verdict == "unclear"]
    return paragraphs(
        say_stop(experiment, found),
        *(say_pair(row, found) for row in rows),
        phrase(
            "lures.daily.naive.some",
            pairs=[phrase("lures.daily.pair.name", arm=row.arm, against=row.against)
                   for row in hasty],
            n=len(hasty),
            looks=found.n_looks,
        )
        if hasty
        else phrase("lures.daily.naive.none"),
        phrase("lures.daily.window", days=experiment.definition.conversion_days),
    )  # fmt: skip


def say_pair(row: Any, found: Looks) -> str:
    """Say how two arms differ at the last look, and since when that is clear."""
    ahead, sign = (row.arm, 1) if row.value >= 0 else (row.against, -1)
    ends = sorted((sign * row.ci_lower, sign * row.ci_upper))
    return phrase(
        f"lures.daily.pair.{'unclear' if row.verdict == 'unclear' else 'clear'}",
        ahead=ahead,
        behind=row.against if ahead == row.arm else row.arm,
        value=abs(row.value),
        lower=ends[0],
        upper=ends[1],
        level=found.level,
        n=row.n + row.n_against,
        day=row.clear_on,
        n_then=row.n_then,
        then=sign * row.then,
    )


def say_course(row: Any, found: Courses) -> str:
    """Say whether the difference of two arms changed in the course of the experiment."""
    ahead, sign = (row.arm, 1) if row.all >= 0 else (row.against, -1)
    values: dict[str, Any] = {}
    for span in ("first", "later"):
        ends = sorted(sign * getattr(row, f"{span}{end}") for end in ("_lower", "_upper"))
        values |= {span: sign * getattr(row, span), f"{span}_lower": ends[0]}
        values |= {f"{span}_upper": ends[1]}
    return phrase(
        f"lures.daily.course.{row.verdict}",
        ahead=ahead,
        behind=row.against if ahead == row.arm else row.arm,
        n=row.n,
        p=row.trend_p_holm,
        level=found.level,
        **values,
    )


def say_trend(experiment: Experiment, found: Courses) -> str:
    """Say in one sentence whether any lead fades or grows."""
    if found.refused:
        return say_refused(experiment, found.refused)
    fading, growing = (
        [
            phrase("lures.daily.pair.name", arm=row.arm, against=row.against)
            for row in each_row(found.pairs[found.pairs["verdict"] == verdict])
        ]
        for verdict in ("fades", "grows")
    )
    outcome = "fades" if fading else "grows" if growing else "steady"
    return phrase(f"lures.daily.trend.{outcome}", pairs=fading or growing)


def say_courses(experiment: Experiment, found: Courses) -> str:
    """The result: whether leads fade, pair by pair, and whether days differ by more than chance."""
    if found.refused:
        return say_refused(experiment, found.refused)
    uneven = found.pairs["spread_p_holm"] <= 1 - found.level
    return paragraphs(
        say_trend(experiment, found),
        *(say_course(row, found) for row in each_row(found.pairs)),
        phrase(f"lures.daily.spread.{'more' if uneven.any() else 'chance'}"),
    )
