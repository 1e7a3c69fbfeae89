"""Compile passes over arrays. To import this module takes numba."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from numba import njit

P = ParamSpec("P")
R = TypeVar("R")


def compiled(run: Callable[P, R]) -> Callable[P, R]:
    """Compile a function when it is first called, and keep that for later processes."""
    try:
        kept: Callable[P, R] = njit(cache=True, nogil=True)(run)
    except RuntimeError:
        # Neither beside the library nor at home can anything be kept, as in a locked-down service.
        kept = njit(nogil=True)(run)
    return kept
