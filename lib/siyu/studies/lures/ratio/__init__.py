"""Were the arms drawn as planned? Where they were not, nothing of the experiment is read."""

from siyu.studies.lures.ratio.estimate import Ratios, check_ratio, find_suspect

__all__ = ["Ratios", "check_ratio", "find_suspect"]
