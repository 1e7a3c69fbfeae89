"""Random streams and the few ways of drawing from them that every part of the pool shares."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Stream = Callable[[str], np.random.Generator]
"""Opens the random stream of a name: what one part draws leaves the others alone."""

HOUR, DAY = 3_600, 86_400
NEVER = np.int64(2**60)
"""Seconds of what does not happen: later than anything, and safe to add to."""
# fmt: off
HOURS = np.array([
    1.2, 0.6, 0.3, 0.2, 0.2, 0.4, 1.0, 2.0, 3.0, 4.0, 4.5, 5.0,
    6.5, 5.0, 4.0, 4.0, 4.2, 4.5, 5.0, 6.5, 9.0, 9.5, 7.0, 3.5,
])
# fmt: on
"""Relative activity in each hour of the business day: peaks at lunch and from 20:00 to 22:00."""


def open_stream(seed: int, block: int, name: str) -> np.random.Generator:
    """Open the random stream `name` of a block of people, independent of all other streams."""
    key = (block, *name.encode())
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))


def pick(uniform: Floats, shares: Sequence[float] | Floats) -> Ints:
    """Turn uniform draws into indices that occur with the given shares."""
    edges = np.cumsum(shares)
    return np.asarray(np.searchsorted(edges[:-1], uniform * edges[-1], side="right"))


def pick_each(uniform: Floats, shares: Floats) -> Ints:
    """Turn uniform draws into indices, each with its own row of shares (rows x choices)."""
    edges = np.cumsum(shares, axis=1)
    return np.asarray((uniform[:, None] * edges[:, -1:] >= edges[:, :-1]).sum(axis=1))


def draw_seconds(rng: np.random.Generator, size: int) -> Ints:
    """Draw seconds after midnight in the rhythm of HOURS."""
    uniform = rng.random((size, 2))
    hour = pick(uniform[:, 0], HOURS)
    return np.asarray(hour * HOUR + (uniform[:, 1] * HOUR).astype(np.int64), dtype=np.int64)


def wait(rng: np.random.Generator, hazard_per_day: Floats) -> Ints:
    """Draw waiting times in seconds (at least 1) at constant hazards; NEVER where it is 0."""
    life = rng.standard_exponential(hazard_per_day.shape)
    with np.errstate(divide="ignore"):
        return np.ceil(np.minimum(life / hazard_per_day * DAY, float(NEVER))).astype(np.int64)
