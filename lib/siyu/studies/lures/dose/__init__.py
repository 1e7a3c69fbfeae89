"""How large should the coupon be? Arms that differ in the amount, read as a dose."""

from siyu.studies.lures.dose.conclude import conclude
from siyu.studies.lures.dose.estimate import Doses, read_doses
from siyu.studies.lures.dose.figures import draw_doses
from siyu.studies.lures.dose.sentences import headline, say_doses

__all__ = ["Doses", "conclude", "draw_doses", "headline", "read_doses", "say_doses"]
