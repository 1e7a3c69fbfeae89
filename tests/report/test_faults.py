"""What goes wrong on a scheduler's machine, done to the command itself on a small project.

After each fault the same is asked: nothing runs on, no file is left over, and what is published is
whole: by `nothing_is_left` at once, where the run could clear up itself, and by `left_in_order`
after the next run, which has to do its work, where it could not.
"""

import contextlib
import functools
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import psutil
import pytest
from siyu import findings
from siyu.report.alerts import STATE
from siyu.report.history_page import PAGE
from siyu.report.lock import LOCK
from siyu.report.runs import place_of

from tests.report.project import (
    code,
    markdown,
    parameters,
    write_config,
    write_notebook,
    write_source,
)

pytestmark = pytest.mark.slow

CONFIG = "title: Weekly\nsource: data\nnotebooks:\n  - notebook: 01_rate\n"
CLI = "import sys; from siyu.cli import main; sys.exit(main())"
# What imports nothing, and a number without noise to compare, are done in half the time.
PUBLISH = """\
import json
finding = dict(id="rate", metric="rate", value=0.25, unit="share", n=80, ci_lower=None,
    ci_upper=None, level=0.95, status="info", segment={}, threshold=None, direction=None, action="",
    evidence="descriptive", worth_cny=None, headline="", message="25% of 80 ordered.",
    method="Wilson")
document = dict(schema=1, notebook="rate", as_of=as_of, source=source, parameters={},
    findings=[finding])
with open(output_dir + "/findings.json", "w") as file:
    json.dump(document, file)"""
BUSY = "while True: pass"
SECONDS = 120
"""For what must end by itself; only a test that fails waits so long."""


@dataclass(frozen=True, kw_only=True)
class Project:
    """A project with its temporary files, in a folder whose name is short enough for sockets."""

    root: Path

    @property
    def home(self) -> Path:
        return self.root / "reports" / "weekly"

    @property
    def temporary(self) -> Path:
        return self.root / "tmp"

    def write(self, *sources: str, config: str = CONFIG, name: str = "01_rate") -> None:
        """Write the configuration and a notebook that runs these cells before it publishes."""
        cells = [markdown("# How many order?"), parameters(), *map(code, (*sources, PUBLISH))]
        write_notebook(self.root / "notebooks" / f"{name}.ipynb", cells)
        write_config(self.root, config)

    def start(
        self, *arguments: str, script: str = CLI, env: Mapping[str, str] = {}, **options: Any
    ) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", script, *arguments],
            cwd=self.root,
            env={**os.environ, "TMPDIR": str(self.temporary), **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            **options,
        )

    def report(self, *arguments: str, **options: Any) -> tuple[int, str]:
        """Run the report to its end; give its exit code and what it said."""
        return ended(self.start("report", *arguments, **options))

    def wait_for(self, name: str, process: subprocess.Popen[str]) -> None:
        end = time.monotonic() + SECONDS
        while not (self.root / name).exists():
            assert process.poll() is None
            assert time.monotonic() < end
            time.sleep(0.02)

    def processes(self, word: str = "") -> list[psutil.Process]:
        """All that run for the project, as their command lines tell."""
        return [
            process
            for process in psutil.process_iter(["cmdline"])
            if str(self.root) in (line := " ".join(process.info["cmdline"] or ())) and word in line
        ]


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    said, _ = process.communicate(timeout=SECONDS)
    return process.returncode, said


@pytest.fixture(scope="module")
def published() -> Iterator[Path]:
    """A project with a report, to be copied."""
    with tempfile.TemporaryDirectory(prefix="f") as folder:
        project = Project(root=Path(folder))
        project.temporary.mkdir()
        write_source(project.root)
        project.write()
        assert project.report()[0] == 0
        yield project.root


@contextlib.contextmanager
def copy_of(published: Path) -> Iterator[Project]:
    with tempfile.TemporaryDirectory(prefix="f") as folder:
        shutil.copytree(published, folder, symlinks=True, dirs_exist_ok=True)
        project = Project(root=Path(folder))
        try:
            yield project
        finally:
            for process in project.processes():  # of a test that failed
                process.kill()


@pytest.fixture
def project(published: Path) -> Iterator[Project]:
    with copy_of(published) as project:
        yield project


def left_in_order(project: Project) -> None:
    """Fail where the run after a fault does not clear up, or does not do its work."""
    end_soon(project.processes())
    assert project.report("--force")[0] == 0
    assert newest(project.home)[1] == ["ok"]
    nothing_is_left(project)


