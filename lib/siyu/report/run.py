"""One run of a report: open the source, run the notebooks, write the pages, publish the folder."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from siyu import findings
from siyu.data import Source, open_source
from siyu.language import speaking
from siyu.report import publish, runs
from siyu.report.alerts import tell_team
from siyu.report.compare import Change, compare, tell
from siyu.report.config import Config, Study
from siyu.report.inputs import fingerprint_study
from siyu.report.location import path_of, published_name
from siyu.report.manifest import describe
from siyu.report.outcome import Outcome, read_notebook
from siyu.report.page import render_index, render_study
from siyu.report.paths import machine_paths
from siyu.report.progress import Progress
from siyu.report.prose import read_prose, translate
from siyu.report.runner import Job, own_files, run_all
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
    config: Config,
    *,
    out: Path,
    at_once: int,
    progress: Progress,
    variant: bool = False,
    force: bool = False,
) -> Published:
    """Run a configuration and publish the result under `out/<config name>/`.

    Where a success was made of the very same, it is what would come of the run, and nothing is
    run. Otherwise, what goes well is published and `latest` moves to it, unless that is of a later
    day; runs beyond the number that is kept are removed.

    Args:
        config: what to run.
        out: the folder of all reports.
        at_once: how many notebooks run side by side, at least 1.
        progress: is told what happens.
        variant: it is asked for otherwise than configured: `latest` stays.
        force: run it though nothing has changed.

    Raises:
        SourceError: the source cannot be used.
        ConfigurationError: `out` cannot be written.
        LockHeldError: another run of the configuration goes on.
    """
    with speaking(config.language), own_files():
        started_at, begun = datetime.now(UTC), time.monotonic()
        source = _open(config)
        fingerprint = source.fingerprint()  # now, before the data can change under the run
        as_of = source.as_of.isoformat()
        config = replace(config, studies=[_bind(one, config, as_of) for one in config.studies])
        made_of = {one.name: fingerprint_study(one, data=fingerprint) for one in config.studies}
        home = out.resolve() / config.name
        with publish.staging(home) as folder:
            if not (force or variant) and (same := _find_same(home, config, made_of)):
                return Published(index=same / "index.html", ok=True, new=False)
            outcomes = run_all(
                [_job(study, folder, config) for study in config.studies],
                root=config.root,
                at_once=at_once,
                timeout_seconds=config.run_timeout_seconds,
                on_change=progress.update,
            )
            manifest = describe(
                config,
                outcomes,
                source=source.name,
                as_of=as_of,
                fingerprint=fingerprint,
                made_of=made_of,
                variant=variant,
                started_at=started_at,
                finished_at=datetime.now(UTC),
                seconds=time.monotonic() - begun,
            )
            before = None if variant else _find_former(home, as_of)
            found = _all_findings(outcomes, manifest)
            changes = [] if before is None else compare(found, runs.read_findings(before))
            _write(
                folder,
                config,
                outcomes,
                manifest=manifest,
                found=found,
                since=None if before is None else before.place[0],
                changes=changes,
                warnings=[str(warning) for warning in source.warnings],
                progress=progress,
            )
            ok = all(one.state == "ok" for one in outcomes.values())
            current = not variant and _is_newest(home, as_of)
            target = publish.publish(folder, home=home, as_of=as_of, ok=ok)
            if ok and current:
                publish.point_latest(target)
            deliveries: list[dict[str, Any]] = []
            if current and config.recipients:
                deliveries = tell_team(
                    config, target, home=home, found=found, outcomes=outcomes, changes=changes
                )
                findings.write(target / "manifest.json", manifest | {"deliveries": deliveries})
            if config.keep is not None:
                runs.remove(runs.find_spare(home, keep=config.keep))
    return Published(
        index=target / "index.html",
        ok=ok,
        undelivered=tuple(f"{one['to']}: {one['reason']}" for one in deliveries if not one["ok"]),
    )


def _find_same(home: Path, config: Config, made_of: Mapping[str, str]) -> Path | None:
    """Find the last success that was made of the very same, and of which all were told."""
    latest = runs.find_latest(home)
    same = [
        run
        for run in runs.read_runs(home)
        if run.ok
        and not run.is_variant
        and {one["name"]: one.get("made_of") for one in run.manifest["notebooks"]} == made_of
    ]
    # A run that was killed before it could tell of its alerts is made again.
    untold = same and same[-1] == latest and config.recipients and not latest.is_told
    return same[-1].folder if same and not untold else None


def _find_former(home: Path, as_of: str) -> runs.Run | None:
    """Find the success with which a run of a day is compared: the last as configured before it."""
    former = [run for run in runs.read_runs(home) if run.ok and not run.is_variant]
    return next((run for run in reversed(former) if run.place[0] <= as_of), None)


def _is_newest(home: Path, as_of: str) -> bool:
    """Whether the last success is of no later day: a look back must not take its place."""
    latest = runs.find_latest(home)
    return latest is None or latest.place[0] <= as_of


def _open(config: Config) -> Source:
    zones = [one.parameters["timezone"] for one in config.studies if "timezone" in one.parameters]
    return open_source(config.source, as_of=config.as_of, timezone=str(next(iter(zones), "")))


def _bind(study: Study, config: Config, as_of: str) -> Study:
    """Set what all studies of a run share, as it is published: the same data and day."""
    source = published_name(config.source, config.root)
    return replace(study, given={**study.given, "source": source, "as_of": as_of})


def _job(study: Study, staged: Path, config: Config) -> Job:
    folder = staged / study.name
    folder.mkdir()
    return Job(
        name=study.name,
        notebook=study.notebook,
        folder=folder,
        parameters={**study.given, "source": config.source, "output_dir": str(folder)},
        cell_timeout_seconds=config.cell_timeout_seconds,
        memory_limit_mb=config.memory_limit_mb,
        hidden=machine_paths(root=config.root, folder=folder, source=path_of(config.source)),
        language=study.language or config.language,
    )


def _write(
    folder: Path,
    config: Config,
    outcomes: Mapping[str, Outcome],
    *,
    manifest: Mapping[str, Any],
    found: Mapping[str, Any],
    since: str | None,
    changes: Sequence[Change],
    warnings: Sequence[str],
    progress: Progress,
) -> None:
    views = []
    for study in config.studies:
        outcome = outcomes[study.name]
        home = folder / study.name
        language = study.language or config.language
        with speaking(language):
            shown = view(study, outcome, folder=home)
            page = render_study(shown, run=manifest).encode()
        if len(page) > PAGE_BUDGET_BYTES:
            progress.note(
                f"{study.name}: the page has {len(page) / 1e6:.1f} MB; 2 MB is the budget"
            )
        (home / "report.html").write_bytes(page)
        notebook = outcome.notebook or read_notebook(study.notebook) or {"cells": []}
        translated = translate(notebook, read_prose(study.notebook, language))
        findings.write(home / "notebook.ipynb", translated)
        if outcome.findings:
            findings.write(home / "findings.json", outcome.findings)
        views.append(shown)
    index = render_index(
        views,
        run=manifest,
        warnings=warnings,
        since=since,
        changes=[tell(change) for change in changes],
    )
    (folder / "index.html").write_text(index, encoding="utf-8")
    findings.write(folder / "manifest.json", manifest)
    findings.write(folder / "findings.json", found)


def _all_findings(
    outcomes: Mapping[str, Outcome], manifest: Mapping[str, Any]
) -> dict[str, object]:
    return {
        "schema": findings.SCHEMA,
        "as_of": manifest["as_of"],
        "source": manifest["source"],
        "studies": {name: one.findings for name, one in outcomes.items() if one.findings},
    }
