"""Estimate what each reward does to the trees of seeds, and how many seeds the next test needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from siyu.stats.checks import FloatArray
from siyu.stats.cluster_ratios import effective_clusters
from siyu.stats.experiments import SUSPECT_RATIO_P, members_needed, sample_ratio_pvalue
from siyu.stats.many_to_one import compare_with_control, welch_degrees
from siyu.stats.multiplicity import bonferroni_level
from siyu.stats.power import lift_shares, power_of_lift
from siyu.stats.sequential import always_valid_reach
from siyu.studies.referral.definition import ReferralError
from siyu.studies.referral.sides.measure import Measures
from siyu.studies.referral.units import FEWEST_TREES
from siyu.studies.tables import each_row

FEWEST = 30
"""Seeds of an arm, at the least: sizes of fewer trees are not near a normal mean."""
POWER = 0.8
OUTCOMES = ("descendants", "kept", "cost_cny", "net_cny")


@dataclass(frozen=True, kw_only=True)
class Sides:
    """What each arm does per seed, whole trees together.

    table: one row per `arm` but the control and `measure` (as OUTCOMES; "net_cny": value of kept
        descendants less cost): `n` and `n_control` seeds, `mean`, `mean_control`, `difference` with
        `ci_lower` and `ci_upper` (of all arms at once, and until all seeds have been followed at
        any number of looks), `verdict` (of net: "roll_out", "stop", "keep_testing"; else "") and
        `more` (seeds that are still needed to tell the smallest lift of descendants; of that
        measure alone).
    plan: one row per campaign of the past and `among` (whom to draw: "members" of its first
        midnight, or "inviters", those of them who send an invitation): `seeds`, `mean` and
        `sd` of their tree sizes, `needed` seeds of two equal arms that would tell the smallest
        lift, and `power` of so many by simulation; these two are missing where a few trees hold
        nearly all that came.
    n: seeds that are compared. p_ratio: of the test that arms are as large as planned.
    refused: "none" (no experiment), "undrawn" (nobody has been drawn into some arm that is named),
        "nobody" (no seed followed long enough), "ratio", "few",
        "flat" (all trees alike, such as of nobody), "".
    """

    table: pd.DataFrame
    plan: pd.DataFrame
    n: int
    p_ratio: float
    smallest_lift: float
    refused: str


def compare_sides(
    measures: Measures, *, level: float, value_kept_cny: float = 30.0, smallest_lift: float = 0.2
) -> Sides:
    """Compare the trees of seeds as drawn; a seed is one observation, however large its tree.

    Whoever comes of a seed gets the seed's reward, so that all of a tree had one and the same; to
    compare invitees with each other would count an inviter's success under another's arm.

    Args:
        measures: the seeds.
        level: coverage of all intervals of a measure together, between 0 and 1.
        value_kept_cny: what a new member who stays is worth, in yuan, at least 0.
        smallest_lift: of the mean tree size, the least that is worth finding, above 0.

    Raises:
        ReferralError: a number out of range.

    Assumes seeds do not talk each other into it. Source: Hudgens and Halloran (2008), J. Am. Stat.
    Assoc. 103, 832-842 (interference within groups only).
    """
    if not value_kept_cny >= 0:
        raise ReferralError(f"value_kept_cny = {value_kept_cny} must be at least 0")
    if not smallest_lift > 0:
        raise ReferralError(f"smallest_lift = {smallest_lift} must be above 0; a fifth is 0.2")
    seeds = measures.seeds
    sizes = [int((seeds["arm"] == arm).sum()) for arm in range(len(measures.arms))]
    p_ratio = sample_ratio_pvalue(sizes, measures.shares) if sum(sizes) else np.nan
    refused = _refusal(measures, sizes, p_ratio)
    rows = []
    if not refused:
        seeds = seeds.assign(net_cny=value_kept_cny * seeds["kept"] - seeds["cost_cny"])
        rows = [
            row
            for name in OUTCOMES
            for row in _compare(measures, seeds, name, level=level, lift=smallest_lift)
        ]
    return Sides(
        table=pd.DataFrame(rows, columns=list(_COLUMNS)),
        plan=_plan(measures, level=level, lift=smallest_lift),
        n=sum(sizes),
        p_ratio=p_ratio,
        smallest_lift=smallest_lift,
        refused=refused,
    )


_COLUMNS = (
    *("arm", "measure", "n", "n_control", "mean", "mean_control", "difference"),
    *("ci_lower", "ci_upper", "verdict", "more"),
)
_LIFTS = (0.1, 0.2, 0.3, 0.5, 0.75, 1.0)
_AMONG = {"members": "n", "inviters": "inviters"}
_PLAN = ("campaign", "among", "seeds", "mean", "sd", "needed", "power")


def _refusal(measures: Measures, sizes: list[int], p_ratio: float) -> str:
    if not measures.arms:
        return "undrawn" if measures.drawn_arms else "none"
    if not sum(sizes):
        return "nobody"
    if p_ratio < SUSPECT_RATIO_P:
        return "ratio"
    if min(sizes) < max(FEWEST, measures.min_users):
        return "few"
    size = measures.seeds["descendants"]
    return "flat" if size.min() == size.max() else ""


def _compare(
    measures: Measures, seeds: pd.DataFrame, name: str, *, level: float, lift: float
) -> list[dict[str, Any]]:
    by = seeds.groupby("arm")[name].agg(["mean", "var", "size"])
    mean, n = by["mean"].to_numpy(), by["size"].to_numpy()
    variance = by["var"].to_numpy() / n
    found = compare_with_control(
        mean, variance, degrees=welch_degrees(variance, n - 1), level=level
    )
    if measures.immature:
        planned = n + measures.immature * np.array(measures.shares) / sum(measures.shares)
        reach = always_valid_reach(
            found["error"],
            n[1:] + n[0],
            planned=planned[1:] + planned[0],
            level=bonferroni_level(level, len(found)),
        )
        found["ci_lower"], found["ci_upper"] = (
            found["difference"] - reach,
            found["difference"] + reach,
        )
    rows = []
    for i, row in enumerate(each_row(found), start=1):
        verdict, more = "", np.nan
        if name == "net_cny":
            sides = {True: "roll_out", False: "stop"}
            clear = row.ci_lower > 0 or row.ci_upper < 0
            verdict = sides[bool(row.difference > 0)] if clear else "keep_testing"
        elif name == "descendants" and mean[0] > 0:
            share = float(n[0] / (n[0] + n[i]))
            spreads = np.sqrt(by["var"].to_numpy())
            needed = members_needed(
                lift * float(mean[0]),
                spread_treated=float(spreads[i]),
                spread_control=float(spreads[0]),
                share=share,
                level=level,
                power=POWER,
            )
            more = max(needed - n[0] - n[i], 0.0)
        rows.append(
            {
                "arm": measures.arms[i],
                "measure": name,
                "n": int(n[i]),
                "n_control": int(n[0]),
                "mean": float(mean[i]),
                "mean_control": float(mean[0]),
                "difference": float(row.difference),
                "ci_lower": float(row.ci_lower),
                "ci_upper": float(row.ci_upper),
                "verdict": verdict,
                "more": more,
            }
        )
    return rows


def plan_lifts(measures: Measures, campaign: str, *, level: float) -> pd.DataFrame:
    """Give how many seeds of two equal arms tell each of some lifts of the mean tree size.

    Args:
        measures: with the trees of past campaigns.
        campaign: one of these.
        level: of the interval that will judge it.

    Returns:
        One row per `among` ("members", "inviters") and `lift`: `needed`.
    """
    own = measures.past[measures.past["campaign"] == campaign]
    rows = [
        (among, lift, _need(own, count, lift=lift, level=level)["needed"])
        for among, count in _AMONG.items()
        for lift in _LIFTS
    ]
    table = pd.DataFrame(rows, columns=["among", "lift", "needed"])
    return table[table["needed"].notna()].reset_index(drop=True)


def _plan(measures: Measures, *, level: float, lift: float) -> pd.DataFrame:
    """Give how many seeds the next experiment needs, from the spread of tree sizes there were."""
    rows: list[dict[str, Any]] = []
    for name, own in measures.past.groupby("campaign", sort=False):
        for among, count in _AMONG.items():
            found = _need(own, count, lift=lift, level=level)
            if found["seeds"] >= measures.min_users and found["came"] >= measures.min_users:
                rows.append({"campaign": name, "among": among} | found)
    return pd.DataFrame(rows, columns=list(_PLAN))


def _need(own: pd.DataFrame, count: str, *, lift: float, level: float) -> dict[str, float]:
    size, n = own["size"].to_numpy(dtype=float), own[count].to_numpy(dtype=float)
    came, seeds = float(n @ size), float(n.sum())
    found = {"seeds": seeds, "came": came, "needed": np.nan}
    if not came:
        return found
    mean, spread = came / seeds, _spread(size, n)
    found |= {"mean": mean, "sd": spread}
    # Where a tree or two hold nearly all, nobody knows how far sizes spread.
    trees = effective_clusters(np.repeat(size, n.astype(int)))
    if trees < FEWEST_TREES or (1 + lift) * mean >= size.max():
        return found
    needed = members_needed(
        lift * mean,
        spread_treated=_spread(size, lift_shares(size, n, lift=lift)),
        spread_control=spread,
        share=0.5,
        level=level,
        power=POWER,
    )
    power = power_of_lift(size, n, lift=lift, n=int(needed), level=level)
    return found | {"needed": needed, "power": power}


def _spread(values: FloatArray, weights: FloatArray) -> float:
    mean = np.average(values, weights=weights)
    return float(np.sqrt(np.average((values - mean) ** 2, weights=weights)))
