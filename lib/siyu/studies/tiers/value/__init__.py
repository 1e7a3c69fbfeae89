"""What is a member of each tier worth, and by which factor do tiers differ?"""

from siyu.studies.tiers.value.conclude import conclude
from siyu.studies.tiers.value.estimate import Values, estimate
from siyu.studies.tiers.value.figures import draw_parts, draw_values
from siyu.studies.tiers.value.measure import Measures, measure
from siyu.studies.tiers.value.sentences import say_changes, say_headline, say_parts, say_values

__all__ = [
    "Measures",
    "Values",
    "conclude",
    "draw_parts",
    "draw_values",
    "estimate",
    "measure",
    "say_changes",
    "say_headline",
    "say_parts",
    "say_values",
]
