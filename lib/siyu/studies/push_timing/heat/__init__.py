"""What was clicked, by hour, weekday and segment, and which hours were ever tried: a description.

It says nothing of what an hour does: who is pushed then, and with what, is in every number.
"""

from siyu.studies.push_timing.heat.conclude import conclude
from siyu.studies.push_timing.heat.estimate import Rates, rates
from siyu.studies.push_timing.heat.figures import draw_rates, draw_support
from siyu.studies.push_timing.heat.measure import measure
from siyu.studies.push_timing.heat.measures import Measures
from siyu.studies.push_timing.heat.quality import check
from siyu.studies.push_timing.heat.sentences import say_rates, say_support

__all__ = [
    "Measures",
    "Rates",
    "check",
    "conclude",
    "draw_rates",
    "draw_support",
    "measure",
    "rates",
    "say_rates",
    "say_support",
]
