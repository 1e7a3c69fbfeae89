"""Whether a scheduled report still comes: its last success against how often it should."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from siyu.report.alerts import GATE, Incident, read_incidents
from siyu.report.lock import is_held
from siyu.report.runs import Run, read_runs

GRACE_SHARE = 0.25
"""Of the time between two runs, by which one may be late: holidays, a machine that was off."""


@dataclass(frozen=True, kw_only=True)
class Status:
    """How a report stands; `due` and `overdue` as of the last success, None without one.

    `failed` is the last run, where it failed and no success has come since, `blocked` why the data
    of the last one did not pass the gate.
    """

    last: Run | None
    failed: Run | None
    blocked: Incident | None
    finished_at: datetime | None
    due: datetime | None
    overdue: bool
    goes_on: bool


def find_status(home: Path, *, every_days: float, now: datetime) -> Status:
    """Find out how a report stands.

    Args:
        home: the folder of the configuration; it need not be there.
        every_days: days between two runs, above 0.
        now: aware.
    """
    # What a clock that ran ahead has dated would be in time until that day comes.
    runs = [run for run in read_runs(home) if not run.is_variant and _is_past(run, now)]
    runs.sort(key=_finished)
    last = next((run for run in reversed(runs) if run.ok), None)
    failed = runs[-1] if runs and not runs[-1].ok else None
    finished_at = None if last is None else datetime.fromisoformat(_finished(last))
    due = late = None
    if finished_at is not None:
        due = finished_at + timedelta(days=every_days)
        late = due + timedelta(days=every_days * GRACE_SHARE)
    return Status(
        last=last,
        failed=failed,
        blocked=read_incidents(home).get(GATE),
        finished_at=finished_at,
        due=due,
        overdue=late is None or now > late,
        goes_on=is_held(home),
    )


def describe_status(status: Status, *, now: datetime) -> Iterator[str]:
    """Yield what there is to say of a report, a line each."""
    if status.last is None or status.finished_at is None or status.due is None:
        yield "last success: none"
    else:
        days = (now - status.finished_at) / timedelta(days=1)
        written = f"{status.finished_at:%Y-%m-%d %H:%M} UTC"
        yield f"last success: as of {status.last.place[0]}, written {written}, {days:.1f} days ago"
        yield f"next due: {status.due:%Y-%m-%d %H:%M} UTC"
    if status.failed is not None:
        wrong = [one for one in status.failed.manifest["notebooks"] if one["state"] != "ok"]
        names = ", ".join(f"{one['name']} ({one['state']})" for one in wrong)
        yield f"last run failed: {status.failed.folder}: {names}"
    if status.blocked is not None:
        yield f"since {status.blocked.since}: {status.blocked.text}"
    if status.goes_on:
        yield "a run goes on"
    yield "OVERDUE" if status.overdue else "in time"


def _is_past(run: Run, now: datetime) -> bool:
    return bool(_finished(run)) and datetime.fromisoformat(_finished(run)) <= now


def _finished(run: Run) -> str:
    return str(run.manifest.get("finished_at", ""))
