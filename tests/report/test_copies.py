"""Copies to explore: made anew when the notebook changes, and never over somebody's work."""

import json
from pathlib import Path

import pytest
from siyu.report.copies import write_copies

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
