"""Say what an offer before the draw does, and how arms do among the fresh."""

from __future__ import annotations

from typing import Any

from siyu.formats import paragraph
from siyu.phrases import phrase
from siyu.studies.lures.before.estimate import Before
from siyu.studies.lures.experiment import Experiment
from siyu.studies.lures.sentences import refusal as no_experiment
from siyu.studies.tables import each_row


def refusal(experiment: Experiment, found: Before) -> str:
    """Say why nothing can be compared; "" where something can."""
    if not found.refused or experiment.refused:
        return no_experiment(experiment)
    return phrase(
        f"lures.before.refused.{found.refused}",
        experiment=experiment.name,
        days=found.days,
        min_users=experiment.min_users,
    )


def outcome(row: Any) -> str:
    """Tell whether people who had an offer before convert less, more, or not clearly so."""
    if row.refused:
        return str(row.refused)
    return "less" if row.ci_upper < 1 else "more" if row.ci_lower > 1 else "unclear"


def headline(experiment: Experiment, found: Before) -> str:
    """Say whether people who had an offer before convert less than fresh ones."""
    if found.refused:
        return refusal(experiment, found)
    row = next(each_row(found.ratios))
    return phrase(
        f"lures.before.headline.{outcome(row)}", ratio=row.ratio, min_users=experiment.min_users
    )


def say_before(experiment: Experiment, found: Before, *, level: float) -> str:
    """Say both ratios, how arms do among the fresh, and what follows for the next test."""
    if found.refused:
        return refusal(experiment, found)
    said = [say_ratio(experiment, found, row, level=level) for row in each_row(found.ratios)]
    said += [say_arms(found, level=level)]
    if found.immature:
        said.append(phrase("lures.before.immature", n=found.immature, days=found.days))
    return paragraph(*said)


def say_ratio(experiment: Experiment, found: Before, row: Any, *, level: float) -> str:
    """Say how people of one kind convert against fresh ones like them."""
    return phrase(
        f"lures.before.{row.kind}.{outcome(row)}",
        n=row.n,
        days=found.days,
        converted=row.converted,
        expected=row.expected,
        ratio=row.ratio,
        lower=row.ci_lower,
        upper=row.ci_upper,
        level=level,
        min_users=experiment.min_users,
    )


def say_arms(found: Before, *, level: float) -> str:
    """Say which arms may be the best among the fresh, and whether that is what all say."""
    fresh, everybody = (
        found.arms.loc[found.arms[name], "arm"].tolist()
        for name in ("is_candidate", "is_candidate_all")
    )
    return phrase(
        f"lures.before.arms.{'same' if fresh == everybody else 'other'}",
        n=found.fresh,
        arms=fresh,
        everybody=everybody,
        level=level,
    )
