"""Copies of the notebooks in another language, to explore in JupyterLab; never committed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from siyu.findings import write
from siyu.report.outcome import plain, read_notebook
from siyu.report.prose import translate_to_explore

_MARK = "siyu_copy"


def write_copies(notebooks: Sequence[Path], language: str, folder: Path) -> list[str]:
    """Write translated copies of notebooks, and keep whatever somebody has made of older ones.

    Args:
        notebooks: the notebooks, each once or more often.
        language: one of `LANGUAGES`.
        folder: where the copies go; made if it is not there.

    Returns:
        Names of the files in which changed copies are kept.
    """
    folder.mkdir(parents=True, exist_ok=True)
    kept = []
    for notebook in dict.fromkeys(notebooks):
        fresh, target = translate_to_explore(notebook, language), folder / notebook.name
        mark = _digest(fresh)
        there = read_notebook(target)
        if there and there["metadata"].get(_MARK) == mark:
            continue  # made of the same notebook: whatever was done with it since goes on
        if there and there["metadata"].get(_MARK) != _digest(there):
            kept.append(_keep(target))
        fresh["metadata"][_MARK] = mark
        write(target, fresh)
    return kept


def _keep(target: Path) -> str:
    """Move a copy that somebody has changed out of the way."""
    number = 1
    while (aside := target.with_name(f"{target.stem}.mine-{number}.ipynb")).exists():
        number += 1
    return target.rename(aside).name


def _digest(notebook: dict[str, Any]) -> str:
    """Fingerprint what the cells say, whatever has been run."""
    cells = [[cell["cell_type"], plain(cell["source"])] for cell in notebook["cells"]]
    return hashlib.sha256(json.dumps(cells).encode()).hexdigest()
