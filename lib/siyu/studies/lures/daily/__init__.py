"""What looking every day could have told, and whether what a lure brings fades."""

from siyu.studies.lures.daily.conclude import conclude
from siyu.studies.lures.daily.course import Courses, follow
from siyu.studies.lures.daily.figures import draw_courses, draw_looks
from siyu.studies.lures.daily.looks import Looks, watch
from siyu.studies.lures.daily.sentences import say_courses, say_looks

__all__ = [
    "Courses",
    "Looks",
    "conclude",
    "draw_courses",
    "draw_looks",
    "follow",
    "say_courses",
    "say_looks",
    "watch",
]
