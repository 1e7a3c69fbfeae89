"""Estimate how much the best inviters bring, beyond luck, and whether their friends stay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import t as student

from siyu.stats.checks import FloatArray
from siyu.stats.concentration import gini, top_share
from siyu.stats.jackknife import interval_of, jackknife
from siyu.stats.multiplicity import holm
from siyu.studies.naming import EVERYONE
from siyu.studies.referral.concentration.measure import Measures
from siyu.studies.referral.units import find_units
from siyu.studies.tables import each_row

SHARES = (0.01, 0.1)
"""The best hundredth and tenth of inviters."""
_DRAWS = 2_000
FEWEST_FRIENDS = 30
HALF = 0.5


@dataclass(frozen=True, kw_only=True)
class Concentration:
    """How unevenly new members come of inviters.

    table: one row per campaign (and "all", a person who invites in several counts once) and
        `measure` ("top_1", "top_10": share of the new members that the best hundredth or tenth of
        inviters brought; "gini"): `inviters`, `friends`, `value` with `ci_lower` and `ci_upper`,
        `luck` (what to expect if all inviters were alike), `p` (as uneven by luck), `p_holm` (over
        campaigns and measures), `verdict` ("few": clearly over a half from the best tenth;
        "uneven": more than luck; "as_luck"), and `refused` ("few", "top": too few in the top to be
        told, "none": nobody came; "").
    farming: one row per campaign: `inviters_top` (with `least` friends or more, about a tenth),
        `n_top` and `n_rest` friends followed for a day, `gone_top` and `gone_rest` (share gone
        within it), `difference` with `ci_lower` and `ci_upper`, `p`, `p_holm`, `verdict` ("more",
        "fewer", "unclear", ""), `lost_cny` (rewards for those of the top who left at once),
        `worth_cny` (the part of it beyond what others lose) and `refused` ("few", "leaving", "").
    refused: "none" (nobody invited), "".
    """

    table: pd.DataFrame
    farming: pd.DataFrame
    refused: str


def concentrate(measures: Measures, *, level: float, seed: int = 20261127) -> Concentration:
    """Estimate concentration among inviters, those who brought nobody included.

    If all inviters were alike, some would still bring more by luck: new members are dealt out to
    inviters at random to see how much.

    Args:
        measures: the inviters.
        level: coverage of each interval, between 0 and 1.
        seed: of the dealing.

    Inviters of one tree are not independent (`find_units`). Source: `siyu.stats.concentration`.
    """
    rows, farming = [], []
    for i, name in enumerate([*measures.campaigns, EVERYONE] if len(measures.inviters) else ()):
        own = measures.inviters[measures.inviters["campaign"] == i]
        if name == EVERYONE:
            if len(measures.campaigns) < 2:
                continue
            own = _together(measures.inviters)
        rng = np.random.default_rng([seed, i])
        rows += [{"campaign": name} | row for row in _rows(measures, own, rng, level=level)]
        if name != EVERYONE:
            farming.append({"campaign": name} | _farming(measures, own, level=level))
    table = pd.DataFrame(rows, columns=list(_COLUMNS))
    table["p_holm"] = holm(table["p"].astype(float))
    table["verdict"] = [_verdict(row, 1 - level) for row in each_row(table)]
    told = pd.DataFrame(farming, columns=list(_FARMING))
    told["p_holm"] = holm(told["p"].astype(float))
    clear = told["p_holm"] <= 1 - level
    told["verdict"] = np.select(
        [told["difference"].isna(), clear & (told["difference"] > 0), clear], ["", "more", "fewer"],
        "unclear",
    )  # fmt: skip
    return Concentration(
        table=table, farming=told, refused="" if len(measures.inviters) else "none"
    )


_COLUMNS = (
    *("campaign", "measure", "inviters", "friends", "value", "ci_lower", "ci_upper", "luck"),
    *("p", "p_holm", "verdict", "refused"),
)
_FARMING = (
    *("campaign", "inviters_top", "least", "n_top", "n_rest", "gone_top", "gone_rest"),
    *("difference", "ci_lower", "ci_upper", "p", "p_holm", "verdict"),
    *("lost_cny", "worth_cny", "refused"),
)


def _together(inviters: pd.DataFrame) -> pd.DataFrame:
    """Count each person once; trees of different campaigns stay apart."""
    by = inviters.groupby("inviter")
    return by.agg({"tree": "first", "friends": "sum"}).reset_index()


def _rows(
    measures: Measures, own: pd.DataFrame, rng: np.random.Generator, *, level: float
) -> list[dict[str, Any]]:
    friends = own["friends"].to_numpy(dtype=float)
    n, total = len(friends), int(friends.sum())
    row: dict[str, Any] = {"inviters": n, "friends": total, "refused": ""}
    names = [*(f"top_{round(100 * share)}" for share in SHARES), "gini"]
    if n < measures.min_users or 0 < total < measures.min_users:
        return [{"measure": name, "refused": "few"} for name in names]
    if not total:
        return [row | {"measure": name, "refused": "none"} for name in names]
    dealt = rng.multinomial(total, np.full(n, 1 / n), size=_DRAWS)
    dealt.sort(axis=1)
    unit = own["tree"].to_numpy()
    if find_units(own)[0] != "tree":
        unit = np.arange(n)
    found = []
    for name, share in zip(names, (*SHARES, None), strict=True):
        if share is not None and share * n < measures.min_users:
            found.append(row | {"measure": name, "refused": "top"})
            continue
        value, influence = gini(friends) if share is None else top_share(friends, share)
        lower, upper = find_ends(value, influence, unit, level=level)
        luck = _luck(dealt, share)
        p = (1 + int((luck >= value).sum())) / (1 + _DRAWS)
        own_row = {"measure": name, "value": value, "ci_lower": lower, "ci_upper": upper}
        found.append(row | own_row | {"luck": float(luck.mean()), "p": p})
    return found


def find_ends(
    value: float, influence: FloatArray, unit: Any, *, level: float
) -> tuple[float, float]:
    """Give the interval of a value by what each inviter moves it by, those of a unit together."""
    sums = np.bincount(np.unique(unit, return_inverse=True)[1], weights=influence)
    many = len(sums)
    error = np.sqrt(many * sums.var(ddof=1)) / len(influence)
    half = float(student.ppf((1 + level) / 2, many - 1)) * error
    return max(value - half, 0.0), min(value + half, 1.0)


def _luck(dealt: Any, share: float | None) -> FloatArray:
    """Give the same measure of each dealing, its rows sorted upwards."""
    n, total = dealt.shape[1], dealt.sum(axis=1)
    if share is None:
        weight = 2 * np.arange(1, n + 1) - n - 1
        return np.asarray((dealt @ weight) / (total * (n - 1)))
    top = share * n
    whole = int(round(top, 9))
    brought = dealt[:, n - whole :].sum(axis=1) + (top - whole) * dealt[:, n - whole - 1]
    return np.asarray(brought / total)


def _farming(measures: Measures, own: pd.DataFrame, *, level: float) -> dict[str, Any]:
    if not measures.has_leaving:
        return {"refused": "leaving"}
    least = _least(own["friends"])
    top = own["friends"] >= least
    n_top, n_rest = (int(own.loc[side, "followed"].sum()) for side in (top, ~top))
    if int(top.sum()) < measures.min_users or min(n_top, n_rest) < max(
        FEWEST_FRIENDS, measures.min_users
    ):
        return {"refused": "few"}
    unit = own["tree"] if find_units(own)[0] == "tree" else own["inviter"]
    sides = pd.DataFrame(
        {
            "x": own["gone"].where(top, 0),
            "n": own["followed"].where(top, 0),
            "y": own["gone"].where(~top, 0),
            "m": own["followed"].where(~top, 0),
        }
    )
    sums = sides.groupby(unit.to_numpy()).sum()
    by = sums[sums["n"] + sums["m"] > 0].to_numpy(dtype=float)
    spread = jackknife(_difference, by, np.ones(len(by)))
    value = _difference(by.mean(axis=0))
    lower, upper = interval_of(value, spread, level=level, most=len(by) - 1)
    error, degrees = float(np.sqrt(spread.variance[0])), min(spread.degrees[0], len(by) - 1)
    x, _, y, _ = by.sum(axis=0)
    difference = float(value[0])
    mean_reward = float(own["reward_cny"].sum() / max(own["friends"].sum(), 1))
    return {
        "inviters_top": int(top.sum()),
        "least": int(least),
        "n_top": n_top,
        "n_rest": n_rest,
        "gone_top": x / n_top,
        "gone_rest": y / n_rest,
        "difference": difference,
        "ci_lower": float(lower[0]),
        "ci_upper": float(upper[0]),
        "p": float(2 * student.sf(abs(difference) / error, degrees)) if error else np.nan,
        "lost_cny": float(own.loc[top, "lost_cny"].sum()),
        "worth_cny": max(difference, 0.0) * n_top * mean_reward,
        "refused": "",
    }


def _difference(means: FloatArray) -> FloatArray:
    x, n, y, m = np.moveaxis(means, -1, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(x / n - y / m)[..., None]


def _least(friends: pd.Series) -> int:
    """Give how many friends make an inviter one of about the best tenth, ties all in or all out."""
    least = np.unique(friends.to_numpy())
    share = np.array([(friends >= one).mean() for one in least])
    return max(int(least[np.abs(share - SHARES[1]).argmin()]), 1)


def _verdict(row: Any, alpha: float) -> str:
    if row.refused:
        return ""
    if row.p_holm > alpha:
        return "as_luck"
    return "few" if row.measure == "top_10" and row.ci_lower > HALF else "uneven"
