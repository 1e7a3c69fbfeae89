"""How late do pushes leave, whose, and what does that do to what hours seem to bring?"""

from siyu.studies.push_timing.delay.conclude import conclude
from siyu.studies.push_timing.delay.estimate import Delays, delays, read_both
from siyu.studies.push_timing.delay.figures import draw_both, draw_delays
from siyu.studies.push_timing.delay.measure import measure
from siyu.studies.push_timing.delay.measures import Measures
from siyu.studies.push_timing.delay.sentences import say_both, say_delays

__all__ = [
    "Delays",
    "Measures",
    "conclude",
    "delays",
    "draw_both",
    "draw_delays",
    "measure",
    "read_both",
    "say_both",
    "say_delays",
]
