"""Estimate how fast trees grow, how large they become, and what one more seed brings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from siyu.stats.branching import chance_to_end
from siyu.stats.count_means import CountMean, count_mean
from siyu.stats.mover import mover_difference, mover_product
from siyu.stats.multiplicity import bonferroni_level
from siyu.stats.recurrent import MeanFunction, mean_function
from siyu.studies.referral.spread import FRIENDS, SEEDS, Spread
from siyu.studies.referral.trees.measure import Measures
from siyu.studies.tables import each_row

Ends = tuple[float, float, float]
DRAWS = 1_000
THOUSAND = 1_000


@dataclass(frozen=True, kw_only=True)
class Growth:
    """How trees grow.

    times: one row per `campaign`: `n` friends, `events` (members brought within a cycle),
        `cycle_days` (half of these accepted within so many days of the friend's own addition),
        `cycle_days_lower`, `cycle_days_upper` (not a number where the data do not bound it), and
        `refused` ("few", or "").
    paths: how many members a friend has brought by when: `campaign`, `days`, `brought`,
        `brought_lower`, `brought_upper`, `at_risk`.
    totals: one row per `campaign`: `n` seeds, `seen` (people per seed so far, the seed included,
        with `_lower` and `_upper`), `total` in the end (with `_lower` and `_upper`), `refused` (why
        there is none: "above", "unclear", "few", "immature", "cut"), `deepest` generation so far,
        `end_chance` that a tree which one friend begins ends by itself (with `_lower` and `_upper`)
        `reward_cny` per new member, `brought` new members so far, of these `late` in trees that no
        seed began, and `followed` for a cycle.
    choices: one row per `campaign`: `verdict` ("lead": a seed brings clearly more than in any other
        campaign; "tie": none clearly more; "less": clearly less than in the leading one; "stop": a
        friend costs more in rewards than worth; "watch": what a seed brings cannot be told), and of
        `THOUSAND` more seeds `friends` they bring in the end and `worth_cny`, each with `_lower`
        and `_upper`.
    """

    times: pd.DataFrame
    paths: pd.DataFrame
    totals: pd.DataFrame
    choices: pd.DataFrame


def grow(
    measures: Measures,
    found: Spread,
    *,
    level: float,
    values_cny: Mapping[str, float],
    seed: int = 20261127,
) -> Growth:
    """Estimate how trees grow.

    Args:
        measures: the trees.
        found: from `spread.spread`, at the same level.
        level: coverage of the intervals, between 0 and 1.
        values_cny: what a new member of each campaign is worth in yuan, before the reward; 0 or
            more. A campaign that is not in it, or whose value is missing, is not chosen. As given:
            their own uncertainty is in no interval.
        seed: of the people drawn again for the chance that a tree ends.

    Raises:
        ValueError: a value below 0.
    """
    for campaign, value in values_cny.items():
        if value < 0:
            raise ValueError(f"values_cny: {campaign} = {value:g} must not be below 0")
    times, paths = [], []
    for i, campaign in enumerate(measures.spread.campaigns["campaign"]):
        row, path = _time(measures, i, level)
        times.append({"campaign": campaign, **row})
        paths.append(path.assign(campaign=campaign))
    rng = np.random.default_rng(seed)
    totals = [_total(measures, found, i, level, rng) for i in range(len(times))]
    told = pd.DataFrame(totals, columns=_TOTALS)
    return Growth(
        times=pd.DataFrame(times, columns=_TIMES),
        paths=pd.concat(paths, ignore_index=True) if paths else pd.DataFrame({"campaign": []}),
        totals=told,
        choices=_choose(measures, told, level, values_cny),
    )


_TIMES = [
    "campaign",
    "n",
    "events",
    "cycle_days",
    "cycle_days_lower",
    "cycle_days_upper",
    "refused",
]
_ENDS = ("", "_lower", "_upper")
_TOTALS = [
    *("campaign", "n", "refused", "deepest", "reward_cny", "brought", "late", "followed"),
    *(f"{name}{end}" for name in ("seen", "total", "end_chance") for end in _ENDS),
]


def _time(measures: Measures, campaign: int, level: float) -> tuple[dict[str, Any], pd.DataFrame]:
    rows = measures.friends[measures.friends["campaign"] == campaign]
    own = measures.arrivals[measures.arrivals["friend"].isin(rows.index)]
    horizon = float(measures.spread.cycle_days)
    row: dict[str, Any] = {"n": len(rows), "refused": "few"}
    if len(rows) < measures.spread.min_users:
        return row, pd.DataFrame()
    first = rows.index[0]
    path = mean_function(
        own["days"], own["friend"] - first, rows["followed_days"], horizon=horizon, level=level
    )
    told = {
        "events": path.events,
        "cycle_days": path.half,
        "cycle_days_lower": path.half_lower,
        "cycle_days_upper": path.half_upper,
        "refused": "" if np.isfinite(path.half) else "few",
    }
    return row | told, _lay_out(path)


def _lay_out(path: MeanFunction) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "days": path.time,
            "brought": path.value,
            "brought_lower": path.ci_lower,
            "brought_upper": path.ci_upper,
            "at_risk": path.at_risk,
        }
    )


def _total(
    measures: Measures, found: Spread, campaign: int, level: float, rng: np.random.Generator
) -> dict[str, Any]:
    own = measures.spread.campaigns.iloc[campaign]
    groups = found.table[found.table["campaign"] == own["campaign"]].set_index("group")
    seeds, friends = groups.loc[SEEDS], groups.loc[FRIENDS]
    sizes = measures.seeds[measures.seeds["campaign"] == campaign]
    reward = measures.rewards.iloc[campaign]
    seen = count_mean(sizes["friends"], sizes["n"], level=level)
    row: dict[str, Any] = {
        "campaign": own["campaign"],
        "n": int(sizes["n"].sum()),
        "deepest": int(measures.deepest.iloc[campaign]),
        "reward_cny": reward["paid_cny"] / reward["brought"] if reward["brought"] else np.nan,
        "followed": int(friends["n"]),
        "brought": int(reward["brought"]),
        "late": int(reward["late"]),
        "refused": seeds["refused"] or friends["refused"],
    }
    if row["n"] >= measures.spread.min_users and own["is_whole"]:
        row |= _with_ends("seen", 1 + seen.mean, 1 + seen.ci_lower, 1 + seen.ci_upper)
    if not friends["refused"]:
        row |= _with_ends("end_chance", *_find_end(measures, campaign, level, rng))
    verdict = found.verdicts["verdict"].iloc[campaign]
    if not row["refused"] and verdict != "below":
        row["refused"] = verdict
    if not row["refused"]:
        row |= _with_ends("total", *_total_of(measures, campaign, level))
    return row


def _with_ends(name: str, value: float, lower: float, upper: float) -> dict[str, float]:
    return {name: value, f"{name}_lower": lower, f"{name}_upper": upper}


def total_per_seed(seeds: CountMean, friends: CountMean) -> Ends:
    """Give 1 + K0 / (1 - K) with its interval.

    Args:
        seeds: K0, those whom each seed brings.
        friends: K, those whom each friend brings; its whole interval lies below 1.

    Source: the sum of the generations; the interval by MOVER, of a product (Zou and Donner 2008).
    """
    more = 1 / (1 - np.array([friends.mean, friends.ci_lower, friends.ci_upper]))
    first = (seeds.mean, seeds.ci_lower, seeds.ci_upper)
    value, lower, upper = mover_product(first, (more[0], more[1], more[2]))
    return 1 + float(value), 1 + float(lower), 1 + float(upper)


def _total_of(measures: Measures, campaign: int, level: float) -> Ends:
    people = measures.spread.people
    own = people[people["campaign"] == campaign]
    seeds, friends = (own[own["generation"] == 0], own[own["generation"] > 0])
    return total_per_seed(
        *(count_mean(one["in_time"], one["n"], level=level) for one in (seeds, friends))
    )


def _find_end(
    measures: Measures, campaign: int, level: float, rng: np.random.Generator
) -> tuple[float, float, float]:
    """Give the chance that a tree ends, by drawing the friends again."""
    people = measures.spread.people
    own = people[(people["campaign"] == campaign) & (people["generation"] > 0)]
    brought = own.groupby("in_time")["n"].sum()
    n = int(brought.sum())
    again = rng.multinomial(n, brought.to_numpy() / n, size=DRAWS)
    drawn = chance_to_end(brought.index, again)
    lower, upper = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return float(chance_to_end(brought.index, brought)), float(lower), float(upper)


def _choose(
    measures: Measures, totals: pd.DataFrame, level: float, values_cny: Mapping[str, float]
) -> pd.DataFrame:
    """Choose where more seeds are to be asked, by what one brings in the end."""
    costs = totals["reward_cny"].fillna(0.0)
    values = totals["campaign"].map(values_cny).astype(float)
    told = (totals["refused"] == "") & values.notna()
    pays = totals[told & ((costs < values) | (values == 0))]
    leader = int(pays.index.to_numpy()[pays["total"].to_numpy().argmax()]) if len(pays) else -1
    behind = _compare(measures, leader, [int(i) for i in pays.index if i != leader], level)
    rows = []
    for i, row in enumerate(each_row(totals)):
        if i in pays.index:
            ahead = all(behind.values())
            clear = ahead if i == leader else behind[i]
            verdict = ("lead" if i == leader else "less") if clear else "tie"
        else:
            verdict = "stop" if told[i] else "watch"
        friends = THOUSAND * (np.array([row.total, row.total_lower, row.total_upper]) - 1)
        worth = friends * (values[i] - costs[i])
        rows.append(
            {
                "campaign": row.campaign,
                "verdict": verdict,
                **_with_ends("friends", *friends),
                **_with_ends("worth_cny", worth[0], *sorted(worth[1:])),
            }
        )
    return pd.DataFrame(rows, columns=_CHOICES)


_CHOICES = [
    "campaign",
    "verdict",
    *(f"{name}{end}" for name in ("friends", "worth_cny") for end in _ENDS),
]


def _compare(measures: Measures, leader: int, others: list[int], level: float) -> dict[int, bool]:
    """Say of each other campaign whether a seed brings clearly less there than in the leading one.

    Intervals hold for all these differences at once.
    """
    joint = bonferroni_level(level, max(len(others), 1))
    found = {}
    for i in others:
        best, own = (_total_of(measures, one, joint) for one in (leader, i))
        found[i] = float(mover_difference(best, own)[1]) > 0
    return found
