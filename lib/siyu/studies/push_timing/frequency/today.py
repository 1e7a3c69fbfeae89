"""Count how many pushes a week members get today, and what the best number would be worth."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import ibis

from siyu.data.zones import without_zone
from siyu.studies.push_timing.frequency.measures import Measures, Today
from siyu.studies.push_timing.frequency.net import ASSIGNED, WEEKS, Frontier
from siyu.studies.push_timing.pushes import Pushes
from siyu.studies.tables import each_row

_WEEK_US = 7 * 24 * 3_600_000_000
FARTHEST = 0.5
"""A number drawn stands for today's where members drawn it got about as many: so far apart."""


def count_today(pushes: Pushes, sent: float, span: tuple[date, date]) -> Today | None:
    """Count the members who are there, and the weeks in which they were over a span of days.

    Args:
        pushes: from `find_pushes`.
        sent: pushes sent in the span.
        span: its first and last day.

    Returns:
        None where nobody was there.
    """
    pool, (first, last) = pushes.pool, span
    end = pool.as_of_end.replace(tzinfo=None) - (pool.as_of - last)
    start, over = (ibis.literal(at) for at in (end - (last - first) - timedelta(days=1), end))
    users = pool.table("users")
    if knows_adding := "added_at" in users.columns:
        users = users.filter(users.added_at.notnull())  # who was never added is no member
    added = without_zone(users.added_at) if knows_adding else start
    left = without_zone(users.left_at) if "left_at" in users.columns else ibis.null("timestamp")
    users = users.select(
        begun=ibis.greatest(added, start),
        gone=ibis.least(left.fill_null(over), over),
        stays=(left >= over).fill_null(True),
    )
    users = users.filter(users.gone > users.begun)
    passed = users.gone.delta(users.begun, unit="microsecond").cast("float64") / _WEEK_US
    row = users.agg(n=users.stays.sum().fill_null(0), weeks=passed.sum()).to_pandas().iloc[0]
    if not row["n"]:
        return None
    return Today(members=int(row["n"]), member_weeks=float(row["weeks"]), sent=int(sent))


def number_today(measures: Measures, found: Frontier) -> Any | None:
    """Give the row of the number drawn at which members got about as many pushes as today.

    Returns:
        None where nothing was drawn, today's number is not known, or none drawn is near.
    """
    if measures.today is None or not found.is_drawn or found.refused:
        return None
    # Compared with weeks in which members were there, as today's are.
    rows = found.table[found.table["kind"] == WEEKS].set_index("cap")
    apart = (rows["sent_per_week"] - measures.today.sent_per_week).abs()
    if not apart.min() <= FARTHEST:
        return None
    own = found.table[(found.table["kind"] == found.lead) & (found.table["cap"] == apart.idxmin())]
    return next(each_row(own), None)


def worth_of_best(measures: Measures, found: Frontier) -> float | None:
    """Value the best number against today's, in yuan a week over all members.

    Both values are those of numbers drawn by lot. Today's is one of an average: where some get more
    and some fewer and value rises less and less with pushes, today is worth less than that, so that
    the gain is too low rather than too high.

    Returns:
        None where today's number is not known, or not clearly worse than the best, or where not
        everybody drawn is counted: who is still there was not drawn.
    """
    if ASSIGNED not in found.best:
        return None
    row = number_today(measures, found)
    if row is None or measures.today is None or row.is_candidate:
        return None
    gained = found.row(found.lead, found.best[found.lead]).weekly_value_cny - row.weekly_value_cny
    return float(gained * measures.today.members)
