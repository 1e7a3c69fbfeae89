"""Who stays, and since when? Retention by day and cohort, measured, estimated, drawn and said."""

from siyu.studies.retention.conclude import conclude
from siyu.studies.retention.definition import Definition, RetentionError
from siyu.studies.retention.estimate import (
    by_cohort,
    compare_segments,
    mean_stay,
    means,
    rates,
    same_people,
    stay,
)
from siyu.studies.retention.figures import draw_cohorts, draw_curve, draw_segments, draw_stay
from siyu.studies.retention.measure import measure
from siyu.studies.retention.measures import Measures
from siyu.studies.retention.sentences import say_retention

__all__ = [
    "Definition",
    "Measures",
    "RetentionError",
    "by_cohort",
    "compare_segments",
    "conclude",
    "draw_cohorts",
    "draw_curve",
    "draw_segments",
    "draw_stay",
    "mean_stay",
    "means",
    "measure",
    "rates",
    "same_people",
    "say_retention",
    "stay",
]
