"""The library among the contenders: asked of a log as it lies, and of one that was laid out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.harness import Question
from benchmarks.logs import use_layouts

if TYPE_CHECKING:
    from siyu.data import Source

ZONE = "Asia/Shanghai"


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
        self, peers: Mapping[str, Callable[[Path], Question]]
    ) -> dict[str, Callable[[Path], Question]]:
        """List the library and its peers, by name, in the order in which the results tell them."""
        own = (self.siyu, self.opening, self.prepared_first, self.prepared_again)
        found = {one.__name__: one for one in own} | dict(peers)
        return {name: found[name] for name in _ORDER if name in found}

    def _open(self, log: Path) -> Source:
        import_module(self.study)
        from siyu.data import open_source

        return open_source(log.parent, as_of=self.last.isoformat(), timezone=ZONE)


_ORDER = (
    *("scan", "siyu", "opening", "clickhouse", "duckdb", "polars", "pandas"),
    *("prepared_first", "prepared_again", "duckdb_again", "polars_again"),
)
