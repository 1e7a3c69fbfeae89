"""Do friends take the reward and leave, and what does a friend who stays cost?"""

from siyu.studies.referral.reward.conclude import conclude
from siyu.studies.referral.reward.costs import Costs, costs, margins
from siyu.studies.referral.reward.figures import draw_costs, draw_leaving
from siyu.studies.referral.reward.leaving import Leaving, leaving
from siyu.studies.referral.reward.measure import Measures, measure
from siyu.studies.referral.reward.sentences import (
    say_cost_headline,
    say_costs,
    say_hold,
    say_hold_headline,
    say_leaving,
    say_left_headline,
)

__all__ = [
    "Costs",
    "Leaving",
    "Measures",
    "conclude",
    "costs",
    "draw_costs",
    "draw_leaving",
    "leaving",
    "margins",
    "measure",
    "say_cost_headline",
    "say_costs",
    "say_hold",
    "say_hold_headline",
    "say_leaving",
    "say_left_headline",
]
