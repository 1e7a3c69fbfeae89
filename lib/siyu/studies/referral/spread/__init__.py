"""Does it spread? K, the new members whom each brings in turn, and what it is made of."""

from siyu.studies.referral.spread.estimate import Spread, spread
from siyu.studies.referral.spread.measure import Measures, measure

__all__ = ["Measures", "Spread", "measure", "spread"]
