"""The room that the engine has: how much memory it may take, and where it puts what is over."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import ibis.expr.types as ir
from ibis.backends.duckdb import Backend

from siyu.data.problems import Problem, SourceError

MEMORY, FOLDER = "SIYU_MEMORY_LIMIT", "SIYU_SPILL_FOLDER"
_USUAL_MEMORY = "50%"
_AMOUNT = re.compile(r"(\d+(?:\.\d+)?) ?(%|[KMGT]i?B)", re.IGNORECASE)
_PREFIX = "siyu-spill-"
_NEW_SECONDS = 60
"""A folder is locked right after it is made: one that is not, and as old as this, is nobody's."""


def memory_limit() -> str:
    """Return how much memory the engine may take: what `SIYU_MEMORY_LIMIT` says, or half of it.

    A share is one of the machine's memory, or of what the container may take.

    Raises:
        SourceError: it is no amount and no share.
    """
    asked = os.environ.get(MEMORY) or _USUAL_MEMORY
    found = _AMOUNT.fullmatch(asked.strip())
    if not found or float(found[1]) == 0 or (found[2] == "%" and float(found[1]) > 100):
        rule = f"{MEMORY} = {asked!r} must be a share or an amount of memory"
        raise SourceError(Problem(rule=rule, remedy="write such as 50% or 8GB"))
    return "".join(found.groups())


def spill_place() -> Path:
    """Return the folder that `SIYU_SPILL_FOLDER` names, or the one for temporary files."""
    return Path(os.environ.get(FOLDER) or tempfile.gettempdir()).expanduser()


@contextlib.contextmanager
def spill_folder() -> Iterator[Path]:
    """Give a folder for what does not fit into memory, and remove those of killed processes.

    Raises:
        SourceError: nothing can be written where it should be.
    """
    place = spill_place()
    try:
        _clear(place)
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=place))
    except OSError as error:
        rule = f"{FOLDER} = {str(place)!r} cannot be written to: {error.strerror}"
        remedy = "name a folder that is there, on a disk with room"
        raise SourceError(Problem(rule=rule, remedy=remedy)) from error
    # Children must not inherit it: it would be locked as long as they live.
    number = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(number, fcntl.LOCK_EX)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(number)


class Engine(Backend):  # type: ignore[misc]
    """DuckDB in this process; where it has no room left, its error says how to give it more."""

    def execute(self, expr: ir.Expr, /, **options: Any) -> Any:
        """Execute an expression, for pandas."""
        with self._saying_room():
            return super().execute(expr, **options)

    def to_pyarrow(self, expr: ir.Expr, /, **options: Any) -> Any:
        """Execute an expression, for Arrow."""
        with self._saying_room():
            return super().to_pyarrow(expr, **options)

    def create_table(self, name: str, /, *given: Any, **options: Any) -> ir.Table:
        """Keep the rows of an expression in the engine."""
        with self._saying_room():
            return super().create_table(name, *given, **options)

    @contextlib.contextmanager
    def _saying_room(self) -> Iterator[None]:
        try:
            yield
        except duckdb.OutOfMemoryException as error:
            asked = "SELECT current_setting('memory_limit')"
            ((memory,),) = self.con.execute(asked).fetchall()
            if "failed to offload" in str(error):
                rule = f"{spill_place()} is full: what does not fit into {memory} is put there"
                remedy = f"make room there, or name a folder with more room in {FOLDER}"
            else:
                rule = f"{memory} of memory do not suffice"
                remedy = f"set {MEMORY} to more, such as 8GB"
            raise SourceError(Problem(rule=rule, remedy=remedy)) from error


def _clear(place: Path) -> None:
    """Remove the folders of processes that were killed: a lock ends with its process."""
    for folder in place.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            if time.time() - folder.stat().st_mtime < _NEW_SECONDS:
                continue
            number = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
            try:
                fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder)
            finally:
                os.close(number)
