"""Estimate K, what it is made of, and how unevenly people invite."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import nbinom, poisson

from siyu.stats.cluster_ratios import share_by_cluster
from siyu.stats.count_means import CountMean, Families, count_mean, fit_shape, persons_needed
from siyu.stats.many_to_one import heterogeneity_pvalue
from siyu.stats.mover import mover_difference
from siyu.stats.multiplicity import bonferroni_level, holm
from siyu.studies.naming import EVERYONE, SMALL
from siyu.studies.referral.spread.measure import Measures
from siyu.studies.tables import each_row

SEEDS, FRIENDS = "seeds", "friends"
POWER = 0.8


@dataclass(frozen=True, kw_only=True)
class Spread:
    """How far each campaign spreads.

    table: one row per `campaign` and `group` ("seeds", "friends", and the generations of these: "1"
        invited by a seed, "2", "3+"): `n` people followed for a cycle, `k` new members each brings
        within it; and what it is the product of: `invitations` per person, `acceptance` (share of
        these that brought a new member) and `in_time` (share of those that did within the cycle);
        each with `_lower` and `_upper`. `refused`: "immature" (seeds not followed for a cycle),
        "cut" (seeds of a campaign already running when the observation begins), "few", or "".
        Intervals of generations hold for all of a campaign at once, those of K of friends for all
        campaigns.
    verdicts: one row per `campaign`, of its friends: `n`, `k`, `k_lower` and `k_upper` (of all
        campaigns at once), `verdict` ("below" 1, "above" 1, "unclear", or "few"), `needed` (friends
        to follow, so that a K as found would be told from 1), `k_everyone` (what counting all
        friends, followed or not, would give), `immature`, `p_generations` (Holm; that K is the same
        in all generations of friends).
    shapes: one row per `campaign`, of friends who stayed a whole cycle: `n`, `invitations` each,
        `shape` of the negative binomial distribution, each with `_lower` and `_upper`, `none_share`
        (who invite nobody) and `none_expected` (by that distribution).
    answers: one row per `campaign` and `channel` of the inviter ("all", and those told apart):
        `inviters`, `sent` invitations, `share` that brought a new member within a cycle of being
        sent, with `share_lower` and `share_upper`, and `difference` to all other channels with
        `difference_lower` and `difference_upper` (for all channels and campaigns at once).
    """

    table: pd.DataFrame
    verdicts: pd.DataFrame
    shapes: pd.DataFrame
    answers: pd.DataFrame


def spread(measures: Measures, *, level: float) -> Spread:
    """Estimate K and its parts.

    Args:
        measures: the people.
        level: coverage of the intervals, between 0 and 1.
    """
    table = pd.DataFrame(
        [
            _row(measures, i, group, people, level)
            for i, groups in enumerate(_grouped(measures))
            for group, people in groups.items()
        ],
        columns=["campaign", "group", "n", "refused", *_WITH_ENDS],
    )
    verdicts = _judge(measures, table, level)
    # Drawn as they are judged.
    ends = ["k_lower", "k_upper"]
    table.loc[table["group"] == FRIENDS, ends] = verdicts[ends].to_numpy()
    return Spread(
        table=table,
        verdicts=verdicts,
        shapes=_find_shapes(measures, level),
        answers=_find_answers(measures, level),
    )


_PARTS = ("k", "invitations", "acceptance", "in_time")
_WITH_ENDS = [f"{part}{end}" for part in _PARTS for end in ("", "_lower", "_upper")]


def _grouped(measures: Measures) -> list[dict[str, pd.DataFrame]]:
    """Give the people of each campaign by group; generations only where there are several."""
    found = []
    for i, deepest in enumerate(measures.deepest):
        own = measures.people[measures.people["campaign"] == i]
        groups = {
            SEEDS: own[own["generation"] == 0],
            FRIENDS: own[own["generation"] > 0],
        }
        for depth in range(1, deepest + 1) if deepest > 1 else ():
            name = f"{depth}+" if depth == deepest else str(depth)
            groups[name] = own[own["generation"] == depth]
        found.append(groups)
    return found


def _row(
    measures: Measures, campaign: int, group: str, people: pd.DataFrame, level: float
) -> dict[str, Any]:
    own = measures.campaigns.iloc[campaign]
    row: dict[str, Any] = {"campaign": own["campaign"], "group": group, "n": int(people["n"].sum())}
    if group == SEEDS and not own["is_whole"]:
        return row | {"refused": "cut"}
    if row["n"] < measures.min_users:
        waits = own["seeds"] if group == SEEDS else own["immature"]
        return row | {"refused": "immature" if waits else "few"}
    if group not in (SEEDS, FRIENDS):
        level = bonferroni_level(level, measures.deepest[campaign])
    means = {
        name: mean_of(measures, people, column, level=level)
        for name, column in (("k", "in_time"), ("invitations", "invitations"))
    }
    for name, mean in means.items():
        row |= _ends(name, mean.mean, mean.ci_lower, mean.ci_upper)
    for name, part, whole in (("acceptance", "new", "invitations"), ("in_time", "in_time", "new")):
        row |= _ends(name, *_share(people, part, whole, level))
    return row | {"refused": ""}


def mean_of(measures: Measures, people: pd.DataFrame, column: str, *, level: float) -> CountMean:
    """Give what each of these brings; friends of one inviter may be alike in it.

    Args:
        measures: where they are from.
        people: some rows of `people`, of one campaign and whole generations.
        column: "invitations" or "in_time".
        level: coverage of the interval, between 0 and 1.
    """
    own = measures.families.merge(people[["campaign", "generation"]].drop_duplicates())
    families = Families(brought=own[column], members=own["members"], count=own["n"])
    return count_mean(
        people[column], people["n"], level=level, families=families if len(own) else None
    )


def _ends(name: str, value: float, lower: float, upper: float) -> dict[str, float]:
    return {name: value, f"{name}_lower": lower, f"{name}_upper": upper}


def _judge(measures: Measures, table: pd.DataFrame, level: float) -> pd.DataFrame:
    """Judge K of friends against 1, for all campaigns at once."""
    friends = table[table["group"] == FRIENDS].reset_index(drop=True)
    joint = bonferroni_level(level, max(int((friends["refused"] == "").sum()), 1))
    rows = []
    for i, row in enumerate(each_row(friends)):
        own = measures.people[
            (measures.people["campaign"] == i) & (measures.people["generation"] > 0)
        ]
        found = mean_of(measures, own, "in_time", level=joint)
        everyone = measures.everyone[measures.everyone["campaign"] == i]
        verdict = "few"
        if not row.refused:
            below, above = found.ci_upper < 1, found.ci_lower > 1
            verdict = "below" if below else "above" if above else "unclear"
        told = verdict != "few"
        rows.append(
            {
                "campaign": row.campaign,
                "n": row.n,
                **_ends("k", *((found.mean, found.ci_lower, found.ci_upper) if told else _NONE)),
                "verdict": verdict,
                "needed": persons_needed(found, against=1, level=joint, power=POWER)
                if verdict == "unclear"
                else np.nan,
                "k_everyone": _mean(everyone) if told else np.nan,
                "immature": int(measures.campaigns["immature"].iloc[i]),
                "p_generations": _compare_generations(measures, own),
            }
        )
    judged = pd.DataFrame(rows, columns=_VERDICTS)
    return judged.assign(p_generations=holm(judged["p_generations"]))


def _mean(counted: pd.DataFrame) -> float:
    return float(np.average(counted["in_time"], weights=counted["n"]))


_NONE = (np.nan, np.nan, np.nan)
_VERDICTS = [
    *("campaign", "n", "k", "k_lower", "k_upper", "verdict", "needed", "k_everyone", "immature"),
    "p_generations",
]


def _compare_generations(measures: Measures, people: pd.DataFrame) -> float:
    """Test that K is the same in all generations of friends that are told apart."""
    found = [
        mean_of(measures, own, "in_time", level=0.5) for _, own in people.groupby("generation")
    ]
    if len(found) < 2 or not all(one.variance > 0 for one in found):
        return np.nan
    errors = [np.sqrt(one.variance / one.n) for one in found]
    return heterogeneity_pvalue([one.mean for one in found], errors, [one.n - 1 for one in found])


def _find_shapes(measures: Measures, level: float) -> pd.DataFrame:
    rows = []
    for i, campaign in enumerate(measures.campaigns["campaign"]):
        own = measures.stayed[measures.stayed["campaign"] == i]
        n = int(own["n"].sum())
        if n < measures.min_users:
            continue
        mean = count_mean(own["invitations"], own["n"], level=level)
        shape = fit_shape(own["invitations"], own["n"], level=level)
        k = shape.shape
        none = poisson.pmf(0, mean.mean) if np.isinf(k) else nbinom.pmf(0, k, k / (k + mean.mean))
        rows.append(
            {
                "campaign": campaign,
                "n": n,
                **_ends("invitations", mean.mean, mean.ci_lower, mean.ci_upper),
                **_ends("shape", k, shape.ci_lower, shape.ci_upper),
                "none_share": float(own.loc[own["invitations"] == 0, "n"].sum() / n),
                "none_expected": float(none),
            }
        )
    return pd.DataFrame(rows, columns=_SHAPES)


_SHAPES = [
    *("campaign", "n", "invitations", "invitations_lower", "invitations_upper"),
    *("shape", "shape_lower", "shape_upper", "none_share", "none_expected"),
]


def _find_answers(measures: Measures, level: float) -> pd.DataFrame:
    groups = []
    for i, campaign in enumerate(measures.campaigns["campaign"]):
        own = measures.answers[measures.answers["campaign"] == i]
        if own["n"].sum() >= measures.min_users:
            groups += [(campaign, EVERYONE, own, own[:0])]
            named = [one for one in sorted(set(own["channel"])) if one != SMALL]
            for one in named if len(set(own["channel"])) > 1 else ():
                groups.append((campaign, one, *_split(own, own["channel"] == one)))
    compared = sum(channel != EVERYONE for _, channel, _, _ in groups)
    joint = bonferroni_level(level, max(compared, 1))
    rows = []
    for campaign, channel, own, rest in groups:
        share = _share(own, "accepted", "sent", level)
        apart: tuple[Any, ...] = _NONE
        if len(rest):
            apart = mover_difference(
                *(_share(side, "accepted", "sent", joint) for side in (own, rest))
            )
        rows.append(
            {
                "campaign": campaign,
                "channel": channel,
                "inviters": int(own["n"].sum()),
                "sent": int((own["sent"] * own["n"]).sum()),
                **_ends("share", *share),
                **_ends("difference", *map(float, apart)),
            }
        )
    return pd.DataFrame(rows, columns=_ANSWERS)


_ANSWERS = [
    *("campaign", "channel", "inviters", "sent", "share", "share_lower", "share_upper"),
    *("difference", "difference_lower", "difference_upper"),
]


def _split(rows: pd.DataFrame, which: pd.Series) -> tuple[pd.DataFrame, pd.DataFrame]:
    return rows[which], rows[~which]


def _share(rows: pd.DataFrame, part: str, whole: str, level: float) -> tuple[float, float, float]:
    return share_by_cluster(rows[part], rows[whole], clusters=rows["n"], level=level)
