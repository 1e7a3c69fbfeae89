"""Habits: who buys again, and how far apart the days lie on which users are active."""

from siyu.studies.retention.habit.conclude import conclude
from siyu.studies.retention.habit.estimate import (
    compare_repeats,
    next_return,
    repeat_curve,
    repeat_rates,
    spread,
    usage_interval,
)
from siyu.studies.retention.habit.figures import draw_gaps, draw_repeats
from siyu.studies.retention.habit.measure import measure_gaps, measure_purchases
from siyu.studies.retention.habit.measures import Gaps, Purchases
from siyu.studies.retention.habit.sentences import (
    say_gaps,
    say_repeat_segments,
    say_repeats,
)

__all__ = [
    "Gaps",
    "Purchases",
    "compare_repeats",
    "conclude",
    "draw_gaps",
    "draw_repeats",
    "measure_gaps",
    "measure_purchases",
    "next_return",
    "repeat_curve",
    "repeat_rates",
    "say_gaps",
    "say_repeat_segments",
    "say_repeats",
    "spread",
    "usage_interval",
]
