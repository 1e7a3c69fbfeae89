"""Measure how the cost of a study grows with rows, with users, and with a bot among them.

    python -m benchmarks.growth --save

Each study runs as its notebook runs it, from opening and checking the source to the reduced tables,
in a fresh process; the peak is that of the whole process. The engine may take half of the memory,
and puts what is over on the disk. First rows grow, with a user for each 20; then users at the same
number of events; then one bot has 30,000 events more.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from benchmarks import push_timing_contenders, retention_contenders, rfm_contenders
from benchmarks.harness import Cost, Question, Study, ask, circumstances, work
from benchmarks.logs import STEPS, find_log
from benchmarks.order_logs import find_orders
from benchmarks.push_logs import find_pushes

RESULTS = Path(__file__).parent / "GROWTH.md"
_PREFACE = """# How the cost of a study grows

Written by `python -m benchmarks.growth --save`; its docstring says what is measured. The goal is a
hundred million rows on 2 cores within 12 GB. On a machine with other work to do, CPU
seconds are steadier than seconds on the wall.
"""
_HEAD = """| study | rows | users | wall s | CPU s | CPU µs a row | peak MB |
|---|--:|--:|--:|--:|--:|--:|"""
_USERS = (50_000, 5_000_000)


def _funnel(log: Path) -> Question:
    """Measure the funnel of half the log against the half before, by touchpoint."""
    from siyu.data import open_source
    from siyu.studies import funnel

    definition = funnel.Definition(steps=STEPS, window_days=7)

    def question() -> list[tuple[str, int]]:
        pool = open_source(log.parent)
        found = funnel.measure(pool, definition, period_days=90, by=["touchpoint"])
        return [("entered", found.n_entered)]

    return question


def _whole(contender: Callable[[Path], Question]) -> Callable[[Path], Question]:
    """Count what a contender does to get ready, too."""
    return lambda log: lambda: contender(log)()


STUDY = Study(
    name="growth",
    contenders={
        "funnel": _funnel,
        "retention": _whole(retention_contenders.LIBRARY.siyu),
        "push_timing": _whole(push_timing_contenders.LIBRARY.siyu),
        "rfm": _whole(rfm_contenders.LIBRARY.siyu),
    },
    about={"funnel": "funnel", "retention": "retention", "push_timing": "pushes", "rfm": "RFM"},
)
_FIND = {"push_timing": find_pushes, "rfm": find_orders}


def main() -> None:
    """Measure what was asked for, print the table, and keep it with --save."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    sizes = [1_000_000, 10_000_000, 50_000_000, 100_000_000]
    parser.add_argument("--events", type=int, nargs="+", default=sizes, help="log sizes")
    parser.add_argument("--at", type=int, default=10_000_000, help="events where users grow")
    parser.add_argument("--only", nargs="+", choices=[*STUDY.contenders], help="some studies")
    parser.add_argument("--save", action="store_true", help=f"write {RESULTS.name}")
    parser.add_argument("--worker", choices=[*STUDY.contenders], help=argparse.SUPPRESS)
    parser.add_argument("--log", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.worker:
        work(STUDY.contenders[asked.worker], asked.log)
        return
    lines = []
    for name in asked.only or STUDY.contenders:
        for log, n_events, users in find_logs(name, asked.events, asked.at):
            lines.append(_measure(name, log, n_events, users))
            print(lines[-1], file=sys.stderr, flush=True)
    machine = circumstances(1).partition("; ")[2]
    text = "\n".join([_PREFACE, machine, "", _HEAD, *lines, ""])
    print(text)
    if asked.save:
        RESULTS.write_text(text, encoding="utf-8")


def find_logs(
    name: str, sizes: Sequence[int], at: int, *, n_users: Sequence[int] = _USERS
) -> Iterator[tuple[Path, int, str]]:
    """Find the logs of a study, each with its rows and how many users it has.

    Args:
        name: the study.
        sizes: rows, with a user for each 20.
        at: rows of the logs whose users grow, and of that with a bot; of events only.
        n_users: how many they are.
    """
    find = _FIND.get(name, find_log)
    for n_events in sizes:
        yield find(n_events), n_events, f"{n_events // 20:,}"
    if name not in _FIND:
        for n in n_users:
            yield find_log(at, n_users=n), at, f"{n:,}"
        yield find_log(at, bot=True), at + 30_000, f"{at // 20:,} and a bot"


def _measure(name: str, log: Path, n_rows: int, users: str) -> str:
    found = ask(STUDY, name, log)
    found.pop("answer")
    cost = Cost(**found)
    per_row = 1e6 * cost.cpu_s / n_rows
    cells = [STUDY.label(name), f"{n_rows:,}", users, f"{cost.wall_s:.1f}", f"{cost.cpu_s:.1f}"]
    return f"| {' | '.join([*cells, f'{per_row:.2f}', f'{cost.peak_mb:,.0f}'])} |"


if __name__ == "__main__":
    main()
