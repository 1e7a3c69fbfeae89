"""Every way in which a notebook can end, provoked with real kernels (see operations.md's table)."""

import os
import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from siyu.report.lock import LOCK
from siyu.report.outcome import Outcome
from siyu.report.paths import machine_paths
from siyu.report.problems import ConfigurationError
from siyu.report.runner import Job, run_all, run_folder

from tests.report.project import PUBLISH, code, good_cells, markdown, parameters, write_notebook

pytestmark = pytest.mark.slow

BUSY = [
    parameters(),
    code(
        "import os, pathlib\n"
        "pathlib.Path(output_dir, 'pid').write_text(str(os.getpid()))\n"
        "while True: pass"
    ),
]


def job(root: Path, name: str, cells: list[dict[str, object]], *, cell_seconds: float = 60) -> Job:
    folder = root / "staged" / name
    folder.mkdir(parents=True)
    return Job(
        name=name,
        notebook=write_notebook(root / f"{name}.ipynb", cells),
        folder=folder,
        parameters={"output_dir": str(folder), "as_of": "2026-03-31"},
        cell_timeout_seconds=cell_seconds,
        hidden=machine_paths(root=root, folder=folder, source=None),
    )


def run(
    root: Path, *jobs: Job, at_once: int = 1, seconds: float = 120
) -> tuple[dict[str, Outcome], list[Sequence[str]]]:
    seen: list[Sequence[str]] = []

    def remember(_: Mapping[str, Outcome], running: Sequence[str]) -> None:
        seen.append(running)

    outcomes = run_all(
        jobs, root=root, at_once=at_once, timeout_seconds=seconds, on_change=remember
    )
    return outcomes, seen


def run_cell(root: Path, source: str, *, cell_seconds: float = 60, tag: str = "") -> Outcome:
    cells = [markdown("# Why?"), parameters(), code(source, *[tag] * bool(tag)), code(PUBLISH)]
    outcomes, _ = run(root, job(root, "study", cells, cell_seconds=cell_seconds))
    return outcomes["study"]


def test_a_good_notebook_is_ok_and_leaves_findings_and_tables(tmp_path: Path) -> None:
    outcomes, _ = run(tmp_path, job(tmp_path, "study", good_cells()))
    outcome = outcomes["study"]
    assert (outcome.state, outcome.message) == ("ok", "")
    assert outcome.findings is not None
    assert outcome.findings["as_of"] == "2026-03-31"
    assert (tmp_path / "staged" / "study" / "tables" / "funnel.csv").is_file()
    assert str(tmp_path) not in repr(outcome)


@pytest.mark.parametrize(("given", "used"), [(None, "1"), ("2", "2")])
def test_linear_algebra_of_notebooks_side_by_side_takes_one_thread_unless_told_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str | None, used: str
) -> None:
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    if given:
        monkeypatch.setenv("OPENBLAS_NUM_THREADS", given)
    source = f"import os; assert os.environ['OPENBLAS_NUM_THREADS'] == '{used}'"
    assert run_cell(tmp_path, source).state == "ok"


def test_a_kernel_is_spoken_to_in_the_runs_own_folder_and_knows_no_start_up_file_of_a_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    startup = tmp_path / "own" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "00.py").write_text("1 / 0\ntaken = True")
    (tmp_path / "own" / "matplotlibrc").write_text("figure.dpi: 7")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "own"))
    monkeypatch.setenv("MPLCONFIGDIR", str(tmp_path / "own"))
    source = """\
import json, os, matplotlib
from ipykernel import get_connection_file
told = json.load(open(get_connection_file()))
own = os.environ["TMPDIR"]
assert told["transport"] == "ipc" and told["ip"].startswith(own + "/"), told
assert os.path.basename(os.path.dirname(own)).startswith("siyu-run-"), own
assert matplotlib.rcParams["figure.dpi"] != 7
assert "taken" not in globals()"""
    outcome = run_cell(tmp_path, source)
    assert (outcome.state, outcome.message) == ("ok", "")


def test_a_cell_that_raises_fails_with_its_source_and_traceback(tmp_path: Path) -> None:
    outcome = run_cell(tmp_path, "1 / 0")
    assert (outcome.state, outcome.message) == ("failed", "ZeroDivisionError: division by zero")
    assert outcome.cell is not None
    assert outcome.cell.source == "1 / 0"
    assert "ZeroDivisionError" in outcome.cell.traceback
    assert "\x1b" not in outcome.cell.traceback


