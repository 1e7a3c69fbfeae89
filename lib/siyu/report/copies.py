"""Copies of the notebooks in another language, to explore in JupyterLab; never committed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from siyu.findings import write
from siyu.report.outcome import plain, read_notebook
from siyu.report.problems import ConfigurationError
from siyu.report.prose import translate_to_explore

_MARK = "siyu_copy"


def write_copies(notebooks: Sequence[Path], language: str, folder: Path) -> list[str]:
    """Write translated copies of notebooks, and keep whatever somebody has made of older ones.

    Args:
        notebooks: the notebooks, each once or more often.
        language: one of `LANGUAGES`.
        folder: where the copies go; made if it is not there.

    Returns:
        Names of the files in which changed, or executed, copies of an older notebook are kept.

    Raises:
        ConfigurationError: two notebooks have one name, or the folder holds one of them.
        OSError: the folder cannot be written.
    """
    once = list(dict.fromkeys(notebooks))
    _require_room(once, folder)
    folder.mkdir(parents=True, exist_ok=True)
    kept = []
    for notebook in once:
        fresh, target = translate_to_explore(notebook, language), folder / notebook.name
        mark = _digest(fresh)
        there = read_notebook(target) or {"cells": []}
        if there.get("metadata", {}).get(_MARK) == mark:
            continue  # made of the same notebook: whatever was done with it since goes on
        if target.exists() and _is_somebodys(there):
            kept.append(_keep(target))
        fresh["metadata"][_MARK] = mark
        write(target, fresh)
    return kept


def _require_room(notebooks: Sequence[Path], folder: Path) -> None:
    names = [notebook.name for notebook in notebooks]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ConfigurationError([f"two notebooks are named {twice[0]}; rename one of them"])
    if folder.resolve() in {notebook.resolve().parent for notebook in notebooks}:
        raise ConfigurationError([f"{folder} holds the notebooks themselves; use another --out"])


def _is_somebodys(copy: Mapping[str, Any]) -> bool:
    """Whether a copy is no longer as it was written: changed, executed, or no notebook any more."""
    executed = any(cell.get("outputs") for cell in copy["cells"])
    return executed or copy.get("metadata", {}).get(_MARK) != _digest(copy)


def _keep(target: Path) -> str:
    """Move a copy that somebody has worked with out of the way."""
    number = 1
    while (aside := target.with_name(f"{target.stem}.mine-{number}.ipynb")).exists():
        number += 1
    return target.rename(aside).name


def _digest(notebook: Mapping[str, Any]) -> str:
    """Fingerprint what the cells say, whatever has been run."""
    cells = [[cell["cell_type"], plain(cell["source"])] for cell in notebook["cells"]]
    return hashlib.sha256(json.dumps(cells).encode()).hexdigest()
