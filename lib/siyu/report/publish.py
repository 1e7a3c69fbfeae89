"""A published run: a folder that is there whole or not at all, and the link to the latest."""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from siyu.report.problems import ConfigurationError

LATEST = "latest"
_STAGING = ".staging-"


@contextmanager
def staging(home: Path) -> Iterator[Path]:
    """Give a folder beside the published runs, and remove what is left of it at the end.

    Args:
        home: the folder of the configuration, `reports/<config name>`; made when missing.

    Raises:
        ConfigurationError: it cannot be written.
    """
    folder = home / f"{_STAGING}{os.getpid()}"
    try:
        home.mkdir(parents=True, exist_ok=True)
        _clear(home)
        folder.mkdir()
    except OSError as error:
        rule = f"cannot be written: {error.strerror}; name another folder by --out"
        raise ConfigurationError([f"{home} {rule}"]) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _clear(home: Path) -> None:
    """Remove what runs that were killed have left: their process, or at least that run, is gone."""
    for folder in home.glob(f"{_STAGING}*"):
        pid = folder.name.removeprefix(_STAGING)
        if pid == str(os.getpid()) or not (pid.isdecimal() and psutil.pid_exists(int(pid))):
            shutil.rmtree(folder, ignore_errors=True)


def publish(staged: Path, *, home: Path, as_of: str) -> Path:
    """Move a finished staging folder to `<as_of>.<run>`, the next free run number of that day.

    Returns:
        The published folder.
    """
    while True:
        runs = (re.fullmatch(rf"{as_of}\.(\d+)", path.name) for path in home.iterdir())
        number = 1 + max((int(run[1]) for run in runs if run), default=0)
        target = home / f"{as_of}.{number}"
        try:
            os.rename(staged, target)
        except OSError as error:
            # Another run may have taken the number meanwhile; the next one is free.
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
        else:
            return target


def point_latest(target: Path) -> None:
    """Make `latest`, beside a published run, point to it in one step."""
    link = target.with_name(f".{LATEST}-{os.getpid()}")
    link.unlink(missing_ok=True)
    link.symlink_to(target.name)
    os.replace(link, target.with_name(LATEST))
