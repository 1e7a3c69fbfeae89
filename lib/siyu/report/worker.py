"""The child process of one notebook: run it under papermill and say what papermill raised.

Started by the runner as `python -m siyu.report.worker JOB.json`. Nothing here judges: papermill's
own account of an outcome is not reliable, so the runner reads the executed notebook itself.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

STARTUP_SECONDS = 60
IOPUB_SECONDS = 60
_WATCH_SECONDS = 0.5


def execute(job: Mapping[str, Any]) -> dict[str, str]:
    """Execute a notebook, leaving every cell's output in `job["output"]` as it goes.

    Args:
        job: notebook, output, parameters, folder (the kernel's working folder), sockets (a short
            unique path: TCP ports of parallel kernels race), cell_timeout_seconds, where_cut (what
            is said where a cell printed more than is kept).

    Returns:
        `raised` (name of the exception that ended the run, or "") and its `message`.
    """
    # They take a second, in which the watch over the runner would sleep if they came first.
    import papermill
    from traitlets.config import Config

    from siyu.report import engine

    try:
        papermill.execute_notebook(
            job["notebook"],
            job["output"],
            parameters=job["parameters"],
            engine_name=engine.NAME,
            kernel_name="python3",
            cwd=job["folder"],
            progress_bar=False,
            start_timeout=STARTUP_SECONDS,
            execution_timeout=job["cell_timeout_seconds"],
            iopub_timeout=IOPUB_SECONDS,
            config=Config({"KernelManager": {"transport": "ipc", "ip": job["sockets"]}}),
            where_cut=job["where_cut"],
        )
    except Exception as error:
        return {"raised": type(error).__name__, "message": str(error)}
    return {"raised": "", "message": ""}


def end_with(runner: int) -> None:
    """End this process, with all it started, once the runner is gone: nobody else would.

    Args:
        runner: process that started this one.
    """
    while os.getppid() == runner:
        time.sleep(_WATCH_SECONDS)
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    os._exit(1)


def main(path: Path) -> None:
    """Execute the job of a file and write what was raised to `result` of the job."""
    job = json.loads(path.read_text(encoding="utf-8"))
    threading.Thread(target=end_with, args=(job["runner"],), daemon=True).start()
    result = json.dumps(execute(job))
    Path(job["result"]).write_text(result, encoding="utf-8")


if __name__ == "__main__":
    # Where it is there, jsonschema builds a grammar of web addresses: a second, and none is checked
    sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]
    main(Path(sys.argv[1]))
