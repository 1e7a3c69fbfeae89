"""RFM: how lately, how often and for how much members bought, and what that makes of them."""

from siyu.studies.tiers.rfm.conclude import conclude
from siyu.studies.tiers.rfm.estimate import Concentration, Segments, concentrate, describe
from siyu.studies.tiers.rfm.figures import draw_concentration, draw_moves, draw_segments
from siyu.studies.tiers.rfm.measure import Measures, measure
from siyu.studies.tiers.rfm.moves import Moves, move
from siyu.studies.tiers.rfm.rule import tabulate_rule
from siyu.studies.tiers.rfm.sentences import (
    say_concentration,
    say_headline,
    say_moves,
    say_rule,
    say_segments,
    say_stakes,
)

__all__ = [
    "Concentration",
    "Measures",
    "Moves",
    "Segments",
    "concentrate",
    "conclude",
    "describe",
    "draw_concentration",
    "draw_moves",
    "draw_segments",
    "measure",
    "move",
    "say_concentration",
    "say_headline",
    "say_moves",
    "say_rule",
    "say_segments",
    "say_stakes",
    "tabulate_rule",
]
