"""What a run would do, before it does anything: by which it runs, and which `--dry-run` shows."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from siyu.data import Source, open_source
from siyu.report import runs
from siyu.report.config import Config, Study
from siyu.report.gate import find_blocks
from siyu.report.inputs import fingerprint_study
from siyu.report.location import published_name


@dataclass(frozen=True, kw_only=True)
class Request:
    """How a run is asked for, beyond its configuration.

    `variant`: otherwise than configured, so that `latest` stays. `force`: though nothing has
    changed. `only_failed`: what went well in a run that failed is taken over. `guarded`: only where
    the data pass the gate. `quiet`: nobody is told of its alerts.
    """

    variant: bool = False
    force: bool = False
    only_failed: bool = False
    guarded: bool = True
    quiet: bool = False


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a run would do.

    `config` is bound to the day `as_of` and the source. `rows` are per table, `made_of` per study:
    the fingerprint of all that goes into it. `blocks` are why the data do not pass the gate. `same`
    is the success that leaves nothing to run: it was made of the very same, or nothing failed that
    could be repeated. `taken` is the run from which what went well is taken over, per study.
    """

    config: Config
    source: Source
    as_of: str
    fingerprint: str
    rows: Mapping[str, int]
    made_of: Mapping[str, str]
    blocks: Sequence[str]
    same: runs.Run | None
    taken: Mapping[str, runs.Run]

    @property
    def to_run(self) -> list[Study]:
        """The studies that have to be run."""
        return [one for one in self.config.studies if one.name not in self.taken]


def open_day(config: Config, request: Request, *, home: Path) -> Source:
    """Open the source as of the day that is asked for, or that of the run to repeat.

    Args:
        config: what to run.
        request: how it is asked for.
        home: the folder of the configuration; it need not be there.

    Raises:
        SourceError: the source cannot be used.
    """
    zones = [one.parameters["timezone"] for one in config.studies if "timezone" in one.parameters]
    as_of = _day_asked(config, request, runs.read_runs(home))
    return open_source(config.source, as_of=as_of, timezone=str(next(iter(zones), "")))


def make_plan(
    config: Config, request: Request, source: Source, *, home: Path, now: datetime
) -> Plan:
    """Find out what there is to do.

    Args:
        config: what to run.
        request: how it is asked for.
        source: from `open_day`.
        home: the folder of the configuration; it need not be there.
        now: aware.
    """
    past = [run for run in runs.read_runs(home) if not run.is_variant]
    broken = _last_failed(past) if request.only_failed else None
    fingerprint = source.fingerprint()  # now, before the data can change under the run
    as_of = source.as_of.isoformat()
    bound = [_bind(one, config, as_of) for one in config.studies]
    made_of = {one.name: fingerprint_study(one, data=fingerprint) for one in bound}
    counts = source.counts().set_index("table")["rows"]
    rows = {str(table): int(n) for table, n in counts.items()}
    successes = [run for run in past if run.ok]
    blocks: list[str] = []
    if request.guarded and not request.variant:
        asked = _day_asked(config, request, past)
        today = None if asked else now.astimezone(ZoneInfo(source.timezone)).date()
        blocks = find_blocks(
            config.gate,
            source=source.name,
            as_of=source.as_of,
            today=today,
            rows=rows,
            former=successes,
        )
    same = None
    if request.only_failed and broken is None:
        same = successes[-1] if successes else None
    elif not (request.force or request.variant):
        same = next((run for run in reversed(successes) if _made_of(run) == made_of), None)
    taken = {}
    if broken is not None:
        well = {one["name"]: one for one in broken.manifest["notebooks"] if one["state"] == "ok"}
        taken = {
            name: broken
            for name, made in made_of.items()
            if name in well and well[name].get("made_of") == made
        }
    return Plan(
        config=replace(config, studies=bound),
        source=source,
        as_of=as_of,
        fingerprint=fingerprint,
        rows=rows,
        made_of=made_of,
        blocks=blocks,
        same=same,
        taken=taken,
    )


def days_between(first: str, last: str, *, every_days: float) -> list[str]:
    """List the days of a backfill, ISO, from the first on, at the pace of the report.

    Args:
        first: ISO.
        last: ISO; the last day is it, or the one before it that the pace meets.
        every_days: days between two runs, above 0; a part of a day counts as a whole one.
    """
    day, end = date.fromisoformat(first), date.fromisoformat(last)
    step = timedelta(days=max(1, round(every_days)))
    days = []
    while day <= end:
        days.append(day.isoformat())
        day += step
    return days


def find_unkept(config: Config, days: Sequence[str], *, home: Path, variant: bool) -> list[str]:
    """Find the days of a backfill whose runs would be removed again, as beyond those to keep.

    Args:
        config: what to run.
        days: of the backfill, ISO.
        home: the folder of the configuration; it need not be there.
        variant: they are asked for otherwise than configured.
    """
    past = [run for run in runs.read_runs(home) if run.ok and run.is_variant == variant]
    there = [run.place[0] for run in past]
    kept = sorted([*there, *(day for day in days if day not in there)])[-(config.keep or 0) :]
    return [day for day in days if day < kept[0]]


def describe_plan(plan: Plan, request: Request, *, home: Path) -> Iterator[str]:
    """Yield what a run would do where all goes well, a line each."""
    config = plan.config
    yield f"{config.name}, as of {plan.as_of}, from {published_name(config.source, config.root)}"
    for block in plan.blocks:
        yield f"blocked: {block}"
    if plan.same is not None and not plan.blocks:
        yield f"nothing to run: {_shown(plan.same.folder)} is the answer"
        return
    for study in config.studies:
        if study.name in plan.taken:
            yield f"take over  {study.name} from {_shown(plan.taken[study.name].folder)}"
        else:
            yield f"run        {study.name}{_set(study)}"
    quiet = request.quiet or request.variant or not runs.is_newest(home, plan.as_of)
    for one in () if quiet else config.recipients:
        missing = "" if os.environ.get(one.variable) else ", which is not set"
        yield f"tell       {one.sender} at {one.variable}{missing}"
    if config.keep is not None:
        coming = runs.Run(
            folder=home / plan.as_of,
            place=(plan.as_of, sys.maxsize),
            manifest={"notebooks": [], "variant": request.variant},
        )
        for folder in runs.find_spare(home, keep=config.keep, coming=coming):
            if folder != coming.folder:
                yield f"remove     {_shown(folder)}"


def _day_asked(config: Config, request: Request, past: Sequence[runs.Run]) -> str:
    broken = _last_failed(past) if request.only_failed else None
    return config.as_of or (broken.place[0] if broken else "")


def _last_failed(past: Sequence[runs.Run]) -> runs.Run | None:
    """Find the last run as configured, where it failed: what came well since needs no repeat."""
    past = [run for run in past if not run.is_variant]
    last = max(past, key=lambda run: str(run.manifest.get("finished_at", "")), default=None)
    return None if last is None or last.ok else last


def _made_of(run: runs.Run) -> dict[str, Any]:
    return {one["name"]: one.get("made_of") for one in run.manifest["notebooks"]}


def _bind(study: Study, config: Config, as_of: str) -> Study:
    """Set what all studies of a run share, as it is published: the same data and day."""
    source = published_name(config.source, config.root)
    return replace(study, given={**study.given, "source": source, "as_of": as_of})


def _set(study: Study) -> str:
    given = {name: study.given[name] for name in study.given if name not in ("source", "as_of")}
    return "".join(f"  {name}={value!r}" for name, value in given.items())


def _shown(folder: Path) -> str:
    return os.path.relpath(folder)
