"""Measure contenders against each other: same files, same answers, same run.

Every measurement is a fresh process that has imported its engine and answered something trivial;
the contenders take turns, so that a busy machine hits all of them; the file is in the page cache.
The run fails when two contenders disagree.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.logs import find_log

RESULTS = Path(__file__).parent / "RESULTS.md"
ROOT = Path(__file__).parent.parent
_YARDSTICK = "clickhouse"
_PACKAGES = ("duckdb", "ibis-framework", "chdb", "polars", "pandas")
_PREFACE = """# How fast the studies are

Written by `make bench`, or `python -m benchmarks.<study> --save` of funnel, retention, push_timing,
rfm, future, runner, interactive and engines; their docstrings say what is asked, and that of
`benchmarks.harness` how it is measured. The contenders of a table took turns in one run and gave
the same answer. On a machine with other work to do, CPU seconds are steadier than seconds on the
wall. `GROWTH.md` says how the cost grows, `POOL.md` how fast the simulated pool is drawn.

![Each contender's time as a multiple of the fastest peer's, by study](RESULTS.png)
"""

LABELS = {
    "scan": "scan of the needed columns (floor)",
    "siyu": "**siyu** (Ibis on DuckDB)",
    "opening": "siyu, opening and checking the source",
    "clickhouse": "ClickHouse (chdb)",
    "duckdb": "DuckDB, SQL by hand",
    "polars": "Polars",
    "pandas": "pandas and NumPy",
    "prepared_first": "**siyu, prepared, first**: opened, and asked",
    "prepared_again": "**siyu, prepared, again**",
    "duckdb_again": "DuckDB, again, on tables loaded before",
    "polars_again": "Polars, again, on rows in memory",
}
"""What the results call a contender, unless its study says otherwise."""
Question = Callable[[], Iterable[Sequence[Any]]]
"""Asks, and returns the answer: rows of a name and whole numbers."""


@dataclass(frozen=True, kw_only=True)
class Study:
    """A question and those who answer it.

    name: how the results call it, and its module. contenders: by name, what gets ready on a log
    and returns the question. about: what the results call those who are not called as in `LABELS`.
    answerless: contenders beside the race, whose question has no answer. find: what to measure on,
    of a size.
    """

    name: str
    contenders: Mapping[str, Callable[[Path], Question]]
    about: Mapping[str, str] = field(default_factory=dict)
    answerless: Sequence[str] = ("scan", "opening")
    find: Callable[..., Path] = find_log

    def label(self, name: str) -> str:
        """Give what the results call a contender."""
        return self.about.get(name) or LABELS[name]


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What one question took: seconds on the clock and of all processors, and the peak memory."""

    wall_s: float
    cpu_s: float
    peak_mb: float


