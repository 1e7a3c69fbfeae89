"""Whose friend was whose friend: trees of inviters, all at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
ROOT = -1


@dataclass(frozen=True, kw_only=True)
class Trees:
    """Where each node stands.

    top: the uppermost node above it, or itself. depth: steps up to that. Neither means anything in
    a circle, or below one. is_circular: it stands in one.
    """

    top: Ints
    depth: Ints
    is_circular: NDArray[np.bool_]


def climb(parent: Ints) -> Trees:
    """Climb from every node to the top of its tree.

    Args:
        parent: index of the node above each, or ROOT.

    Doubles the steps in each round, so that a chain of a million nodes takes twenty rounds.
    Source: Wyllie (1979), The Complexity of Parallel Computations (pointer jumping).
    """
    nodes = np.arange(len(parent), dtype=np.int64)
    at = np.where(parent == ROOT, nodes, parent)
    depth = (parent != ROOT).astype(np.int64)
    # After so many rounds, more steps were made than there are nodes.
    for _ in range(len(parent).bit_length()):
        depth, at = depth + depth[at], at[at]
    is_circular = np.zeros(len(parent), dtype=np.bool_)
    is_circular[at[parent[at] != ROOT]] = True
    return Trees(top=at, depth=depth, is_circular=is_circular)