def nothing_is_left(project: Project) -> None:
    """Fail where a process, a socket, a temporary file or half a run is left."""
    end_soon(project.processes())
    assert list(project.temporary.iterdir()) == []
    is_whole(project.home)


def end_soon(processes: Sequence[psutil.Process]) -> None:
    _, alive = psutil.wait_procs(processes, timeout=2)
    assert [one for one in alive if one.status() != psutil.STATUS_ZOMBIE] == []


def is_whole(home: Path) -> None:
    """Fail where `latest` is not the newest success, or a page of any run cannot be read."""
    others = (LOCK, STATE, PAGE, "failed", "latest")
    published = [path for path in home.iterdir() if path.name not in others]
    failed = list((home / "failed").glob("*"))
    successes = sorted(published, key=lambda path: place_of(path) or ("", 0))
    assert os.readlink(home / "latest") == successes[-1].name
    history = (home / PAGE).read_text()
    assert history.rstrip().endswith("</html>")
    assert f'href="{successes[-1].name}/index.html"' in history
    for folder in (*published, *failed):
        assert place_of(folder), folder
        states = {one["name"]: one["state"] for one in load(folder / "manifest.json")["notebooks"]}
        assert (set(states.values()) == {"ok"}) == (folder in published)
        assert {path.name for path in folder.iterdir()} == {
            *("index.html", "manifest.json", "findings.json", *states)
        }
        for page in (folder / "index.html", *(folder / name / "report.html" for name in states)):
            assert page.read_text().rstrip().endswith("</html>")
        for name, state in states.items():
            assert load(folder / name / "notebook.ipynb")["cells"]
            if state == "ok":
                findings.read(folder / name / "findings.json")


def load(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def newest(home: Path) -> tuple[Path, list[str]]:
    """Find the newest run, and the states of its notebooks."""
    runs = [path.parent for path in home.rglob("manifest.json") if not path.parent.is_symlink()]
    folder = max(runs, key=lambda path: place_of(path) or ("", 0))
    return folder, [one["state"] for one in load(folder / "manifest.json")["notebooks"]]


def test_a_run_may_be_killed_at_any_moment_and_so_may_its_kernels(published: Path) -> None:
    rng = random.Random(2026)
    moments = [(number + rng.random()) / 20 for number in range(20)]
    victims = rng.sample(["runner"] * 15 + ["kernel"] * 5, 20)
    plan = rng.sample(list(zip(moments, victims, strict=True)), 20)
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda half: kill_at(half, published), (plan[:10], plan[10:])))


FORKS = """\
import os, sys
from siyu.cli import main
from siyu.report import run  # what takes half of a small run is loaded once

print("ready", flush=True)
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        os._exit(main(["report", "--force"]))
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


def kill_at(plan: Sequence[tuple[float, str]], published: Path) -> None:
    with copy_of(published) as project:
        with project.start(script=FORKS, stdin=subprocess.PIPE) as server:
            requests, replies = server.stdin, server.stdout
            assert requests
            assert replies
            assert replies.readline() == "ready\n"

            def begin() -> psutil.Process:
                print(file=requests, flush=True)
                return psutil.Process(int(replies.readline()))

            begun = time.monotonic()
            begin()
            assert int(replies.readline()) == 0
            seconds = time.monotonic() - begun
            for moment, victim in plan:
                runner = begin()
                try:
                    runner.wait(timeout=moment * seconds)
                    left, code = [], 0
                except psutil.TimeoutExpired:
                    left, code = strike(project, runner, victim)
                assert int(replies.readline()) in (code, 0)  # it may have ended meanwhile
                end_soon(left)
        left_in_order(project)


def strike(
    project: Project, runner: psutil.Process, victim: str
) -> tuple[Sequence[psutil.Process], int]:
    """Kill the runner or its kernels; give what has to end by itself, and how the run ends."""
    if victim == "runner":
        with contextlib.suppress(psutil.NoSuchProcess):
            family = runner.children(recursive=True)
            runner.kill()
            return [*family, *project.processes()], -signal.SIGKILL
        return [], 0
    while runner.is_running() and not project.processes("ipykernel"):
        time.sleep(0.02)
    for kernel in project.processes("ipykernel"):
        kernel.kill()
    return [], 0


STEPS = """\
import contextlib, errno, os, shutil, signal, sys
from siyu.cli import main
from siyu.report import run
from siyu.report.outcome import judge

def run_all(jobs, **_):
    for job in jobs:
        shutil.copytree("made", job.folder, dirs_exist_ok=True)
    done = dict(exit_code=0, result={"raised": ""}, log="", seconds=1.0)
    return {job.name: judge(job.folder, **done) for job in jobs}

