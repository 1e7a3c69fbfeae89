import fcntl
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from siyu.report import lock as module
from siyu.report.lock import LOCK, LockHeldError, lock

HOLD = """\
import sys, time
from pathlib import Path
from siyu.report.lock import lock
with lock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def hold(folder: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_lock_is_held_once_and_says_by_whom_and_since_when(tmp_path: Path) -> None:
    process = hold(tmp_path)
    try:
        with pytest.raises(LockHeldError, match=f"held by process {process.pid} since 20"):
            lock(tmp_path).__enter__()
    finally:
        process.kill()
        process.wait()


def test_a_lock_can_be_held_again_after_it_was_given_back(tmp_path: Path) -> None:
    for _ in range(2):
        with lock(tmp_path), pytest.raises(LockHeldError), lock(tmp_path):
            pass


def test_the_lock_of_a_killed_process_is_taken_over_whatever_it_wrote(tmp_path: Path) -> None:
    process = hold(tmp_path)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert json.loads((tmp_path / LOCK).read_text())["pid"] == process.pid
    with lock(tmp_path):
        assert json.loads((tmp_path / LOCK).read_text())["pid"] == os.getpid()


@pytest.mark.parametrize("text", ["", "half a {", "[1]"])
def test_what_cannot_be_read_in_the_file_is_nobody_to_fear(tmp_path: Path, text: str) -> None:
    (tmp_path / LOCK).write_text(text)
    with lock(tmp_path):
        (tmp_path / LOCK).write_text(text)
        with pytest.raises(LockHeldError, match=r"held by process \? since"):
            lock(tmp_path).__enter__()


def test_a_process_started_meanwhile_does_not_inherit_the_lock(tmp_path: Path) -> None:
    with lock(tmp_path):
        child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        with lock(tmp_path):
            pass
    finally:
        child.kill()
        child.wait()


def test_whoever_only_looks_whether_a_lock_is_held_keeps_nobody_from_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with lock(tmp_path):
        pass
    looking = (tmp_path / LOCK).open("rb")
    fcntl.flock(looking, fcntl.LOCK_SH | fcntl.LOCK_NB)
    monkeypatch.setattr(module, "sleep", lambda _: looking.close())
    with lock(tmp_path):
        assert looking.closed
