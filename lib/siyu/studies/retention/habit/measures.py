"""What a pool is reduced to: the small tables from which every number of habits is computed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import pandas as pd

from siyu.studies.retention.definition import Definition


@dataclass(frozen=True, kw_only=True)
class Purchases:
    """The buyers of one pool, reduced: users whose first order lies from `first` to `as_of`.

    observed_from: the first day of the log; what was bought before it is unknown.
    by, refused, segments: as in the measures of retention, as of the first order.
    buyers: per `segment` and `seen` (days for which a user was followed after the day of the first
        order, at most `repeat_days`): `time` (days to what came first, at most `repeat_days`),
        `outcome` (1 a second order on a later day, 2 left, 0 neither) and `n` users.
    n_orders, n_refunded, n_merged: orders in the log; those fully refunded, which are no purchase;
        those that share a business day with another of their user, which are one with it.
    has_orders, has_refunds: whether the table, and its column of refunds, are there.
    """

    source: str
    first: date
    as_of: date
    observed_from: date
    repeat_days: int
    min_users: int
    by: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    segments: Mapping[str, Mapping[str, str]]
    buyers: pd.DataFrame
    n_orders: int = 0
    n_refunded: int = 0
    n_merged: int = 0
    has_orders: bool = True
    has_refunds: bool = True

    @property
    def n_buyers(self) -> int:
        """Users whose first order lies in the period."""
        return int(self.buyers["n"].sum())

    @property
    def n_waiting(self) -> int:
        """Buyers who were not followed for `repeat_days` yet."""
        return int(self.buyers.loc[self.buyers["seen"] < self.repeat_days, "n"].sum())


@dataclass(frozen=True, kw_only=True)
class Gaps:
    """The active days of the users of one pool from `first` to `as_of`, reduced.

    An active day is a business day with a return event, from the addition on. Users count who were
    added, and had not left before `first`.

    medians: per median number of days between a user's consecutive active days, `gap_days`: `n`
        users.
    following: what came after each user's first active day of the period: `time` (days),
        `outcome` (1 the next active day, 2 left, 0 neither) and `n` users.
    n_none, n_one: users with no active day, and with one only.
    has_returns: whether there are events, and one of them is a return.
    """

    definition: Definition
    source: str
    first: date
    as_of: date
    min_users: int
    medians: pd.DataFrame
    following: pd.DataFrame
    n_none: int = 0
    n_one: int = 0
    has_returns: bool = True

    @property
    def n_users(self) -> int:
        """Users with at least two active days."""
        return int(self.medians["n"].sum())

    @property
    def window(self) -> int | None:
        """Days in which retention counts a return; None where that is no fixed time."""
        if self.definition.retained_as == "connected" or self.definition.kind == "within":
            return None
        return self.definition.extra_days + 1
