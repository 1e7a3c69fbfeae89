"""How many to recruit by the planning rule, and what its factor 1.3 is in the data."""

from siyu.studies.targets.rule.conclude import conclude
from siyu.studies.targets.rule.estimate import FACTOR, Rule, estimate_rule
from siyu.studies.targets.rule.figures import draw_factors
from siyu.studies.targets.rule.measure import Orders, measure
from siyu.studies.targets.rule.sentences import say_headline, say_rule

__all__ = [
    "FACTOR",
    "Orders",
    "Rule",
    "conclude",
    "draw_factors",
    "estimate_rule",
    "measure",
    "say_headline",
    "say_rule",
]
