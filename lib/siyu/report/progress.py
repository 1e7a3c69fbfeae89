"""What a run says of itself: a line that renews itself on a terminal, or a line per event."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TextIO

from siyu.report.outcome import Outcome

_CLEAR = "\r\x1b[2K"
_WIDTH = 20


class Progress:
    """Tells which notebooks run, how each ended, and whatever else is of note.

    Args:
        stream: where to.
        as_json: an object per event, with `at` (UTC), `event`, `message` and what else is known.
    """

    def __init__(self, stream: TextIO, *, as_json: bool = False) -> None:
        self._stream = stream
        self._json = as_json
        self._bar = stream.isatty() and not as_json
        self.begin(0)

    def begin(self, total: int) -> None:
        """Begin anew, with so many notebooks to run."""
        self._total = total
        self._shown: set[tuple[str, str]] = set()
        self._started = time.monotonic()

    def update(self, outcomes: Mapping[str, Outcome], running: Sequence[str]) -> None:
        """Show what changed since the last call.

        Args:
            outcomes: of the notebooks that have ended.
            running: names of those that run.
        """
        for name, outcome in outcomes.items():
            why = f": {outcome.message}" if outcome.message else ""
            line = f"{name}: {outcome.state} after {outcome.seconds:.0f} s{why}"
            facts = {"state": outcome.state, "seconds": round(outcome.seconds, 1)}
            self._once("ended", name, line, **facts)
        for name in running:
            if not self._bar:
                self._once("started", name, f"{name}: started")
        if self._bar:
            self._draw(len(outcomes), running)

    def note(self, event: str, line: str, **facts: object) -> None:
        """Show a line that stays: one line, whatever is in the words.

        Args:
            event: what kind of thing happened, one word.
            line: in words.
            facts: what else is known of it, by name.
        """
        if self._json:
            at = datetime.now(UTC).isoformat(timespec="milliseconds")
            document = {"at": at, "event": event, "message": line, **facts}
            line = json.dumps(document, ensure_ascii=False)
        else:
            # What an error quotes may begin lines of its own, or command the terminal.
            line = " ".join("".join(sign if sign.isprintable() else " " for sign in line).split())
        self._write(f"{_CLEAR if self._bar else ''}{line}\n")

    def _once(self, event: str, study: str, line: str, **facts: object) -> None:
        if (event, study) not in self._shown:
            self._shown.add((event, study))
            self.note(event, line, study=study, **facts)

    def _draw(self, done: int, running: Sequence[str]) -> None:
        filled = _WIDTH * done // self._total
        bar = "█" * filled + "░" * (_WIDTH - filled)
        seconds = time.monotonic() - self._started
        line = f"{bar} {done}/{self._total} · {seconds:.0f} s"
        self._write(f"{_CLEAR}{line} · {', '.join(running)}" if running else _CLEAR)

    def _write(self, text: str) -> None:
        with contextlib.suppress(OSError):  # a log on a full disk must not cost the report
            self._stream.write(text)
            self._stream.flush()
