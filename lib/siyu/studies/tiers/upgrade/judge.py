"""Judge what the estimates say of a tier, and plan the lot that would prove it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.stats import binom
from scipy.stats import t as student

from siyu.stats.experiments import members_needed
from siyu.stats.multiplicity import holm
from siyu.studies.tiers.upgrade.measure import Measures
from siyu.studies.tiers.upgrade.occasions import column

BUNCHED_P = 0.01
"""More members just above a threshold than just below it: if by chance less likely, they aim."""
POWER = 0.8


def is_bunched(measures: Measures, target: int) -> bool:
    """Whether clearly more members lie just above a threshold than just below it.

    Fewer members spend more, so without anybody aiming at it there are fewer above.
    """
    near = measures.near[measures.near["target"] == target]
    above, below = int(near["above"].sum()), int(near["below"].sum())
    return bool(binom.sf(above - 1, above + below, 0.5) < BUNCHED_P / len(measures.thresholds))


def judge(
    measures: Measures,
    effects: pd.DataFrame,
    checks: pd.DataFrame,
    costs: Mapping[int, float],
    *,
    alpha: float,
) -> dict[int, str]:
    """Give the verdict on each tier (see `Effects`), its margin held against what its right costs.

    The tests against the costs are adjusted by Holm over the tiers.
    """
    up = effects[(effects["kind"] == "up") & (effects["measure"] == "margin")]
    up = up.set_index("target")
    effect, error, degrees = up[["effect", "error", "degrees"]].to_numpy(dtype=np.float64).T
    beyond = effect - np.array([costs[target] for target in up.index])
    p = dict(zip(up.index, holm(2 * student.sf(np.abs(beyond) / error, degrees)), strict=True))
    gain = dict(zip(up.index, beyond, strict=True))
    doubted = set(checks.loc[checks["p_holm"] < alpha, "target"])
    verdicts = {}
    for target in costs:
        if target not in p:
            verdicts[target] = "few"
        elif is_bunched(measures, target):
            verdicts[target] = "bunched"
        elif target in doubted:
            verdicts[target] = "doubted"
        elif p[target] >= alpha:
            verdicts[target] = "unclear"
        else:
            verdicts[target] = "pays" if gain[target] > 0 else "costs"
    return verdicts


def sure_of(effects: pd.DataFrame, target: int) -> float:
    """Give the least margin that the interval of an effect makes sure of."""
    rows = effects[(effects["kind"] == "up") & (effects["target"] == target)]
    return float(rows.loc[rows["measure"] == "margin", "ci_lower"].iloc[0])


def plan_lot(
    reached: pd.DataFrame, sure_of: float, smallest: float, level: float
) -> tuple[float, float]:
    """Give the members a lot needs, and the margin it tells, from who came to the tier."""
    spread, size = reached[column("margin", 1)].std(), max(sure_of, smallest)
    if not spread > 0:
        return float("nan"), size
    n = members_needed(
        size, spread_treated=spread, spread_control=spread, share=0.5, level=level, power=POWER
    )
    return n, size
