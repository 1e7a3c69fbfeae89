"""What members by lure seem to say, beside what a test says: why the comparison outside it lies."""

from siyu.studies.lures.observed.conclude import conclude
from siyu.studies.lures.observed.estimate import Observed, compare_observed
from siyu.studies.lures.observed.figures import draw_observed
from siyu.studies.lures.observed.measure import count_members
from siyu.studies.lures.observed.sentences import headline, say_observed

__all__ = [
    "Observed",
    "compare_observed",
    "conclude",
    "count_members",
    "draw_observed",
    "headline",
    "say_observed",
]
