"""Every notebook keeps the house's shape, so that a reader of one can read them all."""

import ast
import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from siyu.report.outcome import plain
from siyu.report.parameters import read_parameters

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
assert NOTEBOOKS, "no notebook to look at"
MOST_LINES = 12
SET_BY_THE_RUN = {"source", "as_of", "output_dir"}

pytestmark = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def cells(path: Path, kind: str = "") -> list[dict[str, Any]]:
    notebook = json.loads(path.read_text(encoding="utf-8"))
    return [cell for cell in notebook["cells"] if kind in ("", cell["cell_type"])]


def sources(path: Path, kind: str) -> list[str]:
    return [plain(cell["source"]) for cell in cells(path, kind)]


def headings(path: Path) -> list[tuple[int, str]]:
    found = re.findall(r"^(#+) (.+)$", "\n".join(sources(path, "markdown")), flags=re.MULTILINE)
    return [(len(marks), text) for marks, text in found]


def test_a_notebook_is_stored_without_outputs(path: Path) -> None:
    for cell in cells(path, "code"):
        assert cell["outputs"] == []
        assert cell["execution_count"] is None


def test_the_kernel_is_the_environments_own(path: Path) -> None:
    metadata = json.loads(path.read_text(encoding="utf-8"))["metadata"]
    assert metadata["kernelspec"]["name"] == "python3"


def test_cells_have_ids_of_their_own(path: Path) -> None:
    ids = [cell["id"] for cell in cells(path)]
    assert all(ids)
    assert len(set(ids)) == len(ids)


def test_every_parameter_is_typed_explained_and_of_the_common_names(path: Path) -> None:
    declared = read_parameters(path)
    assert set(declared) >= SET_BY_THE_RUN
    assert [name for name, one in declared.items() if not one.comment] == []


def test_by_hand_a_notebook_writes_nothing(path: Path) -> None:
    assert read_parameters(path)["output_dir"].default == ""


def test_the_first_cell_asks_the_question(path: Path) -> None:
    first = cells(path)[0]
    assert first["cell_type"] == "markdown"
    title = plain(first["source"]).splitlines()[0]
    assert title.startswith("# ")
    assert title.endswith("?")


def test_headings_form_a_tree_under_one_title(path: Path) -> None:
    levels = [level for level, _ in headings(path)]
    assert levels.count(1) == 1
    assert all(below - above <= 1 for above, below in pairwise(levels))
    texts = [text for _, text in headings(path)]
    assert len(set(texts)) == len(texts)


def test_a_headline_is_marked_for_the_page(path: Path) -> None:
    tags = [cell["metadata"].get("tags", []) for cell in cells(path, "code")]
    assert any("headline" in one for one in tags)


def test_code_cells_are_short(path: Path) -> None:
    for source in sources(path, "code")[1:]:
        assert len([line for line in source.splitlines() if line.strip()]) <= MOST_LINES, source


def test_code_cells_call_the_library_and_define_nothing(path: Path) -> None:
    for source in sources(path, "code"):
        assert "../" not in source
        assert not re.search(r"^\s*[!%]", source, flags=re.MULTILINE)
        for node in ast.walk(ast.parse(source)):
            assert not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            assert not (isinstance(node, ast.Attribute) and ast.unparse(node) == "sys.path")


def test_no_notebook_asks_what_time_it_is(path: Path) -> None:
    for source in sources(path, "code"):
        assert not re.search(r"\b(now|today|utcnow)\(", source)


def test_no_result_is_typed_into_the_text(path: Path) -> None:
    for source in sources(path, "markdown"):
        assert not re.search(r"\d\s*%|\d\s*(pp|points|yuan)\b|[¥￥]\s*\d|\bp\s*[<=]", source), (
            source
        )
