"""What became of one notebook: decided from the executed notebook and the findings it left."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from siyu import findings
from siyu.phrases import phrase
from siyu.report.paths import without_paths

State = Literal["ok", "failed", "timeout", "kernel_died", "incomplete", "killed", "skipped"]

_PAPERMILLS_OWN = {"injected-parameters", "papermill-error-cell-tag"}
_WORD = re.compile(r"[\w.@+-]{4,}", re.ASCII)
"""As ids are written; shorter ones stand for anything and name nobody."""
_QUOTED = re.compile(r"'([^'\n]+)'")
_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


@dataclass(frozen=True, kw_only=True)
class FailingCell:
    """The cell at which a notebook stopped; `number` counts the code cells from 1."""

    number: int
    source: str
    traceback: str


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The state of one notebook, with what it left behind; `notebook` is None where unreadable."""

    state: State
    message: str = ""
    seconds: float = 0.0
    cell: FailingCell | None = None
    notebook: Mapping[str, Any] | None = None
    findings: Mapping[str, Any] | None = None


def judge(
    folder: Path,
    *,
    exit_code: int | None,
    result: Mapping[str, str] | None,
    log: str,
    seconds: float,
    hidden: Sequence[tuple[str, str]] = (),
    find_persons: Callable[[set[str]], set[str]] | None = None,
) -> Outcome:
    """Decide the outcome of a notebook.

    Args:
        folder: holds `notebook.ipynb` and `findings.json` as far as they were written.
        exit_code: of the child process; negative is a signal; None: stopped at the run's deadline.
        result: what the child says papermill raised; None when it died before saying so.
        log: what the child wrote to its standard streams.
        seconds: how long it ran.
        hidden: secrets and machine paths to leave out, see `find_secrets` and `machine_paths`.
        find_persons: of words, finds those that may name somebody; they are left out of errors,
            which quote whatever they stumbled over.

    Returns:
        "ok" only when papermill raised nothing, every code cell has run, no cell shows an error,
        and the findings file is valid.
    """
    notebook = without_paths(read_notebook(folder / "notebook.ipynb"), hidden)
    state, message = _state(notebook, exit_code=exit_code, result=result, log=log)
    document = None
    if state == "ok":
        try:
            document = without_paths(findings.read(folder / "findings.json"), hidden)
        except findings.FindingsError as error:
            state, message = "incomplete", str(error)
    message = without_paths(message, hidden)
    if find_persons and state != "ok":
        message = _hide_persons(message, notebook, find_persons)
    return Outcome(
        state=state,
        message=message,
        seconds=seconds,
        cell=None if document or notebook is None else _failing_cell(notebook),
        notebook=notebook,
        findings=document,
    )


def read_notebook(path: Path) -> dict[str, Any] | None:
    """Read a notebook file; None when there is none, or it was cut off while being written."""
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(notebook, dict) or "cells" not in notebook:
        return None
    for number, cell in enumerate(notebook["cells"], start=1):
        # Papermill's own cells get an id by chance, by which two equal runs would differ.
        if _PAPERMILLS_OWN.intersection(cell["metadata"].get("tags", [])):
            cell["id"] = f"papermill-{number}"
    return notebook


def plain(text: str | list[str]) -> str:
    """Join a notebook's multi-line text and take out terminal colours."""
    return _ANSI.sub("", text if isinstance(text, str) else "".join(text))


def _hide_persons(
    message: str,
    notebook: Mapping[str, Any] | None,
    find_persons: Callable[[set[str]], set[str]],
) -> str:
    """Leave out of the message, and of the errors in the notebook, whoever they name."""
    errors = [error for cell in _code(notebook or {"cells": []}) for error in _errors(cell)]
    texts = [message, *(plain("\n".join(error["traceback"])) for error in errors)]
    words = {word for text in texts for word in _WORD.findall(text) + _QUOTED.findall(text)}
    persons = sorted(find_persons(words | {word.strip(".@+-") for word in words}), key=len)
    if not persons:
        return message
    either = "|".join(map(re.escape, reversed(persons)))
    named = re.compile(rf"(?<![A-Za-z0-9])({either})(?![A-Za-z0-9])")
    for error in errors:
        error["evalue"] = named.sub("<id>", error["evalue"])
        error["traceback"] = [named.sub("<id>", plain(part)) for part in error["traceback"]]
    return named.sub("<id>", message)


def _state(
    notebook: Mapping[str, Any] | None,
    *,
    exit_code: int | None,
    result: Mapping[str, str] | None,
    log: str,
) -> tuple[State, str]:
    if exit_code is None:
        return "timeout", phrase("outcome.run_deadline")
    if exit_code < 0:
        return "killed", phrase("outcome.signal", name=signal.Signals(-exit_code).name)
    if result is None:
        said = log.strip().rpartition("\n")[2]
        form = "last_words" if said else "silent"
        return "failed", phrase(f"outcome.{form}", code=exit_code, said=said)
    if result["raised"] == "DeadKernelError":
        return "kernel_died", phrase("outcome.kernel_died")
    if result["raised"] == "CellTimeoutError":
        return "timeout", phrase("outcome.cell_deadline")
    if notebook is None:
        raised = f"{result['raised']}: {plain(result['message'])}" if result["raised"] else ""
        return "failed", raised or phrase("outcome.unreadable")
    errors = [output for cell in _code(notebook) for output in _errors(cell)]
    # sys.exit leaves an error output and no error: the rest of the report is missing all the same.
    if any(error["ename"] == "SystemExit" for error in errors):
        return "incomplete", phrase("outcome.left")
    if errors:
        return "failed", f"{errors[0]['ename']}: {plain(errors[0]['evalue'])}"
    if result["raised"]:
        said = f"{result['raised']}: {plain(result['message'])}"
        if _failing_cell(notebook) is None:
            return "kernel_died", phrase("outcome.kernel_not_started", said=said)
        return "failed", said
    if any(cell["execution_count"] is None for cell in _code(notebook)):
        return "incomplete", phrase("outcome.not_all")
    return "ok", ""


def _code(notebook: Mapping[str, Any]) -> list[dict[str, Any]]:
    cells = notebook["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code" and plain(cell["source"]).strip()]


def _errors(cell: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    return (output for output in cell["outputs"] if output["output_type"] == "error")


def _failing_cell(notebook: Mapping[str, Any]) -> FailingCell | None:
    """Find the cell with an error, or else the last one started: papermill marks all completed."""
    started = None
    for number, cell in enumerate(_code(notebook), start=1):
        source = plain(cell["source"])
        for error in _errors(cell):
            traceback = plain("\n".join(error["traceback"]))
            return FailingCell(number=number, source=source, traceback=traceback)
        if cell["metadata"].get("papermill", {}).get("start_time"):
            started = FailingCell(number=number, source=source, traceback="")
    return started
