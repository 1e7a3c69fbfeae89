"""What stands at the foot of every figure of the study."""

from __future__ import annotations

from siyu.phrases import phrase
from siyu.studies.funnel import sentences
from siyu.studies.funnel.measures import Measures


def footer(measures: Measures, method: str) -> str:
    """Say where the numbers come from, as of when, and how they were made."""
    day = sentences.as_of(measures)
    return phrase("funnel.figure.footer", source=measures.source, day=day, method=method)
