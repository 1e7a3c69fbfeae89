"""How near to a first order are followers who have not bought yet, and what fits them?"""

from siyu.studies.tiers.ladder.conclude import conclude
from siyu.studies.tiers.ladder.estimate import Ladder, estimate
from siyu.studies.tiers.ladder.figures import draw_ladder
from siyu.studies.tiers.ladder.measure import RUNGS, Measures, measure
from siyu.studies.tiers.ladder.sentences import say_headline, say_ladder, say_today

__all__ = [
    "RUNGS",
    "Ladder",
    "Measures",
    "conclude",
    "draw_ladder",
    "estimate",
    "measure",
    "say_headline",
    "say_ladder",
    "say_today",
]
