"""What is a policy of hours worth? Pushes whose hour was drawn by lot, weighted by its chance."""

from siyu.studies.push_timing.policy.conclude import conclude
from siyu.studies.push_timing.policy.estimate import Values, estimate
from siyu.studies.push_timing.policy.figures import draw_curves, draw_overlap, draw_policies
from siyu.studies.push_timing.policy.measure import measure
from siyu.studies.push_timing.policy.measures import Measures
from siyu.studies.push_timing.policy.sentences import (
    say_curves,
    say_design,
    say_headline,
    say_policies,
)

__all__ = [
    "Measures",
    "Values",
    "conclude",
    "draw_curves",
    "draw_overlap",
    "draw_policies",
    "estimate",
    "measure",
    "say_curves",
    "say_design",
    "say_headline",
    "say_policies",
]
