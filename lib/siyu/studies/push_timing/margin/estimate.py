"""Estimate what pushing brings: per member, with pushes less without."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import t

from siyu.stats.experiments import (
    SUSPECT_RATIO_P,
    adjusted_difference,
    members_needed,
    sample_ratio_pvalue,
    upper_spread,
    welch_difference,
)
from siyu.studies.push_timing.definition import PushError
from siyu.studies.push_timing.margin.measure import Measures

FEWEST = 30
"""Members of an arm, at the least: the margins of fewer are not near a normal mean."""
POWER = 0.8
LARGER_SHARE = 0.3
"""A share without pushes that needs far fewer members than the usual tenth."""


@dataclass(frozen=True, kw_only=True)
class Gain:
    """What pushing brings per member in `margin_days`.

    table: one row per `measure` ("orders"; "margin", less the cost of pushes; "left", the share who
        left; "net", that margin less the value of those who left): `pushed` and `none` (means, with
        intervals), `difference` with its interval and `p` (of orders, margin and net adjusted for
        the days before the draw), and `raw` with its own (Welch). Empty where refused.
    n: members of the arm with and without pushes, followed so long.
    p_ratio: of the test that the arms are as large as planned; NaN without an experiment.
    verdict: of the margin: "pays", "costs", "unclear"; "" where refused.
    needed: members of both arms who would tell `smallest_cny` per member, at the planned share and
        a spread of margins that is not likely exceeded; NaN where nothing is known of it.
        needed_larger: the same at LARGER_SHARE; NaN where the planned share is as large.
    refused: "none" (no experiment), "orders" (no orders), "ratio", "few", "flat" (margins without
        any spread), "".
    """

    table: pd.DataFrame
    n: tuple[int, int]
    p_ratio: float
    verdict: str
    needed: float
    needed_larger: float
    smallest_cny: float
    refused: str


def gain(
    measures: Measures,
    *,
    level: float,
    push_cost_cny: float = 0.0,
    value_lost_cny: float = 50.0,
    smallest_cny: float = 5.0,
) -> Gain:
    """Estimate the difference between members who were pushed and those who were not, as drawn.

    Args:
        measures: the members.
        level: coverage of each interval, between 0 and 1.
        push_cost_cny: cost of one push, in yuan, at least 0.
        value_lost_cny: what a member who leaves would have been worth, in yuan, at least 0.
        smallest_cny: the gain per member that is worth being told from none, above 0.

    Raises:
        PushError: an amount out of range.
    """
    for name, value in (("push_cost_cny", push_cost_cny), ("value_lost_cny", value_lost_cny)):
        if not value >= 0:
            raise PushError(f"{name} = {value} must be at least 0")
    if not smallest_cny > 0:
        raise PushError(f"smallest_cny = {smallest_cny} must be above 0")
    members = measures.members
    n = tuple(int((members["pushed"] == arm).sum()) for arm in (1, 0))
    p_ratio, refused = np.nan, ""
    if sum(n):
        # Of those who are compared, so that members lost since the draw show.
        p_ratio = sample_ratio_pvalue(n, (1 - measures.none_share, measures.none_share))
    if not measures.has_orders:
        refused = "orders"
    elif not measures.experiment:
        refused = "none"
    elif p_ratio < SUSPECT_RATIO_P:
        refused = "ratio"
    elif min(n) < max(FEWEST, measures.min_users):
        refused = "few"
    elif any(members.loc[members["pushed"] == arm, "margin_cny"].std() == 0 for arm in (1, 0)):
        refused = "flat"
    spread = measures.usual[1]
    table, verdict = pd.DataFrame({"measure": []}), ""
    if not refused:
        members = members.assign(
            margin=members["margin_cny"] - push_cost_cny * members["sent"],
        )
        members["net"] = members["margin"] - value_lost_cny * members["left"]
        pushed, none = (members[members["pushed"] == arm] for arm in (1, 0))
        table = pd.DataFrame([_row(name, before, pushed, none, level) for name, before in _ROWS])
        if not measures.has_leaving:
            table = table[table["measure"].isin(["orders", "margin"])]
        known = ("margin", "net") if measures.has_leaving else ("margin",)
        spread = max(_spread(members, name) for name in known)
        verdict = _judge(table)
    return Gain(
        table=table,
        n=(n[0], n[1]),
        p_ratio=p_ratio,
        verdict=verdict,
        needed=_needed(spread, measures.none_share, smallest_cny, level),
        needed_larger=_needed(spread, LARGER_SHARE, smallest_cny, level)
        if measures.none_share < LARGER_SHARE
        else np.nan,
        smallest_cny=smallest_cny,
        refused=refused,
    )


def _judge(table: pd.DataFrame) -> str:
    """Judge by what is left less members lost, where leaving is known, and by the margin."""
    money = table[table["measure"].isin(["margin", "net"])]
    if (money["ci_lower"] > 0).all():
        return "pays"
    # The last row counts everything that is known.
    return "costs" if money["ci_upper"].iloc[-1] < 0 else "unclear"


_ROWS = (
    ("orders", "orders_before"),
    ("margin", "margin_before"),
    ("left", ""),
    ("net", "margin_before"),
)


def _row(
    name: str, before: str, pushed: pd.DataFrame, none: pd.DataFrame, level: float
) -> dict[str, Any]:
    raw = welch_difference(pushed[name], none[name], level=level)
    best = raw
    if before:
        best = adjusted_difference(
            pushed[name],
            none[name],
            treated_before=pushed[before],
            control_before=none[before],
            level=level,
        )
    row: dict[str, Any] = {"measure": name}
    for arm, members in (("pushed", pushed), ("none", none)):
        mean, half = members[name].mean(), _half(members[name], level)
        row |= {arm: mean, f"{arm}_lower": mean - half, f"{arm}_upper": mean + half}
    row |= {
        "difference": best.value,
        "ci_lower": best.ci_lower,
        "ci_upper": best.ci_upper,
        "p": best.p,
    }
    return row | {"raw": raw.value, "raw_lower": raw.ci_lower, "raw_upper": raw.ci_upper}


def _half(values: pd.Series, level: float) -> float:
    n = len(values)
    return float(t.ppf((1 + level) / 2, n - 1) * values.std() / np.sqrt(n))


def _spread(members: pd.DataFrame, name: str) -> float:
    """Give the spread within both arms together: the arm without is small, and has few orders."""
    off = members[name] - members.groupby("pushed")[name].transform("mean")
    return upper_spread(float((off**2).mean()), float((off**4).mean()), len(off))


def _needed(spread: float, share: float, smallest: float, level: float) -> float:
    if not spread > 0:
        return float("nan")
    return members_needed(
        smallest,
        spread_treated=spread,
        spread_control=spread,
        share=share,
        level=level,
        power=POWER,
    )