run.run_all = run_all
with open(os.devnull, "w") as nowhere:
    with contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
        main(["report"])  # what is loaded once is shared by all that follow
print("ready", flush=True)
CREATE = ("os.rename", "os.mkdir", "os.symlink")
struck, left = False, 0

def strike(event, given):
    global left, struck
    writes = event in CREATE or event == "open" and given[2] & (os.O_WRONLY | os.O_RDWR)
    removes = fault == "kill" and event in ("os.remove", "os.rmdir")
    if not (removes or writes and any("/weekly" in str(one) for one in given[:2])):
        return
    left -= 1
    if left == 0:
        struck = True
        if fault == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

for line in sys.stdin:
    fault, left = line.split()[0], int(line.split()[1])
    child = os.fork()
    if child == 0:
        said = os.open("said", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(said, 1)
        os.dup2(said, 2)
        sys.addaudithook(strike)
        code = main(["report"])
        os._exit(code if struck or fault == "none" else 77)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@pytest.mark.parametrize(("fault", "ends"), [("kill", {-9}), ("full", {0, 1, 2, 4})])
def test_a_run_may_be_cut_off_at_any_step_of_its_publication(
    project: Project, fault: str, ends: set[int]
) -> None:
    """Notebooks are not run here: what the kernels left is given, and each step comes its turn."""
    made = project.root / "made"
    shutil.copytree(newest(project.home)[0] / "01_rate", made)
    document = load(made / "findings.json")
    document["findings"][0] |= {"status": "alert", "threshold": 0.4, "direction": "above"}
    findings.write(made / "findings.json", document)
    told = project.root / "alerts.jsonl"
    project.write("1", config=f"{CONFIG}keep: 1\nnotify: [{{to: file, address: SIYU_TEST_FILE}}]\n")
    before = shutil.copytree(project.home, project.root / "before", symlinks=True)
    process = project.start(script=STEPS, stdin=subprocess.PIPE, env={"SIYU_TEST_FILE": str(told)})
    requests, replies = process.stdin, process.stdout
    assert requests
    assert replies
    assert replies.readline() == "ready\n"

    def run(fault: str, step: int) -> int:
        print(fault, step, file=requests, flush=True)
        return int(replies.readline())

    for step in count(1):
        shutil.rmtree(project.home)
        shutil.copytree(before, project.home, symlinks=True)
        told.unlink(missing_ok=True)
        code = run(fault, step)
        if code == 77:
            break
        assert code in ends
        assert "Traceback" not in (project.root / "said").read_text()
        assert (project.home / "latest" / "index.html").is_file()
        assert run("none", 0) == 0
        is_whole(project.home)
        assert "25% of 80 ordered" in told.read_text()
    assert step > 20
    assert ended(process)[0] == 0


def test_a_stop_asked_for_again_and_again_leaves_not_even_a_deaf_kernel(project: Project) -> None:
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)"
    project.write(deaf, "open('started', 'w').close()", BUSY)
    process = project.start("report")
    project.wait_for("started", process)
    while process.poll() is None:
        process.send_signal(signal.SIGTERM)
        time.sleep(0.01)
    code, said = ended(process)
    assert (code, said.splitlines()[-1]) == (130, "siyu: stopped")
    nothing_is_left(project)


def test_a_full_disk_ends_the_run_with_a_sentence(project: Project) -> None:
    for size in (0, 3_000):
        limit = functools.partial(resource.setrlimit, resource.RLIMIT_FSIZE, (size, size))
        code, said = project.report("--force", preexec_fn=limit)
        assert code == 1
        assert said.splitlines()[-1].startswith("siyu: the report cannot be written: ")
        assert "Traceback" not in said
        nothing_is_left(project)
    project.write("import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))")
    assert project.report()[0] == 1
    folder, states = newest(project.home)
    assert states == ["failed"]
    assert "File too large" in (folder / "index.html").read_text()
    nothing_is_left(project)


def test_what_stands_in_the_way_of_a_report_is_told(project: Project) -> None:
    """No modes, which do not bind the superuser."""
    latest, failed = project.home / "latest", project.home / "failed"
    latest.unlink()
    latest.mkdir()
    code, said = project.report()
    assert (code, said.splitlines()) == (
        2,
        [f"siyu: {project.home} cannot be written: Is a directory; name another folder by --out"],
    )
    latest.rmdir()
    failed.touch()
    project.write("1 / 0")
    code, said = project.report()
    assert (code, said.splitlines()[-1]) == (
        1,
        f"siyu: the report cannot be written: [Errno 17] File exists: '{failed}'",
    )
    failed.unlink()
    project.write()
    left_in_order(project)


