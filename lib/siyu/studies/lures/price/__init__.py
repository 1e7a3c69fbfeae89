"""What does a customer who stays cost, what does one more, and who wins at which value?"""

from siyu.studies.lures.price.conclude import conclude
from siyu.studies.lures.price.estimate import Prices, price
from siyu.studies.lures.price.figures import draw_prices, draw_worth
from siyu.studies.lures.price.sentences import headline, say_extra, say_prices, say_worth
from siyu.studies.lures.price.value import Worth

__all__ = [
    "Prices",
    "Worth",
    "conclude",
    "draw_prices",
    "draw_worth",
    "headline",
    "price",
    "say_extra",
    "say_prices",
    "say_worth",
]
