"""Do the members of high tiers still buy?"""

from siyu.studies.tiers.activity.measure import Measures, measure

__all__ = ["Measures", "measure"]
