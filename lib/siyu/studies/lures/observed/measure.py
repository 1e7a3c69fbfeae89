"""Count members outside any test by lure, channel and month, and who of them stays."""

from __future__ import annotations

import ibis
import pandas as pd

from siyu.data.contract import LURES
from siyu.data.zones import DAY_US, elapsed_us, without_zone
from siyu.studies.lures.experiment import Experiment
from siyu.studies.naming import UNKNOWN

MONTH_DAYS = 30
COLUMNS = ["lure", "channel", "month", "stays", "n"]


def count_members(experiment: Experiment, *, stay_days: int) -> pd.DataFrame:
    """Count members who were in no test of lures and were followed since they were added.

    Args:
        experiment: whose pool is counted, over the whole observation; of its people, and those of
            other experiments with a lure as an arm, nobody counts.
        stay_days: days of 24 hours from the addition, at least 1.

    Returns:
        One row per `lure`, `channel`, `month` (thirty days each, back from `as_of`) and `stays`
        (still there after those days): `n` members. No rows where lures of members are not known.
    """
    pool = experiment.pool
    users = pool.table("users")
    if not {"lure", "added_at"} <= set(users.columns):
        return pd.DataFrame(columns=COLUMNS)
    channel = users.channel.fill_null(UNKNOWN) if "channel" in users.columns else UNKNOWN
    left = without_zone(users.left_at) if "left_at" in users.columns else ibis.null("timestamp")
    members = users.filter(users.lure.notnull() & users.added_at.notnull()).select(
        "user_id", "lure", channel=channel, added_at=without_zone(users.added_at), left_at=left
    )
    if pool.has("assignments"):
        drawn = pool.table("assignments")
        lures = sorted((set(LURES) | set(experiment.arms)) - {experiment.definition.control_arm})
        members = members.anti_join(drawn.filter(drawn.arm.isin(lures)), "user_id")
    begins = ibis.literal(pool.observed_from.replace(tzinfo=None))
    end = ibis.literal(pool.as_of_end.replace(tzinfo=None))
    followed = elapsed_us(members.added_at, end)
    inside = (followed >= stay_days * DAY_US) & (elapsed_us(begins, members.added_at) >= 0)
    leaves = elapsed_us(members.added_at, members.left_at) <= stay_days * DAY_US
    found = members.filter(inside).mutate(
        month=followed // (MONTH_DAYS * DAY_US), stays=~leaves.fill_null(False)
    )
    counted: pd.DataFrame = found.group_by(COLUMNS[:-1]).agg(n=found.count()).to_pandas()
    return counted.sort_values(COLUMNS, ignore_index=True)
