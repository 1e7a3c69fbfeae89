"""How often? What another push does, which weekly number is best, and where blocks rise."""

from siyu.studies.push_timing.frequency.alerts import alerts
from siyu.studies.push_timing.frequency.conclude import conclude
from siyu.studies.push_timing.frequency.estimate import curves, slopes
from siyu.studies.push_timing.frequency.figures import draw_alerts, draw_curves, draw_frontier
from siyu.studies.push_timing.frequency.measure import measure
from siyu.studies.push_timing.frequency.measures import Measures
from siyu.studies.push_timing.frequency.net import Frontier, frontier
from siyu.studies.push_timing.frequency.sentences import (
    say_alerts,
    say_best,
    say_frontier,
    say_gaps,
    say_naive,
    say_slopes,
)

__all__ = [
    "Frontier",
    "Measures",
    "alerts",
    "conclude",
    "curves",
    "draw_alerts",
    "draw_curves",
    "draw_frontier",
    "frontier",
    "measure",
    "say_alerts",
    "say_best",
    "say_frontier",
    "say_gaps",
    "say_naive",
    "say_slopes",
    "slopes",
]
