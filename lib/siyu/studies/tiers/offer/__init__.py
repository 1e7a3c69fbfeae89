"""Which strategy does each tier get? Offers drawn by lot, in money and on each tier's own aim."""

from siyu.studies.tiers.offer.compare import compare_arms
from siyu.studies.tiers.offer.conclude import conclude
from siyu.studies.tiers.offer.estimate import Effects, effects
from siyu.studies.tiers.offer.figures import draw_effects, draw_targeting
from siyu.studies.tiers.offer.measure import Measures, measure
from siyu.studies.tiers.offer.sentences import headline, say_choices, say_effects, say_targeting
from siyu.studies.tiers.offer.targeting import Targeting, target

__all__ = [
    "Effects",
    "Measures",
    "Targeting",
    "compare_arms",
    "conclude",
    "draw_effects",
    "draw_targeting",
    "effects",
    "headline",
    "measure",
    "say_choices",
    "say_effects",
    "say_targeting",
    "target",
]
