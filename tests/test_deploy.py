"""What `deploy/` schedules can be parsed, and its commands do what they say."""

import configparser
import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, Self
from zoneinfo import ZoneInfo

import jinja2
import pytest
import siyu
import yaml
from siyu import cli
from siyu.commands import BAD_CONFIGURATION, BLOCKED, FAILED, GOES_ON, PUBLISHED, UNDELIVERED
from siyu.report.config import read_config

from tests.report.project import good_cells, write_config, write_notebook, write_source
from tests.report.robots import GOOD, Robots, serve

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
UNITS = DEPLOY / "systemd"
CODES = (PUBLISHED, FAILED, BAD_CONFIGURATION, BLOCKED, UNDELIVERED, GOES_ON)
PROJECT, ENVIRONMENT = "/opt/siyu", "/etc/siyu.env"
CONFIG = """\
title: Weekly
source: data
notebooks:
  - notebook: 01_funnel
notify:
  - {to: wecom, address: SIYU_WECOM}
"""
SHANGHAI = ZoneInfo("Asia/Shanghai")
REPORT_AT = datetime(2026, 3, 30, 6, tzinfo=SHANGHAI)  # a Monday
STATUS_AT = datetime(2026, 3, 30, 9, tzinfo=SHANGHAI)
WEEK = [datetime(2026, 3, 28, tzinfo=UTC) + timedelta(hours=hour) for hour in range(7 * 24)]


PROGRAM = """\
#!/bin/sh
printf '%s\\t' "$SIYU_WECOM" "$@" >>{home}/calls && echo >>{home}/calls
[ ! -f {home}/code ] || [ "$1" = notify ] || exit "$(cat {home}/code)"
[ ! -f {home}/code ] || exit 0
PYTHONPATH={library} exec {python} -c "import sys; from siyu.cli import main; sys.exit(main())" "$@"
"""
"""The program of the project: it says what it was called with, and may be told how to end."""


@dataclass(frozen=True, kw_only=True)
class Site:
    """A small project with its deploy/, and the robot that its environment file names."""

    root: Path
    home: Path
    robots: Robots

    @property
    def page(self) -> Path:
        return self.root / "reports" / "weekly" / "2026-03-31.1" / "index.html"

    @property
    def log(self) -> str:
        return (self.root / ".cache" / "cron.log").read_text("utf-8")

    @property
    def address(self) -> str:
        return f"{self.robots.address}&a=$1"

    @contextmanager
    def ending_with(self, code: int) -> Iterator[None]:
        """Let the program do nothing and end so; messages go well."""
        (self.home / "code").write_text(str(code))
        (self.home / "calls").unlink(missing_ok=True)
        try:
            yield
        finally:
            (self.home / "code").unlink()

    def calls(self) -> list[list[str]]:
        """What the program was called with since, always with the robot's address at hand."""
        lines = (self.home / "calls").read_text("utf-8").splitlines()
        calls = [line.rstrip("\t").split("\t") for line in lines]
        assert {address for address, *_ in calls} == {self.address}
        for _, *words in calls:
            cli._parser().parse_args(words)
        return [words for _, *words in calls]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    home = tmp_path_factory.mktemp("home")
    root = home / "siyu"
    shutil.copytree(DEPLOY, root / "deploy")
    for path in (path for path in (root / "deploy").rglob("*") if path.is_file()):
        text = path.read_text("utf-8").replace(PROJECT, str(root))
        path.write_text(text.replace(ENVIRONMENT, str(home / "siyu.env")), "utf-8")
    write_source(root)
    write_notebook(root / "notebooks" / "01_funnel.ipynb", good_cells())
    write_config(root, CONFIG)
    program = root / ".venv" / "bin" / "siyu"
    program.parent.mkdir(parents=True)
    library = Path(siyu.__file__).parents[1]
    program.write_text(PROGRAM.format(home=home, library=library, python=sys.executable))
    program.chmod(0o755)
    with serve((200, GOOD["wecom"])) as robots:
        found = Site(root=root, home=home, robots=robots)
        filled, n_filled = re.subn(
            r"^#(SIYU_WECOM)='.*'$",
            lambda line: f"{line[1]}='{found.address}'",
            (DEPLOY / "siyu.env").read_text("utf-8"),
            flags=re.MULTILINE,
        )
        assert n_filled == 1
        (home / "siyu.env").write_text(filled)
        yield found


