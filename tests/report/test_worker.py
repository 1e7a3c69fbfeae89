import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from siyu.report import worker
from siyu.report.worker import execute, main

from tests.report.project import code, parameters, write_notebook

pytestmark = pytest.mark.slow


@pytest.fixture
def sockets() -> Iterator[str]:
    # Below pytest's own folders the path would be too long for a socket.
    with tempfile.TemporaryDirectory(prefix="siyu-") as folder:
        yield f"{folder}/k"


def job(folder: Path, sockets: str, source: str) -> dict[str, object]:
    return {
        "notebook": str(write_notebook(folder / "n.ipynb", [parameters(), code(source)])),
        "output": str(folder / "out.ipynb"),
        "parameters": {"entry": "first"},
        "folder": str(folder),
        "sockets": sockets,
        "cell_timeout_seconds": 60,
        "where_cut": "The rest is left out.",
        "result": str(folder / "result.json"),
        "runner": os.getppid(),
    }


def test_a_notebook_is_executed_with_its_parameters_in_the_given_folder(
    tmp_path: Path, sockets: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = job(tmp_path, sockets, "open('said.txt', 'w').write(entry);")
    (tmp_path / "job.json").write_text(json.dumps(one))
    watched: list[int] = []
    # The watch itself would outlive the test: it ends only with its process.
    monkeypatch.setattr(worker, "end_with", watched.append)
    main(tmp_path / "job.json")
    assert watched == [one["runner"]]
    assert json.loads((tmp_path / "result.json").read_text()) == {"raised": "", "message": ""}
    assert (tmp_path / "said.txt").read_text() == "first"


def test_of_what_a_cell_shows_too_much_is_left_out_and_what_is_only_large_is_kept(
    tmp_path: Path, sockets: str
) -> None:
    source = """\
from IPython.display import HTML, display
for size in (3_000_000, 9_000_000, 3_000):
    display(HTML("x" * size))"""
    assert execute(job(tmp_path, sockets, source)) == {"raised": "", "message": ""}
    cells = json.loads((tmp_path / "out.ipynb").read_text())["cells"]
    large, cut = cells[-1]["outputs"]
    assert len("".join(large["data"]["text/html"])) == 3_000_000
    assert "".join(cut["text"]) == "The rest is left out."


def test_what_papermill_raises_is_passed_on(tmp_path: Path, sockets: str) -> None:
    result = execute(job(tmp_path, sockets, "1 / 0"))
    assert result["raised"] == "PapermillExecutionError"
    assert "ZeroDivisionError" in result["message"]
