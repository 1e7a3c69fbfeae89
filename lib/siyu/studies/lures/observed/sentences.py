"""Say what members by lure seem to say, what a test says, and why the two differ."""

from __future__ import annotations

from typing import Any

from siyu.formats import paragraph, paragraphs
from siyu.phrases import phrase
from siyu.studies.lures.experiment import Experiment
from siyu.studies.lures.observed.estimate import Observed
from siyu.studies.tables import each_row


def refusal(experiment: Experiment, found: Observed) -> str:
    """Say why members by lure cannot be compared; "" where they can."""
    if not found.refused:
        return ""
    return phrase(f"lures.observed.refused.{found.refused}", min_users=experiment.min_users)


def direction(row: Any) -> str:
    """Tell whether clearly more stay than with the reference, fewer, or neither."""
    return "more" if row.ci_lower > 0 else "fewer" if row.ci_upper < 0 else "unclear"


def widest(found: Observed) -> tuple[Any, Any]:
    """Give the lure whose naive difference is largest, and what the draw says of it, if known."""
    rows = {(row.lure, row.route): row for row in each_row(found.table)}
    naive = [row for (_, route), row in rows.items() if route == "naive"]
    first = max(naive, key=lambda row: abs(row.difference))
    drawn = rows.get((first.lure, "drawn"))
    return first, None if drawn is None or drawn.refused else drawn


def headline(experiment: Experiment, found: Observed) -> str:
    """Say what the naive comparison says of one lure, and what the draw says of it."""
    if found.refused:
        return refusal(experiment, found)
    naive, drawn = widest(found)
    kind = "untested" if drawn is None else "same" if _agree(naive, drawn) else "differs"
    return phrase(
        f"lures.observed.headline.{kind}",
        lure=naive.lure,
        reference=found.reference,
        naive=naive.difference,
        drawn=None if drawn is None else drawn.difference,
    )


def _agree(naive: Any, drawn: Any) -> bool:
    """Whether both say the same, and neither is clearly larger."""
    apart = naive.ci_lower > drawn.ci_upper or drawn.ci_lower > naive.ci_upper
    return not apart and direction(naive) == direction(drawn)


def say_observed(experiment: Experiment, found: Observed, *, level: float) -> str:
    """Say each route of each lure, and why only the draw compares lures."""
    if found.refused:
        return refusal(experiment, found)
    told = found.table[found.table["refused"] == ""]
    said = [
        paragraph(*(say_route(found, row, level=level) for row in each_row(own)))
        for _, own in told.groupby("lure", sort=False)
    ]
    return paragraphs(*said, phrase("lures.observed.why"))


def say_route(found: Observed, row: Any, *, level: float) -> str:
    """Say how many more stay with a lure than with the reference, by one route."""
    return phrase(
        f"lures.observed.{row.route}",
        lure=row.lure,
        reference=found.reference,
        days=found.stay_days,
        difference=row.difference,
        lower=row.ci_lower,
        upper=row.ci_upper,
        level=level,
        n=row.n,
    )
