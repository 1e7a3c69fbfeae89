"""Which reward makes trees grow, drawn by lot for seeds and inherited by whoever comes of them?"""

from siyu.studies.referral.sides.conclude import conclude
from siyu.studies.referral.sides.estimate import Sides, compare_sides
from siyu.studies.referral.sides.figures import draw_plan, draw_sides
from siyu.studies.referral.sides.measure import Measures, measure
from siyu.studies.referral.sides.sentences import say_next, say_sides, say_sides_headline

__all__ = [
    "Measures",
    "Sides",
    "compare_sides",
    "conclude",
    "draw_plan",
    "draw_sides",
    "measure",
    "say_next",
    "say_sides",
    "say_sides_headline",
]