# Schedules


def fires(expression: str, at: datetime) -> bool:
    """Whether a cron expression of five fields holds at a minute of its clock."""
    fields = expression.split()
    bounds = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
    clock = (at.minute, at.hour, at.day, at.month, at.isoweekday() % 7)
    assert len(fields) == len(bounds)
    assert "*" in (fields[2], fields[4])  # else either would do
    return all(
        now in _expand(field, *ends) for field, now, ends in zip(fields, clock, bounds, strict=True)
    )


def _expand(field: str, low: int, high: int) -> set[int]:
    values: set[int] = set()
    for part in field.split(","):
        found = re.fullmatch(r"(?:\*|(\d+)(?:-(\d+))?)(?:/([1-9]\d*))?", part)
        assert found, f"{part} is no field of cron"
        first = int(found[1] or low)
        last = int(found[2] or (found[1] if found[1] else high))
        assert low <= first <= last <= high
        values |= set(range(first, last + 1, int(found[3] or 1)))
    return {0 if high == 7 and value == 7 else value for value in values}


def read_crontab(text: str) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """The variables of a crontab, and the schedule and command of each line."""
    variables, jobs = {}, []
    for line in text.splitlines():
        if found := re.fullmatch(r"(\w+)=(\S*)", line):
            variables[found[1]] = found[2]
        elif line and not line.startswith("#"):
            *fields, command = line.split(maxsplit=5)
            jobs.append((" ".join(fields), command))
    return variables, jobs


