"""Find the segment columns that were learnt after the outcome, and so tell it."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from siyu.phrases import phrase
from siyu.studies.naming import column_of

_HALF = 0.5
_NEARLY_ALL = 0.95
_MANY = 30
_TELLING_STEPS = 3
"""With fewer, everybody of one value may well convert and nobody of another."""


def leak(counts: pd.DataFrame, name: str, labels: Sequence[str], *, dated: bool) -> str:
    """Say why a segment column tells the outcome, or "" where it does not.

    A column that is filled (nearly) only for users who reached some later step was learnt at that
    step, and one whose values all convert (nearly) always or never was written after the outcome.
    With two steps the latter may as well be a touchpoint that is broken, beside one that works by
    itself: that is for the reader to see. It finds the plain cases; what was learnt later without
    such a trace, only `known_from` can tell.

    Args:
        counts: one row per segment and depth; a segment value that was not known is null.
        name: the column.
        labels: names of the steps.
        dated: whether the values are those of the first start, which can tell no outcome.
    """
    column = column_of(name)
    filled, n = counts[column].notna(), counts["n"]
    if not n.any():
        return ""
    if not n[filled].any():
        return phrase("funnel.refused.never", column=name)
    if dated:
        return ""
    told = n[filled].sum() >= _MANY and n[~filled].any()
    for step in range(2, len(labels) + 1) if told else ():
        reached = counts["depth"] >= step
        known, unknown = (n[reached & rows].sum() / n[rows].sum() for rows in (filled, ~filled))
        if known >= _NEARLY_ALL and unknown < _HALF:
            return phrase("funnel.refused.filled", column=name, step=labels[step - 1])
    own = counts[filled].groupby(column)["n"].sum()
    converted = counts[filled & (counts["depth"] == len(labels))].groupby(column)["n"].sum()
    rate = (converted.reindex(own.index, fill_value=0) / own)[own >= _MANY]
    never, nearly_always = rate == 0, rate >= _NEARLY_ALL
    parted = never.any() and nearly_always.any() and (never | nearly_always).all()
    if parted and len(labels) >= _TELLING_STEPS:
        return phrase("funnel.refused.parted", column=name)
    return ""
