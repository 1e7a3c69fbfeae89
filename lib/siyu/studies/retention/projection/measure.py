"""Reduce a pool to the whole weeks for which users were followed, and the week in which each left.

Weeks are a user's own: the k-th week are the 7 times 24 hours that end k weeks after the addition.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import ibis
import numpy as np
import pandas as pd

from siyu.data import Source
from siyu.data.zones import elapsed_us
from siyu.studies.retention.definition import RetentionError

WEEK_DAYS = 7
_WEEK_US = WEEK_DAYS * 24 * 3_600_000_000
_NEVER = 0


@dataclass(frozen=True, kw_only=True)
class Lives:
    """How long the users of one pool stayed, in whole weeks.

    Users count who were added from `first` to `as_of`. weeks: per `followed` (whole weeks from the
    addition to the end of `as_of`) and `left_in` (the week, at most `followed`, in which a user
    left; 0 for who did not): `n` users. Leaving in a week that is not over is not counted yet: of
    those with the same addition who stay, that week is not known either, and to count the leavers
    alone would overstate leaving.
    """

    source: str
    first: date
    as_of: date
    min_users: int
    weeks: pd.DataFrame

    @property
    def n_added(self) -> int:
        """Users added in the period."""
        return int(self.weeks["n"].sum())

    def known(self, *, weeks_ago: int = 0) -> pd.DataFrame:
        """Give what was known some weeks before the end of `as_of`.

        Returns:
            A row per `time` and `outcome`, with `n`, as the statistics take them: 1, left in week
            `time`; 0, still there after `time` weeks. Users added since are left out.
        """
        followed, left_in, n = self._added_by(weeks_ago)
        gone = (left_in > 0) & (left_in <= followed)
        table = pd.DataFrame(
            {"time": np.where(gone, left_in, followed), "outcome": gone.astype(int), "n": n}
        )
        return table.groupby(["time", "outcome"])["n"].sum().reset_index()

    def there(self, *, weeks_ago: int = 0) -> pd.DataFrame:
        """Count who was there at the end of the last week that each had then lived through.

        Returns:
            A row per `weeks` lived through then, with `n`, and `stayed`: how many of them were
            still there `weeks_ago` weeks later, which is known of all.
        """
        followed, left_in, n = self._added_by(weeks_ago)
        gone = (left_in > 0) & (left_in <= followed)
        table = pd.DataFrame({"weeks": followed, "n": n, "stayed": np.where(left_in == 0, n, 0)})
        there = table[~gone].groupby("weeks")
        return there.agg(n=("n", "sum"), stayed=("stayed", "sum")).reset_index()

    def _added_by(self, weeks_ago: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        known = self.weeks[self.weeks["followed"] >= weeks_ago]
        followed, left_in, n = (known[name].to_numpy() for name in ("followed", "left_in", "n"))
        return followed - weeks_ago, left_in, n


def measure_lives(pool: Source, *, period_days: int, min_users: int = 30) -> Lives:
    """Measure for how many weeks users stay connected.

    Args:
        pool: the source, masked at its `as_of`.
        period_days: users count who were added in these days, up to and including `as_of`; at least
            1.
        min_users: fewer users are no result, at least 1.

    Returns:
        The reduced table. What was known some whole weeks earlier follows from it, since then
        everybody's weeks were so many fewer.

    Raises:
        RetentionError: `users` has no times of addition, or a number is below 1.
    """
    for name, value in (("period_days", period_days), ("min_users", min_users)):
        if value < 1:
            raise RetentionError(f"{name} = {value} must be at least 1")
    users = pool.table("users")
    if "added_at" not in users.columns:
        raise RetentionError(
            "users has no column added_at: a projection needs to know when each user was added"
        )
    first = pool.as_of - timedelta(days=period_days - 1)
    users = users.filter(users.added_at.notnull())
    users = users.filter(pool.day(users.added_at) >= first)
    left = users.left_at if "left_at" in users.columns else ibis.null(users.added_at.type())
    end = ibis.literal(pool.as_of_end, type=users.added_at.type())
    followed = elapsed_us(users.added_at, end) // _WEEK_US
    left_in = ibis.greatest(elapsed_us(users.added_at, left) // _WEEK_US, 0) + 1
    # The engine's greatest passes over a null: who has not left must be told apart before.
    over = left.notnull() & (left_in <= followed)
    lived = users.select(followed=followed, left_in=ibis.ifelse(over, left_in, _NEVER))
    counts: pd.DataFrame = lived.group_by(["followed", "left_in"]).agg(n=lived.count()).to_pandas()
    return Lives(
        source=pool.name,
        first=first,
        as_of=pool.as_of,
        min_users=min_users,
        weeks=counts.sort_values(["followed", "left_in"], ignore_index=True),
    )
