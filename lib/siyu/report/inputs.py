"""What a study was made of, as one fingerprint: where it is the same, so is what comes of it."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterator
from functools import cache
from importlib import metadata, resources
from importlib.resources.abc import Traversable

from siyu.findings import PACKAGES
from siyu.report.config import Study
from siyu.report.outcome import plain, read_notebook

_NUMBERS = ("data/", "stats/", "studies/")
"""The parts of the library that make the numbers; the others word, draw and publish them."""


def fingerprint_study(study: Study, *, data: str) -> str:
    """Return the sha256 of a study's notebook, its prose, parameters and data, and the library.

    Args:
        study: with the day among its parameters.
        data: fingerprint of the source.
    """
    notebook = study.notebook
    texts = sorted(notebook.parent.glob(f"{notebook.stem}*"))
    made_of = {
        "texts": {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in texts},
        "parameters": study.parameters,
        "data": data,
        "library": _library(),
        "versions": {name: metadata.version(name) for name in PACKAGES},
        "python": platform.python_version(),
    }
    text = json.dumps(made_of, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def fingerprint_method(study: Study) -> str:
    """Return the sha256 of the code that makes a study's numbers, in its notebook and the library.

    It is another where a number may be counted otherwise, whatever its data and parameters.
    """
    cells = (read_notebook(study.notebook) or {"cells": []})["cells"]
    codes = [
        plain(cell["source"])
        for cell in cells
        if cell["cell_type"] == "code" and "parameters" not in cell["metadata"].get("tags", [])
    ]
    return hashlib.sha256(json.dumps([codes, _library(_NUMBERS)]).encode()).hexdigest()


@cache
def _library(parts: tuple[str, ...] = ("",)) -> str:
    """Fingerprint the files of the library in some of its parts; in all of them."""
    total = hashlib.sha256()
    for name, file in sorted(_files(resources.files("siyu"), "")):
        if name.startswith(parts):
            total.update(f"{name}\0".encode() + file.read_bytes())
    return total.hexdigest()


def _files(folder: Traversable, prefix: str) -> Iterator[tuple[str, Traversable]]:
    for entry in folder.iterdir():
        if not entry.is_dir():
            yield f"{prefix}{entry.name}", entry
        elif entry.name != "__pycache__":
            yield from _files(entry, f"{prefix}{entry.name}/")
