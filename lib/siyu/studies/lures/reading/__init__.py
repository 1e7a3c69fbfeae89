"""Which lure wins: who joins and who stays, by arm, and what to do about it."""

from siyu.studies.lures.reading.conclude import conclude
from siyu.studies.lures.reading.estimate import Reading, read
from siyu.studies.lures.reading.figures import draw_net, draw_outcomes
from siyu.studies.lures.reading.sentences import (
    headline,
    say_adjusted,
    say_choice,
    say_outcomes,
    say_verdict,
)

__all__ = [
    "Reading",
    "conclude",
    "draw_net",
    "draw_outcomes",
    "headline",
    "read",
    "say_adjusted",
    "say_choice",
    "say_outcomes",
    "say_verdict",
]
