"""What the pages say about one study: title, headline, status, alerts, body."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from siyu.language import spoken
from siyu.phrases import phrase
from siyu.report.config import Study
from siyu.report.content import Content, Heading
from siyu.report.outcome import Outcome, plain, read_notebook
from siyu.report.prose import read_meanings, read_prose, translate

_ERROR_MARKER = "papermill-error-cell-tag"
"""Tag of the cells that papermill adds around an error; the page has its own words for it."""
_WORST_FIRST = ("alert", "watch", "ok", "info", "insufficient")


@dataclass(frozen=True, kw_only=True)
class View:
    """One study as its page and the index show it.

    `badge` is its worst status, or its state when that is not "ok". `headline` and `body` are HTML
    made by `Content`, which escapes whatever comes from data; everything else is plain text.
    `advised` are the findings that are no alert and say what to do, the one worth most first.
    `insufficient` says each reason once, whichever numbers it is the reason for.
    `parameters` are the name, the value, the range and the meaning of each.
    """

    name: str
    title: str
    badge: str
    headline: str
    alerts: Sequence[Mapping[str, Any]]
    advised: Sequence[Mapping[str, Any]]
    watched: Sequence[Mapping[str, Any]]
    insufficient: Sequence[Mapping[str, Any]]
    headings: Sequence[Heading]
    body: str
    tables: Sequence[str]
    parameters: Sequence[tuple[str, str, str, str]]
    outcome: Outcome


def view(study: Study, outcome: Outcome, *, folder: Path) -> View:
    """Prepare one study for the pages, in the language spoken now.

    Args:
        study: the notebook and its parameters.
        outcome: what became of it; where its notebook cannot be read, the source's text is shown.
        folder: where it left its tables.
    """
    notebook = outcome.notebook or read_notebook(study.notebook) or {"cells": []}
    notebook = translate(notebook, read_prose(study.notebook, spoken()))
    cells = [cell for cell in notebook["cells"] if _ERROR_MARKER not in _tags(cell)]
    title, cells = _split_title(cells)
    content = Content()
    headline, body = _render(cells, content)
    found = (outcome.findings or {}).get("findings", [])
    meanings = read_meanings(study.notebook, spoken())
    return View(
        name=study.name,
        title=_name(study, title),
        badge=_badge(outcome, found),
        headline=headline,
        alerts=[one for one in found if one["status"] == "alert"],
        advised=_advised(found),
        watched=[one for one in found if one["status"] == "watch"],
        insufficient=list(
            {one["message"]: one for one in found if one["status"] == "insufficient"}.values()
        ),
        headings=[heading for heading in content.headings if heading.level <= 3],
        body=body,
        tables=sorted(path.name for path in folder.glob("tables/*.csv")),
        parameters=[
            (
                name,
                json.dumps(study.parameters[name], ensure_ascii=False),
                one.bounds,
                meanings.get(name, one.meaning),
            )
            for name, one in study.declared.items()
            if name != "output_dir"
        ],
        outcome=outcome,
    )


def read_title(study: Study) -> str:
    """Read the title that a study has on the pages, in the language spoken now."""
    notebook = read_notebook(study.notebook) or {"cells": []}
    title, _ = _split_title(translate(notebook, read_prose(study.notebook, spoken()))["cells"])
    return _name(study, title)


def _name(study: Study, title: str) -> str:
    title = title or study.name
    return phrase("page.in_brackets", text=title, n=study.label) if study.label else title


def _split_title(cells: Sequence[Mapping[str, Any]]) -> tuple[str, list[dict[str, Any]]]:
    """Take the title line out of the first cell: the page prints it itself."""
    rest = [dict(cell) for cell in cells]
    if rest and rest[0]["cell_type"] == "markdown":
        first, _, text = plain(rest[0]["source"]).lstrip().partition("\n")
        if first.startswith("# "):
            rest[0]["source"] = text
            return first.removeprefix("# ").strip(), rest
    return "", rest


def _render(cells: Sequence[Mapping[str, Any]], content: Content) -> tuple[str, str]:
    headline: list[str] = []
    body: list[str] = []
    for cell in cells:
        if cell["cell_type"] == "markdown":
            body.append(content.markdown(plain(cell["source"])))
        for output in cell.get("outputs", []):
            hoisted = "headline" in _tags(cell) and "text/markdown" in output.get("data", {})
            (headline if hoisted else body).append(content.output(output))
    return "\n".join(headline), "\n".join(body)


def _tags(cell: Mapping[str, Any]) -> list[str]:
    return list(cell["metadata"].get("tags", []))


def _advised(found: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    advised = [one for one in found if one.get("action") and one["status"] != "alert"]
    return sorted(advised, key=lambda one: -(one.get("worth_cny") or 0))


def _badge(outcome: Outcome, found: Sequence[Mapping[str, Any]]) -> str:
    if outcome.state != "ok":
        return outcome.state
    statuses = {one["status"] for one in found}
    return next((status for status in _WORST_FIRST if status in statuses), "info")
