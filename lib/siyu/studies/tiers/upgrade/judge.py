"""Judge what the estimates say of a tier, and plan the lot that would prove it."""

from __future__ import annotations

import pandas as pd
from scipy.stats import binom

from siyu.stats.experiments import members_needed
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
    target: int,
    cost: float,
    alpha: float,
) -> str:
    """Give the verdict on a tier (see `Effects`) whose right costs so much, at the level alpha."""
    up = effects[(effects["kind"] == "up") & (effects["target"] == target)]
    margin = up[up["measure"] == "margin"]
    if not len(margin):
        return "few"
    if is_bunched(measures, target):
        return "bunched"
    if (checks.loc[checks["target"] == target, "p_holm"] < alpha).any():
        return "doubted"
    row = margin.iloc[0]
    if row["ci_lower"] > cost and row["p_holm"] < alpha:
        return "pays"
    return "costs" if row["ci_upper"] < cost else "unclear"


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
