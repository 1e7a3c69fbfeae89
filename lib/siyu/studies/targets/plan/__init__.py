"""How likely is the target, what would have to be recruited where, and what moves the chance?"""

from siyu.studies.targets.plan.conclude import conclude
from siyu.studies.targets.plan.estimate import Plan, plan
from siyu.studies.targets.plan.figures import draw_chance, draw_levers, draw_needs
from siyu.studies.targets.plan.sentences import say_headline, say_levers, say_plan
from siyu.studies.targets.plan.ways import CHANCES

__all__ = [
    "CHANCES",
    "Plan",
    "conclude",
    "draw_chance",
    "draw_levers",
    "draw_needs",
    "plan",
    "say_headline",
    "say_levers",
    "say_plan",
]
