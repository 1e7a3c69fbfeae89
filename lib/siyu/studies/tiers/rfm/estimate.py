"""Estimate what the segments bring, and how unevenly members do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from siyu.stats.amounts import influence_interval, share_of_sum, skewed_mean
from siyu.stats.checks import FloatArray
from siyu.stats.concentration import gini, top_share
from siyu.stats.multiplicity import bonferroni_level
from siyu.studies.naming import SMALL, large
from siyu.studies.tiers.definition import TierError
from siyu.studies.tiers.rfm.measure import BEFORE, NOW, Measures
from siyu.studies.tiers.rfm.rule import ABSENT, INACTIVE, NEVER, SEGMENTS, STATES

IDLE = "idle"
"""Members without a purchase in the period, where those who never bought cannot be told apart."""
FEWEST = 200
"""Buyers from whom a concentration is told: with fewer the intervals cover well below the level."""
TOPS = (0.1, 0.2)
_GRID = np.linspace(0, 1, 51)


@dataclass(frozen=True, kw_only=True)
class Segments:
    """What the segments bring.

    table: one row per `segment` that may be told apart, those of buyers first: `n` members,
        `share` of all members; of the buyers' segments `recency_days` and `frequency` (medians),
        `amount_share` and `margin_share` of what all buyers brought, and `margin_mean` per member,
        each with `_lower` and `_upper`; `margin_cny` that its members brought, and `break_even`:
        the share of them whom an offer must win back, at that mean, to earn what it costs.
    n_members, n_buyers: at `as_of`. amount, margin: what the buyers brought in the period, in yuan.
    of_margin: whether margins can be shared out; not where all together are not above 0.
    level: with which the intervals of a column hold together; joint_level: of each of them.
    offer_cost_cny: of an offer to one member.
    refused: "orders" (no table), "nobody" (no purchase that counts), "few" buyers, or "".
    """

    table: pd.DataFrame
    n_members: int
    n_buyers: int
    amount: float
    margin: float
    of_margin: bool
    level: float
    joint_level: float
    offer_cost_cny: float
    refused: str


def describe(measures: Measures, *, level: float, offer_cost_cny: float = 10.0) -> Segments:
    """Describe each segment by what its members brought in the period.

    Args:
        measures: the members.
        level: coverage of all intervals of a column together, between 0 and 1.
        offer_cost_cny: what an offer to one member costs, in yuan, above 0.

    Raises:
        TierError: the cost is out of range.

    The cut points are taken as they fell: intervals say how far the numbers of as many other such
    members, cut at the same points, would lie from these.
    """
    if not offer_cost_cny > 0:
        raise TierError(f"offer_cost_cny = {offer_cost_cny} must be above 0")
    buyers = buyers_of(measures, NOW)
    n_members, rows, joint = count_members(measures, NOW), [], level
    refused = refuse(measures)
    if not refused:
        sizes = _sizes(buyers[f"state_{NOW}"])
        shown = large(sizes[sizes["n"] > 0], min_users=measures.min_users)
        named = np.array([name if name in shown else SMALL for name in SEGMENTS], object)
        names = named[buyers[f"state_{NOW}"]]
        found = [name for name in (*SEGMENTS, SMALL) if (names == name).any()]
        joint = bonferroni_level(level, len(found))
        rows = [_row(name, buyers, names == name, joint) for name in found]
        rows += [{"segment": name, "n": n} for name, n in _idle(measures).items()]
    table = pd.DataFrame(rows, columns=_COLUMNS)
    table["share"] = table["n"] / max(n_members, 1)
    mean = table["margin_mean"].where(table["margin_mean"] > 0)
    table["break_even"] = offer_cost_cny / mean
    brought = [float(buyers[f"{name}_{NOW}"].sum()) if len(buyers) else 0.0 for name in _BROUGHT]
    return Segments(
        table=table,
        n_members=n_members,
        n_buyers=len(buyers),
        amount=brought[0],
        margin=brought[1],
        of_margin=brought[1] > 0,
        level=level,
        joint_level=joint,
        offer_cost_cny=offer_cost_cny,
        refused=refused,
    )


_BROUGHT = ("amount", "margin")
_ENDS = ("", "_lower", "_upper")
_COLUMNS = [
    "segment",
    "n",
    "share",
    "recency_days",
    "frequency",
    *(f"{name}{end}" for name in ("amount_share", "margin_share", "margin_mean") for end in _ENDS),
    "margin_cny",
    "break_even",
]


def refuse(measures: Measures) -> str:
    """Give the reason why segments cannot be told, by name, or ""."""
    if not measures.has_orders:
        return "orders"
    n = len(buyers_of(measures, NOW))
    return "nobody" if not n else "few" if n < measures.min_users else ""


def buyers_of(measures: Measures, time: str) -> pd.DataFrame:
    """Give the rows of those who are in a segment, now or before."""
    if f"state_{time}" not in measures.buyers.columns:
        return pd.DataFrame()
    return measures.buyers[measures.buyers[f"state_{time}"] < len(SEGMENTS)]


def count_members(measures: Measures, time: str) -> int:
    """Count who is a member, whether a buyer or not."""
    if not measures.has_orders:
        return 0
    others, absent = measures.others, STATES.index(ABSENT)
    there = others.loc[others[f"state_{time}"] != absent, "n"].sum()
    return int(there) + int((measures.buyers[f"state_{time}"] != absent).sum())


def _sizes(states: pd.Series) -> pd.DataFrame:
    n = np.bincount(states, minlength=len(SEGMENTS))[: len(SEGMENTS)]
    return pd.DataFrame({"n": n}, index=pd.Index(SEGMENTS))


def _idle(measures: Measures) -> dict[str, int]:
    """Count the members without a purchase in the period: before it, or never; or both at once."""
    found = {}
    for name in (INACTIVE, NEVER):
        code = STATES.index(name)
        others = measures.others
        found[name] = int(others.loc[others[f"state_{NOW}"] == code, "n"].sum())
        found[name] += int((measures.buyers[f"state_{NOW}"] == code).sum())
    total = sum(found.values())
    if any(0 < n < measures.min_users for n in found.values()):
        return {IDLE: total} if total >= measures.min_users else {}
    return {name: n for name, n in found.items() if n}


def _row(name: str, buyers: pd.DataFrame, inside: Any, level: float) -> dict[str, Any]:
    own = buyers[inside]
    row: dict[str, Any] = {
        "segment": name,
        "n": len(own),
        "recency_days": float(own[f"recency_{NOW}"].median()),
        "frequency": float(own[f"frequency_{NOW}"].median()),
        "margin_cny": float(own[f"margin_{NOW}"].sum()),
    }
    for column in _BROUGHT:
        whole = buyers[f"{column}_{NOW}"].to_numpy()
        found = share_of_sum(np.where(inside, whole, 0.0), whole, level=level)
        row |= dict(zip((f"{column}_share{end}" for end in _ENDS), found, strict=True))
    found = skewed_mean(own[f"margin_{NOW}"], level=level)
    return row | dict(zip((f"margin_mean{end}" for end in _ENDS), found, strict=True))


@dataclass(frozen=True, kw_only=True)
class Concentration:
    """How unevenly members bring what they bring.

    curve: one row per `of` ("buyers", "members", "before": the buyers of the earlier period) and
        `top` (share of the people, from those who bring most): `share` of the sum that they bring,
        with its interval.
    table: one row per `of` and `measure` ("top_10", "top_20", "gini"): `value`, interval and `n`;
        of "change" the difference of buyers now to before.
    of_margin: whether margins are told, or amounts since all margins together are not above 0.
    level: coverage of each interval.
    refused: as of `Segments`, or "few" where fewer than FEWEST buyers are there.
    """

    curve: pd.DataFrame
    table: pd.DataFrame
    of_margin: bool
    level: float
    refused: str


def concentrate(measures: Measures, *, level: float) -> Concentration:
    """Tell how much of the margin the best members bring, and whether that changed.

    Args:
        measures: the members.
        level: coverage of each interval, between 0 and 1.
    """
    refused, buyers = refuse(measures), buyers_of(measures, NOW)
    if not refused and len(buyers) < max(FEWEST, measures.min_users):
        refused = "few"
    of_margin = bool(len(buyers)) and float(buyers[f"margin_{NOW}"].sum()) > 0
    if refused:
        return Concentration(
            curve=pd.DataFrame(),
            table=pd.DataFrame(),
            of_margin=of_margin,
            level=level,
            refused=refused,
        )
    column = "margin" if of_margin else "amount"
    brought = {"buyers": buyers[f"{column}_{NOW}"].to_numpy()}
    idle = np.zeros(count_members(measures, NOW) - len(buyers))
    if len(idle):
        brought["members"] = np.concatenate([brought["buyers"], idle])
    before = buyers_of(measures, BEFORE)
    if len(before) >= max(FEWEST, measures.min_users) and before[f"{column}_{BEFORE}"].sum() > 0:
        brought["before"] = before[f"{column}_{BEFORE}"].to_numpy()
    curve, rows = [], []
    for of, values in brought.items():
        for top in _GRID:
            value, influence = top_share(values, float(top))
            lower, upper = influence_interval(value, influence, level=level)
            curve.append((of, float(top), value, lower, upper))
        for name, value, influence in _indices(values):
            lower, upper = influence_interval(value, influence, level=level)
            rows.append((of, name, value, lower, upper, len(values)))
    if "before" in brought:
        rows += _changes(measures, column, level)
    ends = ["ci_lower", "ci_upper"]
    return Concentration(
        curve=pd.DataFrame(curve, columns=["of", "top", "share", *ends]),
        table=pd.DataFrame(rows, columns=["of", "measure", "value", *ends, "n"]),
        of_margin=of_margin,
        level=level,
        refused="",
    )


def _indices(values: FloatArray) -> list[tuple[str, float, FloatArray]]:
    tops = [(f"top_{top:.0%}".rstrip("%"), *top_share(values, top)) for top in TOPS]
    return [*tops, ("gini", *gini(values))]


def _changes(measures: Measures, column: str, level: float) -> list[tuple[Any, ...]]:
    """Compare the buyers of both periods; who bought in both is one person."""
    people, found = measures.buyers, {}
    for time in (NOW, BEFORE):
        in_it = (people[f"state_{time}"] < len(SEGMENTS)).to_numpy()
        values = people.loc[in_it, f"{column}_{time}"].to_numpy()
        for name, value, influence in _indices(values):
            spread = np.zeros(len(people))
            spread[in_it] = influence * len(people) / in_it.sum()
            found[name, time] = value, spread
    rows = []
    for name in dict.fromkeys(name for name, _ in found):
        (now, moved), (then, moved_then) = found[name, NOW], found[name, BEFORE]
        lower, upper = influence_interval(now - then, moved - moved_then, level=level)
        rows.append(("change", name, now - then, lower, upper, len(people)))
    return rows
