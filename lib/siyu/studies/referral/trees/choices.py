"""Choose where more seeds are to be asked: what they bring in the end, and what that is worth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from siyu.stats.count_means import CountMean
from siyu.stats.mover import mover_difference, mover_product
from siyu.stats.multiplicity import bonferroni_level
from siyu.studies.referral.spread import mean_of
from siyu.studies.referral.trees.measure import Measures
from siyu.studies.tables import each_row

Ends = tuple[float, float, float]
ENDS = ("", "_lower", "_upper")
THOUSAND = 1_000
_COLUMNS = [
    "campaign",
    "verdict",
    *(f"{name}{end}" for name in ("friends", "net_per_friend_cny", "worth_cny") for end in ENDS),
]


def choose(
    measures: Measures, totals: pd.DataFrame, *, level: float, margins_cny: Mapping[str, Ends]
) -> pd.DataFrame:
    """Choose where more seeds are to be asked, by what one brings in the end and that is worth.

    Args:
        measures: the trees.
        totals: one row per campaign, of `Growth`.
        level: coverage of the intervals, between 0 and 1.
        margins_cny: as `grow`.

    Returns:
        One row per `campaign`: `verdict` ("lead": worth clearly more than any other that pays, or
        the only one; "tie": not clearly; "less": clearly less than the leading one; "stop": a new
        member is clearly worth less than is paid for one, however many come; "unclear": whether it
        is worth that is not clear; "watch": what a seed brings, or what it is worth, cannot be
        told), and of `THOUSAND` more seeds the `friends` they bring in the end, of each of these
        the `net_per_friend_cny`, and `worth_cny` of all, each with `_lower` and `_upper`.

    Comparisons hold for all campaigns at once; friends and margin are taken as independent.
    """
    margins = [margins_cny.get(name, (np.nan,) * 3) for name in totals["campaign"]]
    told = (totals["refused"] == "").tolist()
    pays = [i for i, margin in enumerate(margins) if told[i] and margin[1] > 0]
    joint = bonferroni_level(level, max(len(pays) - 1, 1))
    worth = {i: _worth(_more(total_of(measures, i, level=joint)), margins[i]) for i in pays}
    leader = max(pays, key=lambda i: worth[i][0], default=-1)
    behind = {
        i: float(mover_difference(worth[leader], worth[i])[1]) > 0 for i in pays if i != leader
    }
    rows = []
    for i, row in enumerate(each_row(totals)):
        friends = _more((row.total, row.total_lower, row.total_upper))
        rows.append(
            {
                "campaign": row.campaign,
                "verdict": _judge(i, leader, behind, told[i], margins[i]),
                **with_ends("friends", *friends),
                **with_ends("net_per_friend_cny", *margins[i]),
                **with_ends("worth_cny", *_worth(friends, margins[i])),
            }
        )
    return pd.DataFrame(rows, columns=_COLUMNS)


def _judge(i: int, leader: int, behind: Mapping[int, bool], told: bool, margin: Ends) -> str:
    if i == leader:
        return "lead" if all(behind.values()) else "tie"
    if i in behind:
        return "less" if behind[i] else "tie"
    if margin[2] <= 0:
        return "stop"
    return "unclear" if told and np.isfinite(margin[0]) else "watch"


def _more(total: Ends) -> Ends:
    """Give the new members of a thousand seeds."""
    value, lower, upper = (THOUSAND * (end - 1) for end in total)
    return value, lower, upper


def _worth(friends: Ends, margin: Ends) -> Ends:
    value, lower, upper = margin
    if lower > 0:
        found = mover_product(friends, margin)
        return float(found[0]), float(found[1]), float(found[2])
    if upper < 0:
        found = mover_product(friends, (-value, -upper, -lower))
        return -float(found[0]), -float(found[2]), -float(found[1])
    # Gain or loss: at the most of either, as many come as may.
    return friends[0] * value, friends[2] * lower, friends[2] * upper


def with_ends(name: str, value: float, lower: float, upper: float) -> dict[str, Any]:
    """Name a value and its ends."""
    return dict(zip((f"{name}{end}" for end in ENDS), (value, lower, upper), strict=True))


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


def total_of(measures: Measures, campaign: int, *, level: float) -> Ends:
    """Give what one seed makes in the end, itself included, with its interval."""
    people = measures.spread.people
    own = people[people["campaign"] == campaign]
    seeds, friends = (own[own["generation"] == 0], own[own["generation"] > 0])
    return total_per_seed(
        *(mean_of(measures.spread, one, "in_time", level=level) for one in (seeds, friends))
    )
