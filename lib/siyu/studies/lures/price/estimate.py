"""Estimate what one customer who stays costs in each arm, and what one more costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import t as student

from siyu.stats.amounts import skewed_mean
from siyu.stats.clusters import Means, joint_means
from siyu.stats.fieller import (
    Ratio,
    ratio_of_differences,
    ratio_of_means,
    skewed_ratio_of_means,
)
from siyu.stats.intervals import wilson
from siyu.stats.multiplicity import bonferroni_level
from siyu.studies.lures.experiment import Experiment
from siyu.studies.lures.net import value_people
from siyu.studies.lures.price.value import Worth, value_arms
from siyu.studies.lures.ratio import find_suspect

FEWEST = 30
"""People of an arm, at the least: the costs of fewer are not near a normal mean."""


@dataclass(frozen=True, kw_only=True)
class Prices:
    """What each arm costs, keeps and is worth, per person assigned.

    arms: one row per arm, in the order of the experiment: `arm`, `n` people followed long enough;
        `cost_cny` (at once), `redeemed_cny` and their sum `spent_cny`, and `retained_share`, both
        with an interval; `price_cny` (spent over retained, both per person) with its `price_kind`
        (as of `Ratio`) and interval; `fast_share` (added within 24 hours) and `stay_share` (of
        those added by the last retention day, still there then) with intervals, `added` of them,
        and `median_days` to the addition; `refused` ("few", "unredeemed":
        nobody's coupon is known to be redeemed, so it would seem free, ""). Intervals of one
        column hold for all arms at once.
    extra: one row per arm but the reference: `extra_cost_cny` and `extra_retained` per person
        assigned, over one another `price_cny` of one more who stays, with its kind and interval,
        all at once; `verdict`: "dearer" (keeps more and costs more, both clearly), "even" (keeps
        more, whether it costs more is not clear), "cheaper" (keeps more for less), "saves" and
        "loses" (keeps fewer; for clearly less, or not so), "floor" (if it keeps more, one more
        costs at least `floor_cny`), "unclear".
    reference: the control, or without one the arm on which least was spent per person.
    worth: by what one who stays is worth.
    n: people in the arms that are read. immature: not followed for `days`.
    refused: as of the experiment, or "ratio" (arms not as large as planned), "stay" (nobody's time
        of addition is known), "cost" (no cost is known), "negative" (a cost below 0), "immature"
        (nobody followed so long), "few" (in fewer than two arms enough), "".
    """

    arms: pd.DataFrame
    extra: pd.DataFrame
    reference: str
    worth: Worth
    days: int
    n: int
    immature: int
    refused: str


def price(experiment: Experiment, *, value_per_retained_cny: float, level: float) -> Prices:
    """Price each arm per customer who is still there on the last retention day.

    Costs are those at once and the coupon redeemed, of everybody assigned: who is lost, or never
    came, costs as much.

    Args:
        experiment: from `find_experiment`.
        value_per_retained_cny: what one who stays is worth, above 0.
        level: coverage of all intervals of a column together, between 0 and 1.

    Raises:
        LureError: a value that is not above 0.
    """
    refused = _refusal(experiment)
    people = experiment.people.iloc[:0]
    if not refused:
        people = value_people(experiment, value_per_retained_cny=value_per_retained_cny)
        refused = "" if len(people) else "immature"
    arms = pd.DataFrame(columns=["arm", "n", "refused"])
    read: dict[str, Means] = {}
    if not refused:
        arms, read = _arms(experiment, people, level)
        refused = "few" if len(read) < 2 else ""
    reference = "" if refused else find_reference(experiment, read)
    return Prices(
        arms=arms,
        extra=pd.DataFrame() if refused else _extra(read, reference, level),
        reference=reference,
        worth=value_arms(
            {} if refused else read, reference, value_cny=value_per_retained_cny, level=level
        ),
        days=max(*experiment.retention_days, experiment.definition.worth_days, 0),
        n=sum(means.n for means in read.values()),
        immature=0 if experiment.refused else len(experiment.people) - len(people),
        refused=refused,
    )


def _arms(
    experiment: Experiment, people: pd.DataFrame, level: float
) -> tuple[pd.DataFrame, dict[str, Means]]:
    sides = {arm: people[people["arm"] == code] for code, arm in enumerate(experiment.arms)}
    excluded = {arm: _excluded(experiment, arm, own) for arm, own in sides.items()}
    read = {arm: find_means(experiment, own) for arm, own in sides.items() if not excluded[arm]}
    joint = level ** (1 / max(len(read), 1))
    rows = [
        _arm(experiment, arm, own, read.get(arm), joint) | {"refused": excluded[arm]}
        for arm, own in sides.items()
    ]
    return pd.DataFrame(rows), read


def find_means(experiment: Experiment, people: pd.DataFrame) -> Means:
    """Give what is spent on a person and whether it stays, on average, with their errors.

    Where nobody stays, or all do, the share is taken to be as uncertain as if one had been
    otherwise: else nothing could be more certain.
    """
    spent = people["cost_cny"] + people["redeemed_cny"]
    rows = np.column_stack([spent, people[f"retained_{experiment.retention_days[-1]}"]])
    clusters = people["cluster"].to_numpy() if experiment.is_clustered else None
    means = joint_means(rows, clusters=clusters)
    means.covariance[1, 1] = max(means.covariance[1, 1], 1 / len(rows) ** 2)
    return means


def find_reference(experiment: Experiment, read: dict[str, Means]) -> str:
    """Name the arm from which others are told: the control, or the one that costs least."""
    if experiment.has_control and experiment.arms[0] in read:
        return experiment.arms[0]
    return min(read, key=lambda arm: (read[arm].value[0], -read[arm].value[1]))


def _refusal(experiment: Experiment) -> str:
    if experiment.refused:
        return experiment.refused
    if find_suspect(experiment):
        return "ratio"
    if not experiment.retention_days:
        return "stay"
    if not (experiment.has_cost or experiment.has_coupons):
        return "cost"
    if (experiment.people[["cost_cny", "redeemed_cny"]] < 0).any(axis=None):
        return "negative"
    return ""


def _excluded(experiment: Experiment, arm: str, people: pd.DataFrame) -> str:
    if len(people) < max(FEWEST, experiment.min_users):
        return "few"
    if arm in experiment.definition.coupon_arms and not people["redeemed_cny"].any():
        return "unredeemed"
    return ""


def _arm(
    experiment: Experiment, arm: str, people: pd.DataFrame, means: Means | None, level: float
) -> dict[str, Any]:
    if means is None:
        return {"arm": arm, "n": len(people) if len(people) >= experiment.min_users else np.nan}
    last = experiment.retention_days[-1]
    spent, kept = people["cost_cny"] + people["redeemed_cny"], people[f"retained_{last}"]
    added = people[people["added_days"] <= last]
    fast, stay = (people["added_days"] <= 1).sum(), added[f"retained_{last}"].sum()
    shares = {
        "retained": (int(kept.sum()), len(people)),
        "fast": (int(fast), len(people)),
        "stay": (int(stay), len(added)),
    }
    lower, upper = wilson(*np.array(list(shares.values())).T, level=level)
    found = skewed_ratio_of_means(spent, kept, level=level)
    _, *ends = skewed_mean(spent, level=level)
    if experiment.is_clustered:
        found = ratio_of_means(means, level=level)
        half = student.ppf((1 + level) / 2, means.degrees) * np.sqrt(np.diag(means.covariance))
        ends = [means.value[0] - half[0], means.value[0] + half[0]]
        lower[0], upper[0] = means.value[1] - half[1], means.value[1] + half[1]
    row: dict[str, Any] = {
        "arm": arm,
        "n": len(people),
        "cost_cny": people["cost_cny"].mean(),
        "redeemed_cny": people["redeemed_cny"].mean(),
        "spent_cny": spent.mean(),
        "spent_lower": max(ends[0], 0.0),
        "spent_upper": ends[1],
        **ends_of(found),
        "added": len(added),
        "median_days": np.nan,
    }
    for (name, (count, n)), low, high in zip(shares.items(), lower, upper, strict=True):
        row[f"{name}_share"] = count / n if n else np.nan
        row[f"{name}_lower"], row[f"{name}_upper"] = max(low, 0.0), min(high, 1.0)
    if len(added) >= experiment.min_users:
        row["median_days"] = float(added["added_days"].median())
    return row


def ends_of(ratio: Ratio) -> dict[str, Any]:
    """Lay a price out in columns; ends that there are not are missing."""
    told = ratio.kind != "unbounded"
    return {
        "price_cny": ratio.value,
        "price_kind": ratio.kind,
        "price_lower": ratio.ci_lower if told else np.nan,
        "price_upper": ratio.ci_upper if told else np.nan,
    }


def _extra(read: dict[str, Means], reference: str, level: float) -> pd.DataFrame:
    others = [arm for arm in read if arm != reference]
    rows = []
    for arm in others:
        gap = read[arm].value - read[reference].value
        found = ratio_of_differences(
            read[arm], read[reference], level=bonferroni_level(level, len(others))
        )
        verdict = judge(gap[0], gap[1], found)
        rows.append(
            {
                "arm": arm,
                "reference": reference,
                "n": read[arm].n + read[reference].n,
                "extra_cost_cny": gap[0],
                "extra_retained": gap[1],
                **ends_of(found),
                "floor_cny": found.ci_upper if verdict == "floor" else np.nan,
                "verdict": verdict,
            }
        )
    return pd.DataFrame(rows)


def judge(extra_cost: float, extra_retained: float, found: Ratio) -> str:
    """Tell what the price of one more means, by the signs that are clear (see `Prices`)."""
    if found.kind == "bounded":  # whether it keeps more or fewer is clear
        if extra_retained > 0:
            return "dearer" if found.ci_lower > 0 else "cheaper" if found.ci_upper < 0 else "even"
        return "saves" if found.ci_lower > 0 else "loses"
    if found.kind == "exclusive" and extra_cost > 0 and found.ci_lower < 0 < found.ci_upper:
        return "floor"
    return "unclear"
