"""Prose in another language: cell by cell, and never words whose original has changed."""

import json
from pathlib import Path

import pytest
from siyu.report.prose import (
    find_gaps,
    fingerprint,
    read_meanings,
    read_prose,
    translate,
    translate_to_explore,
)

from tests.report.project import code, markdown, parameters, write_notebook

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
PARAMETERS = """\
source: str = "data"  # folder, file or URL
window_days: float = 14.0  # (0, 60] days from the start
entry: str = "best"  # {best, first} which start counts
language: str = "en"  # {en, zh} of the text"""


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    cells = [
        markdown("# Why?\n\nWe ask."),
        parameters(PARAMETERS),
        markdown("## Because"),
        code("rate = 1"),
    ]
    for cell, name in zip(cells, ("title", "parameters", "because", "rate"), strict=True):
        cell["id"] = name
    document = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (tmp_path / "01_why.ipynb").write_text(json.dumps(document), encoding="utf-8")
    write(tmp_path, title="# 为什么？\n\n我们\n想知道。", because="## 因为", parameters=MEANINGS)
    return tmp_path / "01_why.ipynb"


MEANINGS = "- source: 文件夹\n- window_days: 窗口天数\n- entry: 从哪次算起\n- language: 语言"
ENGLISH = {"title": "# Why?\n\nWe ask.", "because": "## Because", "parameters": PARAMETERS}


def write(folder: Path, **blocks: str) -> None:
    text = [
        f"<!-- {name} {fingerprint(ENGLISH[name])} -->\n{one}\n" for name, one in blocks.items()
    ]
    (folder / "01_why.zh.md").write_text("\n".join(text), encoding="utf-8")


def sources(document: dict) -> list[str]:
    return ["".join(cell["source"]) for cell in document["cells"]]


def test_markdown_cells_get_their_translation_and_code_stays(notebook: Path) -> None:
    document = json.loads(notebook.read_text("utf-8"))
    shown = sources(translate(document, read_prose(notebook, "zh")))
    assert shown == ["# 为什么？\n\n我们想知道。", PARAMETERS, "## 因为", "rate = 1"]
    assert sources(document)[0] == "# Why?\n\nWe ask."


def test_a_cell_that_has_changed_is_shown_as_it_is_now(notebook: Path) -> None:
    document = json.loads(notebook.read_text("utf-8"))
    document["cells"][0]["source"] = "# Why not?"
    shown = sources(translate(document, read_prose(notebook, "zh")))
    assert shown[:3:2] == ["# Why not?", "## 因为"]


def test_a_line_break_moved_is_no_change() -> None:
    assert fingerprint("a b\nc") == fingerprint("a\nb c") != fingerprint("a b d")


def test_without_a_file_there_is_nothing_to_translate(tmp_path: Path) -> None:
    assert read_prose(tmp_path / "01_why.ipynb", "zh") == {}
    assert read_meanings(tmp_path / "01_why.ipynb", "zh") == {}


def test_a_copy_to_explore_speaks_the_language_and_keeps_every_range(notebook: Path) -> None:
    cell = sources(translate_to_explore(notebook, "zh"))[1]
    assert cell.splitlines() == [
        'source: str = "data"  # 文件夹',
        "window_days: float = 14.0  # (0, 60] 窗口天数",
        'entry: str = "best"  # {best, first} 从哪次算起',
        'language: str = "zh"  # {en, zh} 语言',
    ]


def test_meanings_of_parameters_that_have_changed_are_not_shown(notebook: Path) -> None:
    assert read_meanings(notebook, "zh")["entry"] == "从哪次算起"
    text = notebook.with_suffix(".zh.md").read_text("utf-8")
    now = fingerprint(PARAMETERS)
    notebook.with_suffix(".zh.md").write_text(text.replace(now, "00000000"), "utf-8")
    assert read_meanings(notebook, "zh") == {}


def test_only_a_parameters_own_line_is_explained(tmp_path: Path) -> None:
    source = (
        "a: int = 1  # days\nb: int = 2  # days between pushes\n"
        'c: list[str] = [\n    "x",\n]  # days'
    )
    write_notebook(tmp_path / "01_why.ipynb", [parameters(source)])
    block = f"<!-- parameters {fingerprint(source)} -->\n- a: 天数\n- c: 列表\n- gone: 没了\n"
    (tmp_path / "01_why.zh.md").write_text(block, "utf-8")
    (cell,) = sources(translate_to_explore(tmp_path / "01_why.ipynb", "zh"))
    assert cell == source.replace("# days\nb", "# 天数\nb").replace("]  # days", "]  # 列表")


def test_missing_stale_and_left_over_cells_are_told_with_the_line_to_write(notebook: Path) -> None:
    assert list(find_gaps(notebook, "zh")) == []
    current = fingerprint(ENGLISH["because"])
    text = notebook.with_suffix(".zh.md").read_text("utf-8")
    text = text.replace(f"because {current}", "because 00000000").replace("title", "gone", 1)
    notebook.with_suffix(".zh.md").write_text(text, "utf-8")
    line = f"<!-- title {fingerprint(ENGLISH['title'])} -->"
    assert list(find_gaps(notebook, "zh")) == [
        f"01_why.zh.md: cell 'title' is missing; translate it below the line {line}",
        "01_why.zh.md: cell 'because' has changed; look at it again, then open it by "
        f"<!-- because {current} -->",
        "01_why.zh.md: there is no cell 'gone'; remove it",
    ]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_cell_of_our_notebooks_is_translated_from_what_it_says_now(path: Path) -> None:
    assert list(find_gaps(path, "zh")) == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_parameter_of_our_notebooks_is_explained(path: Path) -> None:
    from siyu.report.parameters import read_parameters

    assert set(read_meanings(path, "zh")) == set(read_parameters(path))
