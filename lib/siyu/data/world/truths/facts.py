"""What a stated truth holds, and the streams from which truths are simulated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from siyu.data.world.draws import Floats, Stream, open_stream

TRUTH_SEED = 2**64
"""Above every seed that Settings allows, so the truths never share a draw with the data."""


@dataclass(frozen=True, kw_only=True)
class Truth:
    """One known fact; `standard_error` is the Monte Carlo error of `value` (0 for closed forms)."""

    id: str
    estimand: str
    value: float
    standard_error: float
    computed: str
    settings: Mapping[str, object] = field(default_factory=dict)
    """The parameters of the study for which the value holds."""


def truth_stream(batch: int) -> Stream:
    """Give the streams of one batch of a simulated truth.

    Two settings that are compared use the same batch: common random numbers.
    """
    return partial(open_stream, TRUTH_SEED, batch)


def closed_form(id_: str, estimand: str, value: float, how: str, **settings: object) -> Truth:
    """State a truth that follows from the settings by a formula."""
    return Truth(
        id=id_,
        estimand=estimand,
        value=round(float(value), 6),
        standard_error=0.0,
        computed=f"closed form: {how}",
        settings=settings,
    )


def simulated(id_: str, estimand: str, values: Floats, how: str, **settings: object) -> Truth:
    """State a truth as the mean over equally large batches, with its Monte Carlo error."""
    return Truth(
        id=id_,
        estimand=estimand,
        value=round(float(np.mean(values)), 6),
        standard_error=round(float(np.std(values, ddof=1) / np.sqrt(len(values))), 6),
        computed=how,
        settings=settings,
    )
