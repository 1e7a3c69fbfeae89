"""Read arms that differ in an amount: conversion, cost and net benefit by dose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import isotonic_regression

from siyu.stats.best import compare_with_best
from siyu.stats.intervals import wilson
from siyu.stats.many_to_one import chance_best
from siyu.stats.trend import Trend, trend_of_shares
from siyu.studies.lures.definition import LureError
from siyu.studies.lures.experiment import Experiment
from siyu.studies.lures.net import value_people
from siyu.studies.lures.price.estimate import FEWEST, find_means
from siyu.studies.lures.ratio import find_suspect

FEWEST_DOSES = 3
AWAY = 0.05
"""A redeemed coupon that differs more from its face value, on average, is not the one named."""


@dataclass(frozen=True, kw_only=True)
class Doses:
    """How conversion, cost and net benefit go with the amount.

    table: one row per arm that has a dose, the smallest first: `arm`, `dose_cny` (face value), `n`,
        `conversion` with an interval and `rising` (the closest conversions that never fall with the
        dose); `redeemed_share` and `face_cny` (that share times the face value, per person drawn),
        `spent_cny` (all costs on record, per person drawn); `net_cny` (value of who stays less what
        is spent), `gap_cny` to the best of the others with an interval, `is_candidate` (not clearly
        worse than the best) and `chance` that it is the best, by what was found alone. Intervals of
        a column hold for all doses at once.
    trend: of conversion, per yuan of face value.
    off: arms whose redeemed coupons are on average not of their face value.
    n: people followed long enough, of these arms. immature: not so long.
    refused: as of the experiment, or "unnamed" (no doses were given), "ratio" (arms not as large as
        planned), "clusters" (drawn by cluster), "stay" (nobody's time of addition is known),
        "redeemed" (no coupon is known to be redeemed), "immature" (nobody followed so long),
        "doses" (fewer than three, of enough people), "".
    """

    table: pd.DataFrame
    trend: Trend | None
    off: tuple[str, ...]
    value_cny: float
    n: int
    immature: int
    refused: str


def read_doses(
    experiment: Experiment,
    *,
    doses_cny: Mapping[str, float],
    value_per_retained_cny: float,
    level: float,
) -> Doses:
    """Read arms whose lure is the same but for its amount.

    Args:
        experiment: from `find_experiment`.
        doses_cny: face value in yuan, 0 or more, by arm; arms that are not named are left out.
            Empty: there are no doses.
        value_per_retained_cny: what a customer is worth who stays, above 0.
        level: coverage of all intervals of a column together, between 0 and 1.

    Raises:
        LureError: an arm there is not, or that is no coupon, an amount that is none, or a value
            that is not above 0.

    The best dose is one of those that were tried: nothing is told of amounts between or beyond.
    """
    _check(experiment, doses_cny)
    refused = _refusal(experiment, doses_cny)
    people, immature = experiment.people.iloc[:0], 0
    if not refused:
        people = value_people(experiment, value_per_retained_cny=value_per_retained_cny)
        codes = [experiment.arms.index(arm) for arm in doses_cny]
        people = people[people["arm"].isin(codes)]
        immature = int(experiment.people["arm"].isin(codes).sum()) - len(people)
        refused = "" if len(people) else "immature"
    table, trend = pd.DataFrame(), None
    if not refused:
        table = _table(experiment, people, doses_cny)
        if table["dose_cny"].nunique() < FEWEST_DOSES:
            table, refused = pd.DataFrame(), "doses"
    off: tuple[str, ...] = ()
    if not refused:
        trend = trend_of_shares(table["converted"], table["n"], table["dose_cny"], level=level)
        off = tuple(table.loc[table.pop("off"), "arm"])
        table = _compare(experiment, people, table, value_per_retained_cny, level)
    return Doses(
        table=table,
        trend=trend,
        off=off,
        value_cny=value_per_retained_cny,
        n=int(table["n"].sum()) if len(table) else 0,
        immature=immature,
        refused=refused,
    )


def _check(experiment: Experiment, doses_cny: Mapping[str, float]) -> None:
    for arm, dose in doses_cny.items():
        if experiment.arms and arm not in experiment.arms:
            raise LureError(
                f"doses_cny: {experiment.name!r} has no arm {arm!r}; it has "
                f"{', '.join(experiment.arms)}"
            )
        if dose > 0 and experiment.arms and arm not in experiment.definition.coupon_arms:
            raise LureError(
                f"doses_cny: {arm!r} must be one of coupon_arms, so that what is redeemed counts"
            )
        if not (np.isfinite(dose) and dose >= 0):
            raise LureError(f"doses_cny: {arm!r} has {dose}, which must be 0 yuan or more")


def _refusal(experiment: Experiment, doses_cny: Mapping[str, float]) -> str:
    if experiment.refused:
        return experiment.refused
    if not doses_cny:
        return "unnamed"
    if find_suspect(experiment):
        return "ratio"
    if experiment.is_clustered:
        return "clusters"
    if not experiment.retention_days:
        return "stay"
    return "" if experiment.people["redeemed_cny"].any() else "redeemed"


def _table(
    experiment: Experiment, people: pd.DataFrame, doses_cny: Mapping[str, float]
) -> pd.DataFrame:
    rows = []
    for arm, dose in sorted(doses_cny.items(), key=lambda one: (one[1], one[0])):
        own = people[people["arm"] == experiment.arms.index(arm)]
        if len(own) < max(FEWEST, experiment.min_users):
            continue
        redeems = own["redeemed_cny"] > 0
        face = own.loc[redeems, "redeemed_cny"].mean()
        rows.append(
            {
                "arm": arm,
                "dose_cny": float(dose),
                "n": len(own),
                "converted": int(own["converted"].sum()),
                "redeemed_share": redeems.mean(),
                "face_cny": redeems.mean() * dose,
                "spent_cny": (own["cost_cny"] + own["redeemed_cny"]).mean(),
                "off": bool(abs(face - dose) > AWAY * dose),
            }
        )
    return pd.DataFrame(rows, columns=[*_COUNTED, "off"])


_COUNTED = (
    *("arm", "dose_cny", "n", "converted"),
    *("redeemed_share", "face_cny", "spent_cny"),
)


def _compare(
    experiment: Experiment,
    people: pd.DataFrame,
    table: pd.DataFrame,
    value_cny: float,
    level: float,
) -> pd.DataFrame:
    share = table["converted"] / table["n"]
    lower, upper = wilson(table.pop("converted"), table["n"], level=level ** (1 / len(table)))
    means = [
        find_means(experiment, people[people["arm"] == experiment.arms.index(arm)])
        for arm in table["arm"]
    ]
    net, variance = np.array([one.weigh([-1.0, value_cny]) for one in means]).T
    found = compare_with_best(net, np.sqrt(variance), level=level)
    return table.assign(
        conversion=share,
        ci_lower=lower,
        ci_upper=upper,
        rising=_rising(table["dose_cny"], share, table["n"]),
        net_cny=net,
        gap_cny=found["gap"],
        gap_lower=found["ci_lower"],
        gap_upper=found["ci_upper"],
        is_candidate=found["is_candidate"],
        chance=chance_best(net, variance),
    )


def _rising(dose: pd.Series, share: pd.Series, n: pd.Series) -> np.ndarray:
    """Give the closest shares that never fall with the dose; arms of one dose have the same."""
    own = pd.DataFrame({"dose": dose, "count": share * n, "n": n}).groupby("dose").sum()
    fit = isotonic_regression(own["count"] / own["n"], weights=own["n"].to_numpy(dtype=float))
    return np.asarray(pd.Series(fit.x, index=own.index).loc[dose])
