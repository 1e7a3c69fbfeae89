"""Is the pool growing, and do its best members stay active? States by week, activity by tier."""

from siyu.studies.retention.lifecycle.conclude import conclude
from siyu.studies.retention.lifecycle.estimate import change, flows, tier_months, tier_weeks
from siyu.studies.retention.lifecycle.figures import draw_states, draw_tiers
from siyu.studies.retention.lifecycle.measure import measure
from siyu.studies.retention.lifecycle.measures import Measures
from siyu.studies.retention.lifecycle.sentences import say_changes, say_lifecycle, say_tiers

__all__ = [
    "Measures",
    "change",
    "conclude",
    "draw_states",
    "draw_tiers",
    "flows",
    "measure",
    "say_changes",
    "say_lifecycle",
    "say_tiers",
    "tier_months",
    "tier_weeks",
]
