"""Estimate how players use their lives, whom that brings, and whether they are more active."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import t as student

from siyu.stats.cluster_ratios import ratio_by_cluster, share_by_cluster
from siyu.stats.multiplicity import holm
from siyu.studies.referral.assists.measure import Measures
from siyu.studies.referral.units import find_units
from siyu.studies.tables import each_row

HALF = 0.5


@dataclass(frozen=True, kw_only=True)
class Assists:
    """What players did with their lives, and how active they were.

    play: one row per game: `lives`, `n` players followed, `helped` assists per player, `used`
        (share of lives), `all_used` (share of players who used all) and `friends` (new members per
        player), each with `_lower` and `_upper`; `over` players who sent more invitations than
        lives (missing where they are few); `one_more` new members that one more life of those who
        used all would bring, if it were as good as the others; `verdict` ("bind": clearly more
        than half use all, "slack": clearly fewer, "unclear", ""), `refused` ("few", "immature").
    activity: one row per game: `n` players and `n_others` compared; `before` and `after` (active
        days of players in the weeks around the day of play), `others_change` (of members who did
        not play, on the same days), `change` of players less that (difference in differences) with
        `ci_lower` and `ci_upper`, `p`, `p_holm` (over games); `earlier` the same a week before,
        where playing can do nothing, with `earlier_lower`, `earlier_upper`; `verdict` ("more",
        "less", "unclear", "doubted": clear, but so is `earlier`; "") and `refused` ("few",
        "events", "alone": nobody else was there, "").
    refused: "none" (no campaign is named as a game), "".
    """

    play: pd.DataFrame
    activity: pd.DataFrame
    refused: str


def assists(measures: Measures, *, level: float) -> Assists:
    """Estimate the use of lives, and what playing adds to activity; the latter is observational.

    Players may have been about to be active anyway: the difference in differences takes away what
    always differs between players and others, and what the days do to everybody, not that.

    Args:
        measures: the players.
        level: coverage of each interval, between 0 and 1.

    Players of one tree are not independent (`find_units`).
    """
    play, activity = [], []
    for i, name in enumerate(measures.games):
        play.append({"campaign": name} | _play(measures, i, level=level))
        activity.append({"campaign": name} | _activity(measures, i, level=level))
    found = pd.DataFrame(activity, columns=list(_ACTIVITY))
    found["p_holm"] = holm(found["p"].astype(float))
    found["verdict"] = [_judge(row, 1 - level) for row in each_row(found)]
    return Assists(
        play=pd.DataFrame(play, columns=list(_PLAY)),
        activity=found,
        refused="" if measures.games else "none",
    )


_PLAY = (
    *("campaign", "lives", "n", "helped", "helped_lower", "helped_upper"),
    *("used", "used_lower", "used_upper", "all_used", "all_used_lower", "all_used_upper"),
    *("friends", "friends_lower", "friends_upper", "over", "one_more", "verdict", "refused"),
)
_ACTIVITY = (
    *("campaign", "n", "n_others", "before", "after", "others_change"),
    *("change", "ci_lower", "ci_upper", "p", "p_holm"),
    *("earlier", "earlier_lower", "earlier_upper", "verdict", "refused"),
)


def _play(measures: Measures, i: int, *, level: float) -> dict[str, Any]:
    own = measures.players[measures.players["campaign"] == i]
    lives = measures.lives[i]
    row: dict[str, Any] = {"lives": lives, "verdict": ""}
    if len(own) < measures.min_users:
        immature = len(own) + measures.immature[i] >= measures.min_users
        return row | {"refused": "immature" if immature else "few"}
    units = find_units(own)[0]
    own = own.assign(n=1, used=own["sent"].clip(upper=lives), all_used=own["sent"] >= lives)
    by = own.groupby(units)[["n", "sent", "used", "helped", "friends", "all_used"]].sum()
    if len(by) < 2:
        return row | {"refused": "few"}
    for name in ("helped", "friends"):
        found = ratio_by_cluster(by[name], by["n"], level=level)
        ends = (found.ci_lower, found.ci_upper) if found.kind == "bounded" else (0.0, np.inf)
        row |= {name: found.value, f"{name}_lower": max(ends[0], 0.0), f"{name}_upper": ends[1]}
    for name, per in (("used", lives), ("all_used", 1)):
        share, lower, upper = share_by_cluster(by[name], per * by["n"], level=level)
        row |= {name: share, f"{name}_lower": lower, f"{name}_upper": upper}
    over = int((own["sent"] > lives).sum())
    each = float(by["friends"].sum() / by["sent"].sum())
    verdict = "unclear"
    if row["all_used_lower"] > HALF:
        verdict = "bind"
    elif row["all_used_upper"] < HALF:
        verdict = "slack"
    return row | {
        "n": len(own),
        "over": np.nan if 0 < over < measures.min_users else over,
        "one_more": each * float(by["all_used"].sum()),
        "verdict": verdict,
        "refused": "",
    }


def _activity(measures: Measures, i: int, *, level: float) -> dict[str, Any]:
    if not measures.has_events:
        return {"refused": "events"}
    own = measures.activity[measures.activity["campaign"] == i]
    others = measures.others[(measures.others["campaign"] == i) & (measures.others["n"] > 1)]
    others = others.set_index("on")
    own = own[own["on"].isin(others.index)]
    if len(own) < measures.min_users:
        alone = (
            len(others) == 0 and (measures.activity["campaign"] == i).sum() >= measures.min_users
        )
        return {"refused": "alone" if alone else "few"}
    units = find_units(own)[0]
    if own[units].nunique() < 2 or others["n"].min() < measures.min_users:
        return {"refused": "few"}
    row: dict[str, Any] = {
        "n": len(own),
        "n_others": int(others["n"].max()),
        "before": float(own["before_1"].mean()),
        "after": float(own["after_1"].mean()),
        "refused": "",
    }
    after = _differ(own, own["after_1"] - own["before_1"], others, "change", units, level=level)
    placebo = _differ(own, own["before_1"] - own["before_2"], others, "earlier", units, level=level)
    row |= {"others_change": after[4], "p": after[3]}
    row |= dict(zip(("change", "ci_lower", "ci_upper"), after[:3], strict=True))
    return row | dict(zip(("earlier", "earlier_lower", "earlier_upper"), placebo[:3], strict=True))


def _differ(
    own: pd.DataFrame,
    change: pd.Series,
    others: pd.DataFrame,
    name: str,
    units: str,
    *,
    level: float,
) -> tuple[float, float, float, float, float]:
    """Give the change of players less that of others on the same days, its interval, p, and theirs.

    The others of two days are mostly the same members, so their errors are added up as if they were
    the same altogether: more than there is.
    """
    weight = own["on"].value_counts(normalize=True).sort_index()
    there = others.loc[weight.index]
    n, total = there["n"].to_numpy(), there[name].to_numpy()
    mean = total / n
    spread = np.maximum(there[f"{name}_squared"].to_numpy() / n - mean**2, 0) / (n - 1)
    theirs, error = float(weight.to_numpy() @ mean), float(weight.to_numpy() @ np.sqrt(spread))
    residual = change - own["on"].map(pd.Series(mean, index=there.index))
    value = float(residual.mean())
    sums = (residual - value).groupby(own[units]).sum().to_numpy()
    many = len(sums)
    variance = many * float(sums.var(ddof=1)) / len(own) ** 2 + error**2
    if not variance > 0:
        return value, np.nan, np.nan, np.nan, theirs
    half = float(student.ppf((1 + level) / 2, many - 1)) * np.sqrt(variance)
    p = 2 * student.sf(abs(value) / np.sqrt(variance), many - 1)
    return value, value - half, value + half, float(p), theirs


def _judge(row: Any, alpha: float) -> str:
    if row.refused or pd.isna(row.p_holm):
        return ""
    if row.p_holm > alpha:
        return "unclear"
    if row.earlier_lower > 0 or row.earlier_upper < 0:
        return "doubted"
    return "more" if row.change > 0 else "less"
