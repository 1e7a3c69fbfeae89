"""Does pushing pay at all? Members pushed and not, as drawn."""

from siyu.studies.push_timing.margin.conclude import conclude
from siyu.studies.push_timing.margin.estimate import Gain, gain
from siyu.studies.push_timing.margin.figures import draw_gain
from siyu.studies.push_timing.margin.measure import Measures, measure
from siyu.studies.push_timing.margin.sentences import say_gain, say_verdict

__all__ = [
    "Gain",
    "Measures",
    "conclude",
    "draw_gain",
    "gain",
    "measure",
    "say_gain",
    "say_verdict",
]
