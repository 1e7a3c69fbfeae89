"""Progress of a run: one line that renews itself on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TextIO

from siyu.report.outcome import Outcome

_CLEAR = "\r\x1b[2K"
_WIDTH = 20


class Progress:
    """Shows which notebooks run and how each ended."""

    def __init__(self, stream: TextIO, *, total: int) -> None:
        self._stream = stream
        self._total = total
        self._shown: set[str] = set()
        self._bar = stream.isatty()
        self._started = time.monotonic()

    def update(self, outcomes: Mapping[str, Outcome], running: Sequence[str]) -> None:
        """Show what changed since the last call.

        Args:
            outcomes: of the notebooks that have ended.
            running: names of those that run.
        """
        for name, outcome in outcomes.items():
            why = f": {outcome.message}" if outcome.message else ""
            self._once(f"{name}: {outcome.state} after {outcome.seconds:.0f} s{why}")
        for name in running:
            if not self._bar:
                self._once(f"{name}: started")
        if self._bar:
            self._draw(len(outcomes), running)

    def note(self, line: str) -> None:
        """Show a line that stays."""
        self._stream.write(f"{_CLEAR if self._bar else ''}{line}\n")
        self._stream.flush()

    def _once(self, line: str) -> None:
        if line not in self._shown:
            self._shown.add(line)
            self.note(line)

    def _draw(self, done: int, running: Sequence[str]) -> None:
        filled = _WIDTH * done // self._total
        bar = "█" * filled + "░" * (_WIDTH - filled)
        seconds = time.monotonic() - self._started
        line = f"{bar} {done}/{self._total} · {seconds:.0f} s"
        self._stream.write(f"{_CLEAR}{line} · {', '.join(running)}" if running else _CLEAR)
        self._stream.flush()
