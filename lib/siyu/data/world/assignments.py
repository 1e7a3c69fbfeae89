"""Who was put into which arm of which experiment: what every experiment of the pool hands in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from siyu.data.world.columns import Columns, happened, texts, yuan
from siyu.data.world.draws import Ints


@dataclass(frozen=True, kw_only=True)
class Assignments:
    """One experiment; element i of each array is one person in it."""

    experiment: str
    arms: tuple[str, ...]
    person: Ints
    arm: Ints
    """Index into `arms`."""
    at: Ints
    strata: tuple[str, ...] = ()
    stratum: Ints | None = None
    """Index into `strata`; None: not stratified."""
    cost_fen: Ints | None = None
    """What the arm cost for the person at once; None: nothing."""


def tabulate_assignments(columns: Columns, experiments: Sequence[Assignments]) -> pa.Table:
    """Write the table `assignments`: a row per experiment and person, within the observation."""
    return pa.concat_tables([_tabulate(columns, each) for each in experiments])


def _tabulate(columns: Columns, each: Assignments) -> pa.Table:
    kept = happened(columns.frame, each.at)
    rows = int(kept.sum())
    cost = np.zeros(rows, dtype=np.int64) if each.cost_fen is None else each.cost_fen[kept]
    stratum = (
        pa.nulls(rows, pa.string())
        if each.stratum is None
        else texts(each.strata, each.stratum[kept])
    )
    return pa.table(
        {
            "experiment": pa.repeat(each.experiment, rows),
            "user_id": columns.users(each.person[kept]),
            "arm": texts(each.arms, each.arm[kept]),
            "assigned_at": columns.instants(each.at[kept]),
            "stratum": stratum,
            "cost_cny": yuan(cost),
        }
    )
