"""The judge on executed notebooks as papermill leaves them, each case of its own."""

import json
from pathlib import Path

import pytest
from siyu import findings
from siyu.report.outcome import FailingCell, Outcome, State, judge, plain, read_notebook

from tests.report.project import code, markdown, write_notebook

FINE = {"raised": "", "message": ""}
ERROR = {
    "output_type": "error",
    "ename": "ValueError",
    "evalue": "no such step",
    "traceback": ["\x1b[31mValueError\x1b[0m", "no such step"],
}


def ran(source: str, *, count: int | None = 1, error: dict[str, object] | None = None) -> dict:
    # papermill writes "completed" on every cell, whatever happened; only the start tells.
    started = "2026-03-31T00:00:00+00:00"
    cell = code(source)
    return cell | {
        "execution_count": count,
        "outputs": [error] if error else [],
        "metadata": {"papermill": {"status": "completed", "start_time": started}},
    }


def write_findings(folder: Path) -> None:
    document = findings.to_json([], notebook="n", as_of="", source="s", parameters={})
    findings.write(folder / "findings.json", document)


def judged(
    folder: Path,
    cells: list[dict],
    *,
    exit_code: int | None = 0,
    result: dict[str, str] | None = FINE,
    log: str = "",
) -> Outcome:
    write_notebook(folder / "notebook.ipynb", cells)
    return judge(folder, exit_code=exit_code, result=result, log=log, seconds=1.5)


def test_a_notebook_that_ran_to_its_end_with_valid_findings_is_ok(tmp_path: Path) -> None:
    write_findings(tmp_path)
    cells = [markdown("# Why?"), ran("1"), code(""), ran("2", count=2)]
    outcome = judged(tmp_path, cells)
    assert (outcome.state, outcome.message, outcome.cell) == ("ok", "", None)
    assert outcome.findings is not None
    assert outcome.seconds == 1.5


def test_missing_findings_make_a_run_incomplete(tmp_path: Path) -> None:
    outcome = judged(tmp_path, [ran("1")])
    assert outcome.state == "incomplete"
    assert outcome.message.startswith("findings.json: cannot be read")


def test_findings_that_break_the_contract_make_a_run_incomplete(tmp_path: Path) -> None:
    (tmp_path / "findings.json").write_text(json.dumps({"schema": 2}))
    outcome = judged(tmp_path, [ran("1")])
    assert (outcome.state, outcome.findings) == ("incomplete", None)
    assert outcome.message == "findings document: schema must be 1"


def test_an_error_output_fails_a_run_even_when_papermill_raised_nothing(tmp_path: Path) -> None:
    write_findings(tmp_path)
    outcome = judged(tmp_path, [ran("1"), ran("find(step)", count=2, error=ERROR), ran("2")])
    assert (outcome.state, outcome.message) == ("failed", "ValueError: no such step")
    assert outcome.cell == FailingCell(
        number=2, source="find(step)", traceback="ValueError\nno such step"
    )


def test_a_cell_that_never_ran_makes_a_run_incomplete(tmp_path: Path) -> None:
    write_findings(tmp_path)
    outcome = judged(tmp_path, [ran("1"), code("2")])
    assert (outcome.state, outcome.message) == ("incomplete", "not every cell has run")
    assert outcome.cell is not None
    assert outcome.cell.number == 1


@pytest.mark.parametrize(
    ("raised", "state"), [("DeadKernelError", "kernel_died"), ("CellTimeoutError", "timeout")]
)
def test_what_papermill_raises_names_the_last_cell_that_started(
    tmp_path: Path, raised: str, state: State
) -> None:
    cells = [ran("1"), ran("slow()", count=None), code("3")]
    outcome = judged(tmp_path, cells, result={"raised": raised, "message": "..."})
    assert outcome.state == state
    assert outcome.cell == FailingCell(number=2, source="slow()", traceback="")


def test_an_exception_before_any_cell_is_a_kernel_that_did_not_start(tmp_path: Path) -> None:
    result = {"raised": "RuntimeError", "message": "Kernel didn't respond"}
    outcome = judged(tmp_path, [code("1")], result=result)
    assert outcome.message == "the kernel did not start: RuntimeError: Kernel didn't respond"
    assert (outcome.state, outcome.cell) == ("kernel_died", None)


