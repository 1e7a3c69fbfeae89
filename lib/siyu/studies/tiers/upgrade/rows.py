"""Bring occasions into rows that say what was done, and not by whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from siyu.data.zones import DAY_US
from siyu.studies.tiers.upgrade.occasions import columns_of

NEAR = 0.05
"""Of a threshold: as far from it members are counted on either side."""
_CENT = 0.015
_ALIVE_DAYS = 30
"""Days since the last order in which what it promises falls to 1/e."""


def share_reproduced(found: pd.DataFrame) -> float:
    """Give the share of reviews whose basis is what was bought in the blocks before."""
    reviewed = found[found["kind"] != "date"]
    return (
        float(((reviewed["spend"] - reviewed["basis_cny"]).abs() < _CENT).mean())
        if len(reviewed)
        else 0.0
    )


def find_known(found: pd.DataFrame, begin_us: int, basis_days: int) -> pd.Series:
    """Whether all of the window was seen: observed, or after the member came."""
    came = found["added_us"].fillna(-np.inf) >= begin_us
    return came | (found["at"] - basis_days * DAY_US >= begin_us)


def blank_unseen(
    found: pd.DataFrame,
    *,
    since_us: int,
    until_us: int,
    after: Mapping[int, int],
    before: tuple[int, int],
) -> pd.DataFrame:
    """Blank the blocks that were not seen whole.

    Args:
        found: from `sum_blocks`.
        since_us: from when on orders are seen, of members who came earlier.
        until_us: until when.
        after: days after the occasion by the end of which each block is over; 0: it has none.
        before: the earliest block, and the days before the occasion at which it begins.
    """
    found = found.copy(deep=False)
    left = (until_us - found["at"]) / DAY_US
    seen = {block: (left >= days) & (days > 0) for block, days in after.items()}
    came = np.maximum(found["added_us"].astype("float64").fillna(since_us), since_us)
    seen[before[0]] = (found["at"] - came) / DAY_US >= before[1]
    for block, whole in seen.items():
        names = columns_of(block)
        found[names] = found[names].where(whole)
    return found


def hide_persons(
    seen: pd.DataFrame, begin_us: int, thresholds: Sequence[float], band: float
) -> pd.DataFrame:
    """Leave out who and when exactly, and put rows and codes into an order of what was done."""
    since = np.maximum(seen["added_us"].astype("float64").fillna(begin_us), begin_us)
    waited = seen["recent_us"].to_numpy(dtype=np.float64, na_value=np.inf) / (_ALIVE_DAYS * DAY_US)
    rows = seen.assign(
        month=seen["since_on"].map({day: str(day)[:7] for day in seen["since_on"].unique()}),
        recent=np.exp(-waited),
        tenure=np.log(np.maximum((seen["at"] - since) / DAY_US, 1.0)),
        exposed=seen["exposed"].astype(bool),
    )
    ends = np.array([0.0, *thresholds])
    least = ends[rows["target"]]
    middle = (np.maximum(ends[rows["target"] - 1], least * (1 - band)) + least) / 2
    rows["upper"] = (rows["basis_cny"] >= middle) & (rows["basis_cny"] < least)
    names = [name for name in map(str, rows) if name.endswith(tuple("0123456789"))]
    kept = [
        *("kind", "target", "exposed", "month", "earlier", "upper", "recent", "tenure", "spend"),
        *names,
    ]
    rows = rows.sort_values([*kept, "number"], ignore_index=True)
    return rows[kept].assign(member=pd.factorize(rows["number"])[0])


def count_near(reviewed: pd.DataFrame, thresholds: Sequence[float]) -> pd.DataFrame:
    """Count, per tier, who was reviewed just above and just below its threshold."""
    share = reviewed["basis_cny"] / np.array([np.nan, *thresholds])[reviewed["target"]] - 1
    near = share.abs() < NEAR
    above = (near & reviewed["exposed"]).groupby(reviewed["target"]).sum()
    below = (near & ~reviewed["exposed"]).groupby(reviewed["target"]).sum()
    found = pd.DataFrame({"above": above, "below": below}).astype(int)
    return found.rename_axis("target").reset_index()


def count_months(reviewed: pd.DataFrame, block_days: int) -> float:
    """Count how many times a block the reviews span, the first of them included."""
    if not len(reviewed):
        return 0.0
    days = pd.to_datetime(reviewed["since_on"]).max() - pd.to_datetime(reviewed["since_on"]).min()
    return 1 + days.days / block_days
