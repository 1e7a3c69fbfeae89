"""Lures: which lure wins, at what price?"""

from siyu.studies.lures.definition import Definition, LureError
from siyu.studies.lures.experiment import Experiment, find_experiment
from siyu.studies.lures.net import value_people
from siyu.studies.lures.sentences import refusal, say_counted

__all__ = [
    "Definition",
    "Experiment",
    "LureError",
    "find_experiment",
    "refusal",
    "say_counted",
    "value_people",
]
