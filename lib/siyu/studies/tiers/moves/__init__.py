"""Who moves between the tiers, where does it lead, and do more members of high tiers go down?"""

from siyu.studies.tiers.moves.conclude import conclude
from siyu.studies.tiers.moves.estimate import Chain, accounts, chain, migration
from siyu.studies.tiers.moves.falls import say_rates
from siyu.studies.tiers.moves.figures import draw_accounts, draw_chain, draw_migration, draw_rates
from siyu.studies.tiers.moves.measure import measure
from siyu.studies.tiers.moves.measures import Measures
from siyu.studies.tiers.moves.rates import changes, rates
from siyu.studies.tiers.moves.sentences import say_accounts, say_chain, say_migration

__all__ = [
    "Chain",
    "Measures",
    "accounts",
    "chain",
    "changes",
    "conclude",
    "draw_accounts",
    "draw_chain",
    "draw_migration",
    "draw_rates",
    "measure",
    "migration",
    "rates",
    "say_accounts",
    "say_chain",
    "say_migration",
    "say_rates",
]
