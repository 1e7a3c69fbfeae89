"""The prose of a notebook in another language: kept beside it, cell by cell.

`01_study.zh.md` holds a block per Markdown cell of `01_study.ipynb`, each opened by a line such as
`<!-- cell-id 1a2b3c4d -->`: the cell, and a fingerprint of the English text that was translated.
The block of the parameters cell is a list, `- name: what it means`. A cell that has changed since
is shown in English rather than in words that may no longer be true.
"""

from __future__ import annotations

import copy
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from siyu.language import join_lines
from siyu.report.outcome import plain, read_notebook
from siyu.report.parameters import read_parameters

PARAMETERS = "parameters"
_BLOCK = re.compile(r"^<!-- ([\w-]+) ([0-9a-f]{8}) -->\n", re.MULTILINE)
_MEANING = re.compile(r"^- (\w+): (.+)$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Translation:
    """One cell in another language; `of` is the fingerprint of the English it was made from."""

    text: str
    of: str


def fingerprint(text: str) -> str:
    """Fingerprint a text by its words, whatever its line breaks."""
    return hashlib.sha256(" ".join(text.split()).encode()).hexdigest()[:8]


def read_prose(notebook: Path, language: str) -> dict[str, Translation]:
    """Read the translation of a notebook, by cell id; empty where there is none."""
    file = notebook.with_suffix(f".{language}.md")
    if not file.is_file():
        return {}
    _, *blocks = _BLOCK.split(file.read_text(encoding="utf-8"))
    found = zip(blocks[::3], blocks[1::3], blocks[2::3], strict=True)
    return {cell: Translation(text=join_lines(text.strip()), of=of) for cell, of, text in found}


def translate(notebook: Mapping[str, Any], prose: Mapping[str, Translation]) -> dict[str, Any]:
    """Put the translated text into the Markdown cells that it was made from; the rest stays."""
    translated = copy.deepcopy(dict(notebook))
    for cell in translated["cells"]:
        if cell["cell_type"] == "markdown" and _is_current(cell, prose):
            cell["source"] = prose[_name(cell)].text
    return translated


def translate_to_explore(notebook: Path, language: str) -> dict[str, Any]:
    """Translate a notebook to be worked with: its prose, what its parameters mean, its language."""
    translated = translate(read_notebook(notebook) or {"cells": []}, read_prose(notebook, language))
    declared, meanings = read_parameters(notebook), read_meanings(notebook, language)
    for cell in translated["cells"]:
        if _name(cell) != PARAMETERS:
            continue
        lines = plain(cell["source"]).split("\n")
        for name, one in declared.items():
            line = lines[one.line - 1]
            if name in meanings and one.comment:
                comment = f"{one.bounds} {meanings[name]}".strip()
                lines[one.line - 1] = line.removesuffix(one.comment) + comment
        if "language" in declared:
            place = declared["language"].line - 1
            lines[place] = re.sub(r'= *"\w*"', f'= "{language}"', lines[place], count=1)
        cell["source"] = "\n".join(lines)
    return translated


def read_meanings(notebook: Path, language: str) -> dict[str, str]:
    """Read what the parameters of a notebook mean, by name, in another language.

    Empty where the parameters have changed since they were translated.
    """
    prose = read_prose(notebook, language)
    cells = (read_notebook(notebook) or {"cells": []})["cells"]
    if not any(_name(cell) == PARAMETERS and _is_current(cell, prose) for cell in cells):
        return {}
    return dict(_MEANING.findall(prose[PARAMETERS].text))


def find_gaps(notebook: Path, language: str) -> Iterator[str]:
    """Yield a line for each cell whose translation is missing, stale, or of no cell."""
    prose, file = read_prose(notebook, language), f"{notebook.stem}.{language}.md"
    cells = {
        _name(cell): cell
        for cell in (read_notebook(notebook) or {"cells": []})["cells"]
        if cell["cell_type"] == "markdown" or _name(cell) == PARAMETERS
    }
    for name, cell in cells.items():
        line = f"<!-- {name} {fingerprint(plain(cell['source']))} -->"
        if name not in prose:
            yield f"{file}: cell {name!r} is missing; translate it below the line {line}"
        elif not _is_current(cell, prose):
            yield f"{file}: cell {name!r} has changed; look at it again, then open it by {line}"
    for name in prose:
        if name not in cells:
            yield f"{file}: there is no cell {name!r}; remove it"


def _name(cell: Mapping[str, Any]) -> str:
    """Name a cell: by its id, and the one that papermill replaces by its tag."""
    tags = cell["metadata"].get("tags", [])
    return PARAMETERS if PARAMETERS in tags else str(cell.get("id", ""))


def _is_current(cell: Mapping[str, Any], prose: Mapping[str, Translation]) -> bool:
    found = prose.get(_name(cell))
    return found is not None and found.of == fingerprint(plain(cell["source"]))
