"""Run notebooks side by side, each in a child process of its own, until done or out of time."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from siyu.data.room import MEMORY
from siyu.language import speaking
from siyu.phrases import phrase
from siyu.report.lock import LOCK, LockHeldError, lock
from siyu.report.outcome import Outcome, judge
from siyu.report.problems import ConfigurationError

GRACE_SECONDS = 10
"""From asking the children to stop to killing them and all they started."""
ATTEMPTS = 3
"""For a kernel that does not start; one that dies at work, as without memory, gets a second."""
_POLL_SECONDS = 0.1
_SCRATCH, _NEW, _GONE = "siyu-run-", ".siyu-new-", ".siyu-gone-"
_NEW_SECONDS = 3600
"""A folder gets its lock and its name at once: one that has none for so long belongs to nobody."""
_LAST_WORDS_BYTES = 10_000
_SOCKET_BYTES = 103
"""What the path of a socket may have on every system."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """One notebook to run: `folder` (which exists) gets the executed notebook and its findings.

    `memory_limit_mb` is for its kernel and all that belongs to it; None sets none. `hidden` are the
    secrets and machine paths to leave out of the outcome, `find_persons` finds the words in it that
    name somebody, `language` is that in which it is told.
    """

    name: str
    notebook: Path
    folder: Path
    parameters: Mapping[str, object]
    cell_timeout_seconds: float
    memory_limit_mb: float | None = None
    hidden: Sequence[tuple[str, str]] = ()
    find_persons: Callable[[set[str]], set[str]] | None = None
    language: str = "en"


@dataclass(frozen=True, kw_only=True, eq=False)
class _Child:
    job: Job
    process: subprocess.Popen[bytes]
    result: Path
    log: Path
    started: float
    attempt: int

    def outcome(self, *, exit_code: int | None) -> Outcome:
        with speaking(self.job.language):
            return judge(
                self.job.folder,
                exit_code=exit_code,
                result=_read_result(self.result),
                log=_read_end(self.log),
                seconds=time.monotonic() - self.started,
                hidden=self.job.hidden,
                find_persons=self.job.find_persons,
            )

    def excess(self) -> str:
        """Say how much more memory it takes than it may; "" where it does not."""
        limit = self.job.memory_limit_mb
        if limit is None or (taken := _memory_mb(self.process.pid)) <= limit:
            return ""
        with speaking(self.job.language):
            return phrase("outcome.memory", taken=taken, limit=limit)


def _read_result(path: Path) -> dict[str, str] | None:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError):  # on a full disk it is cut short
        return None


def _read_end(log: Path) -> str:
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - _LAST_WORDS_BYTES))
        return file.read().decode("utf-8", errors="replace")


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

    Raises:
        ConfigurationError: the folder for temporary files has too long a name.
    """
    outcomes: dict[str, Outcome] = {}
    waiting = [(job, 1) for job in jobs]
    running: list[_Child] = []
    deadline = time.monotonic() + timeout_seconds
    with run_folder() as scratch:
        _require_short(scratch)
        try:
            while waiting or running:
                while waiting and len(running) < at_once:
                    job, attempt = waiting.pop(0)
                    room = _room(job, at_once=at_once)
                    child = _start(job, root=root, scratch=scratch, attempt=attempt, room=room)
                    running.append(child)
                for child, outcome in _ended(running):
                    running.remove(child)
                    if _try_again(child, outcome):
                        _empty(child.job.folder)
                        waiting.insert(0, (child.job, child.attempt + 1))
                    else:
                        outcomes[child.job.name] = outcome
                on_change(outcomes, [child.job.name for child in running])
                if time.monotonic() > deadline:
                    break
                time.sleep(_POLL_SECONDS if running else 0)
        finally:
            _stop(running)
            _sweep(scratch)
        outcomes |= {child.job.name: child.outcome(exit_code=None) for child in running}
    for job, _ in waiting:
        with speaking(job.language):
            outcomes[job.name] = Outcome(state="skipped", message=phrase("outcome.not_started"))
    return {job.name: outcomes[job.name] for job in jobs}


def _require_short(scratch: Path) -> None:
    """Refuse a folder in which no kernel could be spoken to, before one is waited for in vain."""
    if len(os.fsencode(scratch)) > _SOCKET_BYTES - len("/abcdefgh/k-5"):
        rule = "has too long a name for the sockets of kernels; set TMPDIR=/tmp"
        raise ConfigurationError([f"{_place()} {rule}"])


def _ended(running: Sequence[_Child]) -> list[tuple[_Child, Outcome]]:
    """Judge those that have ended, and end those that take more memory than they may."""
    ended = []
    for child in running:
        if child.process.poll() is not None:
            ended.append((child, child.outcome(exit_code=child.process.returncode)))
        elif message := child.excess():
            _stop([child])
            outcome = child.outcome(exit_code=None)
            ended.append((child, replace(outcome, state="killed", message=message)))
    return ended


def _try_again(child: _Child, outcome: Outcome) -> bool:
    """Whether another attempt may end otherwise: what a cell raises, it raises again."""
    started = outcome.cell is not None
    return outcome.state == "kernel_died" and child.attempt < (2 if started else ATTEMPTS)