def run_cron(
    site: Site, name: str, *, at: datetime, env_file: str = "siyu.env"
) -> subprocess.CompletedProcess[str]:
    """Run a line of the crontab as cron does, on a machine whose clock stands at an instant."""
    variables, jobs = read_crontab((site.root / "deploy" / "crontab").read_text("utf-8"))
    (command,) = [command for _, command in jobs if f'cron.sh" {name}' in command]
    clock = site.home / "bin" / "date"
    clock.parent.mkdir(exist_ok=True)
    clock.write_text(f'#!/bin/sh\nexec /bin/date --date=@{int(at.timestamp())} "$@"\n')
    clock.chmod(0o755)
    given = {"HOME": str(site.home), "LOGNAME": "siyu", "PATH": f"{clock.parent}:/usr/bin:/bin"}
    variables["SIYU_ENV"] = str(site.home / env_file)
    # An unescaped % ends the command: what follows is its input.
    command, *written = re.split(r"(?<!\\)%", command)
    return subprocess.run(
        [variables["SHELL"], "-c", command.replace("\\%", "%")],
        input="\n".join(written),
        cwd=site.home,
        env=given | variables,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def first(site: Site) -> subprocess.CompletedProcess[str]:
    """The first report of the project, by cron."""
    return run_cron(site, "report", at=REPORT_AT + timedelta(seconds=2))


@pytest.mark.slow
def test_cron_publishes_on_monday_at_six_in_the_merchants_zone(
    site: Site, first: subprocess.CompletedProcess[str]
) -> None:
    assert (first.returncode, first.stdout, first.stderr) == (0, "", "")
    assert " siyu report\n" in site.log
    assert site.log.endswith(f"{site.page}\n")
    assert stat.S_IMODE(site.page.stat().st_mode) & 0o007 == 0
    assert "Repair the reply step" in site.robots.sent[-1]["markdown_v2"]["content"]


def test_cron_asks_every_hour_and_runs_at_its_own_only(site: Site) -> None:
    _, jobs = read_crontab((DEPLOY / "crontab").read_text("utf-8"))
    assert len(jobs) == 2
    for schedule, _ in jobs:
        assert all(fires(schedule, hour) for hour in WEEK)
        assert not fires(schedule, REPORT_AT + timedelta(minutes=1))
    other = REPORT_AT.replace(tzinfo=UTC), REPORT_AT + timedelta(days=1)
    with site.ending_with(PUBLISHED):
        asked = [run_cron(site, "report", at=at) for at in other]
        asked.append(run_cron(site, "status", at=STATUS_AT.replace(tzinfo=UTC)))
        assert [(one.returncode, one.stdout, one.stderr) for one in asked] == [(1, "", "")] * 3
        assert run_cron(site, "status", at=STATUS_AT + timedelta(days=2)).returncode == 0
    assert site.calls() == [["status", "--check", "notebooks/weekly.yaml"]]


@pytest.mark.parametrize("code", CODES)
def test_cron_tells_of_a_run_that_failed_by_mail_and_to_the_team(site: Site, code: int) -> None:
    with site.ending_with(code):
        done = run_cron(site, "report", at=REPORT_AT)
    called = site.calls()
    if code in (PUBLISHED, GOES_ON):
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        assert len(called) == 1
    else:
        place = site.root / ".cache" / "cron.log"
        said = f"siyu report ended with exit code {code}: see {place}\n"
        assert (done.returncode, done.stdout, done.stderr) == (code, said, "")
        assert called[1:] == [["notify", "--failed", "siyu report", "notebooks/weekly.yaml"]]


def test_cron_stops_where_the_environment_is_missing(site: Site) -> None:
    done = run_cron(site, "report", at=REPORT_AT, env_file="nowhere.env")
    assert done.returncode != 0
    assert "nowhere.env" in done.stderr


# systemd


def read_unit(path: Path) -> configparser.ConfigParser:
    unit = configparser.ConfigParser(interpolation=None, delimiters="=")
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(path, encoding="utf-8")
    return unit


def read_service(units: Path, name: str) -> Mapping[str, str]:
    """The settings of a service, with those that it has in common with the others."""
    common = read_unit(units / "siyu-.service.d" / "common.conf")["Service"]
    return {**common, **read_unit(units / f"{name}.service")["Service"]}


def run_service(site: Site, name: str, *, instance: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command of a service in the folder, with the variables and the umask it sets."""
    service = read_service(site.root / "deploy" / "systemd", name)
    lines = Path(service["EnvironmentFile"]).read_text("utf-8").splitlines()
    variables = dict(
        shlex.split(line)[0].split("=", 1) for line in lines if line and line[0] not in "#;"
    )
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    own, _, value = service["Environment"].replace("%C", cache).partition("=")
    words: list[str] = []
    for word in shlex.split(service["ExecStart"]):
        if word.startswith("$"):
            words += variables[word[1:]].split()
        else:
            words.append(word.replace("%i", instance))
    assert Path(words[0]).is_absolute()
    return subprocess.run(
        words,
        cwd=service["WorkingDirectory"],
        env={"HOME": str(site.home), "PATH": "/usr/bin:/bin", **variables, own: value},
        umask=int(service["UMask"], 8),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_systemd_finds_nothing_to_complain_of() -> None:
    names = [
        f"./{path.name.replace('@.', '@x.')}" for path in UNITS.glob("siyu-*.*") if path.is_file()
    ]
    assert len(names) == 5
    done = subprocess.run(
        ["systemd-analyze", "verify", *names],
        cwd=UNITS,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
@pytest.mark.parametrize(("name", "at"), [("siyu-report", REPORT_AT), ("siyu-status", STATUS_AT)])
def test_a_timer_elapses_when_it_should(name: str, at: datetime) -> None:
    calendar = read_unit(UNITS / f"{name}.timer")["Timer"]["OnCalendar"]
    base = (at - timedelta(hours=20)).astimezone(UTC)
    shown = subprocess.run(
        ["systemd-analyze", "calendar", f"--base-time={base:%F %T} UTC", calendar],
        env={**os.environ, "TZ": "UTC"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert f"Next elapse: {at.astimezone(UTC):%a %F %T} UTC" in shown


@pytest.mark.parametrize("name", ["siyu-report", "siyu-status"])
def test_a_timer_starts_its_service_and_makes_up_for_what_was_missed(name: str) -> None:
    timer = read_unit(UNITS / f"{name}.timer")
    assert set(timer) == {"DEFAULT", "Unit", "Timer", "Install"}
    assert timer["Timer"]["Persistent"] == "true"
    assert timer["Install"]["WantedBy"] == "timers.target"
    service = read_unit(UNITS / f"{name}.service")
    assert set(service) == {"DEFAULT", "Unit", "Service"}
    assert service["Unit"]["OnFailure"] == "siyu-notice@%n.service"


@pytest.mark.slow
def test_the_service_publishes(site: Site, first: subprocess.CompletedProcess[str]) -> None:
    done = run_service(site, "siyu-report")
    assert (done.returncode, done.stdout) == (0, f"{site.page}\n")


def test_the_services_watch_the_report_and_tell_of_a_failure(site: Site) -> None:
    with site.ending_with(FAILED):
        assert run_service(site, "siyu-status").returncode == FAILED
        assert run_service(site, "siyu-notice@", instance="siyu-status.service").returncode == 0
    assert site.calls() == [
        ["status", "--check", "notebooks/weekly.yaml"],
        ["notify", "--failed", "siyu-status.service", "notebooks/weekly.yaml"],
    ]
    # What is no failure, is not told.
    assert read_service(UNITS, "siyu-report")["SuccessExitStatus"].split() == [str(GOES_ON)]


# GitHub Actions


def read_workflow() -> dict[Any, Any]:
    text = (DEPLOY / "github" / "weekly-report.yml").read_text("utf-8")
    workflow = yaml.safe_load(text)
    workflow["on"] = workflow.pop(True)  # as YAML 1.1 reads that word
    return dict(workflow)


def steps() -> list[dict[str, Any]]:
    (job,) = read_workflow()["jobs"].values()
    return list(job["steps"])


def run_step(site: Site, name: str) -> tuple[subprocess.CompletedProcess[str], str]:
    """Run a step as GitHub does; what it leaves for others comes with it."""
    (step,) = [one for one in steps() if one.get("name") == name]
    secrets = {"${{ secrets.SIYU_WECOM }}": site.address}
    given = {key: secrets.get(value, value) for key, value in read_workflow()["env"].items()}
    output = site.home / "output.txt"
    output.write_text("")
    done = subprocess.run(
        ["bash", "-e", "-c", step["run"]],
        cwd=site.root,
        env={"HOME": str(site.home), "PATH": "/usr/bin:/bin", "GITHUB_OUTPUT": str(output)} | given,
        capture_output=True,
        text=True,
        check=False,
    )
    return done, output.read_text()


def test_the_workflow_may_only_read_and_its_actions_are_pinned() -> None:
    workflow = read_workflow()
    assert workflow["permissions"] == {"contents": "read"}
    assert workflow["concurrency"]["cancel-in-progress"] is False
    text = (DEPLOY / "github" / "weekly-report.yml").read_text("utf-8")
    pinned = re.findall(
        r"uses: actions/[a-z/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", text, re.MULTILINE
    )
    assert len(pinned) == len([step for step in steps() if "uses" in step])


def test_the_workflow_reports_on_monday_at_six_and_watches_every_day_at_nine() -> None:
    report, status = (one["cron"] for one in read_workflow()["on"]["schedule"])
    assert [hour for hour in WEEK if fires(report, hour)] == [REPORT_AT]
    assert {hour.astimezone(SHANGHAI).hour for hour in WEEK if fires(status, hour)} == {9}
    (condition,) = [step["if"] for step in steps() if step.get("id") == "report"]
    assert condition == f"github.event.schedule != '{status}'"


def test_the_workflow_calls_what_there_is() -> None:
    scripts = [step["run"] for step in steps() if "run" in step]
    called = {words[0] for script in scripts for words in map(shlex.split, script.splitlines())}
    programs = {word for word in called if not re.match(r"\w+=|echo$|exit$", word)}
    assert programs == {"make", "sudo", ".venv/bin/siyu"}
    (target,) = [script.split()[1:] for script in scripts if script.startswith("make ")]
    assert subprocess.run(["make", "-n", *target], cwd=ROOT, capture_output=True).returncode == 0


@pytest.mark.slow
def test_the_steps_of_the_workflow_publish(
    site: Site, first: subprocess.CompletedProcess[str]
) -> None:
    done, output = run_step(site, "Report")
    assert (done.returncode, output) == (0, f"folder={site.page.parent}\n")


def test_the_steps_of_the_workflow_watch_the_report_and_tell_of_a_failure(site: Site) -> None:
    with site.ending_with(BLOCKED):
        done, output = run_step(site, "Report")
        assert (done.returncode, output) == (BLOCKED, "folder=\n")
        assert run_step(site, "Does it still come?")[0].returncode == BLOCKED
        assert run_step(site, "Tell the team")[0].returncode == 0
    assert site.calls() == [
        ["report", "notebooks/weekly.yaml"],
        ["status", "--check", "notebooks/weekly.yaml"],
        ["notify", "--failed", "GitHub Actions", "notebooks/weekly.yaml"],
    ]


# Airflow


class Dag:
    """Stands for the DAG of Airflow, and remembers what it was given."""

    all: list[Self]
    open: list[Self]

    def __init__(self, name: str, **given: Any) -> None:
        self.name, self.given, self.tasks = name, given, list[dict[str, Any]]()
        self.all.append(self)

    def __enter__(self) -> Self:
        self.open.append(self)
        return self

    def __exit__(self, *_: object) -> None:
        self.open.pop()


def load_dags(monkeypatch: pytest.MonkeyPatch, path: Path, version: int) -> dict[str, Dag]:
    """Run the file with modules that stand for those of an Airflow version."""

    class Recorded(Dag):
        all, open = [], []

    def operator(**given: Any) -> None:
        Recorded.open[-1].tasks.append(given)

    def param(default: object, **schema: object) -> SimpleNamespace:
        return SimpleNamespace(value=default, schema=schema)

    def moment(*day: int, tz: str) -> datetime:
        return datetime(*day, tzinfo=ZoneInfo(tz))

    modules: dict[str, dict[str, object]] = {
        3: {
            "airflow.sdk": {"DAG": Recorded, "Param": param},
            "airflow.providers.standard.operators.bash": {"BashOperator": operator},
        },
        2: {
            "airflow": {"DAG": Recorded},
            "airflow.models.param": {"Param": param},
            "airflow.operators.bash": {"BashOperator": operator},
        },
    }[version]
    for name, content in {**modules, "pendulum": {"datetime": moment}}.items():
        module = ModuleType(name)
        vars(module).update(content)
        monkeypatch.setitem(sys.modules, name, module)
    exec(compile(path.read_text("utf-8"), path, "exec"), {})
    return {dag.name: dag for dag in Recorded.all}


def run_task(site: Site, dag: Dag, **params: str) -> subprocess.CompletedProcess[str]:
    """Run the one task of a DAG as the BashOperator does."""
    (task,) = dag.tasks
    secrets = {"siyu_wecom_secret": site.address}
    known = {name: one.value for name, one in dag.given.get("params", {}).items()} | params
    context = {"var": {"value": secrets}, "params": known}
    given = {name: jinja2.Template(text).render(context) for name, text in task["env"].items()}
    assert task["append_env"]
    return subprocess.run(
        ["bash", "-c", jinja2.Template(task["bash_command"]).render(context)],
        cwd=task["cwd"],
        env={"HOME": str(site.home), "PATH": "/usr/bin:/bin", **given},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_airflow_publishes(
    site: Site, first: subprocess.CompletedProcess[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    dags = load_dags(monkeypatch, site.root / "deploy" / "airflow" / "siyu_dags.py", 3)
    done = run_task(site, dags["siyu_report"])
    assert (done.returncode, done.stdout) == (0, f"{site.page}\n")


@pytest.mark.parametrize("version", [2, 3])
def test_airflow_watches_the_report_and_looks_back_to_the_day_it_is_triggered_with(
    site: Site, monkeypatch: pytest.MonkeyPatch, version: int
) -> None:
    dags = load_dags(monkeypatch, site.root / "deploy" / "airflow" / "siyu_dags.py", version)
    with site.ending_with(FAILED):
        assert run_task(site, dags["siyu_status"]).returncode == FAILED
        assert run_task(site, dags["siyu_report"], as_of="2026-03-15").returncode == FAILED
    assert site.calls() == [
        ["status", "--check", "notebooks/weekly.yaml"],
        ["report", "--as-of", "2026-03-15", "notebooks/weekly.yaml"],
    ]
    rule = dags["siyu_report"].given["params"]["as_of"].schema["pattern"]
    asked = ("", "2026-03-15", "$(reboot)")
    assert [bool(re.search(rule, day)) for day in asked] == [True, True, False]


def test_airflow_runs_once_a_week_and_never_again_by_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dags = load_dags(monkeypatch, DEPLOY / "airflow" / "siyu_dags.py", 3)
    nine = [STATUS_AT + timedelta(days=number) for number in range(-2, 5)]
    for dag, hours in ((dags["siyu_report"], [REPORT_AT]), (dags["siyu_status"], nine)):
        assert dag.given["start_date"].tzinfo == SHANGHAI
        assert (dag.given["catchup"], dag.given["max_active_runs"]) == (False, 1)
        assert dag.given["default_args"] == {"retries": 0}
        local = [hour.astimezone(SHANGHAI) for hour in WEEK]
        assert [hour for hour in local if fires(dag.given["schedule"], hour)] == hours
    assert dags["siyu_report"].tasks[0]["skip_on_exit_code"] == GOES_ON


# All of them


def test_every_scheduler_lets_a_run_reach_its_own_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    dags = load_dags(monkeypatch, DEPLOY / "airflow" / "siyu_dags.py", 3)
    hours = [
        re.search(r"timeout --kill-after=1m (\d+)h ", (DEPLOY / "cron.sh").read_text("utf-8")),
        re.fullmatch(r"(\d+)h", read_service(UNITS, "siyu-report")["TimeoutStartSec"]),
    ]
    (job,) = read_workflow()["jobs"].values()
    limits = [timedelta(hours=int(found[1])) for found in hours if found]
    limits.append(timedelta(minutes=job["timeout-minutes"]))
    limits.append(dags["siyu_report"].tasks[0]["execution_timeout"])
    assert len(limits) == 4
    weekly = read_config(ROOT / "notebooks" / "weekly.yaml")
    assert min(limits) > timedelta(seconds=weekly.run_timeout_seconds)


@pytest.mark.parametrize("place", ["systemd", "crontab", "cron.sh", "airflow", "github"])
def test_the_projects_folder_is_written_in_one_place(place: str) -> None:
    top = DEPLOY / place
    files = [top] if top.is_file() else [path for path in top.rglob("*") if path.is_file()]
    lines = [line for path in files for line in path.read_text("utf-8").splitlines()]
    named = [line for line in lines if PROJECT in line]
    assert len(named) == (place not in ("cron.sh", "github"))


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_the_exit_codes_explained_are_those_of_the_program(name: str) -> None:
    told = re.findall(r"^\| `(\d+)` \|", (DEPLOY / name).read_text("utf-8"), flags=re.MULTILINE)
    assert told == [*map(str, CODES), "130"]
