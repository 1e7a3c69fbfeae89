"""Does a tier cause spending? Members just above a threshold against those just below."""

from siyu.studies.tiers.threshold.conclude import conclude
from siyu.studies.tiers.threshold.estimate import Effects, find_effects
from siyu.studies.tiers.threshold.figures import draw_checks, draw_densities, draw_effects
from siyu.studies.tiers.threshold.measure import Measures, measure
from siyu.studies.tiers.threshold.sentences import say_checks, say_densities, say_effects

__all__ = [
    "Effects",
    "Measures",
    "conclude",
    "draw_checks",
    "draw_densities",
    "draw_effects",
    "find_effects",
    "measure",
    "say_checks",
    "say_densities",
    "say_effects",
]