def _empty(folder: Path) -> None:
    """Remove what an attempt has left, so that nothing of it is taken for the next one's."""
    shutil.rmtree(folder)
    folder.mkdir()


@contextlib.contextmanager
def own_files() -> Iterator[None]:
    """Have what this process writes for the moment, such as a large join, swept like all of a run.

    Without it, what a killed process has spilled to the disk would stay there.
    """
    with run_folder() as folder:
        before, tempfile.tempdir = tempfile.tempdir, str(folder)
        try:
            yield
        finally:
            tempfile.tempdir = before


@contextlib.contextmanager
def run_folder() -> Iterator[Path]:
    """Give a folder for the run's own files, and remove those of runs that were killed."""
    _clear()
    new = Path(tempfile.mkdtemp(prefix=_NEW, dir=_place()))
    folder = new.with_name(_SCRATCH + new.name.removeprefix(_NEW))
    try:
        with lock(new):
            # Locked from the first moment under this name, it is never taken for a dead one
            new.rename(folder)
            yield folder
    finally:
        with contextlib.suppress(OSError):
            _remove(folder)


def _remove(folder: Path) -> None:
    """Remove the folder of a run; where that is cut off, its name says that it was to go."""
    gone = folder.with_name(_GONE + folder.name.removeprefix(_SCRATCH))
    folder.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)


def _place() -> Path:
    """Find the folder for temporary files, below which `own_files` has put this process's own."""
    folder = Path(tempfile.gettempdir())
    return folder.parent if folder.name.startswith(_SCRATCH) else folder


def _clear() -> None:
    """Remove the folders of runs that are gone, and stop what may still run for them."""
    for folder in _place().glob(f"{_SCRATCH}*"):
        with contextlib.suppress(OSError, LockHeldError):
            if not (folder / LOCK).is_file() or folder.stat().st_uid != os.getuid():
                continue
            with lock(folder):
                _sweep(folder)
                _remove(folder)
    for folder in _place().glob(f"{_GONE}*"):
        with contextlib.suppress(OSError):
            if folder.stat().st_uid == os.getuid():
                shutil.rmtree(folder, ignore_errors=True)
    for folder in _place().glob(f"{_NEW}*"):
        with contextlib.suppress(OSError):
            if time.time() - folder.stat().st_mtime > _NEW_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)


def _sweep(scratch: Path) -> None:
    """Kill kernels of a run that nobody else would stop: those whose own parent was killed."""
    lost = [
        process
        for process in psutil.process_iter(["cmdline"])
        if any(word.startswith(f"{scratch}{os.sep}") for word in process.info["cmdline"] or ())
    ]
    _send(signal.SIGKILL, lost)
    psutil.wait_procs(lost, timeout=GRACE_SECONDS)


def _memory_mb(pid: int) -> float:
    """Sum up the memory that a process and all it started hold."""
    total = 0
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        for one in (process, *process.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                total += one.memory_info().rss
    return total / 1e6


def _room(job: Job, *, at_once: int) -> str:
    """Say how much memory the engine of one notebook may take.

    What is over goes to the disk before the notebook is stopped for it, or the machine has none
    left for those beside it.
    """
    if job.memory_limit_mb is not None:
        return f"{job.memory_limit_mb / 2:.0f}MB"
    return f"{min(50, 80 / at_once):.1f}%"


def _start(job: Job, *, root: Path, scratch: Path, attempt: int, room: str) -> _Child:
    # The path of a socket must be short, so the folder's name is.
    folder = Path(tempfile.mkdtemp(dir=scratch, prefix=""))
    result, log = folder / "result.json", folder / "log.txt"
    with speaking(job.language):
        where_cut = phrase("outcome.cut")
    request = {
        "notebook": str(job.notebook),
        "output": str(job.folder / "notebook.ipynb"),
        "parameters": dict(job.parameters),
        "folder": str(root),
        "sockets": str(folder / "k"),
        "cell_timeout_seconds": job.cell_timeout_seconds,
        "where_cut": where_cut,
        "result": str(result),
        "runner": os.getpid(),
    }
    (folder / "job.json").write_text(json.dumps(request), encoding="utf-8")
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "siyu.report.worker", str(folder / "job.json")],
            cwd=root,
            env=dict(_environment(folder, room)),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    return _Child(
        job=job,
        process=process,
        result=result,
        log=log,
        started=time.monotonic(),
        attempt=attempt,
    )


def _environment(folder: Path, room: str) -> Iterator[tuple[str, str]]:
    yield from os.environ.items()
    # The user's own start-up files, kernels and figure styles must not change a report; only the
    # cache of fonts, which takes seconds to build, outlives the run.
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    yield "MPLCONFIGDIR", str(cache / "siyu" / "matplotlib")
    yield "IPYTHONDIR", str(folder / "ipython")
    # What is written for the moment, the kernel's connection file too, goes with the folder.
    yield "TMPDIR", str(folder)
    yield "JUPYTER_RUNTIME_DIR", str(folder / "runtime")
    yield "JUPYTER_PREFER_ENV_PATH", "1"
    # Notebooks run side by side: threads of linear algebra that wait for each other's processors
    # made a fit of 0.4 s take 15.
    yield "OPENBLAS_NUM_THREADS", os.environ.get("OPENBLAS_NUM_THREADS", "1")
    yield MEMORY, os.environ.get(MEMORY) or room


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
