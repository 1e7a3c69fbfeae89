"""Compare what the members of each arm brought with the control's, within each tier."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from siyu.stats.experiments import SUSPECT_RATIO_P, adjusted_means, sample_ratio_pvalue
from siyu.stats.many_to_one import compare_with_control, welch_degrees
from siyu.studies.tiers.offer.measure import Measures

FEWEST = 30
"""Members of an arm in a tier, at the least: the margins of fewer are not near a normal mean."""
LOPSIDED, FEWEST_BUYERS = 3, 50
"""Where two arms differ more in size, the skew of what members bring does not cancel out: then the
smaller must be one of which so many can be expected to buy."""
NET = "net_gain_cny"
"""Margin less what the arm cost, an outcome like those that were measured."""
NOTHING = pd.DataFrame({"tier": [], "arm": [], "error": []})
"""What is compared where nothing can be."""


def compare_arms(
    measures: Measures, outcome: str, *, level: float, tiers: Sequence[int] | None = None
) -> pd.DataFrame:
    """Compare what each arm's members brought with the control's, within each tier.

    Means are adjusted for the same of as many days before the draw (of `net_gain_cny`: the margin).

    Args:
        measures: the members.
        outcome: a column of `Measures.members` that has one with `_before`, or "net_gain_cny"
            (margin less what the arm cost).
        level: coverage of all intervals together, between 0 and 1.
        tiers: indices of those that are read; None for all with enough members in two arms.

    Returns:
        One row per `tier` and `arm` (indices) with enough members, as from `compare_with_control`
        (missing where there is no spread), and `mean` and `mean_control` (adjusted) with their
        errors `error_arm` and `error_control`.

    Intervals hold for all rows at once: within a tier the largest of the statistics decides, and
    tiers are independent.
    """
    sizes = count_members(measures)
    least = max(FEWEST, measures.min_users)
    reads = (sizes[:, 1:] >= least) & (sizes[:, :1] >= least) & ~find_lopsided(measures)
    found = [i for i in np.flatnonzero(reads.any(axis=1)) if tiers is None or i in tiers]
    parts = []
    for i in found:
        arms = [0, *(1 + np.flatnonzero(reads[i]))]
        own = measures.members[measures.members["tier"] == i]
        sides = [own[own["arm"] == arm] for arm in arms]
        before = "margin_cny_before" if outcome == NET else f"{outcome}_before"
        brought = [_outcome(side, outcome) for side in sides]
        mean, variance, degrees = adjusted_means(brought, before=[side[before] for side in sides])
        # Where all brought the same, rounding is left of the spread.
        variance = np.where([one.min() == one.max() for one in brought], 0.0, variance)
        table = compare_with_control(
            mean,
            variance,
            degrees=welch_degrees(variance, degrees),
            level=level ** (1 / len(found)),
        )
        parts.append(
            table.assign(
                tier=i,
                arm=arms[1:],
                mean=mean[1:],
                error_arm=np.sqrt(variance[1:]),
                mean_control=mean[0],
                error_control=np.sqrt(variance[0]),
            )
        )
    return pd.concat(parts, ignore_index=True) if parts else NOTHING


def find_lopsided(measures: Measures) -> NDArray[np.bool_]:
    """Find the arms (columns, without the control) that differ too much in size from the control.

    Buyers to be expected are those at the rate of the whole tier: by those who came, arms would be
    kept that were lucky.
    """
    sizes, members = count_members(measures), measures.members
    buys = (members["orders"] > 0).groupby(members["tier"]).mean()
    rate = buys.reindex(range(len(sizes))).fillna(0.0).to_numpy()[:, None]
    smaller, larger = (side(sizes[:, 1:], sizes[:, :1]) for side in (np.minimum, np.maximum))
    return np.asarray((larger > LOPSIDED * smaller) & (smaller * rate < FEWEST_BUYERS))


def _outcome(members: pd.DataFrame, outcome: str) -> pd.Series:
    if outcome == NET:
        return members["margin_cny"] - members["cost_cny"]
    return members[outcome]


def count_members(measures: Measures) -> NDArray[np.int64]:
    """Count members per tier and arm."""
    shape = (len(measures.tiers), len(measures.arms))
    code = measures.members["tier"] * shape[1] + measures.members["arm"]
    return np.bincount(code.astype("int64"), minlength=shape[0] * shape[1]).reshape(shape)


def check_ratios(measures: Measures) -> pd.DataFrame:
    """Test the arms of those who are compared, so that members lost since the draw show."""
    rows: list[tuple[str, float]] = []
    if len(measures.members):
        sizes = count_members(measures)
        for name, own in (("", sizes.sum(axis=0)), *zip(measures.tiers, sizes, strict=True)):
            if own.sum():
                rows.append((name, sample_ratio_pvalue(own, measures.shares)))
    return pd.DataFrame(rows, columns=["tier", "p_ratio"])


def find_suspect(ratios: pd.DataFrame) -> set[str]:
    """Name the tiers whose arms are not as large as planned; "" for all together."""
    return set(ratios.loc[ratios["p_ratio"] < SUSPECT_RATIO_P, "tier"])


def count_shown(measures: Measures, net: pd.DataFrame) -> int:
    """Count the members of the arms that are read."""
    arms = {(int(tier), int(arm)) for tier, arm in zip(net["tier"], net["arm"], strict=True)}
    sizes = count_members(measures)
    return int(sum(sizes[one] for one in arms | {(tier, 0) for tier, _ in arms}))
