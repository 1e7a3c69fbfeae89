"""What does the hour of sending do where it was not drawn by lot? Crude beside adjusted."""

from siyu.studies.push_timing.adjusted.conclude import conclude
from siyu.studies.push_timing.adjusted.estimate import Curves, compare, compare_days, curves
from siyu.studies.push_timing.adjusted.figures import draw_curves
from siyu.studies.push_timing.adjusted.measure import measure
from siyu.studies.push_timing.adjusted.measures import Measures
from siyu.studies.push_timing.adjusted.sentences import say_curves, say_days, say_naive

__all__ = [
    "Curves",
    "Measures",
    "compare",
    "compare_days",
    "conclude",
    "curves",
    "draw_curves",
    "measure",
    "say_curves",
    "say_days",
    "say_naive",
]
