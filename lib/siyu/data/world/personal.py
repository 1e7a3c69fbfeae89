"""Draws of one's own: the same whoever else is there, and found without drawing what is not used.

Every person has a SplitMix64 sequence (Steele, Lea & Flood 2014) that starts at a random key; a
draw is the element of that sequence with the number of the day and of the purpose.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from siyu.data.world.draws import Floats, Ints

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_TO_UNIT = 2.0**-53


@dataclass(frozen=True, kw_only=True)
class Personal:
    """The sequences of all people; `purposes` draws are set aside for every day."""

    key: NDArray[np.uint64]
    purposes: int

    def uniform(self, person: Ints, day: Ints | int, purpose: int) -> Floats:
        """Uniform draws in [0, 1) of the given people, each on a day and for a purpose."""
        place = np.atleast_1d(day * self.purposes + (purpose + 1)).astype(np.uint64)
        bits = self.key[person] + place * _GOLDEN
        bits = (bits ^ (bits >> np.uint64(30))) * _FIRST
        bits = (bits ^ (bits >> np.uint64(27))) * _SECOND
        bits = bits ^ (bits >> np.uint64(31))
        return np.asarray((bits >> np.uint64(11)).astype(np.float64) * _TO_UNIT)


def open_personal(rng: np.random.Generator, users: int, *, purposes: int) -> Personal:
    """Give each of `users` people a sequence."""
    key = rng.integers(0, 2**64, size=users, dtype=np.uint64)
    return Personal(key=key, purposes=purposes)


def stretch(uniform: Floats, *, median: Floats | float, sigma: float, most: float) -> Ints:
    """Turn uniform draws into lognormal waits in whole seconds, at least 1, none above `most`.

    Args:
        uniform: in [0, 1).
        median: median of the lognormal before it is cut off at `most`, seconds.
        sigma: standard deviation of the logarithm, above 0.
        most: longest wait, seconds.
    """
    below = ndtr(np.log(most / np.asarray(median)) / sigma)
    seconds = np.asarray(median) * np.exp(sigma * ndtri(uniform * below))
    whole = np.ceil(np.minimum(seconds, most)).astype(np.int64)
    return np.asarray(np.maximum(whole, 1))
