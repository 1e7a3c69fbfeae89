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
from siyu.studies.retention.figures import (
    draw_cohorts,
    draw_curve,
    draw_segments,
    draw_stay,
    draw_triangle,
)
from siyu.studies.retention.measure import measure
from siyu.studies.retention.measures import Measures
from siyu.studies.retention.sentences import say_retention
from siyu.studies.retention.triangle import measure_triangle, triangle_cells, triangle_means

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
    "draw_triangle",
    "mean_stay",
    "means",
    "measure",
    "measure_triangle",
    "rates",
    "same_people",
    "say_retention",
    "stay",
    "triangle_cells",
    "triangle_means",
]
