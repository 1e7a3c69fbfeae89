"""Run notebooks side by side, each in a child process of its own, until done or out of time."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from siyu.language import speaking
from siyu.phrases import phrase
from siyu.report.outcome import Outcome, judge

GRACE_SECONDS = 10
"""From asking the children to stop to killing them and all they started."""
_POLL_SECONDS = 0.1


@dataclass(frozen=True, kw_only=True)
class Job:
    """One notebook to run: `folder` (which exists) gets the executed notebook and its findings.

    `hidden` are the machine paths to leave out of the outcome, `language` that in which it is told.
    """

    name: str
    notebook: Path
    folder: Path
    parameters: Mapping[str, object]
    cell_timeout_seconds: float
    hidden: Sequence[tuple[str, str]] = ()
    language: str = "en"


@dataclass(frozen=True, kw_only=True)
class _Child:
    job: Job
    process: subprocess.Popen[bytes]
    result: Path
    log: Path
    started: float

    def outcome(self, *, exit_code: int | None) -> Outcome:
        result = json.loads(self.result.read_text()) if self.result.is_file() else None
        with speaking(self.job.language):
            return judge(
                self.job.folder,
                exit_code=exit_code,
                result=result,
                log=self.log.read_text(encoding="utf-8", errors="replace"),
                seconds=time.monotonic() - self.started,
                hidden=self.job.hidden,
            )


def run_all(
    jobs: Sequence[Job],
    *,
    root: Path,
    at_once: int,
    timeout_seconds: float,
    on_change: Callable[[Mapping[str, Outcome], Sequence[str]], None],
) -> dict[str, Outcome]:
    """Run notebooks, `at_once` at a time, and judge each.

    Args:
        jobs: what to run, in this order.
        root: working folder of the kernels.
        at_once: how many run side by side, at least 1.
        timeout_seconds: for all of them; what still runs then is stopped, the rest is skipped.
        on_change: called often with the outcomes so far and the names of what runs.

    Returns:
        The outcome of each job by its name, in the order of `jobs`.
    """
    outcomes: dict[str, Outcome] = {}
    waiting = list(jobs)
    running: list[_Child] = []
    deadline = time.monotonic() + timeout_seconds
    with tempfile.TemporaryDirectory(prefix="siyu-") as scratch:
        try:
            while waiting or running:
                while waiting and len(running) < at_once:
                    running.append(_start(waiting.pop(0), root=root, scratch=Path(scratch)))
                for child in [one for one in running if one.process.poll() is not None]:
                    outcomes[child.job.name] = child.outcome(exit_code=child.process.returncode)
                    running.remove(child)
                on_change(outcomes, [child.job.name for child in running])
                if time.monotonic() > deadline:
                    break
                time.sleep(_POLL_SECONDS if running else 0)
        finally:
            _stop(running)
        outcomes |= {child.job.name: child.outcome(exit_code=None) for child in running}
    for job in waiting:
        with speaking(job.language):
            outcomes[job.name] = Outcome(state="skipped", message=phrase("outcome.not_started"))
    return {job.name: outcomes[job.name] for job in jobs}


def _start(job: Job, *, root: Path, scratch: Path) -> _Child:
    # Socket paths may have about 100 characters, so the folder's name is short.
    folder = Path(tempfile.mkdtemp(dir=scratch, prefix=""))
    result, log = folder / "result.json", folder / "log.txt"
    request = {
        "notebook": str(job.notebook),
        "output": str(job.folder / "notebook.ipynb"),
        "parameters": dict(job.parameters),
        "folder": str(root),
        "sockets": str(folder / "k"),
        "cell_timeout_seconds": job.cell_timeout_seconds,
        "result": str(result),
    }
    (folder / "job.json").write_text(json.dumps(request), encoding="utf-8")
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "siyu.report.worker", str(folder / "job.json")],
            cwd=root,
            env=dict(_environment(folder)),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    return _Child(job=job, process=process, result=result, log=log, started=time.monotonic())


def _environment(folder: Path) -> Iterator[tuple[str, str]]:
    yield from os.environ.items()
    # The user's own start-up files, kernels and figure styles must not change a report; only the
    # cache of fonts, which takes seconds to build, outlives the run.
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    yield "MPLCONFIGDIR", str(cache / "siyu" / "matplotlib")
    yield "IPYTHONDIR", str(folder / "ipython")
    yield "JUPYTER_RUNTIME_DIR", str(folder / "runtime")
    yield "JUPYTER_PREFER_ENV_PATH", "1"
    # Notebooks run side by side: threads of linear algebra that wait for each other's processors
    # made a fit of 0.4 s take 15.
    yield "OPENBLAS_NUM_THREADS", os.environ.get("OPENBLAS_NUM_THREADS", "1")


def _stop(children: Sequence[_Child]) -> None:
    """Stop children with all they started: a kernel has a session of its own and outlives them."""
    family: list[psutil.Process] = []
    for child in children:
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(child.process.pid)
            family += [process, *process.children(recursive=True)]
    _send(signal.SIGTERM, family)
    end = time.monotonic() + GRACE_SECONDS
    for child in children:
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.process.wait(timeout=max(0, end - time.monotonic()))
    _send(signal.SIGKILL, family)


def _send(number: signal.Signals, processes: Sequence[psutil.Process]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)
