"""Which medium, which copy and which content: answers per sent push, compared within users."""

from siyu.studies.push_timing.message.conclude import conclude
from siyu.studies.push_timing.message.estimate import Effects, effects
from siyu.studies.push_timing.message.figures import draw_contents, draw_media
from siyu.studies.push_timing.message.measure import measure
from siyu.studies.push_timing.message.measures import Measures
from siyu.studies.push_timing.message.sentences import say_contents, say_copies, say_media

__all__ = [
    "Effects",
    "Measures",
    "conclude",
    "draw_contents",
    "draw_media",
    "effects",
    "measure",
    "say_contents",
    "say_copies",
    "say_media",
]
