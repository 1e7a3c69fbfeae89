"""How fast, how deep and how large do trees of friends grow, and what does one more seed bring?"""

from siyu.studies.referral.trees.conclude import conclude
from siyu.studies.referral.trees.estimate import Growth, grow
from siyu.studies.referral.trees.figures import draw_generations, draw_paths, draw_sizes
from siyu.studies.referral.trees.measure import Measures, measure
from siyu.studies.referral.trees.sentences import (
    headline,
    say_choices,
    say_times,
    say_totals,
)

__all__ = [
    "Growth",
    "Measures",
    "conclude",
    "draw_generations",
    "draw_paths",
    "draw_sizes",
    "grow",
    "headline",
    "measure",
    "say_choices",
    "say_times",
    "say_totals",
]
