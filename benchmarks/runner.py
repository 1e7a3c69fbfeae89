"""Measure what a report costs beyond its notebooks: the same ones by papermill alone.

    python -m benchmarks.runner --save

The notebooks of `notebooks/weekly.yaml` run over the sample. papermill alone runs them one after
the other in one process, with the limits of a report and nothing else: a cell that kills its kernel
would end it. A report gives each a process of its own, opens and checks the source, judges what
came of them, and makes the pages; what the pages take is measured once more by itself, of the
notebooks that the report has left. CPU seconds are those of all processes. All find the same, or
the measurement fails.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import papermill
from siyu import findings
from siyu.language import speaking
from siyu.report.config import read_config
from siyu.report.outcome import Outcome, read_notebook
from siyu.report.page import render_study
from siyu.report.view import view
from siyu.report.worker import IOPUB_SECONDS, STARTUP_SECONDS

from benchmarks.harness import ROOT, Cost, circumstances, environment, median, save

CONFIG = ROOT / "notebooks" / "weekly.yaml"
ABOUT = {
    "papermill": "papermill alone, one process",
    "jobs_1": "**siyu report** `--jobs 1`",
    "jobs_2": "**siyu report** `--jobs 2`",
    "pages": "of a report, its pages",
}
_REPORT = "import sys; from siyu.cli import main; sys.exit(main())"


def main() -> None:
    """Measure the contenders in turns, print the table, and keep it with --save."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeat", type=int, default=3, help="runs of each (default: 3)")
    parser.add_argument("--save", action="store_true", help="write RESULTS.md")
    parser.add_argument("--worker", choices=("papermill", "pages"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.worker:
        {"papermill": _execute, "pages": _render}[asked.worker](asked.folder)
        return
    n_notebooks = len(read_config(CONFIG).studies)
    title, table = f"Runner, {n_notebooks} notebooks", _compare(asked.repeat)
    print(f"{title}\n\n{table}")
    if asked.save:
        save(title, f"{circumstances(asked.repeat, ('papermill', 'nbclient'))}\n\n{table}")


def _execute(folder: Path) -> None:
    """Run the notebooks by papermill alone, each into a folder of its own."""
    config = read_config(CONFIG)
    for study in config.studies:
        home = folder / study.name
        home.mkdir()
        papermill.execute_notebook(
            str(study.notebook),
            str(home / "notebook.ipynb"),
            parameters={**study.given, "source": config.source, "output_dir": str(home)},
            kernel_name="python3",
            cwd=str(config.root),
            progress_bar=False,
            start_timeout=STARTUP_SECONDS,
            execution_timeout=config.cell_timeout_seconds,
            iopub_timeout=IOPUB_SECONDS,
        )


def _render(folder: Path) -> None:
    """Make the pages of a published run once more."""
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    for study in read_config(CONFIG).studies:
        home = folder / study.name
        outcome = Outcome(
            state="ok",
            notebook=read_notebook(home / "notebook.ipynb"),
            findings=findings.read(home / "findings.json"),
        )
        with speaking("en"):
            render_study(view(study, outcome, folder=home), run=manifest)


def _compare(repeat: int) -> str:
    costs: dict[str, list[Cost]] = {name: [] for name in ABOUT}
    for turn in range(repeat):
        with tempfile.TemporaryDirectory() as scratch:
            found = {}
            for name in ("papermill", "jobs_1", "jobs_2"):
                print(f"{turn + 1}/{repeat} {name}", file=sys.stderr, flush=True)
                folder = Path(scratch) / name
                folder.mkdir()
                costs[name].append(_run(name, folder))
                published = folder / "weekly" / "latest"
                found[name] = _found(published if published.exists() else folder)
            if any(one != found["papermill"] for one in found.values()):
                sys.exit("the runs found different numbers")
            costs["pages"].append(_run("pages", published))
    return _table({name: median(of) for name, of in costs.items()})


def _run(name: str, folder: Path) -> Cost:
    """Run a contender in a process of its own, and measure it with all that it started."""
    words = ["-m", "benchmarks.runner", "--worker", name, "--folder", str(folder)]
    if name.startswith("jobs_"):
        words = ["-c", _REPORT, "report", "--jobs", name[-1], "--out", str(folder), str(CONFIG)]
    # As a report sets it: the threads of linear algebra are none of the runner's doing.
    own = environment() | {"OPENBLAS_NUM_THREADS": "1"}
    begun = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *words], cwd=ROOT, env=own, stdout=subprocess.DEVNULL
    )
    _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - begun
    if status:
        sys.exit(f"{name} failed")
    # Linux counts the peak in KiB.
    return Cost(wall_s=wall, cpu_s=used.ru_utime + used.ru_stime, peak_mb=used.ru_maxrss / 1024)


def _found(folder: Path) -> Mapping[str, object]:
    """Read the findings of all studies, by the name of the study."""
    paths = sorted(folder.glob("*/findings.json"))
    return {path.parent.name: findings.read(path)["findings"] for path in paths}


def _table(costs: Mapping[str, Cost]) -> str:
    bare = costs["papermill"]
    lines = [
        "| | wall s | CPU s | largest process MB | wall / papermill | CPU / papermill |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for name, cost in costs.items():
        cells = [f"{cost.wall_s:.1f}", f"{cost.cpu_s:.1f}", f"{cost.peak_mb:.0f}"]
        cells += [f"{cost.wall_s / bare.wall_s:.2f}", f"{cost.cpu_s / bare.cpu_s:.2f}"]
        lines.append(f"| {ABOUT[name]} | {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
