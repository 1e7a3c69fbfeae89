"""Measure how fast the simulated pool is drawn and written, and in how much memory.

    python -m benchmarks.pool --users 12000 100000 1000000 --save

The floor is what it costs to write the same tables again without drawing them. Every measurement is
a fresh process. The truths beside the tables cost the same for every number of people, and are left
out.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from benchmarks.harness import ROOT, environment

RESULTS = Path(__file__).parent / "POOL.md"
_PREFACE = """# How fast the simulated pool is drawn

Written by `python -m benchmarks.pool --save`; its docstring says what is measured. The goal is a
million people in two minutes, under 6 GB.
"""
_HEAD = """| people exposed | rows | MB on disk | wall s | CPU s | peak MB | times writing alone |
|--:|--:|--:|--:|--:|--:|--:|"""


def main() -> None:
    """Measure what was asked for, print the table, and keep it with --save."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--users", type=int, nargs="+", default=[12_000, 100_000])
    parser.add_argument("--repeat", type=int, default=3, help="processes per size")
    parser.add_argument("--save", action="store_true", help=f"write {RESULTS.name}")
    parser.add_argument("--worker", choices=["draw", "write"], help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.worker:
        _work(asked.worker, asked.folder, asked.users[0])
        return
    lines = [_measure(users, repeat=asked.repeat) for users in asked.users]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    about = (
        f"Medians of {asked.repeat}; {os.cpu_count()} cores, {memory:.0f} GB; Python "
        f"{sys.version.split()[0]}, numpy {version('numpy')}, pyarrow {version('pyarrow')}."
    )
    text = "\n".join([_PREFACE, about, "", _HEAD, *lines, ""])
    print(text)
    if asked.save:
        RESULTS.write_text(text, encoding="utf-8")


def _measure(users: int, *, repeat: int) -> str:
    drawn, written = [], []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for _ in range(repeat):
            drawn.append(_ask("draw", folder, users))
            written.append(_ask("write", folder, users))
        size = sum(path.stat().st_size for path in folder.rglob("*.parquet")) / 1e6
    wall, cpu, peak = (_median(drawn, key) for key in ("wall", "cpu", "peak"))
    times, rows = cpu / _median(written, "cpu"), drawn[0]["rows"]
    cells = [f"{users:,}", f"{rows:,.0f}", f"{size:,.0f}", f"{wall:.1f}", f"{cpu:.1f}"]
    return f"| {' | '.join([*cells, f'{peak:,.0f}', f'{times:.1f}'])} |"


def _median(runs: Sequence[dict[str, float]], key: str) -> float:
    return statistics.median(one[key] for one in runs)


def _ask(work: str, folder: Path, users: int) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.pool", "--worker", work]
    command += ["--folder", str(folder), "--users", str(users)]
    done = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{work} failed for {users} people:\n{done.stderr}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _work(work: str, folder: Path, users: int) -> None:
    """Draw, or write again what lies in the folder, and print what it took as JSON."""
    import pyarrow.parquet as pq
    from siyu.data.world import Settings
    from siyu.data.world.write import write_tables

    begun = time.perf_counter(), time.process_time()
    if work == "draw":
        write_tables(folder, Settings(users=users))
    else:
        for path in _parts(folder):
            pq.write_table(pq.read_table(path), path, compression="zstd", compression_level=9)
    taken = time.perf_counter() - begun[0], time.process_time() - begun[1]
    rows = sum(pq.read_metadata(path).num_rows for path in _parts(folder))
    # Linux counts the peak in KiB.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"wall": taken[0], "cpu": taken[1], "peak": peak, "rows": rows}))


def _parts(folder: Path) -> Sequence[Path]:
    return sorted(folder.rglob("*.parquet"))


if __name__ == "__main__":
    main()
