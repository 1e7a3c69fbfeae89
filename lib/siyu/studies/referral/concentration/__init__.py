"""Do a few inviters bring nearly all new members, and do their friends stay?"""

from siyu.studies.referral.concentration.conclude import conclude
from siyu.studies.referral.concentration.estimate import Concentration, concentrate
from siyu.studies.referral.concentration.figures import draw_top
from siyu.studies.referral.concentration.measure import Measures, measure
from siyu.studies.referral.concentration.sentences import say_farming, say_top, say_top_headline

__all__ = [
    "Concentration",
    "Measures",
    "concentrate",
    "conclude",
    "draw_top",
    "measure",
    "say_farming",
    "say_top",
    "say_top_headline",
]
