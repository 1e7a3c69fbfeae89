"""The plan: which strategy which tier gets within a budget, and what more would bring."""

from siyu.studies.tiers.plan.conclude import conclude, lay_out
from siyu.studies.tiers.plan.estimate import Plan, Slope, Worth, plan
from siyu.studies.tiers.plan.figures import draw_curve, draw_plan
from siyu.studies.tiers.plan.sentences import (
    say_certain,
    say_details,
    say_next,
    say_plan,
)

__all__ = [
    "Plan",
    "Slope",
    "Worth",
    "conclude",
    "draw_curve",
    "draw_plan",
    "lay_out",
    "plan",
    "say_certain",
    "say_details",
    "say_next",
    "say_plan",
]
