import errno
import os
from pathlib import Path

import pytest
from siyu.report.lock import LOCK, LockHeldError
from siyu.report.problems import ConfigurationError
from siyu.report.publish import point_latest, publish, staging


def publish_one(home: Path, text: str, *, as_of: str = "2026-03-31", ok: bool = True) -> Path:
    with staging(home) as folder:
        (folder / "index.html").write_text(text)
        return publish(folder, home=home, as_of=as_of, ok=ok)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != LOCK)


def test_runs_of_one_day_are_numbered_and_never_overwritten(tmp_path: Path) -> None:
    first, second = publish_one(tmp_path, "first"), publish_one(tmp_path, "second")
    other = publish_one(tmp_path, "other", as_of="2026-04-07")
    assert [path.name for path in (first, second, other)] == [
        "2026-03-31.1",
        "2026-03-31.2",
        "2026-04-07.1",
    ]
    assert (first / "index.html").read_text() == "first"


def test_the_run_after_the_ninth_is_the_tenth(tmp_path: Path) -> None:
    (tmp_path / "2026-03-31.9").mkdir()
    (tmp_path / "failed" / "2026-03-31.10").mkdir(parents=True)
    assert publish_one(tmp_path, "x", ok=False).name == "2026-03-31.11"
    assert publish_one(tmp_path, "x").name == "2026-03-31.12"


def test_a_number_taken_meanwhile_by_another_run_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = os.rename

    def rename_late(source: Path, target: Path) -> None:
        if target.name == "2026-03-31.1":
            target.mkdir()
            (target / "index.html").write_text("the other run")
        rename(source, target)

    monkeypatch.setattr(os, "rename", rename_late)
    assert publish_one(tmp_path, "mine").name == "2026-03-31.2"
    assert (tmp_path / "2026-03-31.1" / "index.html").read_text() == "the other run"


def test_what_gets_its_name_is_on_the_disk_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename, fsync, synced = os.rename, os.fsync, set[str]()

    def remember(number: int) -> None:
        fsync(number)
        synced.add(Path(f"/proc/self/fd/{number}").resolve().name)

    def rename_after(source: Path, target: Path) -> None:
        assert synced == {"index.html"}
        rename(source, target)

    monkeypatch.setattr(os, "fsync", remember)
    monkeypatch.setattr(os, "rename", rename_after)
    assert publish_one(tmp_path, "whole").is_dir()


def test_a_folder_that_cannot_be_moved_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "no space left")

    monkeypatch.setattr(os, "rename", full)
    with pytest.raises(OSError, match="no space left"):
        publish_one(tmp_path, "mine")
    assert names(tmp_path) == []


def test_a_run_that_breaks_leaves_nothing_behind(tmp_path: Path) -> None:
    def break_off() -> None:
        with staging(tmp_path) as folder:
            (folder / "index.html").write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        break_off()
    assert names(tmp_path) == []


def test_what_a_killed_run_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / ".staging").mkdir()
    (tmp_path / ".staging" / "half.html").write_text("half")
    target = publish_one(tmp_path, "mine")
    assert names(tmp_path) == [target.name]
    assert names(target) == ["index.html"]


def test_a_failed_run_is_kept_apart_under_a_number_of_its_own(tmp_path: Path) -> None:
    runs = [publish_one(tmp_path, "x", ok=ok) for ok in (True, False, False, True)]
    assert [str(run.relative_to(tmp_path)) for run in runs] == [
        "2026-03-31.1",
        "failed/2026-03-31.2",
        "failed/2026-03-31.3",
        "2026-03-31.4",
    ]


def test_only_one_run_at_a_time_takes_shape(tmp_path: Path) -> None:
    with staging(tmp_path) as folder:
        with pytest.raises(LockHeldError), staging(tmp_path):
            pass
        assert folder.is_dir()


@pytest.mark.parametrize("home", ["file", "file/weekly"])
def test_a_folder_that_cannot_be_made_is_a_bad_configuration(tmp_path: Path, home: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match=r"cannot be written: .*; name another folder"):
        publish_one(tmp_path / home, "mine")


def test_latest_is_replaced_in_one_step_and_is_relative(tmp_path: Path) -> None:
    first, second = publish_one(tmp_path, "first"), publish_one(tmp_path, "second")
    point_latest(first)
    point_latest(second)
    assert os.readlink(tmp_path / "latest") == "2026-03-31.2"
    assert (tmp_path / "latest" / "index.html").read_text() == "second"
    assert names(tmp_path) == [
        "2026-03-31.1",
        "2026-03-31.2",
        "latest",
    ]
