import io

from siyu.report.outcome import Outcome
from siyu.report.progress import Progress

OK = Outcome(state="ok", seconds=3.2)
BAD = Outcome(state="failed", message="ValueError: no such step", seconds=4.8)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def show(stream: io.StringIO) -> str:
    progress = Progress(stream, total=2)
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
