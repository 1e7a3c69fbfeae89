"""Estimate how fast trees grow, how large they become, and what one more seed brings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from siyu.stats.branching import chance_to_end
from siyu.stats.count_means import count_mean
from siyu.stats.recurrent import MeanFunction, mean_function
from siyu.studies.referral.spread import FRIENDS, SEEDS, Spread
from siyu.studies.referral.trees.choices import ENDS, Ends, choose, total_of, with_ends
from siyu.studies.referral.trees.measure import Measures

DRAWS = 1_000


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
    choices: from `choose`.
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
    margins_cny: Mapping[str, Ends],
    seed: int = 20261127,
) -> Growth:
    """Estimate how trees grow.

    Args:
        measures: the trees.
        found: from `spread.spread`, at the same level.
        level: coverage of the intervals, between 0 and 1.
        margins_cny: what a new member of each campaign is worth less all that is paid for one, in
            yuan, with the ends of its interval. A campaign that is not in it is not chosen.
        seed: of the people drawn again for the chance that a tree ends.
    """
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
        choices=choose(measures, told, level=level, margins_cny=margins_cny),
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
_TOTALS = [
    *("campaign", "n", "refused", "deepest", "reward_cny", "brought", "late", "followed"),
    *(f"{name}{end}" for name in ("seen", "total", "end_chance") for end in ENDS),
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
        row |= with_ends("seen", 1 + seen.mean, 1 + seen.ci_lower, 1 + seen.ci_upper)
    if not friends["refused"]:
        row |= with_ends("end_chance", *_find_end(measures, campaign, level, rng))
    verdict = found.verdicts["verdict"].iloc[campaign]
    if not row["refused"] and verdict != "below":
        row["refused"] = verdict
    if not row["refused"]:
        row |= with_ends("total", *total_of(measures, campaign, level=level))
    return row


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
