"""Estimate how soon friends leave, beside other newcomers of the same days."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import t as student

from siyu.stats.cluster_ratios import share_by_cluster
from siyu.stats.intervals import wilson
from siyu.stats.mover import mover_difference
from siyu.stats.multiplicity import holm
from siyu.studies.referral.reward.measure import EARLY_DAYS, Measures, find_refusal
from siyu.studies.referral.units import find_units


@dataclass(frozen=True, kw_only=True)
class Leaving:
    """Who left how soon, beside other newcomers of the same days.

    table: one row per `campaign` and `window` ("first": within a day; "later": of those there after
        it, within EARLY_DAYS): `n` friends, `share` of them with `ci_lower` and `ci_upper`,
        `n_others`, `others` (their share, as if they had come on the friends' days), `difference`
        with `difference_lower` and `difference_upper`, `p`, `p_holm` (over all rows), `verdict`
        ("more", "fewer", "unclear"), `units` ("tree", "branch") and `refused` ("few", "nobody",
        "alone": no others came then; "").
    refused: "none" (no friend), "leaving" (nobody knows who left), "".
    """

    table: pd.DataFrame
    refused: str


def leaving(measures: Measures, *, level: float) -> Leaving:
    """Compare how soon friends leave with other newcomers of the same days; observational.

    Friends of a tree are not independent, others are. Where a few trees hold nearly all friends,
    those of one inviter are taken together instead, and dependence further up the tree is not seen.

    Args:
        measures: the reduced tables.
        level: coverage of each interval, between 0 and 1.
    """
    refused = find_refusal(measures)
    rows = []
    for i, name in enumerate(measures.campaigns if not refused else ()):
        own = measures.friends[measures.friends["campaign"] == i]
        for window in ("first", "later"):
            row = _window(measures, own, window, level=level)
            rows.append({"campaign": name, "window": window} | row)
    table = pd.DataFrame(rows, columns=list(_LEAVING))
    table["p_holm"] = holm(table["p"].astype(float))
    clear = table["p_holm"] <= 1 - level
    table["verdict"] = np.select(
        [
            table["difference"].isna(),
            clear & (table["difference_lower"] > 0),
            clear & (table["difference_upper"] < 0),
        ],
        ["", "more", "fewer"],
        "unclear",
    )
    return Leaving(table=table, refused=refused)


_LEAVING = (
    *("campaign", "window", "n", "share", "ci_lower", "ci_upper", "n_others", "others"),
    *("difference", "difference_lower", "difference_upper", "p", "p_holm", "verdict", "units"),
    "refused",
)


def _window(measures: Measures, own: pd.DataFrame, window: str, *, level: float) -> dict[str, Any]:
    if len(own) < measures.min_users:
        return {"refused": "few"}
    units, _ = find_units(own)
    if window == "first":
        own = own[own["days_followed"] >= 1]
        gone = own["days_there"] <= 1
        others = measures.others[["on", "n", "gone"]]
    else:
        own = own[(own["days_followed"] >= EARLY_DAYS) & (own["days_there"] > 1)]
        gone = own["days_there"] <= EARLY_DAYS
        others = measures.others[["on", "n_later", "gone_later"]].set_axis(
            ["on", "n", "gone"], axis=1
        )
    row: dict[str, Any] = {"n": len(own), "units": units, "refused": "nobody"}
    if len(own) < measures.min_users or own[units].nunique() < 2:
        return row if not len(own) else row | {"n": np.nan, "refused": "few"}
    by = gone.groupby(own[units]).agg(["sum", "size"])
    share, lower, upper = share_by_cluster(by["sum"], by["size"], level=level)
    row |= {"share": share, "ci_lower": lower, "ci_upper": upper, "refused": ""}
    # A day with one other newcomer says nothing of the spread among them.
    others = others[others["n"] > 1].set_index("on").astype(float)
    same = own["on"].isin(others.index)
    if others.loc[own.loc[same, "on"].unique(), "n"].sum() < measures.min_users:
        return row | {"refused": "alone"}
    return row | _against(own[same], gone[same], others, units, level=level)


def _against(
    own: pd.DataFrame, gone: pd.Series, others: pd.DataFrame, units: str, *, level: float
) -> dict[str, Any]:
    share_of_day = own["on"].value_counts(normalize=True).sort_index()
    there, weight = others.loc[share_of_day.index], share_of_day.to_numpy()
    n = there["n"].to_numpy()
    rate = there["gone"].to_numpy() / n
    expected = float(weight @ rate)
    # As many independent others as would tell as much, with these weights (Kish 1965).
    alike = int(1 / (weight**2 / n).sum())
    ends = [float(end) for end in wilson(round(expected * alike), alike, level=level)]
    by = gone.groupby(own[units]).agg(["sum", "size"])
    share, lower, upper = share_by_cluster(by["sum"], by["size"], level=level)
    gap = mover_difference((share, lower, upper), (expected, ends[0], ends[1]))
    day_rate = own["on"].map(pd.Series(rate, index=there.index))
    left = (gone - day_rate).groupby(own[units]).sum()
    residuals = (left - left.sum() * by["size"] / len(own)).to_numpy()
    variance = len(left) * residuals.var(ddof=1) / len(own) ** 2
    variance += (weight**2 * rate * (1 - rate) / (n - 1)).sum()
    p = np.nan
    if variance > 0:
        p = 2 * student.sf(abs(share - expected) / np.sqrt(variance), len(left) - 1)
    return {
        "n_others": int(n.sum()),
        "others": expected,
        "difference": float(gap[0]),
        "difference_lower": float(gap[1]),
        "difference_upper": float(gap[2]),
        "p": float(p),
    }
