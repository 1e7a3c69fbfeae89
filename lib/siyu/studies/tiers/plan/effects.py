"""Take over what the offers brought: what can be planned with, and how their errors go together."""

from __future__ import annotations

import numpy as np
import pandas as pd

from siyu.stats.checks import FloatArray
from siyu.studies.tiers.definition import TierError

NUMBERS = ("n", "n_control", "gain_cny", "ci_lower", "ci_upper", "error", "cost_cny")
NEEDED = ("tier", "strategy", "members", *NUMBERS)


def check_effects(effects: pd.DataFrame) -> pd.DataFrame:
    """Check a table of effects, and mark what a plan can be made with.

    Args:
        effects: one row per `tier` and `strategy`: `n` members who got it by lot and `n_control`
            who got nothing, `members` of the tier today, `gain_cny` per member with the `error` of
            it and `ci_lower` and `ci_upper` of an interval that holds for all rows at once (before
            what a member costs at once), that `cost_cny`, and, where it is known, `error_control`
            (standard error of the mean of those who got nothing). Where a number is missing, as too
            few members were drawn or are there, nothing can be planned.

    Returns:
        Those columns, and `is_read`: all numbers are there and finite, and the error is above 0.

    Raises:
        TierError: a column is missing, a row is there twice, or a number cannot be.
    """
    if missing := [name for name in NEEDED if name not in effects.columns]:
        raise TierError(f"effects: the columns {', '.join(missing)} are missing; add them")
    known = effects.reset_index(drop=True)
    known = known[[*NEEDED, *(name for name in ("error_control",) if name in known)]]
    if (twice := known.duplicated(["tier", "strategy"])).any():
        tier, strategy = known.loc[twice, ["tier", "strategy"]].iloc[0]
        raise TierError(f"effects: {strategy!r} in the tier {tier!r} must be one row, not several")
    numbers = known[[*NUMBERS, "members"]].astype("float64")
    for name in ("n", "n_control", "members", "error", "cost_cny"):
        if (numbers[name] < 0).any():
            raise TierError(f"effects: {name} = {numbers[name].min():g} must be at least 0")
    if (numbers["members"] != np.floor(numbers["members"]))[numbers["members"].notna()].any():
        raise TierError("effects: members must be whole numbers; count those of each tier today")
    if known[["tier", "members"]].drop_duplicates()["tier"].duplicated().any():
        raise TierError("effects: members must be the same in all rows of a tier")
    above = (numbers[["n", "n_control", "error"]] > 0).all(axis=1)
    read = above & np.isfinite(numbers.to_numpy()).all(axis=1)
    known = known.assign(**numbers, is_read=read)
    if "error_control" in known and (known["error_control"] > known["error"])[read].any():
        raise TierError("effects: error_control must not exceed error, of which it is a part")
    return known.astype({"members": "Int64"})


def joint_covariance(read: pd.DataFrame) -> FloatArray:
    """Give the covariance of the gains: those of a tier share the members who got nothing.

    Without `error_control` that part of each error follows from the numbers of members, as if
    margins varied as much in both arms. Tiers have nobody in common.

    Args:
        read: rows of `check_effects` that are read.
    """
    parts = 1 / read["n"], 1 / read["n_control"]
    shared = read["error"].to_numpy() * np.sqrt(parts[1] / (parts[0] + parts[1])).to_numpy()
    if "error_control" in read:
        told = read["error_control"].to_numpy(dtype=np.float64)
        shared = np.where(np.isfinite(told), told, shared)
    tier = read["tier"].to_numpy()
    covariance = np.where(tier[:, None] == tier[None, :], np.outer(shared, shared), 0.0)
    np.fill_diagonal(covariance, read["error"].to_numpy() ** 2)
    return covariance


def spread_of(read: pd.DataFrame) -> FloatArray:
    """Give the standard deviation of a member's margin that an error came from."""
    parts = 1 / read["n"] + 1 / read["n_control"]
    return np.asarray(read["error"] / np.sqrt(parts), dtype=np.float64)
