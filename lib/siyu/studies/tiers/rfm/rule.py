"""The written rule by which buyers are scored and named."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from siyu.stats.checks import FloatArray
from siyu.stats.ranks import cut_points, score_ranks

SEGMENTS = (
    "champions",
    "loyal",
    "potential",
    "new",
    "needs_attention",
    "at_risk",
    "dormant",
    "lost",
)
"""The names of buyers of the period, in the order in which they are shown."""
INACTIVE, NEVER, ABSENT = "inactive", "never", "absent"
"""Members who bought before the period only; members without any purchase on record; no members."""
STATES = (*SEGMENTS, INACTIVE, NEVER, ABSENT)
GROUPS = {
    "core": ("champions", "loyal"),
    "growing": ("potential", "new", "needs_attention"),
    "slipping": ("at_risk", "dormant", "lost"),
}
"""Segments told together where they are too small to tell who moved between them."""
BANDS = ("low", "middle", "high")
"""By the sum of the scores for frequency and money: 2 to 4, 5 to 7, 8 to 10."""
_BAND_FROM = (5, 8)
_TABLE = {
    5: ("potential", "loyal", "champions"),
    4: ("potential", "loyal", "champions"),
    3: ("needs_attention", "needs_attention", "loyal"),
    2: ("dormant", "dormant", "at_risk"),
    1: ("lost", "dormant", "at_risk"),
}
"""By the score for recency (5 for the latest fifth), then the band of the two other scores."""
_CODES = np.array([[STATES.index(name) for name in _TABLE[score]] for score in sorted(_TABLE)])


@dataclass(frozen=True, kw_only=True)
class Cuts:
    """The smallest value of each score but the first, of the three measures.

    recency: of days with the sign turned, since later is better.
    """

    recency: FloatArray
    frequency: FloatArray
    amount: FloatArray


def find_cuts(recency: FloatArray, frequency: FloatArray, amount: FloatArray) -> Cuts:
    """Cut the three measures of some buyers into fifths, ties together."""
    return Cuts(
        recency=cut_points(-recency), frequency=cut_points(frequency), amount=cut_points(amount)
    )


def score(
    recency: FloatArray, frequency: FloatArray, amount: FloatArray, cuts: Cuts
) -> NDArray[np.int8]:
    """Score buyers from 1 to 5 by recency, frequency and money: a row each."""
    return np.stack(
        [
            score_ranks(-recency, cuts.recency),
            score_ranks(frequency, cuts.frequency),
            score_ranks(amount, cuts.amount),
        ]
    )


def name_segments(scores: NDArray[np.int8], is_new: NDArray[np.bool_]) -> NDArray[np.int8]:
    """Name buyers by their scores: an index into `STATES`. Who is new is called so in any case."""
    recency, frequency, amount = scores
    band = np.searchsorted(_BAND_FROM, frequency + amount, side="right")
    named = np.where(is_new, STATES.index("new"), _CODES[recency - 1, band])
    return named.astype(np.int8)


def tabulate_rule() -> pd.DataFrame:
    """Lay the rule out: one row per score for recency, one column per band, the segment in it."""
    rows = [(recency, *names) for recency, names in _TABLE.items()]
    return pd.DataFrame(rows, columns=["recency_score", *BANDS])
