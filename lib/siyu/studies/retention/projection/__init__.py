"""How many will still be there? Staying connected, projected, and tested on what came since."""

from siyu.studies.retention.projection.conclude import conclude_projection
from siyu.studies.retention.projection.estimate import Holdout, Projection, project
from siyu.studies.retention.projection.figures import draw_projection
from siyu.studies.retention.projection.measure import Lives, measure_lives
from siyu.studies.retention.projection.sentences import (
    say_connected,
    say_holdout,
    say_projection,
)

__all__ = [
    "Holdout",
    "Lives",
    "Projection",
    "conclude_projection",
    "draw_projection",
    "measure_lives",
    "project",
    "say_connected",
    "say_holdout",
    "say_projection",
]
