"""How many to recruit, and where? A target of new members, and the chance of reaching it."""

from siyu.studies.targets.adds import Adds, count_adds
from siyu.studies.targets.definition import Definition, TargetError
from siyu.studies.targets.sentences import say_counted

__all__ = ["Adds", "Definition", "TargetError", "count_adds", "say_counted"]
