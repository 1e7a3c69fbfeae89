"""Weigh clicks against members lost, per weekly number of pushes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import chi2, t

from siyu.stats.best import compare_with_best
from siyu.stats.discrete_hazard import FEWEST_CLUSTERS
from siyu.studies.push_timing.definition import PushError
from siyu.studies.push_timing.frequency.measures import MOST_SHOWN, OTHERS, WEEKLY, Measures
from siyu.studies.tables import each_row

WEEKS, ASSIGNED, MODEL = "weeks", "assigned", "model"
FEW_BLOCKS = 10
"""Below as many blocks their interval is the exact one of a Poisson count."""


@dataclass(frozen=True, kw_only=True)
class Frontier:
    """What each weekly number brings.

    table: one row per `kind` (WEEKS: per week begun while the member was there; ASSIGNED: per week
        of the first `frequency_weeks` of everybody drawn, those who blocked included; MODEL: from
        what pushes brought by what had been received) and number `cap`: `n` users, their
        `member_weeks`, and `sent_per_week`, `clicks_per_week`, `blocks_per_week` and
        `weekly_value_cny`, each with its interval (`weekly_value_lower` for the last); `from_best`
        (value less the best of the others) and `is_candidate` (not clearly
        worse than the best).
        Numbers with too few users are left out.
    best: per kind, the number with the largest value; candidates: per kind, all that are not
        clearly worse. refused: why there is nothing ("none": no block at all; "few": fewer than two
        numbers with enough users; "").
    """

    table: pd.DataFrame
    best: Mapping[str, int]
    candidates: Mapping[str, tuple[int, ...]]
    n_users: Mapping[str, int]
    value_per_click_cny: float
    value_lost_cny: float
    is_drawn: bool
    refused: str = ""

    @property
    def lead(self) -> str:
        """The kind that decides; the others leave somebody out."""
        return next(kind for kind in (ASSIGNED, WEEKS, MODEL) if kind in self.best)

    def row(self, kind: str, cap: int) -> Any:
        """Give the row of a number by one way of counting."""
        own = self.table[(self.table["kind"] == kind) & (self.table["cap"] == cap)]
        return next(each_row(own))


def frontier(
    measures: Measures,
    *,
    level: float,
    value_per_click_cny: float = 8.0,
    value_lost_cny: float = 50.0,
) -> Frontier:
    """Weigh clicks against blocks per weekly number, and compare each with the best.

    Args:
        measures: the reduced tables.
        level: coverage of each interval, and joint coverage of the comparison with the best.
        value_per_click_cny: what a click is worth, in yuan, at least 0: yours to set.
        value_lost_cny: what a member who blocks would have been worth, in yuan, at least 0: yours
            to set.

    Raises:
        PushError: a value below 0.
    """
    for name, value in (
        ("value_per_click_cny", value_per_click_cny),
        ("value_lost_cny", value_lost_cny),
    ):
        if not value >= 0:
            raise PushError(f"{name} = {value} must be at least 0; give what it is worth in yuan")
    worth = {"clicks": value_per_click_cny, "blocks": -value_lost_cny}
    is_drawn = len(measures.weekly) > 0
    sums = (
        {WEEKS: measures.weekly, ASSIGNED: measures.assigned}
        if is_drawn
        else {MODEL: _model(measures)}
    )
    least = max(measures.min_users, FEWEST_CLUSTERS)
    kept = {kind: own[own["n"] >= least] for kind, own in sums.items() if "n" in own}
    kept = {kind: own for kind, own in kept.items() if len(own) >= 2}
    refused = "" if kept else "few"
    if not refused and is_drawn and measures.is_suspect:
        kept, refused = {}, "ratio"
    n_blocks = sum(own["blocks"].sum() for own in kept.values())
    if refused != "ratio" and not (measures.n_blocks and n_blocks):
        refused = "few" if measures.n_blocks else "none"
    tables = [] if refused else [_compared(kind, own, worth, level) for kind, own in kept.items()]
    table = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame({"kind": []})
    return Frontier(
        table=table,
        best={
            str(kind): int(own["cap"].iloc[int(own["weekly_value_cny"].argmax())])
            for kind, own in table.groupby("kind")
        },
        candidates={
            str(kind): tuple(map(int, own["cap"][own["is_candidate"]]))
            for kind, own in table.groupby("kind")
        },
        n_users=_users(measures, table),
        value_per_click_cny=value_per_click_cny,
        value_lost_cny=value_lost_cny,
        is_drawn=is_drawn,
        refused=refused,
    )


def _users(measures: Measures, table: pd.DataFrame) -> dict[str, int]:
    """Count the users of each kind; by what was received one may be in several rows."""
    if MODEL in set(table["kind"]):
        rows = _received(measures.exposures)
        numbers = table.loc[table["kind"] == MODEL, "cap"]
        return {MODEL: int(rows.loc[rows["received"].isin(numbers), "number"].nunique())}
    return {str(kind): int(own["n"].sum()) for kind, own in table.groupby("kind")}


def _compared(
    kind: str, sums: pd.DataFrame, worth: Mapping[str, float], level: float
) -> pd.DataFrame:
    rows = [_number(row, worth, level) for row in sums.to_dict("records")]
    table = pd.DataFrame(rows)
    found = compare_with_best(table["weekly_value_cny"], table.pop("error"), level=level)
    table = table.assign(kind=kind, from_best=found["gap"], is_candidate=found["is_candidate"])
    return table.astype({"cap": int, "n": int})


def _number(row: Any, worth: Mapping[str, float], level: float) -> dict[str, Any]:
    """Give rates per week of one number with intervals, users being clusters."""
    n, weeks, blocks = row["n"], row["weeks"], row["blocks"]
    quantile = float(t.ppf((1 + level) / 2, n - 1))
    found: dict[str, Any] = {"cap": row["cap"], "n": n, "member_weeks": weeks}
    for name in WEEKLY[1:]:
        rate, variance = _ratio(row, {name: 1.0})
        half = quantile * np.sqrt(variance)
        found |= {
            f"{name}_per_week": rate,
            f"{name}_per_week_lower": max(rate - half, 0),
            f"{name}_per_week_upper": rate + half,
        }
    value, variance = _ratio(row, worth)
    if blocks < FEW_BLOCKS:
        lower = chi2.ppf((1 - level) / 2, 2 * blocks) / 2 / weeks if blocks else 0.0
        upper = chi2.ppf((1 + level) / 2, 2 * blocks + 2) / 2 / weeks
        found |= {"blocks_per_week_lower": lower, "blocks_per_week_upper": upper}
        # With hardly any blocks their own spread says less than one block more or less would.
        variance += (worth["blocks"] / weeks) ** 2
    half = quantile * np.sqrt(variance)
    return found | {
        "weekly_value_cny": value,
        "weekly_value_lower": value - half,
        "weekly_value_upper": value + half,
        "error": np.sqrt(variance),
    }


def _ratio(row: Any, worth: Mapping[str, float]) -> tuple[float, float]:
    """Give a weighted sum per week, and its variance by the delta method over users."""
    weeks, n = row["weeks"], row["n"]
    rate = sum(weight * row[name] for name, weight in worth.items()) / weeks
    parts = {**worth, "weeks": -rate}
    spread = sum(
        first * second * _product(row, one, other)
        for one, first in parts.items()
        for other, second in parts.items()
    )
    return float(rate), float(max(spread, 0.0) / weeks**2 * n / (n - 1))


def _product(row: Any, one: str, other: str) -> float:
    first, second = sorted((one, other), key=WEEKLY.index)
    return float(row[f"{first} {second}"])


def _model(measures: Measures) -> pd.DataFrame:
    """Sum up what pushes brought to who had received k, as weeks of k such pushes."""
    rows = _received(measures.exposures)
    users = rows.groupby(["received", "number"], as_index=False)[["n", "click", "block"]].sum()
    found = pd.DataFrame(
        {
            "cap": users["received"].astype(np.int64),
            "weeks": users["n"] / users["received"],
            "sent": users["n"],
            "clicks": users["click"],
            "blocks": users["block"],
        }
    )
    return _summed(found, WEEKLY)


def _received(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[(rows["population"] == OTHERS) & rows["received"].between(1, MOST_SHOWN)]


def _summed(users: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    products = {
        f"{first} {second}": users[first].astype(float) * users[second]
        for i, first in enumerate(names)
        for second in names[i:]
    }
    table = users.assign(n=1, **products)
    return table.groupby("cap", as_index=False).sum()
