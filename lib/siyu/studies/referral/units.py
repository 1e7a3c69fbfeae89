"""What is independent among those who came by invitation: trees, or branches of them."""

from __future__ import annotations

import pandas as pd

from siyu.stats.cluster_ratios import effective_clusters

FEWEST_TREES = 10
"""Trees, at the least, by the effective number: of fewer, no interval is narrower than all."""


def find_units(own: pd.DataFrame) -> tuple[str, float]:
    """Say what is taken as independent, and how many equal trees would tell as much.

    Args:
        own: one row per friend, by `tree` (whoever shares a root).

    Returns:
        "tree", or "branch" (whoever shares an inviter) where a few trees hold nearly all friends,
        so that dependence further up the tree is not seen; and the effective number of trees.
    """
    trees = effective_clusters(own.groupby("tree").size())
    return ("tree" if trees >= FEWEST_TREES else "branch"), trees
