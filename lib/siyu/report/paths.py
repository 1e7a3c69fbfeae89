"""Machine paths say nothing to a reader and much about a machine: they are not published."""

from __future__ import annotations

import os
import sys
import sysconfig
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_ENCODED = ("image/png", "image/jpeg", "application/pdf")
"""Base64, in which the letters of a short path such as /tmp come up by chance."""


def machine_paths(*, root: Path, folder: Path, source: Path | None) -> list[tuple[str, str]]:
    """List the paths that a run would betray, each with what stands for it, innermost first.

    Args:
        root: the project's folder; what lies in it is named from there.
        folder: where one notebook leaves its files; it stands as no folder at all.
        source: the data; outside the project they stand by their name. None: no path at all.
    """
    places = () if source is None else dict.fromkeys((str(source), os.path.realpath(source)))
    pairs = [
        (str(folder), ""),
        (str(root), "."),
        *((place, Path(place).name) for place in places),
        (sys.prefix, "<environment>"),
        (sysconfig.get_path("stdlib"), "<python>"),
        (tempfile.gettempdir(), "<temporary>"),
        (str(Path.home()), "~"),
    ]
    # A home of "/" would match everything.
    pairs = [(path, name) for path, name in pairs if len(Path(path).parts) > 1]
    inside = {"": "", ".": ""}
    return [
        pair
        for path, name in pairs
        for pair in ((f"{path}/", inside.get(name, f"{name}/")), (path, name))
    ]


def hide_in_files(folder: Path, hidden: Sequence[tuple[str, str]]) -> None:
    """Replace what is hidden in every text file of a folder; what is no text stays as it is."""
    for path in folder.rglob("*"):
        if path.is_file():
            try:
                text = path.read_bytes().decode()
            except UnicodeDecodeError:
                continue
            if (shown := without_paths(text, hidden)) != text:
                path.write_bytes(shown.encode())


def without_paths(document: Any, hidden: Sequence[tuple[str, str]]) -> Any:
    """Replace machine paths in every text of a JSON-like document, but not in encoded pictures.

    Args:
        document: lists, dictionaries and values as JSON knows them.
        hidden: pairs of a path and what stands for it, longer paths first.
    """
    if isinstance(document, dict):
        return {
            name: value if name in _ENCODED else without_paths(value, hidden)
            for name, value in document.items()
        }
    if isinstance(document, list):
        return [without_paths(value, hidden) for value in document]
    if isinstance(document, str):
        for path, replacement in hidden:
            document = document.replace(path, replacement)
    return document
