import errno
import io
import json
import os
from dataclasses import replace
from datetime import UTC, datetime

from siyu.report.outcome import Outcome
from siyu.report.progress import Progress

OK = Outcome(state="ok", seconds=3.2)
BAD = Outcome(state="failed", message="ValueError: no such step", seconds=4.8)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Full(io.StringIO):
    """A log on a full disk."""

    def flush(self) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def show(stream: io.StringIO, *, as_json: bool = False) -> str:
    progress = Progress(stream, as_json=as_json)
    progress.begin(2)
    progress.update({}, ["funnel"])
    progress.update({}, ["funnel"])
    progress.update({"funnel": OK}, ["tiers"])
    progress.update({"funnel": OK, "tiers": BAD}, [])
    return stream.getvalue()


def test_a_log_gets_one_line_per_change() -> None:
    assert show(io.StringIO()).splitlines() == [
        "funnel: started",
        "funnel: ok after 3 s",
        "tiers: started",
        "tiers: failed after 5 s: ValueError: no such step",
    ]


def test_a_terminal_gets_a_bar_that_renews_itself_and_lines_that_stay() -> None:
    shown = show(Terminal())
    assert "░░░░░░░░░░░░░░░░░░░░ 0/2" in shown
    assert "██████████░░░░░░░░░░ 1/2" in shown
    assert shown.endswith("\r\x1b[2K")
    stay = [line.rpartition("\x1b[2K")[2] for line in shown.split("\n")]
    assert stay == ["funnel: ok after 3 s", "tiers: failed after 5 s: ValueError: no such step", ""]


def test_a_machine_gets_an_object_per_event() -> None:
    events = [json.loads(line) for line in show(Terminal(), as_json=True).splitlines()]
    assert [(one["event"], one["study"]) for one in events] == [
        *(("started", "funnel"), ("ended", "funnel")),
        *(("started", "tiers"), ("ended", "tiers")),
    ]
    assert (events[1]["state"], events[1]["seconds"]) == ("ok", 3.2)
    assert events[3]["message"] == "tiers: failed after 5 s: ValueError: no such step"
    assert datetime.fromisoformat(events[0]["at"]).tzinfo == UTC


def test_what_an_error_quotes_makes_no_line_of_its_own_and_commands_no_terminal() -> None:
    stream = io.StringIO()
    forged = "ValueError: one\ntiers: ok after 3 s\x1b]0;taken\x07\u202egnp\r"
    Progress(stream).update({"funnel": replace(BAD, message=forged)}, [])
    said = "funnel: failed after 5 s: ValueError: one tiers: ok after 3 s ]0;taken gnp\n"
    assert stream.getvalue() == said


def test_a_log_that_cannot_be_written_stops_nothing() -> None:
    assert show(Full()) != ""
