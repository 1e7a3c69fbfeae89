"""What pushes are reduced to, to study how many are too many."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import ibis.expr.types as ir
import pandas as pd

from siyu.stats.experiments import SUSPECT_RATIO_P, sample_ratio_pvalue

MOST_SHOWN = 7
"""Pushes received in the 7 days before, from which on they share a row."""
MOST_RECEIVED = 14
"""From here on more of them count as so many."""
GAPS = ("24", "48", "96", "168", "more")
"""Hours since the last push up to which each band reaches; the last: more, or none before."""
GAP_EDGES = (0, 24, 48, 96, 168)
WEEK_EDGES = (0, 2, 4, 8, 13, 26, 39, 52)
"""Weeks since the draw (or the addition) at which a band of them begins."""
UNKNOWN_WEEK = -1
OUTCOMES = ("click", "block", "leave")
DRAWN, OTHERS = "drawn", "others"
WEEKLY = ("weeks", "sent", "clicks", "blocks")
SPANS = ("sent_before", "blocks_before", "sent_now", "blocks_now")
SPAN_DAYS = 28


@dataclass(frozen=True, kw_only=True)
class Today:
    """What members get now: who is there at the end of the last SPAN_DAYS, and pushes sent in them.

    member_weeks: weeks in which members were there in those days, pushed or not.
    """

    members: int
    member_weeks: float
    sent: int

    @property
    def sent_per_week(self) -> float:
        """Pushes sent per week of a member."""
        return self.sent / self.member_weeks


@dataclass(frozen=True, kw_only=True)
class Measures:
    """Sent pushes by what came before them, and what weekly numbers bring.

    exposures: one row per user (`number`), `population` (DRAWN: 7 days or more after a weekly
        number was drawn for them; OTHERS: no number was, or not yet), `received` (sent on the 7
        days before, at most MOST_RECEIVED), `gap` (index into GAPS) and `band` (of the weeks since
        the draw, or the addition): `n` pushes, with `click` and `block` of them; `followed` of them
        for `leave_days`, with `leave`.
    kept_one_in: of so many users one is in the exposures.
    weekly: one row per drawn number (`cap`): `n` users; sums over them of WEEKLY in the weeks of 7
        days since the draw that began while they were there and are over; and of products of two.
    assigned: the same of the first `frequency_weeks` weeks of all users who were followed so long;
        `weeks` is that number for everybody.
    spans: one row per `segment`: `n` users, `n_before` and `n_now` of them pushed in each span,
        sums of SPANS and of products of two.
    segments, crossings: as in `Pushes`.
    now, before: first and last day of the spans; None where the period holds no two.
    today: how many pushes members get now; None where there are no spans, or nobody.
    n_sent, n_blocks: pushes sent in the period and followed, and the blocks that answered them.
    """

    outcome: str
    horizon_hours: int
    source: str
    first: date
    as_of: date
    min_users: int
    leave_days: int
    frequency_weeks: int
    experiment: str
    exposures: pd.DataFrame
    kept_one_in: int
    weekly: pd.DataFrame
    assigned: pd.DataFrame
    spans: pd.DataFrame
    segments: tuple[str, ...]
    crossings: Mapping[str, Mapping[str, str]]
    now: tuple[date, date] | None
    before: tuple[date, date] | None
    today: Today | None
    n_sent: int
    n_blocks: int
    has_leaving: bool

    @property
    def main(self) -> str:
        """The population that speaks: by lot, where numbers were drawn."""
        return DRAWN if (self.exposures["population"] == DRAWN).any() else OTHERS

    @property
    def is_suspect(self) -> bool:
        """Whether the numbers drawn have members as unequally as equal chances never give."""
        counted = self.assigned if "n" in self.assigned else self.weekly
        drawn = list(counted["n"]) if "n" in counted else []
        return len(drawn) > 1 and sample_ratio_pvalue(drawn, [1] * len(drawn)) < SUSPECT_RATIO_P


def sum_up(table: ir.Table, by: str, names: tuple[str, ...]) -> pd.DataFrame:
    """Sum columns, and all products of two of them, per group, in the engine.

    Returns:
        One row per group, in order: `by`, `n` rows, each name, and "first second" for each product.
    """
    cells = {name: table[name].cast("float64") for name in names}
    sums = {name: cell.sum() for name, cell in cells.items()}
    for i, first in enumerate(names):
        for second in names[i:]:
            sums[f"{first} {second}"] = (cells[first] * cells[second]).sum()
    found: pd.DataFrame = table.group_by(by).agg(n=table.count(), **sums).to_pandas()
    return found.sort_values(by, ignore_index=True)
