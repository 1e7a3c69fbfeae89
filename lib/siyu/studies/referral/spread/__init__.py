"""Does it spread? K, the new members whom each brings in turn, and what it is made of."""

from siyu.studies.referral.spread.conclude import conclude
from siyu.studies.referral.spread.estimate import FRIENDS, SEEDS, Spread, mean_of, spread
from siyu.studies.referral.spread.figures import draw_answers, draw_k, draw_parts
from siyu.studies.referral.spread.measure import Measures, measure
from siyu.studies.referral.spread.sentences import (
    headline,
    say_answers,
    say_k,
    say_parts,
    say_shapes,
)
from siyu.studies.referral.spread.uneven import draw_invitations

__all__ = [
    "FRIENDS",
    "SEEDS",
    "Measures",
    "Spread",
    "conclude",
    "draw_answers",
    "draw_invitations",
    "draw_k",
    "draw_parts",
    "headline",
    "mean_of",
    "measure",
    "say_answers",
    "say_k",
    "say_parts",
    "say_shapes",
    "spread",
]
