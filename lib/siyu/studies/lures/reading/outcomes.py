"""Name the outcomes of an experiment the way they stand in a sentence."""

from __future__ import annotations

from siyu.formats import quote
from siyu.phrases import phrase, term
from siyu.studies.lures.definition import ADDED
from siyu.studies.lures.experiment import Experiment
from siyu.studies.lures.reading.compare import NET


def name_outcome(experiment: Experiment, outcome: str) -> str:
    """Name an outcome the way it stands in a sentence."""
    days = experiment.definition.conversion_days
    if outcome == "converted":
        if experiment.definition.conversion == ADDED:
            return phrase("lures.reading.did.added", days=days)
        event = quote(term(experiment.definition.conversion))
        return phrase("lures.reading.did.event", event=event, days=days)
    if outcome == NET:
        return phrase("lures.reading.did.net")
    return phrase("lures.reading.did.stayed", days=int(outcome.removeprefix("retained_")))


def split_outcome(experiment: Experiment, outcome: str) -> tuple[str, int]:
    """Split an outcome into what it is and after how many days, the same in every language."""
    if outcome == "converted":
        return "conversion", experiment.definition.conversion_days
    return "retention", int(outcome.removeprefix("retained_"))


def last_outcome(experiment: Experiment) -> str:
    """Name the outcome of the last retention day; the conversion where nobody knows who stays."""
    return (
        f"retained_{max(experiment.retention_days)}" if experiment.retention_days else ("converted")
    )
