import json
from pathlib import Path
from typing import Any

import pytest
from siyu.report.publish import point_latest
from siyu.report.runs import Run, find_latest, find_spare, read_runs, remove


def write_run(home: Path, name: str, *, state: str = "ok", variant: bool = False) -> Path:
    folder = home / name
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(json.dumps(manifest(state=state, variant=variant)))
    return folder


def manifest(*, state: str = "ok", variant: bool = False) -> dict[str, Any]:
    return {"variant": variant, "notebooks": [{"state": "ok"}, {"state": state}]}


def test_runs_are_in_the_order_of_their_days_and_numbers(tmp_path: Path) -> None:
    for name in ("2026-04-07.1", "2026-03-31.10", "2026-03-31.9"):
        write_run(tmp_path, name)
    write_run(tmp_path, "failed/2026-03-31.11", state="timeout")
    found = read_runs(tmp_path)
    assert [run.folder.name for run in found] == [
        "2026-03-31.9",
        "2026-03-31.10",
        "2026-03-31.11",
        "2026-04-07.1",
    ]
    assert [run.ok for run in found] == [True, True, False, True]


def test_there_are_no_runs_where_nothing_was_published(tmp_path: Path) -> None:
    assert read_runs(tmp_path / "weekly") == []
    assert find_latest(tmp_path / "weekly") is None


@pytest.mark.parametrize("text", [None, "", "{", "[]", "{}", '{"notebooks": 1}'])
def test_what_has_no_manifest_that_can_be_read_is_no_run(tmp_path: Path, text: str | None) -> None:
    folder = write_run(tmp_path, "2026-03-31.1")
    (folder / "manifest.json").unlink()
    if text is not None:
        (folder / "manifest.json").write_text(text)
    write_run(tmp_path, "notes")
    assert read_runs(tmp_path) == []
    point_latest(folder)
    assert find_latest(tmp_path) is None


def test_the_newest_of_each_kind_are_kept_and_what_latest_points_to(tmp_path: Path) -> None:
    days = [f"2026-03-0{day}" for day in range(1, 6)]
    for day in days:
        write_run(tmp_path, f"{day}.1")
        write_run(tmp_path, f"{day}.2", variant=True)
        write_run(tmp_path, f"failed/{day}.3", state="failed")
    point_latest(tmp_path / "2026-03-02.1")
    spare = find_spare(tmp_path, keep=2)
    assert [path.name for path in spare] == [
        *("2026-03-01.1", "2026-03-01.2", "2026-03-01.3"),
        *("2026-03-02.2", "2026-03-02.3"),
        *("2026-03-03.1", "2026-03-03.2", "2026-03-03.3"),
    ]
    remove(spare)
    assert len(read_runs(tmp_path)) == 7
    assert find_spare(tmp_path, keep=2) == []
    latest = find_latest(tmp_path)
    assert latest is not None
    assert latest.folder.name == "2026-03-02.1"


@pytest.mark.parametrize(
    ("day", "variant", "spare"),
    [
        ("2026-03-04", False, ["2026-03-01.1", "2026-03-02.1"]),
        ("2026-03-02", False, ["2026-03-01.1", "2026-03-02.1"]),
        ("2026-03-04", True, ["2026-03-01.1"]),
    ],
    ids=["moves latest", "look back", "asked for otherwise"],
)
def test_what_need_not_be_kept_after_a_run_is_known_before_it(
    tmp_path: Path, day: str, variant: bool, spare: list[str]
) -> None:
    for name in ("2026-03-01.1", "2026-03-02.1", "2026-03-03.1"):
        write_run(tmp_path, name)
    point_latest(tmp_path / "2026-03-03.1")
    coming = Run(folder=tmp_path / day, place=(day, 9), manifest=manifest(variant=variant))
    found = find_spare(tmp_path, keep=2, coming=coming)
    assert [path.name for path in found] == spare
    assert {path.name for path in find_spare(tmp_path, keep=2)} == {"2026-03-01.1"}


def test_what_a_removal_cut_short_has_left_does_not_stop_the_next(tmp_path: Path) -> None:
    folder = write_run(tmp_path, "2026-03-31.1")
    (tmp_path / ".going-2026-03-31.1" / "half").mkdir(parents=True)
    remove([folder])
    assert list(tmp_path.iterdir()) == []
