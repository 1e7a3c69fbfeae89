"""Estimate what a friend who stays costs, and what a later reward would have saved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from siyu.stats.checks import normal_quantile
from siyu.stats.cluster_ratios import excess_pvalue, ratio_by_cluster, share_by_cluster
from siyu.stats.fieller import Ratio
from siyu.stats.mover import mover_difference
from siyu.stats.multiplicity import bonferroni_level, holm
from siyu.studies.referral.reward.measure import Measures, find_refusal
from siyu.studies.referral.units import find_units
from siyu.studies.tables import each_row


@dataclass(frozen=True, kw_only=True)
class Costs:
    """What a friend who stays costs, in yuan.

    table: one row per `campaign`: `n` friends followed for `kept_days`, `kept_share` of them with
        `kept_share_lower`, `kept_share_upper`; `reward_cny` per new member; `cost_per_kept` with
        `ci_lower` and `ci_upper` (infinite where not bounded); `difference` to elsewhere with
        `difference_lower`, `difference_upper`, `p` and `p_holm` (over campaigns); `verdict`
        ("lose": not dearer, but clearly more than who stays is worth; "continue": clearly cheaper,
        "change": clearly dearer, "stop": clearly dearer than even the dearest touchpoint,
        "unclear", "" without a comparison), `value_cny` (what a friend is worth who stays),
        `most_reward` (yuan per new member at which one would cost that), `worth_cny` (what the same
        number of kept members cost more than elsewhere, or less), `margin_cny` (what a new member
        is worth less all costs) with `margin_lower`, `margin_upper` (at once over campaigns;
        missing where nothing says what one is worth), `units` ("tree", "branch") with `trees`
        (effective number),
        and `refused` ("few", "immature", "rewards", "nobody": nobody stayed, "").
    held: one row per campaign that is read: `saved_share` of all rewards that a reward only after
        `hold_days` would have saved, with `saved_lower`, `saved_upper`, `n`, the same in yuan per
        campaign so far (`saved_cny`, `saved_cny_lower`, `saved_cny_upper`), and `break_even`: the
        share of friends that may fail to come before it does harm (missing where none do: kept
        friends cost more than elsewhere even then).
    touchpoints: one row per touchpoint, the cheapest first: `n`, `kept`, `cost_per_kept`,
        `ci_lower`, `ci_upper`.
    elsewhere: cost per kept member of all of them together, with its interval and standard error;
        NaN where it is not known.
    refused: "none", "leaving", "rewards" (no rewards on record), "".
    """

    table: pd.DataFrame
    held: pd.DataFrame
    touchpoints: pd.DataFrame
    elsewhere: tuple[float, float, float, float]
    refused: str


def margins(found: Costs) -> dict[str, tuple[float, float, float]]:
    """Give what a new member of each campaign is worth less all costs, with its ends.

    Args:
        found: from `costs`.

    Returns:
        By campaign; where nobody can be said to stay, or nothing is known to be worth, there is
        none.
    """
    told = found.table.dropna(subset="margin_cny")
    ends = zip(told["margin_cny"], told["margin_lower"], told["margin_upper"], strict=True)
    return dict(zip(told["campaign"], ends, strict=True))


def costs(measures: Measures, *, level: float, value_kept_cny: float = np.inf) -> Costs:
    """Estimate what a friend who stays costs, and compare it with what other members cost.

    All rewards count, those for friends who left too, and the gift to friends where it is known.
    Members who came otherwise cost what the spend table says, whoever came without it included.

    Args:
        measures: the reduced tables.
        level: coverage of each interval, between 0 and 1.
        value_kept_cny: what a friend is worth who stays, in yuan, 0 or more; no more than a member
            from elsewhere costs who does, since for that money there would be another.
    """
    refused = find_refusal(measures)
    if not refused and not measures.has_rewards:
        refused = "rewards"
    touchpoints, elsewhere = _elsewhere(measures, level=level)
    rows, held = [], []
    dearest = touchpoints["cost_per_kept"].max() if len(touchpoints) else np.nan
    for i, name in enumerate(measures.campaigns if refused in ("", "rewards") else ()):
        row = {"campaign": name}
        row |= _campaign(measures, i, elsewhere, level=level, worth=value_kept_cny)
        rows.append(row)
        if not row["refused"]:
            held.append({"campaign": name} | _hold(measures, i, row, elsewhere[0], level=level))
    table = pd.DataFrame(rows, columns=list(_COSTS))
    table["p_holm"] = holm(table["p"].astype(float))
    table["verdict"] = [_verdict(row, dearest, 1 - level) for row in each_row(table)]
    return Costs(
        table=table,
        held=pd.DataFrame(held, columns=list(_HELD)),
        touchpoints=touchpoints,
        elsewhere=elsewhere,
        refused=refused,
    )


_MARGIN = ("margin_cny", "margin_lower", "margin_upper")
_COSTS = (
    *(
        "campaign",
        "n",
        "kept_share",
        "kept_share_lower",
        "kept_share_upper",
        "reward_cny",
        "cost_per_kept",
    ),
    *("ci_lower", "ci_upper", "difference", "difference_lower", "difference_upper", "p", "p_holm"),
    *("verdict", "value_cny", "most_reward", "worth_cny", "units", "trees", "refused"),
    *_MARGIN,
)
_HELD = (
    *("campaign", "n", "saved_share", "saved_lower", "saved_upper"),
    *("saved_cny", "saved_cny_lower", "saved_cny_upper", "break_even"),
)


def _elsewhere(
    measures: Measures, *, level: float
) -> tuple[pd.DataFrame, tuple[float, float, float, float]]:
    """Give the cost per kept member by touchpoint, weeks being independent, and of all together."""
    table = measures.touchpoints
    table = table[~table["touchpoint"].isin(measures.own_touchpoints)]
    paid = table.groupby("touchpoint")["cost_cny"].transform("sum") > 0
    table = table[paid]
    rows = []
    for name, own in table.groupby("touchpoint"):
        if own["kept"].sum() >= measures.min_users and len(own) > 1:
            found = ratio_by_cluster(own["cost_cny"], own["kept"], level=level)
            rows.append((name, own["n"].sum(), own["kept"].sum(), *_of(found)))
    columns = ["touchpoint", "n", "kept", "cost_per_kept", "ci_lower", "ci_upper"]
    shown = pd.DataFrame(rows, columns=columns).astype(dict.fromkeys(columns[1:], "float64"))
    shown = shown.sort_values("cost_per_kept", ignore_index=True)
    weeks = table.groupby("week")[["cost_cny", "kept"]].sum()
    if len(weeks) < 2 or weeks["kept"].sum() < measures.min_users:
        return shown, (np.nan,) * 4
    value, lower, upper = _of(ratio_by_cluster(weeks["cost_cny"], weeks["kept"], level=level))
    if not np.isfinite(upper):
        return shown, (np.nan,) * 4
    left = weeks["cost_cny"] - value * weeks["kept"]
    error = float(np.sqrt(len(weeks) * left.var(ddof=1)) / weeks["kept"].sum())
    return shown, (value, lower, upper, error)


def _of(found: Ratio) -> tuple[float, float, float]:
    if found.kind != "bounded":
        return found.value, -np.inf, np.inf  # a set that is no interval
    return found.value, found.ci_lower, found.ci_upper


def _campaign(
    measures: Measures,
    i: int,
    elsewhere: tuple[float, float, float, float],
    *,
    level: float,
    worth: float,
) -> dict[str, Any]:
    own = measures.friends[measures.friends["campaign"] == i]
    if len(own) < measures.min_users:
        return {"refused": "few"}
    whole, (units, trees) = len(own), find_units(own)
    own = own[own["days_followed"] >= measures.kept_days]
    if len(own) < measures.min_users or own[units].nunique() < 2:
        return {"refused": "immature"}
    by = _sums(measures, i, own, units, whole)
    n, kept = by["n"], by["kept"]
    there = by[n > 0]
    share, lower, upper = share_by_cluster(there["kept"], there["n"], level=level)
    row: dict[str, Any] = {"n": len(own), "units": units, "trees": trees, "refused": ""}
    row |= {"kept_share": share, "kept_share_lower": lower, "kept_share_upper": upper}
    joint = bonferroni_level(level, len(measures.campaigns))
    row |= zip(_MARGIN, _margin(by, share, worth, elsewhere, level=joint), strict=True)
    if not measures.has_rewards:
        return row | {"refused": "rewards"}
    row["reward_cny"] = float(by["reward_cny"].sum() / len(own))
    if not kept.sum():
        return row | {"refused": "nobody"}
    value, below, above = _of(ratio_by_cluster(by["cost_cny"], kept, level=level))
    row |= {"cost_per_kept": value, "ci_lower": max(below, 0.0), "ci_upper": above}
    if not np.isfinite([below, above, elsewhere[0]]).all():
        return row
    gap = mover_difference((value, below, above), elsewhere[:3])
    row |= dict(
        zip(("difference", "difference_lower", "difference_upper"), map(float, gap), strict=True)
    )
    other = (by["cost_cny"].sum() - by["reward_cny"].sum()) / len(own)
    row["p"] = excess_pvalue(by["cost_cny"], kept, ratio=elsewhere[0], error=elsewhere[3])
    row["value_cny"] = float(np.fmin(worth, elsewhere[0]))
    row["most_reward"] = max(row["value_cny"] * share - other, 0.0)
    return row | {"worth_cny": abs(row["difference"]) * float(kept.sum())}


def _margin(
    by: pd.DataFrame,
    share: float,
    worth: float,
    elsewhere: tuple[float, float, float, float],
    *,
    level: float,
) -> tuple[float, float, float]:
    """Give what a friend, who may stay or not, is worth less all costs: at most as elsewhere."""
    reach = normal_quantile(level) * np.nan_to_num(elsewhere[3])
    value, least, most = (float(np.fmin(worth, elsewhere[0] + end)) for end in (0, -reach, reach))
    if not np.isfinite(value):
        return np.nan, np.nan, np.nan
    net = value * by["kept"] - by["cost_cny"]
    margin, lower, upper = _of(ratio_by_cluster(net, by["n"], level=level))
    return (
        margin,
        margin - float(np.hypot(margin - lower, share * (value - least))),
        margin + float(np.hypot(upper - margin, share * (most - value))),
    )


def _sums(measures: Measures, i: int, own: pd.DataFrame, units: str, whole: int) -> pd.DataFrame:
    """Sum up friends, who stayed, and what was paid, for each tree or branch."""
    other = measures.other_rewards
    other = other[(other["campaign"] == i) & (other["days_followed"] >= measures.kept_days)]
    each = measures.lure_cost_cny.get(measures.campaigns[i], 0.0)
    each += measures.campaign_cost_cny[i] / whole
    rows = pd.concat(
        [
            own.assign(n=1, kept=own["days_there"] > measures.kept_days, each=each),
            other.assign(n=0, kept=False, each=0.0),
        ]
    )
    rows["cost_cny"] = rows["reward_cny"] + rows["each"]
    return rows.groupby(units)[["n", "kept", "reward_cny", "cost_cny"]].sum().astype(float)


def _hold(
    measures: Measures, i: int, row: dict[str, Any], elsewhere: float, *, level: float
) -> dict[str, Any]:
    """Give what a reward would have saved that is paid only to who brought a friend who stays."""
    own = measures.friends[measures.friends["campaign"] == i]
    total = float(own["reward_cny"].sum())
    own = own[own["days_followed"] >= measures.hold_days]
    saved = own["reward_cny"] * (own["days_there"] <= measures.hold_days)
    by = saved.groupby(own[row["units"]]).sum(), own.groupby(row["units"])["reward_cny"].sum()
    share, lower, upper = _of(ratio_by_cluster(*by, level=level))
    lower, upper = max(lower, 0.0), min(upper, 1.0)
    found = {"n": len(own), "saved_share": share, "saved_lower": lower, "saved_upper": upper}
    amounts = {"saved_cny": share, "saved_cny_lower": lower, "saved_cny_upper": upper}
    found |= {name: total * part for name, part in amounts.items()}
    each = float(saved.sum()) / len(own)
    left = row["kept_share"] * (elsewhere - row["cost_per_kept"]) + each
    return found | {"break_even": each / left if left > 0 else np.nan}


def _verdict(row: Any, dearest: float, alpha: float) -> str:
    if row.refused or pd.isna(row.difference):
        return ""
    if row.difference < 0 or row.p_holm > alpha:
        # Cheap is not good where who stays is worth still less.
        if row.margin_upper <= 0:
            return "lose"
        return "unclear" if row.p_holm > alpha else "continue"
    return "stop" if row.ci_lower > dearest else "change"
