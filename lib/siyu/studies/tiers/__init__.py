"""Tier strategies: what each member tier should get."""

from siyu.studies.tiers.definition import Definition, TierError, pick_high
from siyu.studies.tiers.members import Members, find_members
from siyu.studies.tiers.sentences import say_counted

__all__ = ["Definition", "Members", "TierError", "find_members", "pick_high", "say_counted"]
