"""Draw fresh customers by lot into arms, balanced within strata, and hand the list over."""

from siyu.studies.lures.draw.draw import Draw, draw
from siyu.studies.lures.draw.told import conclude, draw_balance, say_draw

__all__ = ["Draw", "conclude", "draw", "draw_balance", "say_draw"]
