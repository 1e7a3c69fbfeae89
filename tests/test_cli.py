import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from siyu import __version__
from siyu.cli import main
from siyu.data.world import write
from siyu.report import run
from siyu.report.lock import LOCK, lock

from tests.report.project import (
    code,
    good_cells,
    markdown,
    parameters,
    run_without_kernels,
    write_config,
    write_notebook,
    write_source,
)

CONFIG = "title: Weekly\nsource: data\nnotebooks:\n  - notebook: 01_funnel\n"
WITHOUT_KERNELS = pytest.mark.usefixtures("without_kernels")
RUN = "import sys; from siyu.cli import main; sys.exit(main())"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_source(tmp_path)
    write_notebook(tmp_path / "notebooks" / "01_funnel.ipynb", good_cells())
    write_config(tmp_path, CONFIG)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def without_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "run_all", run_without_kernels)


def failing_cells() -> list[dict[str, object]]:
    return [markdown("# Why?"), parameters(), code("1 / 0")]


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"siyu {__version__}\n"


def test_help_comes_without_loading_the_engine() -> None:
    listing = (
        "import sys, siyu.cli; print(sorted({'pandas', 'ibis', 'papermill'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", listing], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


@pytest.mark.slow
def test_a_published_report_ends_with_the_path_of_its_index(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report"]) == 0
    shown = capsys.readouterr()
    index = root / "reports" / "weekly" / "2026-03-31.1" / "index.html"
    assert shown.out.splitlines()[-1] == str(index)
    assert index.is_file()
    assert "01_funnel: ok after" in shown.err
    assert (root / "reports" / "weekly" / "latest").is_symlink()


@WITHOUT_KERNELS
def test_an_unchanged_report_is_run_again_only_by_force(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments, name, said in (
        ([], "2026-03-31.1", ""),
        ([], "2026-03-31.1", "nothing to run: this page is the answer; --force runs it again"),
        (["--as-of", "2026-03-31"], "2026-03-31.1", "nothing to run"),
        (["--force"], "2026-03-31.2", ""),
        (["-p", "entry=best"], "2026-03-31.3", ""),
    ):
        assert main(["report", *arguments]) == 0
        shown = capsys.readouterr()
        assert Path(shown.out.strip()).parent.name == name
        assert said in shown.err
    assert os.readlink(root / "reports" / "weekly" / "latest") == "2026-03-31.2"


def test_a_run_is_skipped_with_exit_code_5_while_another_goes_on(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = root / "reports" / "weekly"
    home.mkdir(parents=True)
    with lock(home):
        for command in (["report"], ["prune", "--keep", "1"]):
            assert main(command) == 5
            shown = capsys.readouterr()
            assert shown.out == ""
            assert (
                f"another run goes on: {home / LOCK} is held by process {os.getpid()}" in shown.err
            )


def test_runs_that_need_not_be_kept_are_removed_or_only_told(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = root / "reports" / "weekly"
    for day in (1, 2, 3):
        (home / f"2026-03-0{day}.1").mkdir(parents=True)
        (home / f"2026-03-0{day}.1" / "manifest.json").write_text('{"notebooks": []}')
    assert main(["prune"]) == 2
    assert "use --keep 12" in capsys.readouterr().err
    first = f"{home / '2026-03-01.1'}\n{home / '2026-03-02.1'}\n"
    assert main(["prune", "--keep", "1", "--dry-run"]) == 0
    assert capsys.readouterr().out == first
    assert main(["prune", "--keep", "1"]) == 0
    assert capsys.readouterr().out == first
    assert {path.name for path in home.iterdir()} == {
        *("2026-03-03.1", "history.html", "latest", LOCK)
    }
    assert main(["prune", "--keep", "1", "--out", "nowhere"]) == 0


def test_an_overdue_report_is_told_and_by_check_with_exit_code_1(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["status"]) == 0
    assert main(["status", "--check"]) == 1
    assert capsys.readouterr().out == "last success: none\nOVERDUE\n" * 2
    folder = root / "reports" / "weekly" / "2026-03-31.1"
    folder.mkdir(parents=True)
    now = datetime.now(UTC).isoformat()
    (folder / "manifest.json").write_text(f'{{"finished_at": "{now}", "notebooks": []}}')
    assert main(["status", "--check"]) == 0
    assert capsys.readouterr().out.endswith("in time\n")


NOTIFY = (
    "notify:\n  - {to: file, address: SIYU_TEST_FILE}\n  - {to: slack, address: SIYU_TEST_SLACK}\n"
)


@WITHOUT_KERNELS
def test_alerts_that_were_not_delivered_end_with_exit_code_4_and_the_report_is_there(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_config(root, CONFIG + NOTIFY)
    monkeypatch.setenv("SIYU_TEST_FILE", str(root / "alerts.jsonl"))
    assert main(["report"]) == 4
    shown = capsys.readouterr()
    why = "siyu: the alerts were not delivered to slack: the environment variable SIYU_TEST_SLACK"
    assert why in shown.err
    assert Path(shown.out.strip()).is_file()


def test_where_the_alerts_go_can_be_tried(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["notify", "--test"]) == 2
    assert "names nobody under notify" in capsys.readouterr().err
    write_config(root, CONFIG + NOTIFY)
    monkeypatch.setenv("SIYU_TEST_FILE", str(root / "alerts.jsonl"))
    assert main(["notify", "--test"]) == 4
    file, slack = capsys.readouterr().out.splitlines()
    assert file == "ok  file"
    assert slack == "!!  slack: the environment variable SIYU_TEST_SLACK is not set"
    assert "This is a test" in (root / "alerts.jsonl").read_text()


def test_the_recipients_are_told_of_a_scheduled_run_that_failed(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_config(root, CONFIG + "language: zh\n" + NOTIFY)
    monkeypatch.setenv("SIYU_TEST_FILE", str(root / "alerts.jsonl"))
    assert main(["notify", "--failed", "siyu-report.service"]) == 4  # one of the two has no address
    (told,) = (root / "alerts.jsonl").read_text("utf-8").splitlines()
    assert "定时任务运行失败（siyu-report.service）" in json.loads(told)["lines"][0]


@WITHOUT_KERNELS
def test_a_failed_notebook_is_published_with_exit_code_1(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_notebook(root / "notebooks" / "02_broken.ipynb", failing_cells())
    config = write_config(root, CONFIG + "  - notebook: 02_broken\n")
    arguments = ["--only", "02_broken", "--as-of", "2026-03-15", "--out", "elsewhere"]
    assert main(["report", str(config), *arguments, "--jobs", "1"]) == 1
    index = root / "elsewhere" / "weekly" / "failed" / "2026-03-15.1" / "index.html"
    assert capsys.readouterr().out == f"{index}\n"
    assert "ZeroDivisionError" in index.read_text(encoding="utf-8")
    assert not (root / "elsewhere" / "weekly" / "latest").exists()


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["missing.yaml"], "siyu: missing.yaml: cannot be read"),
        (["--only", "02"], "siyu: unknown notebook '02'"),
        (["--as-of", "yesterday"], "siyu: --as-of = 'yesterday' must be an ISO date"),
        (["--as-of", "2999-01-01"], "siyu: as_of = 2999-01-01 has not come yet"),
        (["--backfill", "2026-03-01..2999-01-01"], "has not come yet"),
        (["-p", "windw_days=7"], "did you mean window_days?"),
        (["-p", "window_days=0"], "siyu: 01_funnel: window_days = 0.0 must be in (0, 3650]"),
        (["--source", "nowhere"], "nowhere"),
    ],
)
def test_a_bad_configuration_ends_with_exit_code_2_before_anything_starts(
    root: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], line: str
) -> None:
    assert main(["report", *arguments]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert line in shown.err
    assert shown.err.startswith("siyu: ")
    assert len(shown.err.splitlines()) == 1
    assert not (root / "reports").exists()


@pytest.mark.parametrize("jobs", ["0", "x", "1.5"])
def test_side_by_side_means_at_least_one(capsys: pytest.CaptureFixture[str], jobs: str) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["report", "--jobs", jobs])
    assert caught.value.code == 2
    assert f"--jobs: '{jobs}' must be a whole number of at least 1" in capsys.readouterr().err


def test_ids_that_are_wrong_are_shown_by_a_check_and_not_in_the_log_of_a_report(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (root / "data" / "users.csv").open("a") as file:
        file.write("user-42,,social\nuser-42,,social\n")
    assert main(["report"]) == 3
    told = capsys.readouterr().err
    assert "users.user_id: duplicate key, 2 rows;" in told
    assert "user-42" not in told
    assert main(["check", "data"]) == 1
    assert "user-42" in capsys.readouterr().out


def test_a_source_that_is_not_there_is_named_as_it_was_typed(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", "--source", "../nowhere"]) == 2
    assert "source '../nowhere' does not exist" in capsys.readouterr().err
    write_config(root, CONFIG.replace("data", "shops/pool"))
    assert main(["report"]) == 3
    assert "source 'shops/pool' does not exist" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["report"], ["sample"], ["translate", "zh"]])
def test_a_folder_that_cannot_be_written_is_refused(
    root: Path, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    (root / "taken").touch()
    assert main([*command, "--out", "taken/reports"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("siyu: ")
    assert line.endswith("cannot be written: Not a directory; name another folder by --out")


def test_a_reader_who_leaves_early_gets_no_traceback(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    # Closing writes what is left in the buffer, as the end of a process does.
    with os.fdopen(writing, "w") as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        assert main(["check", "data"]) == 128 + signal.SIGPIPE
    assert capsys.readouterr().err == ""


def test_what_cannot_be_written_to_is_told_without_a_traceback(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        assert main(["check", "data"]) == 1
    assert capsys.readouterr().err == "siyu: [Errno 28] No space left on device\n"


def test_a_check_prints_the_report_and_fails_on_errors_only(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", "data"]) == 0
    assert "channel" in capsys.readouterr().out
    (root / "data" / "users.csv").write_text("user_id\n001\n001\n")
    assert main(["check", "data"]) == 1
    assert "user_id" in capsys.readouterr().out


@pytest.mark.slow
def test_doctor_says_line_by_line_what_is_in_order_and_fails_on_what_is_not(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.startswith("!!")] == [
        f"!!  there is no requirements.lock in {root}: what is installed cannot be compared"
    ]
    assert f"ok  reports can be written to {root / 'reports'}" in lines
    assert main(["doctor", "nowhere.yaml"]) == 2
    assert "nowhere.yaml: cannot be read" in capsys.readouterr().err


def test_notebooks_are_copied_in_another_language_and_work_in_them_is_kept(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cells = good_cells()
    cells[1]["source"] += '\nlanguage: str = "en"  # {en, zh} of the text'
    original = write_notebook(root / "notebooks" / "01_funnel.ipynb", cells)
    assert main(["translate", "zh"]) == 0
    folder = root / ".cache" / "notebooks-zh"
    assert capsys.readouterr() == (f"{folder}\n", "")
    copy = folder / "01_funnel.ipynb"
    assert 'language: str = \\"zh\\"' in copy.read_text("utf-8")
    copy.write_text(copy.read_text("utf-8").replace("growth team", "team"), "utf-8")
    original.write_text(original.read_text("utf-8").replace("growth team", "lead"), "utf-8")
    assert main(["translate", "zh"]) == 0
    assert "your changes are kept in 01_funnel.mine-1.ipynb" in capsys.readouterr().err
    assert main(["translate", "zh", "nowhere.yaml"]) == 2
    capsys.readouterr()
    assert main(["translate", "zh", "--out", "notebooks"]) == 2
    assert "holds the notebooks themselves" in capsys.readouterr().err


def test_a_sample_is_written_where_asked(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The truths are counted in many large pools, whatever the size of this one.
    monkeypatch.setattr(write, "compute_truths", lambda _: [])
    assert main(["sample", "--users", "40", "--seed", "7", "--out", "small"]) == 0
    assert capsys.readouterr().out == "small\n"
    assert (root / "small" / "users.parquet").is_file()
    assert (root / "small" / "truth.json").is_file()


def test_a_sample_with_impossible_settings_is_refused(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sample", "--seed", "-1", "--out", "small"]) == 2
    assert "seed = -1" in capsys.readouterr().err
    assert not (root / "small").exists()


def test_an_interruption_ends_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("siyu.report.config.find_config", interrupt)
    assert main(["report"]) == 130
    assert capsys.readouterr().err == "siyu: stopped\n"


def test_a_report_that_shall_outlive_its_terminal_stays_deaf_to_the_hangup(root: Path) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    try:
        assert main(["report", "nowhere.yaml"]) == 2
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_stopped_report_leaves_nothing_behind(root: Path, number: signal.Signals) -> None:
    waiting = code("open('started', 'w').close()\nwhile True: pass")
    write_notebook(root / "notebooks" / "01_funnel.ipynb", [parameters(), waiting])
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, "report", "--log-format", "json"],
        cwd=root,
        stderr=subprocess.PIPE,
        text=True,
        # Under nohup the tests themselves are deaf to it, and would make the report so.
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),
    )
    while not (root / "started").exists():
        assert process.poll() is None
    os.kill(process.pid, number)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 130
    events = [json.loads(line)["event"] for line in error.splitlines()]
    assert events == ["started", "stopped"]
    assert [path.name for path in (root / "reports" / "weekly").iterdir()] == [LOCK]


@WITHOUT_KERNELS
def test_days_of_the_past_are_reported_on_the_oldest_first_and_nobody_is_told(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIYU_TEST_FILE", str(root / "alerts.jsonl"))
    told = "notify: [{to: file, address: SIYU_TEST_FILE}]\n"
    write_config(root, told + CONFIG)
    span = ["report", "--backfill", "2026-03-20..2026-03-31"]
    assert main([*span, "--dry-run"]) == 0
    plan = capsys.readouterr().out
    assert [line for line in plan.splitlines() if "as of" in line] == [
        "weekly, as of 2026-03-20, from data",
        "weekly, as of 2026-03-27, from data",
    ]
    assert "run        01_funnel" in plan
    assert "tell " not in plan
    assert not (root / "reports").exists()
    assert main(["report", "--dry-run"]) == 0
    assert "tell       file at SIYU_TEST_FILE\n" in capsys.readouterr().out
    assert main(span) == 0
    days = [Path(line).parent.name for line in capsys.readouterr().out.splitlines()]
    assert days == ["2026-03-20.1", "2026-03-27.1"]
    assert not (root / "alerts.jsonl").exists()
    assert main([*span, "--dry-run"]) == 0
    assert "nothing to run: reports/weekly/2026-03-20.1 is the answer" in capsys.readouterr().out


def test_a_backfill_whose_runs_would_not_be_kept_is_refused(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = root / "reports" / "weekly"
    for day in ("2026-03-27", "2026-03-31"):
        (home / f"{day}.1").mkdir(parents=True)
        (home / f"{day}.1" / "manifest.json").write_text('{"notebooks": []}')
    write_config(root, "keep: 3\n" + CONFIG)
    assert main(["report", "--dry-run", "--backfill", "2026-03-06..2026-03-27"]) == 2
    rule = "would be removed again at once, as keep = 3; raise it"
    assert capsys.readouterr().err == f"siyu: the runs of 2026-03-06 to 2026-03-13 {rule}\n"
    assert main(["report", "--dry-run", "--backfill", "2026-03-20..2026-03-27"]) == 0
    other = ["-p", "entry=first"]  # kept by a count of their own
    assert main(["report", "--dry-run", "--backfill", "2026-03-06..2026-03-20", *other]) == 0


@pytest.mark.parametrize(
    ("given", "rule"),
    [
        ("2026-03-31..2026-03-01", "must not end before it begins"),
        ("2026-03-31", "must be two days such as 2026-01-04..2026-03-31"),
        ("..", "must be two days"),
    ],
)
def test_a_span_is_two_days_in_their_order(
    capsys: pytest.CaptureFixture[str], given: str, rule: str
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["report", "--backfill", given])
    assert caught.value.code == 2
    assert rule in capsys.readouterr().err


def test_data_that_do_not_pass_the_gate_end_with_a_code_of_their_own(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_config(root, "gate: {max_age_days: 3}\n" + CONFIG)
    assert main(["report", "--log-format", "json"]) == 3
    (line,) = capsys.readouterr().err.splitlines()
    event = json.loads(line)
    assert event["event"] == "blocked"
    assert "The data end on 31 Mar 2026" in event["message"]
    assert main(["report", "--dry-run"]) == 3
    out = capsys.readouterr().out
    assert "blocked: The data end on 31 Mar 2026" in out
    assert main(["report", "--dry-run", "--no-gate"]) == 0


def test_a_plan_is_not_made_while_another_run_goes_on(root: Path) -> None:
    home = root / "reports" / "weekly"
    home.mkdir(parents=True)
    with lock(home):
        assert main(["report", "--dry-run"]) == 5