def test_a_cell_that_is_allowed_to_raise_fails_all_the_same(tmp_path: Path) -> None:
    outcome = run_cell(tmp_path, "1 / 0", tag="raises-exception")
    assert outcome.state == "failed"


def test_a_dead_kernel_is_seen_though_papermill_marks_its_cells_completed(tmp_path: Path) -> None:
    outcome = run_cell(tmp_path, "import os; os._exit(1)")
    assert outcome.state == "kernel_died"
    assert outcome.cell is not None
    assert outcome.cell.source == "import os; os._exit(1)"


def test_a_cell_out_of_time_is_stopped_and_named(tmp_path: Path) -> None:
    outcome = run_cell(tmp_path, "while True: pass", cell_seconds=1)
    assert outcome.state == "timeout"
    assert outcome.cell is not None
    assert outcome.cell.source == "while True: pass"


def test_sys_exit_zero_leaves_an_incomplete_report(tmp_path: Path) -> None:
    outcome = run_cell(tmp_path, "import sys; sys.exit(0)")
    assert outcome.state == "incomplete"
    assert "sys.exit" in outcome.message


def test_a_notebook_without_findings_is_incomplete(tmp_path: Path) -> None:
    outcomes, _ = run(tmp_path, job(tmp_path, "study", [parameters(), code("1")]))
    assert outcomes["study"].state == "incomplete"


def test_a_child_killed_while_it_writes_leaves_no_notebook(tmp_path: Path) -> None:
    outcome = run_cell(
        tmp_path,
        "import os, signal\nopen(output_dir + '/notebook.ipynb', 'w').close()\n"
        "os.kill(os.getppid(), signal.SIGKILL)",
    )
    assert (outcome.state, outcome.notebook) == ("killed", None)
    assert outcome.message == "the process was ended by SIGKILL"


def test_the_deadline_of_the_run_stops_what_runs_and_skips_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pid_file = tmp_path / "staged" / "busy" / "pid"
    jobs = [job(tmp_path, "busy", BUSY), job(tmp_path, "late", good_cells())]
    real_clock = time.monotonic
    # The clock leaps over the deadline once the kernel is at work, however slow the machine.
    clock = lambda: real_clock() + (1000 if has_text(pid_file) else 0)  # noqa: E731
    monkeypatch.setattr("siyu.report.runner.time.monotonic", clock)
    outcomes, _ = run(tmp_path, *jobs, seconds=900)
    assert [outcomes[name].state for name in ("busy", "late")] == ["timeout", "skipped"]
    assert not is_running(int(pid_file.read_text()))


def test_an_interrupted_run_leaves_not_even_a_deaf_kernel_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pid_file = tmp_path / "staged" / "study" / "pid"
    deaf = code("import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)")
    one = job(tmp_path, "study", [BUSY[0], deaf, BUSY[1]])
    monkeypatch.setattr("siyu.report.runner.GRACE_SECONDS", 0.5)

    def interrupt(*_: object) -> None:
        if has_text(pid_file):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_all([one], root=tmp_path, at_once=1, timeout_seconds=120, on_change=interrupt)
    assert not is_running(int(pid_file.read_text()))


def test_notebooks_run_side_by_side_and_their_outcomes_keep_the_order(tmp_path: Path) -> None:
    jobs = [
        job(tmp_path, "slower", [parameters(), code("import time; time.sleep(1)"), code(PUBLISH)]),
        job(tmp_path, "faster", [parameters(), code(PUBLISH)]),
        job(tmp_path, "third", [parameters(), code(PUBLISH)]),
    ]
    outcomes, seen = run(tmp_path, *jobs, at_once=2)
    assert list(outcomes) == ["slower", "faster", "third"]
    assert {outcome.state for outcome in outcomes.values()} == {"ok"}
    assert ["slower", "faster"] in seen
    assert max(len(running) for running in seen) == 2


