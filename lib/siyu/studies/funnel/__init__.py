"""Where are customers lost? Funnel conversion, measured, estimated, drawn and said."""

from siyu.studies.funnel.change import compare_periods
from siyu.studies.funnel.conclude import conclude
from siyu.studies.funnel.definition import Definition, FunnelError
from siyu.studies.funnel.estimate import compare_segments, placebo, steps, times
from siyu.studies.funnel.figures import (
    draw_change,
    draw_definitions,
    draw_repair,
    draw_segments,
    draw_steps,
    draw_times,
    draw_trend,
)
from siyu.studies.funnel.measure import measure
from siyu.studies.funnel.measures import Measures
from siyu.studies.funnel.repair import order_value, per_point, repair
from siyu.studies.funnel.sentences import (
    say_change,
    say_conversion,
    say_placebo,
    say_repair,
    say_ties,
    say_unordered,
)
from siyu.studies.funnel.variants import sensitivity, with_intervals
from siyu.studies.funnel.weeks import late_against_early, trend

__all__ = [
    "Definition",
    "FunnelError",
    "Measures",
    "compare_periods",
    "compare_segments",
    "conclude",
    "draw_change",
    "draw_definitions",
    "draw_repair",
    "draw_segments",
    "draw_steps",
    "draw_times",
    "draw_trend",
    "late_against_early",
    "measure",
    "order_value",
    "per_point",
    "placebo",
    "repair",
    "say_change",
    "say_conversion",
    "say_placebo",
    "say_repair",
    "say_ties",
    "say_unordered",
    "sensitivity",
    "steps",
    "times",
    "trend",
    "with_intervals",
]
