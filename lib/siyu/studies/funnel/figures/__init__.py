"""Draw the funnel study: each figure says its finding in the title and carries its numbers."""

from siyu.studies.funnel.figures.parts import draw_change, draw_repair
from siyu.studies.funnel.figures.rates import draw_definitions, draw_segments, draw_steps
from siyu.studies.funnel.figures.times import draw_times, draw_trend

__all__ = [
    "draw_change",
    "draw_definitions",
    "draw_repair",
    "draw_segments",
    "draw_steps",
    "draw_times",
    "draw_trend",
]
