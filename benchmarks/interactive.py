"""Measure how long somebody waits in a notebook, from nothing to the first funnel.

    python -m benchmarks.interactive --save

Each is a fresh Python: the imports of the packages on which a study rests, by themselves; those of
notebook 01; and, with these, what the notebook does up to its first figure, over the sample. The
goal is 0.7 s to import siyu, 1 s to open the sample, and 2 s from there to the first funnel.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time

from benchmarks.harness import ROOT, Cost, circumstances, environment, median, save

_IMPORTS = """
from siyu import findings
from siyu.data import open_source
from siyu.figures import say, show, show_table
from siyu.language import use_language
from siyu.phrases import phrase
from siyu.studies import funnel
"""
_OPENED = f"""{_IMPORTS}
pool = open_source("data/sample")
"""
_FUNNEL = f"""{_OPENED}
pool.counts(), pool.preview("events"), pool.warnings
definition = funnel.Definition(steps=["scan", "add", "reply", "order"], window_days=14)
measures = funnel.measure(pool, definition, period_days=182, by=["channel"])
funnel.draw_steps(measures, funnel.steps(measures, level=0.95), level=0.95)
"""
_PEER = "pandas, Ibis on DuckDB and Matplotlib, imported"
_WAITS = {
    "Python alone": "",
    _PEER: "import pandas, ibis.backends.duckdb, matplotlib.figure",
    "`import siyu`": "import siyu",
    "**siyu**, the imports of notebook 01": _IMPORTS,
    "and the sample opened": _OPENED,
    "and the first funnel drawn": _FUNNEL,
}


def main() -> None:
    """Measure, print the table, and keep it with --save."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeat", type=int, default=5, help="processes of each (default: 5)")
    parser.add_argument("--save", action="store_true", help="write RESULTS.md")
    asked = parser.parse_args()
    costs: dict[str, list[Cost]] = {name: [] for name in _WAITS}
    for _ in range(asked.repeat):
        for name, lines in _WAITS.items():
            costs[name].append(_run(lines))
    peer = median(costs[_PEER])
    rows = ["| | wall s | CPU s | CPU / these packages |", "|---|--:|--:|--:|"]
    for name, found in costs.items():
        cost = median(found)
        ratio = cost.cpu_s / peer.cpu_s
        rows.append(f"| {name} | {cost.wall_s:.2f} | {cost.cpu_s:.2f} | {ratio:.2f} |")
    table = "\n".join(rows)
    print(table)
    if asked.save:
        packages = ("pandas", "ibis-framework", "duckdb", "matplotlib")
        save("Interactive, 12,000 users", f"{circumstances(asked.repeat, packages)}\n\n{table}")


def _run(lines: str) -> Cost:
    before, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, "-c", lines], cwd=ROOT, env=environment(), check=True)
    wall, after = time.perf_counter() - wall, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(wall_s=wall, cpu_s=cpu, peak_mb=0)


if __name__ == "__main__":
    main()
