"""Do game assists use up their lives, bring new members, and make players more active?"""

from siyu.studies.referral.assists.conclude import conclude
from siyu.studies.referral.assists.estimate import Assists, assists
from siyu.studies.referral.assists.figures import draw_assists
from siyu.studies.referral.assists.measure import Measures, measure
from siyu.studies.referral.assists.sentences import (
    say_active,
    say_play,
    say_play_headline,
)

__all__ = [
    "Assists",
    "Measures",
    "assists",
    "conclude",
    "draw_assists",
    "measure",
    "say_active",
    "say_play",
    "say_play_headline",
]
