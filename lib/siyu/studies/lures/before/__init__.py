"""Do people who had an offer before still answer? Tests need fresh customers."""

from siyu.studies.lures.before.conclude import conclude
from siyu.studies.lures.before.estimate import Before, compare_before
from siyu.studies.lures.before.figures import draw_before
from siyu.studies.lures.before.sentences import headline, say_before

__all__ = ["Before", "compare_before", "conclude", "draw_before", "headline", "say_before"]