CLOCK = """\
import os, time
clock = time.time
time.time = lambda: clock() + (DAYS * 86400 if os.path.exists("jumped") else 0)
"""
JUMPING = """\
import time
from datetime import datetime
from siyu.report import run

class Clock(datetime):
    @classmethod
    def now(cls, zone):
        return datetime.fromtimestamp(time.time(), zone)

run.datetime = Clock
"""
TWO = f"{CONFIG}  - notebook: 02_busy\ncell_timeout_seconds: 2\n"


@pytest.mark.parametrize("days", [-400, 400])
def test_a_clock_that_jumps_and_a_cell_without_end_cost_no_report(
    project: Project, days: int
) -> None:
    (project.root / "sitecustomize.py").write_text(CLOCK.replace("DAYS", str(days)))
    path = f"{project.root}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    project.write("open('jumped', 'w').close()", config=TWO)
    project.write(BUSY, config=TWO, name="02_busy")
    code, said = project.report(script=JUMPING + CLI, env={"PYTHONPATH": path})
    assert code == 1, said
    folder, states = newest(project.home)
    assert states == ["ok", "timeout"]
    manifest = load(folder / "manifest.json")
    assert manifest["started_at"][:4] != manifest["finished_at"][:4]
    for one in (manifest, *manifest["notebooks"]):
        assert 0 < one["seconds"] < SECONDS
    project.write()
    left_in_order(project)
    code, said = ended(project.start("status", "--check"))
    assert (code, said.splitlines()[-1]) == (0, "in time")


def test_the_whole_run_has_a_deadline_too(project: Project) -> None:
    config = f"{CONFIG}  - notebook: 02_late\nrun_timeout_seconds: 2\n"
    project.write(config=config, name="02_late")
    project.write(BUSY, config=config)
    assert project.report("--jobs", "1")[0] == 1
    assert newest(project.home)[1] == ["timeout", "skipped"]
    nothing_is_left(project)


def test_a_kernel_that_does_not_start_gets_three_attempts(project: Project) -> None:
    broken = project.root / "ipykernel_launcher.py"  # found before the real one
    broken.write_text("open('count', 'a').write('x'); raise SystemExit(1)")
    assert project.report("--force")[0] == 1
    assert newest(project.home)[1] == ["kernel_died"]
    assert (project.root / "count").read_text() == "xxx"
    nothing_is_left(project)


def test_of_200_mb_that_a_cell_prints_the_beginning_is_kept(project: Project) -> None:
    printing = "print('0 of 100')\nfor _ in range(100):\n    print('x' * 999_999)"
    by_the_system = "import os\nfor _ in range(100):\n    os.write(1, b'y' * 1_000_000)"
    config = f"{CONFIG}  - notebook: 02_error\n"
    project.write(f"{printing}\n{by_the_system}", "print('the end')", config=config)
    failing = "raise ValueError('no such step' + 'x' * 20_000_000)"
    project.write(failing, config=config, name="02_error")
    process = project.start("report")
    runner, most = psutil.Process(process.pid), 0
    while process.poll() is None:
        most = max(most, runner.memory_info().rss)
        time.sleep(0.02)
    assert ended(process)[0] == 1
    assert most < 500e6
    folder, states = newest(project.home)
    assert states == ["ok", "failed"]
    assert sum(path.stat().st_size for path in folder.rglob("*")) < 3e6
    page = (folder / "01_rate" / "report.html").read_text()
    assert page.index("0 of 100") < page.index("is left out") < page.index("the end")
    assert "ValueError: no such step" in (folder / "02_error" / "report.html").read_text()
    nothing_is_left(project)


def test_twelve_reports_run_side_by_side(project: Project) -> None:
    for number in range(12):
        config = project.root / "notebooks" / f"report_{number}.yaml"
        config.write_text(CONFIG)
    begun = [project.start("report", f"notebooks/report_{number}.yaml") for number in range(12)]
    assert [ended(process)[0] for process in begun] == [0] * 12
    for number in range(12):
        home = project.home.with_name(f"report_{number}")
        assert newest(home)[1] == ["ok"]
        is_whole(home)
    nothing_is_left(project)


def test_of_two_schedulers_at_once_one_gives_way(project: Project) -> None:
    project.write("import os, time\nwhile not os.path.exists('go'): time.sleep(0.05)")
    both = [project.start("report") for _ in range(2)]
    end = time.monotonic() + SECONDS
    while all(process.poll() is None for process in both):
        assert time.monotonic() < end
        time.sleep(0.05)
    (project.root / "go").touch()
    assert sorted(ended(process)[0] for process in both) == [0, 5]
    nothing_is_left(project)