def test_any_other_exception_of_papermill_fails_a_run(tmp_path: Path) -> None:
    result = {"raised": "RuntimeError", "message": "no reply"}
    outcome = judged(tmp_path, [ran("1")], result=result)
    assert (outcome.state, outcome.message) == ("failed", "RuntimeError: no reply")


def test_a_signal_is_named(tmp_path: Path) -> None:
    outcome = judged(tmp_path, [ran("1")], exit_code=-9, result=None)
    assert (outcome.state, outcome.message) == ("killed", "the process was ended by SIGKILL")


def test_a_run_stopped_at_the_deadline_is_out_of_time(tmp_path: Path) -> None:
    outcome = judged(tmp_path, [ran("1")], exit_code=None, result=None)
    assert (outcome.state, outcome.message) == (
        "timeout",
        "stopped at the deadline of the whole run",
    )


def test_a_child_that_broke_before_its_notebook_says_its_last_words(tmp_path: Path) -> None:
    log = "Traceback ...\nImportError: no papermill\n"
    outcome = judged(tmp_path, [code("1")], exit_code=1, result=None, log=log)
    assert outcome.state == "failed"
    assert outcome.message.endswith("exit code 1; its last words: ImportError: no papermill")
    silent = judged(tmp_path, [code("1")], exit_code=1, result=None)
    assert silent.message.endswith("nothing")


def test_a_notebook_cut_off_while_being_written_is_no_notebook(tmp_path: Path) -> None:
    path = tmp_path / "notebook.ipynb"
    for text in ("", '{"cells": [', "[]"):
        path.write_text(text)
        assert read_notebook(path) is None
    outcome = judge(tmp_path, exit_code=0, result=FINE, log="", seconds=0)
    assert (outcome.state, outcome.cell) == ("failed", None)
    assert outcome.message == "the executed notebook cannot be read"
    raised = {"raised": "OSError", "message": "disk full"}
    outcome = judge(tmp_path, exit_code=0, result=raised, log="", seconds=0)
    assert outcome.message == "OSError: disk full"


def test_cells_that_papermill_adds_have_ids_that_do_not_change_from_run_to_run(
    tmp_path: Path,
) -> None:
    write_findings(tmp_path)
    added = ran("window_days = 7")
    added["metadata"]["tags"] = ["injected-parameters"]
    outcome = judged(tmp_path, [markdown("# Why?"), added, ran("2", count=2)])
    assert outcome.notebook is not None
    ids = [cell["id"] for cell in outcome.notebook["cells"]]
    assert ids == ["cell-0", "papermill-2", "cell-2"]


def test_machine_paths_are_left_out_of_everything(tmp_path: Path) -> None:
    error = ERROR | {"evalue": "/home/me/shop/a.csv", "traceback": ["in /home/me/shop/lib/x.py"]}
    write_notebook(tmp_path / "notebook.ipynb", [ran("open('/home/me/shop/a.csv')", error=error)])
    hidden = [("/home/me/shop/", "")]
    outcome = judge(tmp_path, exit_code=0, result=FINE, log="", seconds=0, hidden=hidden)
    assert outcome.message == "ValueError: a.csv"
    assert "/home/me" not in repr(outcome)


def test_errors_name_nobody(tmp_path: Path) -> None:
    known = {"u-0042", "王 小明", "=x"}
    said = "no step of u-0042 (王 小明), '=x', in 2042: u-00421, file-u-0042.csv"
    error = ERROR | {
        "evalue": f"{said}",
        "traceback": [f"\x1b[33mu-0042\x1b[0m {said}", "KeyError: '王 小明'"],
    }
    write_notebook(tmp_path / "notebook.ipynb", [ran("1 / 0", error=error)])
    outcome = judge(
        tmp_path,
        exit_code=0,
        result=FINE,
        log="",
        seconds=1,
        find_persons=lambda words: known & words,
    )
    hidden = "no step of <id> (<id>), '<id>', in 2042: u-00421, file-<id>.csv"
    assert outcome.message == f"ValueError: {hidden}"
    assert outcome.cell is not None
    assert outcome.cell.traceback == f"<id> {hidden}\nKeyError: '<id>'"
    assert "u-0042 " not in json.dumps(outcome.notebook)


def test_plain_text_has_no_terminal_colours() -> None:
    assert plain(["\x1b[1;31mred\x1b[0m", " and plain"]) == "red and plain"
