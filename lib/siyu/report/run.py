"""One run of a report: open the source, run the notebooks, write the pages, publish the folder."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from siyu import findings
from siyu.data import SourceError, without_persons
from siyu.language import speaking
from siyu.phrases import phrase
from siyu.report import publish, runs
from siyu.report.alerts import tell_gate, tell_team
from siyu.report.compare import Change, compare, tell
from siyu.report.config import SET_BY_THE_RUN, Config, Study
from siyu.report.gate import BlockedError
from siyu.report.history_page import write_history
from siyu.report.location import path_of, published_name
from siyu.report.manifest import asked_in, describe
from siyu.report.outcome import Outcome, read_notebook
from siyu.report.page import Stale, render_index, render_study
from siyu.report.paths import hide_in_files, machine_paths, without_paths
from siyu.report.plan import Plan, Request, make_plan, open_day
from siyu.report.progress import Progress
from siyu.report.prose import read_prose, translate
from siyu.report.runner import Job, own_files, run_all
from siyu.report.secrets import find_secrets
from siyu.report.view import view

PAGE_BUDGET_BYTES = 2_000_000


@dataclass(frozen=True, kw_only=True)
class Published:
    """A published run: its index page, whether every notebook was ok, and whether it is new.

    `undelivered` says, per recipient who could not be told of its alerts, why.
    """

    index: Path
    ok: bool
    new: bool = True
    undelivered: Sequence[str] = ()


def run_report(
    config: Config, request: Request, *, out: Path, at_once: int, progress: Progress
) -> Published:
    """Run a configuration and publish the result under `out/<config name>/`.

    Where a success was made of the very same, it is what would come of the run, and nothing is
    run. Otherwise, what goes well is published and `latest` moves to it, unless that is of a later
    day; runs beyond the number that is kept are removed.

    Args:
        config: what to run.
        request: how it is asked for.
        out: the folder of all reports.
        at_once: how many notebooks run side by side, at least 1.
        progress: is told what happens.

    Raises:
        BlockedError: the source cannot be used, or its data do not pass the gate.
        ConfigurationError: `out` cannot be written.
        LockHeldError: another run of the configuration goes on.
    """
    home = out.resolve() / config.name
    with speaking(config.language), own_files():
        started_at, begun = datetime.now(UTC), time.monotonic()
        try:
            source = open_day(config, request, home=home)
        except SourceError as error:
            # What a scheduler logs names no person: `siyu check` shows the examples.
            problems = [str(without_persons(problem)) for problem in error.problems]
            told = _tell_gate(problems, config, request, home=home, now=started_at)
            raise BlockedError(problems, undelivered=_undelivered(told)) from error
        with publish.staging(home) as folder:
            plan = make_plan(config, request, source, home=home, now=started_at)
            told = _tell_gate(plan.blocks, config, request, home=home, now=started_at)
            if plan.blocks:
                raise BlockedError(plan.blocks, undelivered=_undelivered(told))
            if plan.same is not None:
                # A run that was killed may have had no time for either.
                told += _tell_late(plan.same, config, request, home=home)
                write_history(home, config)
                index = plan.same.folder / "index.html"
                return Published(index=index, ok=True, new=False, undelivered=_undelivered(told))
            outcomes = _run(plan, folder, at_once=at_once, progress=progress)
            if changed := _has_changed(plan):
                progress.note("data_changed", phrase("page.data_changed"))
            manifest = describe(
                plan,
                outcomes,
                variant=request.variant,
                started_at=started_at,
                finished_at=datetime.now(UTC),
                seconds=time.monotonic() - begun,
            )
            before = None if request.variant else _find_former(home, plan.as_of)
            found = _all_findings(outcomes, manifest)
            changes = [] if before is None else _compare(found, manifest, before)
            _write(
                folder,
                plan,
                outcomes,
                manifest=manifest,
                found=found,
                data_changed=changed,
                before=before,
                changes=changes,
                progress=progress,
            )
            ok = all(one.state == "ok" for one in outcomes.values())
            current = not request.variant and runs.is_newest(home, plan.as_of)
            target = publish.publish(folder, home=home, as_of=plan.as_of, ok=ok)
            if ok and current:
                publish.point_latest(target)
            if current and config.recipients and not request.quiet:
                told += tell_team(
                    config, target, home=home, found=found, outcomes=outcomes, changes=changes
                )
                findings.write(target / "manifest.json", manifest | {"deliveries": told})
            if config.keep is not None:
                _remove_spare(home, keep=config.keep, but=target, progress=progress)
            if not request.variant:
                write_history(home, config)
    return Published(index=target / "index.html", ok=ok, undelivered=_undelivered(told))


def _tell_gate(
    problems: Sequence[str], config: Config, request: Request, *, home: Path, now: datetime
) -> list[dict[str, Any]]:
    """Tell the team what is wrong with the data, or that it is over."""
    latest = runs.find_latest(home)
    # A look back is no news, and says nothing of the data of today.
    past = bool(config.as_of) and latest is not None and config.as_of <= latest.place[0]
    unknown = not problems and not request.guarded
    if request.variant or request.quiet or past or unknown:
        return []
    place = (config.source, published_name(config.source, config.root))
    said = without_paths(problems, [place, *find_secrets(config.recipients)])
    return tell_gate(config, said, home=home, day=now.date())


def _tell_late(
    run: runs.Run, config: Config, request: Request, *, home: Path
) -> list[dict[str, Any]]:
    """Tell the team of a run of which nobody has been told, where there is one to be told."""
    owed = config.recipients and not request.quiet and not run.is_told
    if not owed or run != runs.find_latest(home):
        return []
    before = _find_former(home, run.place[0], but=run)
    found = runs.read_findings(run)
    told = tell_team(
        config,
        run.folder,
        home=home,
        found=found,
        outcomes={one["name"]: Outcome(state="ok") for one in run.manifest["notebooks"]},
        changes=[] if before is None else _compare(found, run.manifest, before),
    )
    findings.write(run.folder / "manifest.json", {**run.manifest, "deliveries": told})
    return told


def _remove_spare(home: Path, *, keep: int, but: Path, progress: Progress) -> None:
    for gone in runs.find_spare(home, keep=keep):
        if gone == but:  # a look back, which has just been asked for
            continue
        try:
            runs.remove([gone])
        except OSError as error:
            why = f"cannot be removed: {error.strerror}; remove it by hand"
            progress.note("not_removed", f"{gone.name} {why}")
        else:
            progress.note("removed", f"{gone.name} is beyond the {keep} runs to keep")


def _undelivered(deliveries: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    failed = (f"{one['to']}: {one['reason']}" for one in deliveries if not one["ok"])
    return tuple(dict.fromkeys(failed))


def _run(plan: Plan, folder: Path, *, at_once: int, progress: Progress) -> dict[str, Outcome]:
    """Run what has to be run and take over the rest, in the order of the configuration."""
    config = plan.config
    progress.begin(len(plan.to_run))
    taken = {
        name: publish.take_over(run.folder / name, folder / name)
        for name, run in plan.taken.items()
    }
    jobs = [_job(study, folder, plan) for study in plan.to_run]
    outcomes = run_all(
        jobs,
        root=config.root,
        at_once=at_once,
        timeout_seconds=config.run_timeout_seconds,
        on_change=progress.update,
    )
    for job in jobs:
        hide_in_files(job.folder, job.hidden)
    done = {one.name: _complete(outcomes[one.name], one) for one in plan.to_run} | taken
    return {one.name: done[one.name] for one in config.studies}


def _complete(outcome: Outcome, study: Study) -> Outcome:
    """Add, to what a study says it was asked, whatever else it was given."""
    if outcome.findings is None:
        return outcome
    given = {name: value for name, value in study.parameters.items() if name not in SET_BY_THE_RUN}
    asked = {"parameters": given | outcome.findings["parameters"]}
    return replace(outcome, findings={**outcome.findings, **asked})


def _find_former(home: Path, as_of: str, *, but: runs.Run | None = None) -> runs.Run | None:
    """Find the success with which a run of a day is compared: the last as configured before it."""
    former = [run for run in runs.read_runs(home) if run.ok and not run.is_variant and run != but]
    return next((run for run in reversed(former) if run.place[0] <= as_of), None)


def _compare(
    found: Mapping[str, Any], manifest: Mapping[str, Any], before: runs.Run
) -> list[Change]:
    now, then = asked_in(manifest), asked_in(before.manifest)
    same_source = manifest["source"] == before.manifest.get("source")
    alike = {name for name in now if same_source and now[name] == then.get(name)}
    return compare(found, runs.read_findings(before), alike=alike)


def _job(study: Study, staged: Path, plan: Plan) -> Job:
    config, folder = plan.config, staged / study.name
    folder.mkdir()
    return Job(
        name=study.name,
        notebook=study.notebook,
        folder=folder,
        parameters={**study.given, "source": config.source, "output_dir": str(folder)},
        cell_timeout_seconds=config.cell_timeout_seconds,
        memory_limit_mb=config.memory_limit_mb,
        hidden=[
            *find_secrets(config.recipients),
            *machine_paths(root=config.root, folder=folder, source=path_of(config.source)),
        ],
        find_persons=plan.source.find_persons,
        language=study.language or config.language,
    )


def _write(
    folder: Path,
    plan: Plan,
    outcomes: Mapping[str, Outcome],
    *,
    manifest: Mapping[str, Any],
    found: Mapping[str, Any],
    data_changed: bool,
    before: runs.Run | None,
    changes: Sequence[Change],
    progress: Progress,
) -> None:
    views = []
    for study in plan.config.studies:
        outcome = outcomes[study.name]
        home = folder / study.name
        language = study.language or plan.config.language
        with speaking(language):
            shown = view(study, outcome, folder=home)
            page = render_study(shown, run=manifest).encode()
        if len(page) > PAGE_BUDGET_BYTES:
            size = f"{len(page) / 1e6:.1f} MB"
            progress.note("large_page", f"{study.name}: the page has {size}; 2 MB is the budget")
        (home / "report.html").write_bytes(page)
        notebook = outcome.notebook or read_notebook(study.notebook) or {"cells": []}
        translated = translate(notebook, read_prose(study.notebook, language))
        findings.write(home / "notebook.ipynb", translated)
        if outcome.findings:
            findings.write(home / "findings.json", outcome.findings)
        views.append(shown)
    warnings = [phrase("page.data_changed")] if data_changed else []
    index = render_index(
        views,
        run=manifest,
        warnings=[*warnings, *map(str, plan.source.warnings)],
        stale={} if before is None else dict(_stale(outcomes, before)),
        since=None if before is None else before.place[0],
        changes=[tell(change) for change in changes],
    )
    (folder / "index.html").write_text(index, encoding="utf-8")
    findings.write(folder / "manifest.json", manifest)
    findings.write(folder / "findings.json", found)


def _stale(outcomes: Mapping[str, Outcome], before: runs.Run) -> Iterator[tuple[str, Stale]]:
    """Yield the last page of each study that failed now, from the folder of runs that failed."""
    for name, outcome in outcomes.items():
        page = before.folder / name / "report.html"
        if outcome.state != "ok" and page.is_file():
            said = phrase("page.stale", day=date.fromisoformat(before.place[0]))
            yield name, Stale(said=said, href=f"../../{page.relative_to(before.folder.parent)}")


def _has_changed(plan: Plan) -> bool:
    """Whether files of the source are others than when the run began; tables only grow."""
    try:
        return plan.source.fingerprint() != plan.fingerprint
    except OSError:
        return True


def _all_findings(
    outcomes: Mapping[str, Outcome], manifest: Mapping[str, Any]
) -> dict[str, object]:
    return {
        "schema": findings.SCHEMA,
        "as_of": manifest["as_of"],
        "source": manifest["source"],
        "studies": {name: one.findings for name, one in outcomes.items() if one.findings},
    }