def run(study: Study, about: str) -> None:
    """Measure what the command line asks for, print the table, and keep it with --save."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--events", type=int, nargs="+", default=[10_000_000], help="log sizes")
    parser.add_argument("--bots", type=int, nargs="+", default=[], help="log sizes with a bot")
    parser.add_argument("--repeat", type=int, default=5, help="processes per contender")
    names = list(study.contenders)
    parser.add_argument("--only", nargs="+", choices=names, default=names)
    parser.add_argument("--save", action="store_true", help=f"write {RESULTS.name}")
    parser.add_argument("--worker", choices=names, help=argparse.SUPPRESS)
    parser.add_argument("--log", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.worker:
        work(study.contenders[asked.worker], asked.log)
        return
    logs = [*((n, False) for n in asked.events), *((n, True) for n in asked.bots)]
    for n_events, bot in logs:
        title = title_of(study, n_events) + (", and a bot of 30,000 more" if bot else "")
        table = _compare(study, n_events, bot=bot, names=asked.only, repeat=asked.repeat)
        print(f"{title}\n\n{table}\n", flush=True)
        if asked.save:
            save(title, f"{circumstances(asked.repeat)}\n\n{table}")


def title_of(study: Study, n_events: int) -> str:
    """Name the table of a study on a log of so many events."""
    return f"{study.name.capitalize()}, {n_events:,} events"


def work(get_ready: Callable[[Path], Question], log: Path) -> None:
    """Ask one contender once, in this process, and print what it took and answered as JSON."""
    question = get_ready(log)
    gc.collect()  # what getting ready has left over is not the question's
    wall, cpu = time.perf_counter(), time.process_time()
    answer = sorted([str(name), *map(int, numbers)] for name, *numbers in question())
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    # Of this program alone: that of getrusage begins at the parent's. Linux counts in KiB.
    (peak,) = re.findall(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
    print(json.dumps({"wall_s": wall, "cpu_s": cpu, "peak_mb": int(peak) / 1024, "answer": answer}))


def _compare(study: Study, n_events: int, *, bot: bool, names: Sequence[str], repeat: int) -> str:
    """Measure all contenders on one log in turns, and lay the medians out as a table."""
    log = study.find(n_events, bot=True) if bot else study.find(n_events)
    _warm(log)
    costs: dict[str, list[Cost]] = {name: [] for name in names}
    answers: dict[str, list[object]] = {}
    for turn in range(repeat):
        for name in names:
            print(f"{log.parent.name}: {turn + 1}/{repeat} {name}", file=sys.stderr, flush=True)
            found = ask(study, name, log)
            answers[name] = found.pop("answer")
            costs[name].append(Cost(**found))
    _require_equal({name: answers[name] for name in names if name not in study.answerless})
    return _table(study, {name: median(of) for name, of in costs.items()})


def _warm(log: Path) -> None:
    """Bring a file into the page cache, piece by piece."""
    with log.open("rb") as file:
        while file.read(1 << 20):
            pass


def ask(study: Study, name: str, log: Path) -> dict[str, object]:
    """Ask one contender in a process of its own; its `Cost` as a dictionary, and its `answer`."""
    module = f"benchmarks.{study.name}"
    command = [sys.executable, "-m", module, "--worker", name, "--log", str(log)]
    done = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{name} failed on {log.parent.name}:\n{done.stderr}")
    found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return found


def environment() -> dict[str, str]:
    """Give a process its environment: the library of this tree, and bytecode that is kept.

    Without the second every process would compile what it imports.
    """
    own = {"PYTHONPATH": os.pathsep.join([str(ROOT / "lib"), str(ROOT)])}
    return {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"} | own


def _require_equal(answers: dict[str, list[object]]) -> None:
    names = list(answers)
    for name in names[1:]:
        if answers[name] != answers[names[0]]:
            sys.exit(f"{name} and {names[0]} disagree:\n{answers[name]}\n{answers[names[0]]}")


def median(costs: Sequence[Cost]) -> Cost:
    """Take the median of each cost by itself."""
    return Cost(
        wall_s=statistics.median(cost.wall_s for cost in costs),
        cpu_s=statistics.median(cost.cpu_s for cost in costs),
        peak_mb=statistics.median(cost.peak_mb for cost in costs),
    )


def _table(study: Study, costs: dict[str, Cost]) -> str:
    yardstick = costs.get(_YARDSTICK)
    lines = [
        "| | wall s | CPU s | peak MB | wall / ClickHouse | CPU / ClickHouse |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for name, cost in costs.items():
        ratios = ("", "")
        if yardstick:
            ratios = (
                f"{cost.wall_s / yardstick.wall_s:.2f}",
                f"{cost.cpu_s / yardstick.cpu_s:.2f}",
            )
        cells = (f"{cost.wall_s:.2f}", f"{cost.cpu_s:.2f}", f"{cost.peak_mb:.0f}", *ratios)
        lines.append(f"| {study.label(name)} | {' | '.join(cells)} |")
    return "\n".join(lines)


def circumstances(repeat: int, packages: Sequence[str] = _PACKAGES) -> str:
    """Say how often and on what machine it was measured, with which versions of packages."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    return (
        f"Medians of {repeat}; {os.cpu_count()} cores, {memory:.0f} GB; "
        f"Python {sys.version.split()[0]}, {versions}."
    )


def save(title: str, text: str) -> None:
    """Put one table into the results, in the place of an older one of the same title."""
    kept = RESULTS.read_text(encoding="utf-8") if RESULTS.exists() else ""
    sections = dict(section.split("\n", 1) for section in kept.split("\n## ")[1:])
    sections[title] = text
    # By study, by the number of events, then without a bot before with one.
    titles = sorted(sections, key=_place)
    body = "".join(f"\n## {name}\n\n{sections[name].strip()}\n" for name in titles)
    RESULTS.write_text(_PREFACE + body, encoding="utf-8")


def _place(title: str) -> tuple[str, int, str]:
    study, _, log = title.partition(", ")
    return study, int(log.split()[0].replace(",", "")), log
