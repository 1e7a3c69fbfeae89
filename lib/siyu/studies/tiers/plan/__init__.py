"""The plan: which strategy which tier gets within a budget, and what more would bring."""

from siyu.studies.tiers.plan.effects import check_effects
from siyu.studies.tiers.plan.estimate import Plan, Slope, Worth, plan

__all__ = ["Plan", "Slope", "Worth", "check_effects", "plan"]
