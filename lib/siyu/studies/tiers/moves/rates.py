"""Estimate how often members go up and down from review to review, and whether that changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from siyu.stats.clusters import clustered_share, clustered_slope
from siyu.stats.intervals import wilson
from siyu.stats.multiplicity import bonferroni_level, holm
from siyu.studies.changes import change_of_share
from siyu.studies.tiers.moves.measures import Measures

WAYS = ("down", "up")
_LEAST_ROUNDS = 3
"""Rounds of moves: of two there is a change, and no trend."""


def rates(measures: Measures, *, level: float) -> pd.DataFrame:
    """Give the share of each tier's members whom a review moves down, and up.

    Returns:
        One row per `tier` before, `way` ("down", "up") and `review`: `n` members of the tier who
        were reviewed again, `moved_rate` of them, with a Wilson interval; NaN under min_users.
    """
    moved = measures.moved[(measures.moved["before"] >= 0) & (measures.moved["round"] > 0)]
    rows = []
    for code, tier in enumerate(measures.tiers):
        for way in _ways(measures, code):
            for place, day in enumerate(measures.reviews[1:], start=1):
                own = moved[(moved["before"] == code) & (moved["round"] == place)]
                went = own["tier"] < code if way == "down" else own["tier"] > code
                n, x = int(own["n"].sum()), int(own.loc[went, "n"].sum())
                rows.append({"tier": tier, "way": way, "review": day, "n": n, "moved": x})
    columns = ["tier", "way", "review", "n", "moved", "moved_rate", "ci_lower", "ci_upper"]
    if not rows:
        return pd.DataFrame(columns=columns)
    found = pd.DataFrame(rows)
    lower, upper = wilson(found["moved"], found["n"], level=level)
    with np.errstate(invalid="ignore"):
        rate = found["moved"].to_numpy(float) / found["n"].to_numpy(float)
    few = found["n"] < measures.min_users
    shown = {"n": found["n"], "moved": found["moved"], "moved_rate": rate, "ci_lower": lower}
    return found.assign(
        **{
            name: pd.Series(values, index=found.index, dtype=float).mask(few)
            for name, values in {**shown, "ci_upper": upper}.items()
        }
    )[columns]


def changes(measures: Measures, *, high_tiers: Sequence[str], level: float) -> pd.DataFrame:
    """Compare the last review with the earlier ones, and give the trend over all.

    Users are clusters: who is reviewed again and again is one user. The trend is a straight line
    through what became of each member at each review.

    Args:
        measures: the reduced tables.
        high_tiers: the tiers of which more downgrades are an alert.
        level: coverage of each interval, between 0 and 1.

    Returns:
        One row per `tier` before and `way`: `n` members reviewed in the last round and `moved_rate`
        of them; `n_earlier` reviews (of `users_earlier`) and `rate_earlier` with
        `earlier_lower`, `earlier_upper`; `change` with `change_lower`, `change_upper`; `trend` per
        review with `trend_lower`, `trend_upper` that hold for all rows at once; `p_holm` (over
        downgrades of the high tiers, and over all others) and `verdict`: "more", "fewer",
        "unclear", or "" where either side is of fewer than min_users users, and all is NaN.
    """
    rows = []
    for code, tier in enumerate(measures.tiers):
        for way in _ways(measures, code):
            own = measures.histories.query("tier == @code and way == @way")
            rows.append({"tier": tier, "way": way, **_compared(measures, own, level=level)})
    if not rows:
        return pd.DataFrame(columns=["tier", "way", "verdict"])
    found = pd.DataFrame(rows)
    high = found["tier"].isin(list(high_tiers)) & (found["way"] == "down")
    found["p_holm"] = np.nan
    for family in (high, ~high):
        found.loc[family, "p_holm"] = holm(found.loc[family, "p"])
    clear = found["p_holm"] <= 1 - level
    found["verdict"] = np.select(
        [
            found["change"].isna(),
            clear & (found["change_lower"] > 0),
            clear & (found["change_upper"] < 0),
        ],
        ["", "more", "fewer"],
        "unclear",
    )
    return found.drop(columns="p")


def _compared(measures: Measures, own: pd.DataFrame, *, level: float) -> dict[str, Any]:
    users = own["users"].to_numpy(dtype=float)
    sides = own[["n", "moved", "last", "last_moved"]].to_numpy(dtype=float)
    n0, x0, n1, x1 = users @ sides
    with_earlier = users[sides[:, 0] > 0].sum()
    row: dict[str, Any] = dict.fromkeys(
        (
            *(
                "moved_rate",
                "rate_earlier",
                "earlier_lower",
                "earlier_upper",
                "change",
                "change_lower",
            ),
            *("change_upper", "trend", "trend_lower", "trend_upper", "p"),
        ),
        np.nan,
    )
    if min(n1, with_earlier) < measures.min_users:
        return row
    row |= {"n": n1, "n_earlier": n0, "users_earlier": with_earlier}
    pooled = clustered_share(
        count=x0,
        n=n0,
        clusters=with_earlier,
        count_squared=users @ sides[:, 1] ** 2,
        n_squared=users @ sides[:, 0] ** 2,
        both=users @ (sides[:, 0] * sides[:, 1]),
        level=level,
    )
    change = change_of_share(sides, users, level=level).iloc[0]
    row |= {"moved_rate": x1 / n1, "rate_earlier": float(pooled.share), "p": change["p"]}
    row |= {f"earlier_{end}": float(getattr(pooled, f"ci_{end}")) for end in ("lower", "upper")}
    row |= {"change": change["value"]}
    row |= {f"change_{end}": change[f"ci_{end}"] for end in ("lower", "upper")}
    if len(measures.reviews) > _LEAST_ROUNDS:
        slope = clustered_slope(
            n=own["n"] + own["last"],
            x=own["t"],
            xx=own["tt"],
            y=own["moved"] + own["last_moved"],
            xy=own["t_moved"],
            clusters=users,
            level=bonferroni_level(level, len(WAYS) * (len(measures.tiers) - 1)),
        )
        row |= dict(zip(("trend", "trend_lower", "trend_upper"), slope, strict=True))
    return row


def _ways(measures: Measures, code: int) -> list[str]:
    """Nobody goes down from the lowest tier, or up from the highest."""
    there = {"down": code > 0, "up": code < len(measures.tiers) - 1}
    return [way for way in WAYS if there[way]]
