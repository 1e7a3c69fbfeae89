"""Do the members of high tiers still buy, compared with members picked in the same way before?"""

from siyu.studies.tiers.activity.conclude import conclude
from siyu.studies.tiers.activity.estimate import activity
from siyu.studies.tiers.activity.figures import draw_activity
from siyu.studies.tiers.activity.measure import Measures, measure
from siyu.studies.tiers.activity.sentences import say_activity, say_headline

__all__ = [
    "Measures",
    "activity",
    "conclude",
    "draw_activity",
    "measure",
    "say_activity",
    "say_headline",
]