def test_a_kernel_that_dies_at_work_gets_one_more_attempt(tmp_path: Path) -> None:
    count = tmp_path / "count"
    source = f"import os; open({str(count)!r}, 'a').write('x')"
    dies_once = f"{source}; len(open({str(count)!r}).read()) > 1 or os._exit(1)"
    assert run_cell(tmp_path / "once", dies_once).state == "ok"
    assert count.read_text() == "xx"
    count.unlink()
    assert run_cell(tmp_path / "always", f"{source}; os._exit(1)").state == "kernel_died"
    assert count.read_text() == "xx"


def test_what_a_cell_raises_is_not_tried_again(tmp_path: Path) -> None:
    count = tmp_path / "count"
    source = f"open({str(count)!r}, 'a').write('x'); 1 / 0"
    assert run_cell(tmp_path, source).state == "failed"
    assert count.read_text() == "x"


def test_a_notebook_that_takes_too_much_memory_is_stopped_and_the_others_are_not(
    tmp_path: Path,
) -> None:
    greedy = job(tmp_path, "greedy", [parameters(), code("held = b'1' * 10**9"), *BUSY[1:]])
    greedy = replace(greedy, memory_limit_mb=700)
    spills = "import os; assert os.environ['SIYU_MEMORY_LIMIT'] == '350MB'"
    modest = job(tmp_path, "modest", [*good_cells(), code(spills)])
    modest = replace(modest, memory_limit_mb=700)
    outcomes, _ = run(tmp_path, greedy, modest, at_once=2)
    assert [outcomes[name].state for name in ("greedy", "modest")] == ["killed", "ok"]
    assert "more than the 700 MB of memory_limit_mb" in outcomes["greedy"].message


def test_a_kernel_whose_worker_was_killed_is_stopped_with_the_run(tmp_path: Path) -> None:
    pid = tmp_path / "kernel"
    source = (
        "import os, pathlib, signal, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        f"pathlib.Path({str(pid)!r}).write_text(str(os.getpid()))\n"
        "os.kill(os.getppid(), signal.SIGKILL)\n"
        "while True: pass"
    )
    assert run_cell(tmp_path, source).state == "killed"
    assert not is_running(int(pid.read_text()))


def test_folders_of_others_in_the_folder_for_temporary_files_are_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = Path(tempfile.mkdtemp(prefix="t"))
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    (temporary / "siyu-run-data").mkdir()
    with run_folder():
        assert len(list(temporary.iterdir())) == 2
        with run_folder():
            assert len(list(temporary.iterdir())) == 3
    assert [path.name for path in temporary.iterdir()] == ["siyu-run-data"]


def test_a_folder_whose_removal_was_cut_off_is_removed_by_the_next_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    temporary = Path(tempfile.mkdtemp(prefix="t"))
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    with monkeypatch.context() as cut_off:
        cut_off.setattr(shutil, "rmtree", lambda folder, **_: (folder / LOCK).unlink())
        with run_folder():
            pass
    assert len(list(temporary.iterdir())) == 1
    with run_folder():
        assert len(list(temporary.iterdir())) == 1
    assert not list(temporary.iterdir())


def test_a_folder_whose_run_was_killed_before_it_had_a_lock_is_swept_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for name, age_seconds in (("new", 0), ("old", 7200)):
        folder = tmp_path / f".siyu-new-{name}"
        folder.mkdir()
        then = folder.stat().st_mtime - age_seconds
        os.utime(folder, (then, then))
    with run_folder():
        pass
    assert [path.name for path in tmp_path.iterdir()] == [".siyu-new-new"]


def test_a_folder_for_temporary_files_in_which_no_kernel_could_start_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = tmp_path / ("x" * 80)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    with pytest.raises(ConfigurationError, match=r"too long a name .* set TMPDIR=/tmp"):
        run(tmp_path)
    assert list(long.iterdir()) == []


def has_text(path: Path) -> bool:
    return path.is_file() and path.read_text() != ""


def is_running(pid: int) -> bool:
    """Say whether a process lives, given the moment that a killed one needs to die."""
    try:
        process = psutil.Process(pid)
        process.wait(timeout=0 if process.status() == psutil.STATUS_ZOMBIE else 5)
    except psutil.NoSuchProcess:
        return False
    except psutil.TimeoutExpired:
        # Where nobody collects the dead, they stay listed.
        return process.status() != psutil.STATUS_ZOMBIE
    return False
