"""Estimate what a member of each tier is worth, by which factor tiers differ, and what changed."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm
from scipy.stats import t as student

from siyu.stats.best import joint_quantile
from siyu.stats.checks import FloatArray, normal_quantile
from siyu.stats.decomposition import shapley
from siyu.stats.jackknife import sum_degrees
from siyu.stats.mover import mover_difference
from siyu.stats.multiplicity import bonferroni_level
from siyu.studies.naming import large
from siyu.studies.tiers.value.groups import READ, Group, factors, group, worth
from siyu.studies.tiers.value.measure import NOWHERE, Measures

FACTORS = ("orders", "margin", "referral")
"""Orders per member, margin per order, and the referral index: their product is the value."""
FEWEST_BUYERS = 20
"""Members with an order, at the least: what fewer bring says little of a tier."""
_VALUE = READ.index("value")


@dataclass(frozen=True, kw_only=True)
class Values:
    """What members are worth, by tier.

    tiers: one row per `tier` of the reviews, the lowest first: `refused` ("small"; "few": fewer
        than FEWEST_BUYERS ordered; "flat": all brought the same margin, or none; or ""), `n`
        members (not of a small one), and `orders` per member, `margin` per order, `referral` index,
        `value` (their product, yuan per member), `earned` (margin per member, without friends) and
        `placed` (orders per member, those refunded in full included), each with its interval
        (`orders_lower`, ...).
    parts: one row per tier, the tier `below` it that can be read, and `factor`: `part` of the gap
        in value, with an interval; all parts of all tiers hold at once.
    gaps: one row per tier and tier `below`: `gap` in value, with an interval, all gaps at once; and
        which factor clearly `leads` ("orders", "margin" or "").
    changes: one row per tier: value `before` and `after`, and `change` since the previous review,
        with an interval, all tiers at once.
    refused: "tiers", "orders", "review" (none was followed), "few" or "flat" (no tier can be read),
        "".
    """

    tiers: pd.DataFrame
    parts: pd.DataFrame
    gaps: pd.DataFrame
    changes: pd.DataFrame
    refused: str


def estimate(measures: Measures, *, level: float) -> Values:
    """Estimate the value of a member by tier, and what tiers differ by.

    Value = orders per member x margin per order x referral index, where the index is 1 + friends
    per member who came and stayed. It describes who is in a tier; it is not what a tier does.

    Args:
        measures: the members.
        level: coverage of each interval, between 0 and 1.

    Raises:
        ValueError: the level is out of range.

    Assumes independent members. Errors are jackknifed by member, see `stats.jackknife`; coverage is
    proved in `tests/simulation/test_tier_value_coverage.py`.
    """
    normal_quantile(level)
    refused = _refusal(measures)
    tiers = pd.DataFrame({"tier": [], "refused": []})
    if not refused:
        tiers = _read_tiers(measures, level)
    usable = list(tiers.loc[tiers["refused"] == "", "tier"])
    groups = {tier: group(measures, tier) for tier in usable}
    pairs = list(pairwise(usable))
    joint = bonferroni_level(level, max(1, len(pairs)))
    compared = [(tier, below, _split(groups[below], groups[tier], joint)) for below, tier in pairs]
    parts = [
        {"tier": tier, "below": below, "factor": factor} | one
        for tier, below, (rows, _) in compared
        for factor, one in zip(FACTORS, rows, strict=True)
    ]
    gaps = [
        {"tier": tier, "below": below} | _gap(groups[tier], groups[below], joint) | {"leads": leads}
        for tier, below, (_, leads) in compared
    ]
    return Values(
        tiers=tiers,
        parts=pd.DataFrame(parts or {"tier": []}),
        gaps=pd.DataFrame(gaps or {"tier": []}),
        changes=_changes(measures, groups, level),
        refused=refused or ("" if usable else "flat" if "flat" in {*tiers["refused"]} else "few"),
    )


def compare_ends(values: Values) -> str:
    """Say whether the highest tier is clearly worth more than the lowest: "higher", "lower" or
    "unclear"; "" where fewer than two tiers can be read.
    """
    read = values.tiers[values.tiers["refused"] == ""]
    if len(read) < 2:
        return ""
    low, high = (
        [float(row[name]) for name in ("value", "value_lower", "value_upper")]
        for _, row in read.iloc[[0, -1]].iterrows()
    )
    _, lower, upper = mover_difference((high[0], high[1], high[2]), (low[0], low[1], low[2]))
    return "higher" if lower > 0 else "lower" if upper < 0 else "unclear"


def _refusal(measures: Measures) -> str:
    if not measures.tiers:
        return "tiers"
    if not measures.has_orders:
        return "orders"
    return "review" if measures.review is None else ""


def _read_tiers(measures: Measures, level: float) -> pd.DataFrame:
    shown = large(_sizes(measures), min_users=measures.min_users)
    rows = []
    for tier in measures.tiers:
        own = group(measures, tier)
        row: dict[str, Any] = {"tier": tier, "n": int(own.counts.sum()), "refused": ""}
        if tier not in shown or own.counts.sum() < max(2, measures.min_users):
            row |= {"refused": "small", "n": np.nan}
        elif own.buyers < FEWEST_BUYERS:
            row["refused"] = "few"
        elif own.is_flat:
            row["refused"] = "flat"
        else:
            for name, *numbers in zip(READ, *own.read(level=level), strict=True):
                row |= dict(
                    zip((name, f"{name}_lower", f"{name}_upper"), map(float, numbers), strict=True)
                )
        rows.append(row)
    return pd.DataFrame(rows)


def _sizes(measures: Measures) -> pd.DataFrame:
    """Count the members of each tier, at the review and at the one before."""
    table = measures.members
    counts = {}
    for name in ("tier", "tier_before"):
        found = table[table[name] != NOWHERE].groupby(name)["n"].sum()
        counts[name] = [int(found.get(code, 0)) for code in range(len(measures.tiers))]
    return pd.DataFrame(counts, index=list(measures.tiers))


def _split(below: Group, above: Group, level: float) -> tuple[list[dict[str, float]], str]:
    """Split the gap in value between two tiers into its factors, and say which one leads."""
    lower_factors, upper_factors = factors(below.mean), factors(above.mean)
    spreads = (
        below.spread(lambda means: _contrast(shapley(factors(means), upper_factors))),
        above.spread(lambda means: _contrast(shapley(lower_factors, factors(means)))),
    )
    covariance = spreads[0].covariance + spreads[1].covariance
    degrees = sum_degrees(
        [one.variance for one in spreads],
        [
            np.minimum(one.degrees, side.buyers - 1)
            for one, side in zip(spreads, (below, above), strict=True)
        ],
    )
    # The seed is fixed: an interval must not change from run to run.
    z = joint_quantile(covariance, level=level, rng=np.random.default_rng(1))
    half = student.ppf(norm.cdf(z), degrees) * np.sqrt(np.diag(covariance))
    values = _contrast(shapley(lower_factors, upper_factors))
    lower, upper = values - half, values + half
    rows = [
        {"part": float(values[i]), "ci_lower": float(lower[i]), "ci_upper": float(upper[i])}
        for i in range(len(FACTORS))
    ]
    leads = ""
    if lower[-1] > 0 and lower[0] > 0:
        leads = "orders"
    elif upper[-1] < 0 and lower[1] > 0:
        leads = "margin"
    return rows, leads


def _contrast(parts: FloatArray) -> FloatArray:
    """Put behind the parts by how much that of orders exceeds that of margin."""
    return np.concatenate([parts, parts[..., :1] - parts[..., 1:2]], axis=-1)


def _value(own: Group, level: float) -> tuple[float, float, float]:
    value, lower, upper = (float(one[_VALUE]) for one in own.read(level=level))
    return value, lower, upper


def _gap(own: Group, below: Group, level: float) -> dict[str, float]:
    gap, lower, upper = mover_difference(_value(own, level), _value(below, level))
    return {"gap": float(gap), "ci_lower": float(lower), "ci_upper": float(upper)}


def _changes(measures: Measures, groups: dict[str, Group], level: float) -> pd.DataFrame:
    """Compare values with those of the previous review; members of both hang together."""
    both = {
        tier: (now, group(measures, tier, before=True))
        for tier, now in groups.items()
        if measures.previous is not None
    }
    both = {
        tier: (now, then)
        for tier, (now, then) in both.items()
        if then.buyers >= FEWEST_BUYERS
        and then.counts.sum() >= measures.min_users
        and not then.is_flat
    }
    joint = bonferroni_level(level, max(1, len(both)))
    rows = []
    for tier, (now, then) in both.items():
        after, earlier = _value(now, joint), _value(then, joint)
        correlation = _correlate(now, then, measures.members["n"].to_numpy(dtype=np.float64))
        change, lower, upper = mover_difference(after, earlier, correlation=correlation)
        rows.append(
            {
                "tier": tier,
                "before": earlier[0],
                "after": after[0],
                "change": float(change),
                "ci_lower": float(lower),
                "ci_upper": float(upper),
            }
        )
    return pd.DataFrame(rows or {"tier": []})


def _correlate(now: Group, then: Group, n: FloatArray) -> float:
    """Correlate the values at two reviews, through those who were in the tier at both."""
    influences = []
    for side in (now, then):
        spread = side.spread(worth)
        influence = np.zeros(len(n))
        influence[side.place] = spread.influence[: len(side.rows), 0]
        influences.append(influence / (side.counts.sum() * np.sqrt(spread.variance[0])))
    return float(np.clip((n * influences[0] * influences[1]).sum(), -1, 1))
