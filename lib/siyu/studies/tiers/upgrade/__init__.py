"""Does a higher tier make members buy more? After an upgrade, less what was to be expected."""

from siyu.studies.tiers.upgrade.conclude import conclude
from siyu.studies.tiers.upgrade.estimate import Effects, estimate
from siyu.studies.tiers.upgrade.figures import draw_checks, draw_paths
from siyu.studies.tiers.upgrade.measure import Measures, measure
from siyu.studies.tiers.upgrade.sentences import (
    say_checks,
    say_effects,
    say_headline,
    say_naive,
    say_next,
)

__all__ = [
    "Effects",
    "Measures",
    "conclude",
    "draw_checks",
    "draw_paths",
    "estimate",
    "measure",
    "say_checks",
    "say_effects",
    "say_headline",
    "say_naive",
    "say_next",
]
