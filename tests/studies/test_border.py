"""Of the engine's rows, only what is left after counting crosses into pandas."""

from __future__ import annotations

import ast
import traceback
from collections import Counter
from importlib import import_module
from pathlib import Path
from typing import Any

import duckdb
import nbformat
import pytest
from siyu.data.room import Engine
from siyu.data.world import Settings
from siyu.data.world.write import write_tables
from siyu.studies.push_timing import frequency

pytestmark = pytest.mark.slow

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("0*.ipynb"))
TIMES = 3
MANY = {"events": "", "orders": "order_id", "pushes": "push_id", "group_messages": ""}
"""Tables of what happens again and again, with their keys."""
FEW = 200
"""Rows that a table of distinct amounts or of numbers received may grow by."""


@pytest.fixture(scope="module")
def pools(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A pool, and one of the same users to whom everything happened three times."""
    once, often = (tmp_path_factory.mktemp(name) for name in ("once", "often"))
    write_tables(once, Settings(users=1_500))
    for file in once.iterdir():
        (often / file.name).symlink_to(file)
    with duckdb.connect() as engine:
        for name, key in MANY.items():
            file, copy = once / f"{name}.parquet", often / f"{name}.parquet"
            copy.unlink()
            another = f"REPLACE ({key} || '-' || time AS {key})" if key else ""
            engine.execute(f"""
                COPY (SELECT * EXCLUDE (time) {another} FROM '{file}', range({TIMES}) AS t(time))
                TO '{copy}' (FORMAT parquet)
            """)
    return once, often


def asking(notebook: Path) -> list[ast.stmt]:
    """Pick the lines of a notebook that ask the engine for something, and those that they need."""
    cells = nbformat.read(notebook, as_version=4).cells
    code = [cell.source for cell in cells if cell.cell_type == "code"]
    needed: set[str] = {"source"}
    kept: list[ast.stmt] = []
    for line in reversed([line for source in code for line in ast.parse(source).body]):
        names = [node for node in ast.walk(line) if isinstance(node, ast.Name)]
        bound = {one.id for one in names if isinstance(one.ctx, ast.Store)}
        if isinstance(line, ast.Import | ast.ImportFrom):
            bound = {alias.asname or alias.name for alias in line.names}
        if bound & needed or any(map(asks, ast.walk(line))):
            kept.insert(0, line)
            needed |= {one.id for one in names}
    return kept


def asks(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    of_pool = any(isinstance(given, ast.Name) and given.id == "pool" for given in node.args)
    return of_pool or node.func.attr.startswith(("measure", "count_"))


def count_rows(notebook: Path, source: Path, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Run a notebook's questions, and count the rows that each brings out of the engine."""
    rows: Counter[str] = Counter()

    def watch(name: str) -> None:
        ask = getattr(Engine, name)

        def counted(self: Engine, *given: Any, **options: Any) -> Any:
            answer = ask(self, *given, **options)
            lines = [line for line in traceback.extract_stack() if "/siyu/" in line.filename]
            asked = next(line for line in reversed(lines) if "room.py" not in line.filename)
            place = f"{asked.filename.partition('/siyu/')[2]}:{asked.lineno}"
            rows[place] += len(answer) if hasattr(answer, "__len__") else 1
            return answer

        monkeypatch.setattr(Engine, name, counted)

    # Of more pushes than this, a part of the users stands for all.
    message = import_module("siyu.studies.push_timing.message.measure")
    monkeypatch.setattr(message, "MOST_PUSHES", 3_000)
    monkeypatch.setitem(frequency.measure.__kwdefaults__, "most_pushes", 3_000)
    for name in ("execute", "to_pyarrow"):
        watch(name)
    known: dict[str, Any] = {}
    for line in asking(notebook):
        exec(compile(ast.Module([line], []), str(notebook), "exec"), known)
        if "source" in known and known["source"] != str(source):
            known["source"] = str(source)
    monkeypatch.undo()
    return rows


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_what_a_study_takes_out_of_the_engine_does_not_grow_with_what_happened(
    notebook, pools, monkeypatch
):
    once, often = (count_rows(notebook, pool, monkeypatch) for pool in pools)
    assert len(once) > 5
    assert not {place: (once[place], n) for place, n in often.items() if n > once[place] + FEW}
