"""Compare lures by members outside a test, standardised, and by those who were drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from siyu.stats.intervals import newcombe_difference
from siyu.stats.multiplicity import bonferroni_level
from siyu.stats.standardise import standardise
from siyu.studies.lures.experiment import Experiment
from siyu.studies.lures.ratio import find_suspect

ROUTES = ("naive", "standardised", "came", "drawn")


@dataclass(frozen=True, kw_only=True)
class Observed:
    """How many more stay with a lure than with the reference, by four routes.

    table: one row per `lure` but the reference and `route`: "naive" (members outside any test),
        "standardised" (the same, over channel and month), "came" (of those drawn who were added),
        "drawn" (of all who were drawn, whether added or not): the `difference` of the shares who
        stay with an interval that holds for all lures of a route at once, `n` people of both lures
        and `refused` ("few", "alike": nobody to be compared with, "").
    reference: the lure of most members, of those compared.
    stay_days: after the addition, or after the draw for "drawn".
    members: outside any test, of the lures compared.
    refused: "lure" (of no member known), "few" (fewer than two lures with enough members), "".
    """

    table: pd.DataFrame
    reference: str
    stay_days: int
    members: int
    refused: str


def compare_observed(experiment: Experiment, members: pd.DataFrame, *, level: float) -> Observed:
    """Compare the stay of members by lure outside any test with that of people who were drawn.

    Args:
        experiment: from `find_experiment`; where it cannot be read, the routes through it are
            missing.
        members: from `count_members`, of the same pool, with the last of its retention days.
        level: coverage of the intervals of a route together, between 0 and 1.

    `users.lure` is known of members only: who saw a lure and did not join is in none of it, so that
    conversion by lure cannot be had outside a test, only who of the members stays.
    """
    days = max(experiment.retention_days, default=0)
    can_read = not experiment.refused and not find_suspect(experiment) and days > 0
    sizes = members.groupby("lure")["n"].sum()
    sizes = sizes[sizes >= experiment.min_users]
    if can_read:
        sizes = sizes[sizes.index.isin(experiment.arms)]
    refused = "lure" if not len(members) else "few" if len(sizes) < 2 else ""
    if refused:
        return Observed(
            table=pd.DataFrame(), reference="", stay_days=days, members=0, refused=refused
        )
    reference = str(sizes.sort_values(ascending=False, kind="stable").index[0])
    others = [str(lure) for lure in sizes.index if lure != reference]
    joint = bonferroni_level(level, len(others))
    people = _people(experiment, days) if can_read else {}
    rows = []
    for lure in others:
        own = members[members["lure"].isin([lure, reference])]
        told = {"naive": _naive(own, lure, joint), "standardised": _standardised(own, lure, joint)}
        told |= {
            route: _share_gap(table, lure, reference, joint, experiment.min_users)
            for route, table in people.items()
        }
        rows += [{"lure": lure, "route": route, **told[route]} for route in ROUTES if route in told]
    return Observed(
        table=pd.DataFrame(rows).reindex(columns=_COLUMNS),
        reference=reference,
        stay_days=days,
        members=int(sizes.sum()),
        refused="",
    )


_COLUMNS = ["lure", "route", "difference", "ci_lower", "ci_upper", "n", "refused"]


def _people(experiment: Experiment, days: int) -> dict[str, pd.DataFrame]:
    """Give who came of the experiment, and all of it: `lure` and whether each `stays`."""
    people = experiment.people
    lure = people["arm"].map(dict(enumerate(experiment.arms)))
    came = people["added_days"] <= experiment.definition.conversion_days
    known = people["followed_days"] - people["added_days"] >= days
    stays = ~(people["left_days"] - people["added_days"] <= days)
    everybody = people["followed_days"] >= days
    return {
        "came": pd.DataFrame({"lure": lure, "stays": stays})[came & known],
        "drawn": pd.DataFrame({"lure": lure, "stays": people[f"retained_{days}"]})[everybody],
    }


def _naive(own: pd.DataFrame, lure: str, level: float) -> dict[str, Any]:
    sides = [own[own["lure"] == lure], own[own["lure"] != lure]]
    counts = [(int(side.loc[side["stays"], "n"].sum()), int(side["n"].sum())) for side in sides]
    return _gap(counts, level)


def _standardised(own: pd.DataFrame, lure: str, level: float) -> dict[str, Any]:
    grouped = own.assign(
        treated=(own["lure"] == lure).astype(int), outcome=own["stays"].astype(int)
    )
    grouped["month"] = grouped["month"].astype(str)
    found = standardise(grouped, covariates=["channel", "month"], level=level)
    if found is None:
        return {"n": int(own["n"].sum()), "refused": "alike"}
    return {
        "difference": found.difference,
        "ci_lower": found.ci_lower,
        "ci_upper": found.ci_upper,
        "n": found.n,
        "refused": "",
    }


def _share_gap(
    table: pd.DataFrame, lure: str, reference: str, level: float, min_users: int
) -> dict[str, Any]:
    sides = [table.loc[table["lure"] == name, "stays"] for name in (lure, reference)]
    if min(map(len, sides)) < min_users:
        return {"n": np.nan, "refused": "few"}
    return _gap([(int(side.sum()), len(side)) for side in sides], level)


def _gap(counts: list[tuple[int, int]], level: float) -> dict[str, Any]:
    value, lower, upper = newcombe_difference(*counts[0], *counts[1], level=level)
    return {
        "difference": float(value),
        "ci_lower": float(lower),
        "ci_upper": float(upper),
        "n": int(counts[0][1] + counts[1][1]),
        "refused": "",
    }
