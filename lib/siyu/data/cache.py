"""The cache folder: what was laid out once, under a name that says of what; oldest used go first.

A layout is a folder that nothing changes once it is there. It appears whole, by a rename, and is
gone the same way; whoever has it open keeps what is open.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from siyu.data.problems import Problem, SourceError

_STAGED = ".staged-"
_STALE_S = 24 * 3600
_DEFAULT_GB = 20.0
USED = "used"
"""The file in a layout whose time says when it was last opened."""


def cache_folder() -> Path:
    """Give the folder `SIYU_CACHE`, or else `siyu` in the user's cache folder."""
    if named := os.environ.get("SIYU_CACHE"):
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")) / "siyu"


def most_bytes() -> float:
    """Give how much the folder may hold: `SIYU_CACHE_GB` (10^9 bytes), 20 unless said.

    Raises:
        SourceError: it is no number above 0.
    """
    stated = os.environ.get("SIYU_CACHE_GB") or _DEFAULT_GB
    try:
        size = float(stated)
    except ValueError:
        size = 0.0
    if not size > 0:
        rule = f"SIYU_CACHE_GB = {stated!r} must be a number above 0"
        raise SourceError(Problem(rule=rule, remedy="leave it unset for 20"))
    return size * 1e9


@contextmanager
def staging(home: Path) -> Iterator[Path]:
    """Give a folder in which a layout can be written before it is published; then it is gone."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    for left in home.glob(f"{_STAGED}*"):
        # Where it was killed, or is being removed by another process.
        if time.time() - _time(left) > _STALE_S:
            shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=_STAGED, dir=home))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def publish(staged: Path, target: Path) -> None:
    """Give a written layout its name; where another process was faster, its one stays."""
    (staged / USED).touch()
    try:
        staged.rename(target)
    except OSError:
        if not target.is_dir():
            raise


def make_room(home: Path, *, keep: Path) -> None:
    """Remove older layouts of the same source, and those unused for longest above the limit.

    Args:
        home: where the layouts lie; the name of each begins with that of its source and a dash.
        keep: the layout that stays whatever its size.
    """
    source = keep.name.partition("-")[0]
    spare = [folder for folder in home.iterdir() if folder.is_dir() and folder != keep]
    others = [folder for folder in spare if not folder.name.startswith(".")]
    for folder in others:
        if folder.name.startswith(f"{source}-"):
            remove(folder)
    others = sorted((folder for folder in others if folder.exists()), key=_last_used, reverse=True)
    left = most_bytes() - size_of(keep)
    for folder in others:
        left -= size_of(folder)
        if left < 0:
            remove(folder)


def remove(folder: Path) -> None:
    """Remove a layout, if it is still there; whoever has it open keeps what is open."""
    gone = folder.with_name(f"{_STAGED}{os.getpid()}-{folder.name}")
    try:
        folder.rename(gone)
    except OSError:  # another process was faster
        return
    shutil.rmtree(gone, ignore_errors=True)


def size_of(folder: Path) -> int:
    """Count the bytes of a layout."""
    return sum(_size(file) for file in folder.iterdir()) if folder.exists() else 0


def _last_used(folder: Path) -> float:
    return _time(folder / USED)


def _time(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:  # it is gone
        return 0.0


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0
