import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from siyu.report.problems import ConfigurationError
from siyu.report.publish import point_latest, publish, staging


def publish_one(home: Path, text: str, *, as_of: str = "2026-03-31") -> Path:
    with staging(home) as folder:
        (folder / "index.html").write_text(text)
        return publish(folder, home=home, as_of=as_of)


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
    (tmp_path / "2026-03-31.10").mkdir()
    assert publish_one(tmp_path, "x").name == "2026-03-31.11"


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


def test_a_folder_that_cannot_be_moved_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "no space left")

    monkeypatch.setattr(os, "rename", full)
    with pytest.raises(OSError, match="no space left"):
        publish_one(tmp_path, "mine")
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_breaks_leaves_nothing_behind(tmp_path: Path) -> None:
    def break_off() -> None:
        with staging(tmp_path) as folder:
            (folder / "index.html").write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        break_off()
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_run_left_is_removed_and_what_another_run_stages_is_not(
    tmp_path: Path,
) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    alive = os.getppid()
    for pid in (dead.pid, os.getpid(), alive):
        (tmp_path / f".staging-{pid}").mkdir()
        (tmp_path / f".staging-{pid}" / "index.html").write_text("half")
    target = publish_one(tmp_path, "mine")
    assert {path.name for path in tmp_path.iterdir()} == {target.name, f".staging-{alive}"}
    assert (target / "index.html").read_text() == "mine"


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
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "2026-03-31.1",
        "2026-03-31.2",
        "latest",
    ]
