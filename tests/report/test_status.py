import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from siyu.report.alerts import GATE, Incident, write_incidents
from siyu.report.lock import lock
from siyu.report.status import describe_status, find_status

NOW = datetime(2026, 4, 8, 9, 30, tzinfo=UTC)


def write_run(
    home: Path, name: str, *, days_ago: float, state: str = "ok", variant: bool = False
) -> None:
    (home / name).mkdir(parents=True)
    manifest = {
        "variant": variant,
        "finished_at": (NOW - timedelta(days=days_ago)).isoformat(timespec="seconds"),
        "notebooks": [{"name": "01_funnel", "state": state}],
    }
    (home / name / "manifest.json").write_text(json.dumps(manifest))


def tell(home: Path) -> list[str]:
    return list(describe_status(find_status(home, every_days=7, now=NOW), now=NOW))


@pytest.mark.parametrize(("days_ago", "last"), [(1, "in time"), (8.7, "in time"), (8.8, "OVERDUE")])
def test_a_report_is_overdue_after_its_time_and_a_quarter(
    tmp_path: Path, days_ago: float, last: str
) -> None:
    write_run(tmp_path, "2026-03-31.1", days_ago=days_ago)
    assert tell(tmp_path)[-1] == last


def test_a_success_of_a_clock_that_ran_ahead_does_not_hide_that_none_comes(tmp_path: Path) -> None:
    write_run(tmp_path, "2026-03-31.1", days_ago=-400)
    assert tell(tmp_path)[-1] == "OVERDUE"


def test_the_last_success_and_the_next_are_told(tmp_path: Path) -> None:
    write_run(tmp_path, "2026-03-31.1", days_ago=7)
    write_run(tmp_path, "2026-04-07.1", days_ago=1)
    write_run(tmp_path, "2026-02-01.1", days_ago=0.5, variant=True)
    assert tell(tmp_path) == [
        "last success: as of 2026-04-07, written 2026-04-07 09:30 UTC, 1.0 days ago",
        "next due: 2026-04-14 09:30 UTC",
        "in time",
    ]


def test_a_report_that_never_came_is_overdue(tmp_path: Path) -> None:
    assert tell(tmp_path / "nowhere") == ["last success: none", "OVERDUE"]


def test_a_failure_is_told_until_a_success_comes(tmp_path: Path) -> None:
    write_run(tmp_path, "2026-03-31.1", days_ago=9)
    write_run(tmp_path, "failed/2026-04-07.1", days_ago=1, state="timeout")
    folder = tmp_path / "failed" / "2026-04-07.1"
    assert tell(tmp_path)[2:] == [f"last run failed: {folder}: 01_funnel (timeout)", "OVERDUE"]
    write_run(tmp_path, "2026-04-07.2", days_ago=0.5)
    assert tell(tmp_path)[2:] == ["in time"]


def test_a_run_that_goes_on_is_told(tmp_path: Path) -> None:
    write_run(tmp_path, "2026-03-31.1", days_ago=1)
    with lock(tmp_path):
        assert "a run goes on" in tell(tmp_path)
    assert "a run goes on" not in tell(tmp_path)


def test_data_that_did_not_pass_the_gate_are_told(tmp_path: Path) -> None:
    write_run(tmp_path, "2026-03-31.1", days_ago=9)
    text = "No report: The data end on 31 Mar 2026, 8 days ago; max_age_days is 3."
    write_incidents(tmp_path, {GATE: Incident(id=GATE, text=text, since="2026-04-07")})
    assert tell(tmp_path)[2:] == [f"since 2026-04-07: {text}", "OVERDUE"]
