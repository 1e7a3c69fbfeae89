"""Open a merchant's data as Ibis tables in the shape of the contract."""

from siyu.data.problems import Problem, Report, SourceError, render
from siyu.data.source import Source, check, open_source, without_persons

__all__ = [
    "Problem",
    "Report",
    "Source",
    "SourceError",
    "check",
    "open_source",
    "render",
    "without_persons",
]
