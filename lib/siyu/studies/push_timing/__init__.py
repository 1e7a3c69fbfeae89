"""When to push, to whom, and how often? What is sent, by lot or not, and what comes of it."""

from siyu.studies.push_timing.definition import Definition, PushError
from siyu.studies.push_timing.pushes import Pushes, find_pushes

__all__ = ["Definition", "PushError", "Pushes", "find_pushes"]
