"""What is a policy of hours worth? Pushes whose hour was drawn by lot, weighted by its chance."""

from siyu.studies.push_timing.policy.estimate import Values, estimate
from siyu.studies.push_timing.policy.measure import measure
from siyu.studies.push_timing.policy.measures import Measures

__all__ = ["Measures", "Values", "estimate", "measure"]
