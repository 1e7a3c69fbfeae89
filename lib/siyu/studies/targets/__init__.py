"""How many to recruit, and where? A target of new members, and the chance of reaching it."""

from siyu.studies.targets.adds import Adds, count_adds
from siyu.studies.targets.definition import Definition, TargetError

__all__ = ["Adds", "Definition", "TargetError", "count_adds"]
