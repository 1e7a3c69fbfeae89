"""How fast does a lure bring members, how long do they stay, and what does one cost?"""

from siyu.studies.retention.lure.conclude import conclude_lures
from siyu.studies.retention.lure.estimate import axes
from siyu.studies.retention.lure.figures import draw_lures
from siyu.studies.retention.lure.measure import Lures, measure
from siyu.studies.retention.lure.sentences import say_lures

__all__ = ["Lures", "axes", "conclude_lures", "draw_lures", "measure", "say_lures"]
