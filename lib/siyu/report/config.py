"""The configuration of a report: which notebooks, over which source, with which parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from siyu.data import plain_yaml
from siyu.language import LANGUAGES
from siyu.report.config_rules import find_problems
from siyu.report.gate import Gate
from siyu.report.location import holds_secret, locate
from siyu.report.matrix import expand
from siyu.report.parameters import Parameter, check_values, is_iso_date, read_parameters
from siyu.report.problems import ConfigurationError, unknown
from siyu.report.senders import Recipient

DEFAULT_CONFIG = Path("notebooks/weekly.yaml")
SET_BY_THE_RUN = ("source", "as_of", "output_dir")


@dataclass(frozen=True, kw_only=True)
class Study:
    """One notebook with one set of parameters; `name` is the folder it is published in.

    `label` tells it from others of the same notebook, or is "".
    """

    name: str
    label: str
    notebook: Path
    declared: Mapping[str, Parameter]
    given: Mapping[str, object]

    @property
    def parameters(self) -> dict[str, object]:
        """Every parameter with the value it will run with."""
        return {name: one.default for name, one in self.declared.items()} | dict(self.given)

    @property
    def language(self) -> str | None:
        """The language it speaks, where it is one of `LANGUAGES`."""
        own = self.parameters.get("language")
        return own if isinstance(own, str) and own in LANGUAGES else None


@dataclass(frozen=True, kw_only=True)
class Config:
    """A checked configuration; a path in `source` is absolute, `root` is the project's folder.

    `titles` is the title of the report in each language, `language` that of its index. `keep` is
    how many runs of each kind are kept, `memory_limit_mb` what one notebook may take; None: no end.
    `every_days` is how often it should come, `gate` what its data must keep. `recipients` are told
    of its alerts, and `link` is the address of the folder of all reports, or "".
    """

    name: str
    titles: Mapping[str, str]
    source: str
    as_of: str
    language: str
    cell_timeout_seconds: float
    run_timeout_seconds: float
    memory_limit_mb: float | None
    keep: int | None
    every_days: float
    gate: Gate
    recipients: Sequence[Recipient]
    link: str
    root: Path
    studies: Sequence[Study]

    @property
    def title(self) -> str:
        """The title of the report in its language."""
        return self.titles[self.language]


def find_config() -> Path:
    """Find `notebooks/weekly.yaml` in the current folder or the nearest one above.

    Raises:
        ConfigurationError: there is none.
    """
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / DEFAULT_CONFIG).is_file():
            return folder / DEFAULT_CONFIG
    rule = f"no {DEFAULT_CONFIG} in {here} or above; give the path of a configuration"
    raise ConfigurationError([rule])


def read_config(path: Path) -> Config:
    """Read and check a configuration, with the parameters cells of its notebooks.

    Raises:
        ConfigurationError: with every problem found, one line each.
    """
    try:
        document = plain_yaml.load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        line = " ".join(str(error).split())
        raise ConfigurationError([f"{path.name}: cannot be read: {line}"]) from error
    if problems := list(find_problems(document)):
        raise ConfigurationError([f"{path.name}: {problem}" for problem in problems])
    shared = document.get("parameters", {})
    common = {"language": document["language"]} if "language" in document else {}
    studies = _studies(document["notebooks"], common | shared, folder=path.parent)
    root = _project_of(path)
    _require_used(shared, studies, where=f"{path.name}: parameters")
    return Config(
        name=document.get("name", path.stem),
        titles=_titles(document["title"]),
        source=locate(document["source"], root),
        as_of=document.get("as_of", ""),
        language=document.get("language", "en"),
        cell_timeout_seconds=document.get("cell_timeout_seconds", 600),
        run_timeout_seconds=document.get("run_timeout_seconds", 3600),
        memory_limit_mb=document.get("memory_limit_mb"),
        keep=document.get("keep"),
        every_days=document.get("every_days", 7),
        gate=Gate(**document.get("gate", {})),
        recipients=[
            Recipient(sender=entry["to"], variable=entry["address"])
            for entry in document.get("notify", [])
        ],
        link=document.get("link", ""),
        root=root,
        studies=studies,
    )


def narrow(
    config: Config,
    *,
    source: str | None = None,
    as_of: str | None = None,
    only: str | None = None,
    assignments: Sequence[str] = (),
) -> Config:
    """Apply what the command line says to a configuration.

    Args:
        config: the configuration.
        source: folder or file, relative to the current folder, or database URL; None keeps it.
        as_of: ISO date of the last complete day; None keeps it.
        only: name of the one notebook, or of one of its parameter sets, to run; None runs all.
        assignments: `name=value` for each notebook that has the parameter.

    Raises:
        ConfigurationError: with every problem found, one line each.
    """
    problems = []
    studies = list(config.studies)
    if only is not None:
        studies = [one for one in studies if only in (one.name, one.notebook.stem)]
    if not studies:
        problems.append(unknown("notebook", str(only), {one.name for one in config.studies}))
        studies = list(config.studies)
    if as_of and not is_iso_date(as_of):
        problems.append(f"--as-of = {as_of!r} must be an ISO date such as 2026-03-31")
    for assignment in assignments:
        studies, found = _assign(assignment, studies)
        problems += found
    config = replace(
        config,
        source=config.source if source is None else locate(source, Path.cwd()),
        as_of=config.as_of if as_of is None else as_of,
        studies=studies,
        language=_common_language(studies, config.language),
    )
    if holds_secret(config.source):
        rule = "must not hold a password, which would be published; give it by the environment"
        problems.append(f"source {rule}, for example PGPASSWORD")
    if problems:
        raise ConfigurationError(problems)
    return config


def _titles(title: str | Mapping[str, str]) -> Mapping[str, str]:
    return title if isinstance(title, Mapping) else dict.fromkeys(LANGUAGES, title)


def _common_language(studies: Sequence[Study], otherwise: str) -> str:
    """The language of the index: that of the studies, where they have one in common."""
    languages = {study.language for study in studies if study.language}
    return languages.pop() if len(languages) == 1 else otherwise


def _studies(
    entries: Sequence[Mapping[str, Any]], shared: Mapping[str, object], *, folder: Path
) -> list[Study]:
    studies: list[Study] = []
    problems: list[str] = []
    for entry in entries:
        notebook = (folder / entry["notebook"]).with_suffix(".ipynb").resolve()
        try:
            declared = read_parameters(notebook)
        except ConfigurationError as error:
            problems += error.problems
            continue
        if missing := [key for key in SET_BY_THE_RUN if key not in declared]:
            problems.append(
                f"{notebook.stem}: the parameters cell must declare {', '.join(missing)}"
            )
        used = {key: value for key, value in shared.items() if key in declared}
        suffix = entry.get("suffix", "")
        for point in expand(entry.get("matrix", {})):
            name = "_".join(filter(None, (notebook.stem, suffix, point.suffix)))
            if name in {one.name for one in studies}:
                problems.append(f"{name}: is listed twice; give one of them a suffix")
            given = used | entry.get("parameters", {}) | point.parameters
            problems += [_set_by_the_run(key, name) for key in given if key in SET_BY_THE_RUN]
            problems += check_values(given, declared, where=name)
            label = ", ".join(filter(None, (suffix, point.label)))
            study = Study(name=name, label=label, notebook=notebook, declared=declared, given=given)
            studies.append(study)
    if problems:
        raise ConfigurationError(problems)
    return studies


def _set_by_the_run(key: str, where: str) -> str:
    return f"{where}: {key} is set by the run; use --source, --as-of or --out"


def _require_used(shared: Mapping[str, object], studies: Sequence[Study], *, where: str) -> None:
    known = {name for one in studies for name in one.declared}
    if problems := [unknown("parameter", name, known) for name in shared if name not in known]:
        raise ConfigurationError([f"{where}: {problem}" for problem in problems])


def _assign(assignment: str, studies: Sequence[Study]) -> tuple[list[Study], list[str]]:
    name, equals, text = assignment.partition("=")
    known = {key for one in studies for key in one.declared}
    if not equals:
        return list(studies), [f"-p {assignment!r} must be of the form name=value"]
    if name in SET_BY_THE_RUN:
        return list(studies), [_set_by_the_run(name, "-p")]
    if name not in known:
        return list(studies), [f"-p: {unknown('parameter', name, known)}"]
    changed, problems = [], []
    for study in studies:
        given = dict(study.given)
        if name in study.declared:
            try:
                given[name] = study.declared[name].parse(text)
            except ValueError as error:
                problems.append(f"{study.name}: {error}")
            else:
                problems += check_values({name: given[name]}, study.declared, where=study.name)
        changed.append(replace(study, given=given))
    return changed, problems


def _project_of(path: Path) -> Path:
    folder = path.resolve().parent
    for candidate in (folder, *folder.parents):
        if (candidate / "pyproject.toml").is_file():
            return candidate
    return folder
