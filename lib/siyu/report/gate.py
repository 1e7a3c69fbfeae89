"""The gate before a run: data that have grown old, or of which rows are missing, are not told of.

A page of last week's numbers under this week's date misleads more than no page; so what is wrong
with the data is found before a notebook starts, and the last report stays.
"""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from siyu.phrases import phrase
from siyu.report.runs import Run

RECENT_RUNS = 9
FEWEST_STEPS = 3
"""From one run to the next, of which the usual is taken: below, nothing is known to be usual."""
FEWEST_EXPECTED = 20
"""Rows; where fewer are to be expected, half of them may be missing by chance."""


class BlockedError(ValueError):
    """Data on which no run may start; `problems` holds a line for each reason."""

    def __init__(self, problems: Sequence[str], *, undelivered: Sequence[str] = ()) -> None:
        self.problems = list(problems)
        self.undelivered = undelivered
        super().__init__("\n".join(self.problems))


@dataclass(frozen=True, kw_only=True)
class Gate:
    """What the data of a run must keep; None sets no bound.

    `max_age_days` is how old their last complete day may be. `fewest_rows` is the share, in (0, 1],
    of the rows that the last run had, and of the new ones that come as a rule, that must be there.
    """

    max_age_days: int | None = None
    fewest_rows: float | None = None


def find_blocks(
    gate: Gate,
    *,
    source: str,
    as_of: date,
    today: date | None,
    rows: Mapping[str, int],
    former: Sequence[Run],
) -> list[str]:
    """Find the reasons not to run, one sentence each, in the language spoken now.

    Args:
        gate: what is asked of the data.
        source: the name of the source; runs on another one are no measure of it.
        as_of: the last complete day.
        today: of the business; None where the day was asked for, and so may be any. Data of days
            that have not come are none where they must be recent, or where earlier ones were of the
            past: a report of them would stay the last for years. Else the clock may be late.
        rows: per table, as of that day.
        former: the successes as configured, by day.
    """
    blocks = []
    age = 0 if today is None else (today - as_of).days
    known = [run for run in former if run.manifest.get("source") == source]
    past = today is not None and any(run.place[0] <= today.isoformat() for run in known)
    if age < 0 and (past or gate.max_age_days is not None):
        blocks.append(phrase("gate.ahead", day=as_of, today=today))
    if gate.max_age_days is not None and age > gate.max_age_days:
        blocks.append(phrase("gate.old", day=as_of, days=age, limit=gate.max_age_days))
    if gate.fewest_rows is not None:
        counted = {
            date.fromisoformat(run.place[0]): run.manifest["rows"]
            for run in known
            if run.manifest.get("rows")
        }
        recent = sorted((day, counts) for day, counts in counted.items() if day <= as_of)
        blocks += _missing_rows(recent[-RECENT_RUNS:], rows, as_of=as_of, share=gate.fewest_rows)
    return blocks


_Counts = tuple[date, Mapping[str, int]]


def _missing_rows(
    past: Sequence[_Counts], rows: Mapping[str, int], *, as_of: date, share: float
) -> Iterator[str]:
    if not past:
        return
    since, last = past[-1]
    for table, before in last.items():
        now = rows.get(table, 0)
        if now < share * before:
            yield phrase("gate.shrunk", table=table, rows=now, before=before, day=since)
            continue
        usual = _usual_per_day(table, past)
        expected = 0 if usual is None else usual * (as_of - since).days
        if expected >= FEWEST_EXPECTED and now - before < share * expected:
            new = max(now - before, 0)
            yield phrase("gate.few", table=table, rows=new, expected=round(expected), day=since)


def _usual_per_day(table: str, past: Sequence[_Counts]) -> float | None:
    """The median, over the steps from run to run, of the new rows a day; None: too few steps."""
    steps = [
        (after.get(table, 0) - before.get(table, 0)) / (day - since).days
        for (since, before), (day, after) in itertools.pairwise(past)
    ]
    return statistics.median(steps) if len(steps) >= FEWEST_STEPS else None
