"""What a tier is, and how high."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from siyu.studies.naming import our_names


class TierError(ValueError):
    """Tiers that cannot be studied as asked: what was given, the rule, and the remedy."""


@dataclass(frozen=True, kw_only=True)
class Definition:
    """The tiers, validated.

    Args:
        tiers: their names, the lowest first; empty: as high as what their members spent.

    Raises:
        TierError: a name twice, or an empty one.
    """

    tiers: Sequence[str] = ()

    def __post_init__(self) -> None:
        if isinstance(self.tiers, str):
            raise TierError(f"tier_names = {self.tiers!r} must be a list, the lowest first")
        names = list(self.tiers)
        if len(set(names)) < len(names) or not all(names):
            raise TierError(f"tier_names = {names} must name each tier once, the lowest first")


_HIGHEST = 2


def pick_high(tiers: Sequence[str], named: Sequence[str]) -> tuple[str, ...]:
    """Give the high tiers: those named, or the two highest; the lowest of all is never high.

    Args:
        tiers: all of them, the lowest first.
        named: what was asked for; empty: nothing was. Whether they are there is told by the parts.
    """
    return tuple(named) or tuple(tiers[1:][-_HIGHEST:])


def rank_tiers(found: pd.DataFrame, asked: Sequence[str]) -> tuple[str, ...]:
    """Put tiers in order, the lowest first.

    Args:
        found: one row per `tier` of the reviews, with the median `basis_cny` of them (missing
            where no basis is known).
        asked: the order that was asked for; empty: by the basis.

    Raises:
        TierError: a tier of the reviews was not asked for, nothing says which is higher, or one is
            called what the reports call all members.
    """
    there = sorted(found["tier"])
    if clash := [tier for tier in there if tier in our_names()]:
        raise TierError(
            f"tiers: the name {clash[0]!r} reads like one of the reports' own; give the tier "
            "another one under values in source.yaml"
        )
    if missing := [tier for tier in there if asked and tier not in asked]:
        raise TierError(
            f"tier_names = {list(asked)} leaves out {', '.join(missing)} of the table tiers; "
            "name all of them, the lowest first"
        )
    if asked:
        return tuple(tier for tier in asked if tier in there)
    basis = found["basis_cny"]
    if len(there) > 1 and (basis.isna().any() or basis.duplicated().any()):
        why = "without basis_cny" if basis.isna().any() else "where two have the same basis_cny"
        raise TierError(
            f"tier_names: {why} nothing says which is higher; name all of them, the lowest first: "
            f"{', '.join(there)}"
        )
    return tuple(found.sort_values(["basis_cny", "tier"])["tier"])
