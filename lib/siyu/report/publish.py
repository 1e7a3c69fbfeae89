"""A published run: a folder that is there whole or not at all, and the link to the latest."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from siyu import findings
from siyu.report.lock import LOCK, lock
from siyu.report.outcome import Outcome, read_notebook
from siyu.report.problems import ConfigurationError
from siyu.report.runs import FAILED, GOING, LATEST, place_of, read_runs

_STAGING = ".staging"


@contextmanager
def staging(home: Path) -> Iterator[Path]:
    """Hold the lock of a configuration and give a folder in which its next run takes shape.

    What is left of the folder at the end is removed. What runs that were killed have left is
    removed before, and `latest` moved where one had no time to.

    Args:
        home: the folder of the configuration, `reports/<config name>`; made when missing.

    Raises:
        ConfigurationError: it cannot be written.
        LockHeldError: another run of the configuration goes on.
    """
    folder = home / _STAGING
    with _writing(home):
        home.mkdir(parents=True, exist_ok=True)
        (home / LOCK).touch()
    with lock(home):
        with _writing(home):
            _clear(home)
            folder.mkdir()
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _clear(home: Path) -> None:
    for folder in (home / _STAGING, *home.glob(f"{GOING}*"), *home.glob(f"{FAILED}/{GOING}*")):
        shutil.rmtree(folder, ignore_errors=True)
    for part in (*home.glob("*.part"), *home.glob("*/*.part"), *home.glob(f"{FAILED}/*/*.part")):
        part.unlink(missing_ok=True)
    successes = [run.folder for run in read_runs(home) if run.ok and not run.is_variant]
    if successes and (home / LATEST).resolve() != successes[-1].resolve():
        point_latest(successes[-1])
    (home / f".{LATEST}").unlink(missing_ok=True)


@contextmanager
def _writing(home: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        rule = f"cannot be written: {error.strerror}; name another folder by --out"
        raise ConfigurationError([f"{home} {rule}"]) from error


def take_over(former: Path, folder: Path) -> Outcome:
    """Copy what a study that went well has left in a run into another, and tell it again.

    Args:
        former: of the study, in a published run.
        folder: of the study, in the run that takes it over; must not be there.
    """
    shutil.copytree(former, folder)
    return Outcome(
        state="ok",
        notebook=read_notebook(folder / "notebook.ipynb"),
        findings=findings.read(folder / "findings.json"),
    )


def publish(staged: Path, *, home: Path, as_of: str, ok: bool) -> Path:
    """Move a finished staging folder to `<as_of>.<run>`, the next free run number of that day.

    Args:
        staged: from `staging`.
        home: the folder of the configuration.
        as_of: the last complete day, ISO.
        ok: whether all went well; a run that failed is kept apart, to be read.

    Returns:
        The published folder.
    """
    parent = home if ok else home / FAILED
    parent.mkdir(exist_ok=True)
    # Where the power fails, a name may outlive what it stood for, and pages would be empty.
    for path in staged.rglob("*"):
        if path.is_file():
            _sync(path)
    taken = [place_of(path) for path in (*home.glob("*"), *home.glob(f"{FAILED}/*"))]
    number = 1 + max((place[1] for place in taken if place and place[0] == as_of), default=0)
    while True:
        target = parent / f"{as_of}.{number}"
        try:
            os.rename(staged, target)
        except OSError as error:
            # Whatever took the name meanwhile, the next one is free.
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
                raise
            number += 1
        else:
            return target


def _sync(path: Path) -> None:
    """Have a file on the disk, and not only on its way there."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def point_latest(target: Path) -> None:
    """Make `latest`, beside a published run, point to it in one step."""
    link = target.with_name(f".{LATEST}")
    link.unlink(missing_ok=True)
    link.symlink_to(target.name)
    os.replace(link, target.with_name(LATEST))
