"""Who moves between the tiers?"""

from siyu.studies.tiers.moves.estimate import Chain, accounts, chain, migration
from siyu.studies.tiers.moves.measure import measure
from siyu.studies.tiers.moves.measures import Measures
from siyu.studies.tiers.moves.rates import changes, rates

__all__ = ["Chain", "Measures", "accounts", "chain", "changes", "measure", "migration", "rates"]
