"""Were the arms drawn as planned? Where they were not, nothing of the experiment is read."""

from siyu.studies.lures.ratio.conclude import conclude
from siyu.studies.lures.ratio.estimate import Ratios, check_ratio, find_suspect
from siyu.studies.lures.ratio.figures import draw_ratio
from siyu.studies.lures.ratio.sentences import headline, say_ratio

__all__ = [
    "Ratios",
    "check_ratio",
    "conclude",
    "draw_ratio",
    "find_suspect",
    "headline",
    "say_ratio",
]
