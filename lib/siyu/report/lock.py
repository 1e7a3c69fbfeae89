"""A lock that ends with the process that holds it, however that ends."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import sleep

LOCK = ".lock"
_LOOK_SECONDS = 0.1


class LockHeldError(RuntimeError):
    """Another process holds the lock; `since` is its own account of when it began, or ""."""

    def __init__(self, path: Path) -> None:
        told = _read(path)
        self.pid, self.since = told.get("pid", "?"), told.get("since", "")
        super().__init__(f"{path} is held by process {self.pid} since {self.since}")


@contextmanager
def lock(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder.

    The system gives it back when the process ends, killed or not: what a dead process wrote into
    the file does not matter, nor that its number may be another's by now.

    Args:
        folder: that is there.

    Raises:
        LockHeldError: another process, or another part of this one, holds it.
        OSError: the file cannot be written.
    """
    path = folder / LOCK
    # Children must not inherit it: a kernel that outlives the run would hold it on.
    number = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            _take(number)
        except BlockingIOError as error:
            raise LockHeldError(path) from error
        since = datetime.now(UTC).isoformat(timespec="seconds")
        os.ftruncate(number, 0)
        os.write(number, json.dumps({"pid": os.getpid(), "since": since}).encode())
        yield
    finally:
        os.close(number)


def _take(number: int) -> None:
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        # Whoever only looks whether it is held, holds it for a moment.
        sleep(_LOOK_SECONDS)
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)


def is_held(folder: Path) -> bool:
    """Say whether a process holds the lock of a folder, which need not be there."""
    try:
        with (folder / LOCK).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _read(path: Path) -> dict[str, str]:
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {name: str(value) for name, value in told.items()} if isinstance(told, dict) else {}
