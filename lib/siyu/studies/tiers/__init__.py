"""Tier strategies: what each member tier should get."""

from siyu.studies.tiers.definition import Definition, TierError
from siyu.studies.tiers.members import Members, find_members

__all__ = ["Definition", "Members", "TierError", "find_members"]
