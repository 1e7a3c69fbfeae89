"""Copies to explore: made anew when the notebook changes, and never over somebody's work."""

import json
from pathlib import Path

import pytest
from siyu.report.copies import write_copies
from siyu.report.problems import ConfigurationError

from tests.report.project import good_cells, write_notebook

LANGUAGE = 'language: str = "en"  # {en, zh} of the text'


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    cells = good_cells()
    cells[1]["source"] += f"\n{LANGUAGE}"
    write_notebook(tmp_path / "notebooks" / "01_funnel.ipynb", cells)
    return tmp_path / "notebooks" / "01_funnel.ipynb"


def change(path: Path, text: str) -> None:
    document = json.loads(path.read_text("utf-8"))
    document["cells"][0]["source"] = text
    path.write_text(json.dumps(document), "utf-8")


def first_cell(path: Path) -> str:
    return "".join(json.loads(path.read_text("utf-8"))["cells"][0]["source"])


def test_a_copy_that_nobody_touched_follows_its_notebook(notebook: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copies"
    assert write_copies([notebook, notebook], "zh", folder) == []
    change(notebook, "# What else?")
    assert write_copies([notebook], "zh", folder) == []
    assert [path.name for path in folder.iterdir()] == ["01_funnel.ipynb"]
    assert first_cell(folder / "01_funnel.ipynb") == "# What else?"


def test_work_in_a_copy_goes_on_and_is_kept_when_the_notebook_changes(
    notebook: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "copies"
    copy = folder / "01_funnel.ipynb"
    write_copies([notebook], "zh", folder)
    change(copy, "# Mine")
    assert write_copies([notebook], "zh", folder) == []
    assert first_cell(copy) == "# Mine"
    for number, text in enumerate(("# What else?", "# And now?"), start=1):
        change(notebook, text)
        assert write_copies([notebook], "zh", folder) == [f"01_funnel.mine-{number}.ipynb"]
        assert first_cell(folder / f"01_funnel.mine-{number}.ipynb") == "# Mine"
        assert first_cell(copy) == text
        change(copy, "# Mine")


def test_a_copy_that_was_executed_or_is_no_notebook_any_more_is_kept(
    notebook: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "copies"
    copy = folder / "01_funnel.ipynb"
    write_copies([notebook], "zh", folder)
    document = json.loads(copy.read_text("utf-8"))
    document["cells"][2]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "80"}]
    copy.write_text(json.dumps(document), "utf-8")
    change(notebook, "# What else?")
    assert write_copies([notebook], "zh", folder) == ["01_funnel.mine-1.ipynb"]
    assert "80" in (folder / "01_funnel.mine-1.ipynb").read_text("utf-8")
    for torn in ("<<<<<<< mine", '{"cells": []}'):
        copy.write_text(torn, "utf-8")
        (name,) = write_copies([notebook], "zh", folder)
        assert (folder / name).read_text("utf-8") == torn


def test_copies_never_take_the_place_of_the_notebooks_or_of_each_other(
    notebook: Path, tmp_path: Path
) -> None:
    before = notebook.read_bytes()
    with pytest.raises(ConfigurationError, match="holds the notebooks themselves"):
        write_copies([notebook], "zh", notebook.parent)
    other = write_notebook(tmp_path / "more" / "01_funnel.ipynb", good_cells())
    with pytest.raises(ConfigurationError, match="two notebooks are named"):
        write_copies([notebook, other], "zh", tmp_path / "copies")
    assert notebook.read_bytes() == before
    assert not (tmp_path / "copies").exists()


def test_a_notebook_without_a_language_is_copied_all_the_same(tmp_path: Path) -> None:
    plain = write_notebook(tmp_path / "notebooks" / "02_plain.ipynb", good_cells())
    assert write_copies([plain], "zh", tmp_path / "copies") == []
    assert (tmp_path / "copies" / "02_plain.ipynb").is_file()
