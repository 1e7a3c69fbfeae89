"""How many people does a test of lures need, and how long does that take?"""

from siyu.studies.lures.design.conclude import conclude
from siyu.studies.lures.design.estimate import Clusters, Sizes, size
from siyu.studies.lures.design.figures import draw_sizes
from siyu.studies.lures.design.measure import Measures, measure
from siyu.studies.lures.design.sentences import say_looks, say_sizes

__all__ = [
    "Clusters",
    "Measures",
    "Sizes",
    "conclude",
    "draw_sizes",
    "measure",
    "say_looks",
    "say_sizes",
    "size",
]
