"""The library among the contenders: asked of a log as it lies, and of one that was laid out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from benchmarks.harness import Question
from benchmarks.logs import use_layouts

if TYPE_CHECKING:
    from siyu.data import Source

ZONE = "Asia/Shanghai"
Ready = Callable[[Path], Question]
"""Gets ready to ask of a log."""


class Loads(Protocol):
    """Gets ready, and may load the log into memory before."""

    def __call__(self, log: Path, *, load: bool = False) -> Question:
        """Give the question."""


@dataclass(frozen=True, kw_only=True)
class Library:
    """A question to the library, as a notebook asks it.

    ask: asks an open source. study: the module that it imports, to get ready with. last: the last
    complete day.
    """

    ask: Callable[[Source], Iterable[Sequence[Any]]]
    study: str
    last: date

    def siyu(self, log: Path) -> Question:
        """Ask of a log as it lies, which was opened before."""
        pool = self._open(log)
        return lambda: self.ask(pool)

    def opening(self, log: Path) -> Question:
        """Open and check the source, which a notebook does once before its questions."""
        import_module(self.study)
        return lambda: self._open(log) and ()

    def prepared_first(self, log: Path) -> Question:
        """Ask of a log that was laid out before: to open it is part of the question."""
        import_module(self.study)
        from siyu.data.prepare import prepare

        use_layouts()
        prepare(log.parent, timezone=ZONE)
        return lambda: self.ask(self._open(log))

    def prepared_again(self, log: Path) -> Question:
        """Ask it once more in the same process."""
        list(self.prepared_first(log)())
        return self.siyu(log)

    def among(
        self, *, scan: Ready, clickhouse: Ready, duckdb: Loads, polars: Loads, pandas: Ready
    ) -> dict[str, Ready]:
        """Put the library among its peers; two of them can also `load` what they are asked of."""
        return {
            "scan": scan,
            "siyu": self.siyu,
            "opening": self.opening,
            "clickhouse": clickhouse,
            "duckdb": duckdb,
            "polars": polars,
            "pandas": pandas,
            "prepared_first": self.prepared_first,
            "prepared_again": self.prepared_again,
            "duckdb_again": partial(duckdb, load=True),
            "polars_again": partial(polars, load=True),
        }

    def _open(self, log: Path) -> Source:
        import_module(self.study)
        from siyu.data import open_source

        return open_source(log.parent, as_of=self.last.isoformat(), timezone=ZONE)
