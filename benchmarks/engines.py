"""Measure the same questions where the tables lie: in DuckDB, PostgreSQL and Spark.

    python -m benchmarks.engines --save

The funnel and the retention of the other benchmarks, as their notebooks measure them, over one log:
as Parquet files on DuckDB, in a PostgreSQL server, and in Spark inside this process. They take
turns, and give the same answers; the first turn is in no median, for Spark compiles in it. Seconds
are those on the wall, as servers have processes of their own. The rows are those of the reduced
tables: besides them only what is looked up leaves the engine.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from siyu.data import Source, open_source
from siyu.studies import funnel, retention

from benchmarks.harness import circumstances, save
from benchmarks.logs import STEPS, find_log
from benchmarks.retention_contenders import BACK
from tests.engines import pools, servers
from tests.engines.compare import assert_same, count_rows

_PERIOD_DAYS = 90


def _ask_funnel(pool: Source) -> Any:
    definition = funnel.Definition(steps=STEPS, window_days=7)
    return funnel.measure(pool, definition, period_days=_PERIOD_DAYS, by=["touchpoint"])


def _ask_retention(pool: Source) -> Any:
    definition = retention.Definition(kind="from", return_events=BACK)
    return retention.measure(pool, definition, period_days=_PERIOD_DAYS, by=["touchpoint"])


_QUESTIONS: dict[str, Callable[[Source], Any]] = {
    "funnel": _ask_funnel,
    "retention": _ask_retention,
}


@contextmanager
def _engines(log: Path, folder: Path) -> Iterator[dict[str, Path]]:
    """Lay a log out for each engine, and give the source that says so."""
    for file in log.parent.iterdir():
        shutil.copy(file, folder / file.name)
    with servers.run_postgres() as address, servers.set_spark_up(folder, settings=""):
        yield {
            "**DuckDB**, Parquet files": folder,
            "PostgreSQL": pools.move_to_postgres(address, folder),
            "Spark, `local[2]`": pools.declare(folder, engine="local[2]"),
        }


def main() -> None:
    """Measure, print the table, and keep it with --save."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=1_000_000, help="log size")
    parser.add_argument("--repeat", type=int, default=3, help="turns that are measured")
    parser.add_argument("--save", action="store_true", help="write RESULTS.md")
    asked = parser.parse_args()
    log = find_log(asked.events)
    with tempfile.TemporaryDirectory(prefix="shop") as folder:
        rows, n_rows = _measure(log, Path(folder), asked.repeat)
    table = "\n".join(
        [
            "| | opening s | funnel s | retention s | funnel / DuckDB | retention / DuckDB |",
            "|---|--:|--:|--:|--:|--:|",
            *rows,
            "",
            f"Rows of the reduced tables: funnel {n_rows['funnel']:,}, "
            f"retention {n_rows['retention']:,}.",
        ]
    )
    print(table)
    if asked.save:
        packages = ("ibis-framework", "duckdb", "psycopg", "pyspark")
        save(
            f"Engines, {asked.events:,} events",
            f"{circumstances(asked.repeat, packages)}\n\n{table}",
        )


def _measure(log: Path, folder: Path, repeat: int) -> tuple[list[str], dict[str, int]]:
    costs: dict[str, dict[str, list[float]]] = {}
    expected: dict[str, Any] = {}
    with _engines(log, folder) as places:
        opened = {}
        for engine, place in places.items():
            costs[engine] = {name: [] for name in ("opening", *_QUESTIONS)}
            begun = time.perf_counter()
            opened[engine] = open_source(place)
            costs[engine]["opening"].append(time.perf_counter() - begun)
        for turn in range(repeat + 1):
            for engine, pool in opened.items():
                for name, ask in _QUESTIONS.items():
                    begun = time.perf_counter()
                    answer = ask(pool)
                    if turn:
                        costs[engine][name].append(time.perf_counter() - begun)
                    assert_same(answer, expected.setdefault(name, answer))
    base = next(iter(costs.values()))
    rows = []
    for engine, found in costs.items():
        median = {name: statistics.median(times) for name, times in found.items()}
        ratios = [f"{median[name] / statistics.median(base[name]):.1f}" for name in _QUESTIONS]
        cells = [engine, *(f"{seconds:.2f}" for seconds in median.values()), *ratios]
        rows.append(f"| {' | '.join(cells)} |")
    return rows, {name: count_rows(answer) for name, answer in expected.items()}


if __name__ == "__main__":
    main()
