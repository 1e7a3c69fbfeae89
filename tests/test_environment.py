"""One set of packages, however the environment is set up, and one set of checks."""

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCKS = (
    ROOT / "requirements.lock",
    ROOT / "benchmarks" / "requirements.lock",
    ROOT / "tests" / "engines" / "requirements.lock",
)
ADDRESS = re.compile(r"://|--(index-url|extra-index-url|find-links)|@ ")


def entries(lock: Path) -> Iterator[tuple[Requirement, str]]:
    """Each pinned package of a lock, with the hashes that stand below it."""
    joined = lock.read_text(encoding="utf-8").replace("\\\n", " ")
    for line in joined.splitlines():
        if line.strip() and not line.startswith("#"):
            pin, *hashes = line.split("--hash=")
            yield Requirement(pin.strip()), " ".join(hashes)


def declared() -> list[tuple[Requirement, Path]]:
    """Each dependency with the lock it stands in: a report needs no other engine's."""
    project = PROJECT["project"]
    locks = {"postgres": LOCKS[2], "spark": LOCKS[2]}
    groups = {"": project["dependencies"], **project["optional-dependencies"]}
    return [
        (Requirement(text), locks.get(extra, LOCKS[0]))
        for extra, group in groups.items()
        for text in group
    ]


def load(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def targets() -> set[str]:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    return set(re.findall(r"^([a-z]+):", makefile, flags=re.MULTILINE))


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize(("wanted", "lock"), declared(), ids=str)
def test_every_dependency_is_locked_in_a_version_it_allows(wanted: Requirement, lock: Path) -> None:
    pins = [pin for pin, _ in entries(lock) if canonical(pin.name) == canonical(wanted.name)]
    assert pins, f"{wanted.name} is not in {lock}; run make lock"
    for pin in pins:
        (exact,) = pin.specifier
        assert exact.operator == "=="
        assert wanted.specifier.contains(exact.version), f"{pin} is not {wanted}; run make lock"


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.parent.name)
def test_every_locked_package_has_a_hash(lock: Path) -> None:
    assert [str(pin) for pin, hashes in entries(lock) if "sha256:" not in hashes] == []


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.parent.name)
def test_a_lock_says_nothing_about_where_packages_come_from(lock: Path) -> None:
    assert ADDRESS.search(lock.read_text(encoding="utf-8")) is None


@pytest.mark.parametrize("lock", LOCKS[1:], ids=lambda lock: lock.parent.name)
def test_what_is_added_leaves_the_environments_packages_as_they_are(lock: Path) -> None:
    ours = {f"{canonical(pin.name)} {pin.specifier}" for pin, _ in entries(LOCKS[0])}
    names = {text.split()[0] for text in ours}
    theirs = [pin for pin, _ in entries(lock) if canonical(pin.name) in names]
    assert theirs
    moved = [p for p in theirs if f"{canonical(p.name)} {p.specifier}" not in ours]
    assert [str(pin) for pin in moved] == []


def test_conda_takes_the_same_python_and_the_same_lock() -> None:
    *packages, last = load("environment.yml")["dependencies"]
    python = f"python{PROJECT['project']['requires-python']}"
    assert packages == [python, "pip"]
    assert last == {"pip": ["--requirement requirements.lock"]}


def test_jupyterlab_opens_without_news() -> None:
    shared = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["shared-data"]
    (ours,) = shared
    settings = yaml.safe_load((ROOT / ours).read_text(encoding="utf-8"))
    assert settings["@jupyterlab/apputils-extension:notification"]["fetchNews"] == "false"
    installed = Path(sys.prefix) / shared[ours]
    assert installed.read_bytes() == (ROOT / ours).read_bytes(), "set the environment up again"


def test_a_commit_runs_the_checks_of_make() -> None:
    (local,) = load(".pre-commit-config.yaml")["repos"]
    commands = [hook["entry"].split() for hook in local["hooks"]]
    assert [command[:2] for command in commands] == [["make", "--silent"]] * len(commands)
    assert {command[2] for command in commands} == {"strip", "check"} <= targets()


def test_make_test_runs_the_checks_and_then_the_tests() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(r"^PYTEST := \$\(BIN\)/python -m pytest\b", makefile, re.MULTILINE)
    assert re.search(r"^test: check\b.*\n\t@\$\(PYTEST\)", makefile, re.MULTILINE)
    recipe = re.search(r"^check: \$\(READY\).*\n((?:\t.*\n)+)", makefile, re.MULTILINE)
    assert recipe
    tools = re.findall(r"^\t@\$\(BIN\)/(\S+)", recipe[1], re.MULTILINE)
    assert tools == ["ruff", "ruff", "mypy", "lint-imports"]


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_make_alone_lists_what_there_is() -> None:
    shown = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert set(re.findall(r"^  make (\w+)", shown, flags=re.MULTILINE)) == targets()


@pytest.mark.parametrize("path", sorted(ROOT.glob("notebooks/*.ipynb")), ids=lambda path: path.stem)
def test_a_notebook_is_kept_as_make_strip_leaves_it(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    notebook = nbformat.reads(text, as_version=nbformat.NO_CONVERT)
    assert set(notebook.metadata) == {"kernelspec"}, "run make strip"
    assert {key for cell in notebook.cells for key in cell.metadata} <= {"tags"}, "run make strip"
    assert nbformat.writes(notebook).rstrip("\n") == text.rstrip("\n"), "run make strip"


def test_git_sees_the_library_and_no_reports() -> None:
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert {".venv/", "/reports/", "/handover/"} <= set(ignored)
    assert not {"lib/", "/lib/", "lib"} & set(ignored)
