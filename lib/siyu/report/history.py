"""The headline findings of a report over its past runs, and where a line may join them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

from siyu.report.manifest import asked_in
from siyu.report.runs import Run, read_findings, read_runs
from siyu.report.status import GRACE_SHARE

MOST_DAYS = 200
"""Nearly four years of weeks: with all there are, the page would grow for ever."""


@dataclass(frozen=True, kw_only=True)
class Told:
    """A study in one run.

    It was `asked` by these parameters, over this `source`, by this `method` (a fingerprint; None in
    runs that did not note it). `findings` are those that are followed, and those without a value;
    `alerts` counts those of all findings.
    """

    asked: Mapping[str, Any]
    source: str
    method: str | None
    findings: Mapping[str, Mapping[str, Any]]
    alerts: int


@dataclass(frozen=True, kw_only=True)
class Day:
    """A last complete day with the run that counts for it; one that failed tells of no study."""

    on: date
    run: Run
    studies: Mapping[str, Told]


@dataclass(frozen=True, kw_only=True)
class Point:
    """A finding in one run; it is empty where it was not told.

    `joined` is whether a line may run to it from the value before, and `redefined` whether it is
    counted otherwise than that.
    """

    on: date
    finding: Mapping[str, Any]
    joined: bool = False
    redefined: bool = False

    @property
    def has_value(self) -> bool:
        """Whether there is a number."""
        return self.finding.get("value") is not None


@dataclass(frozen=True, kw_only=True)
class Change:
    """What is otherwise in a study from a day on; `source` is None where it is the same."""

    on: date
    asked: Sequence[str]
    source: str | None
    method: bool


def read_history(home: Path) -> list[Day]:
    """Read the last `MOST_DAYS` days on which a report was run as configured, the earliest first.

    Of a day, the last success counts; a failure does where no run of the day went well. A finding
    is followed where its last value is a headline: in all runs, whatever it was in those.

    Args:
        home: the folder of the configuration; it need not be there.
    """
    counting: dict[str, Run] = {}
    for run in read_runs(home):
        day = run.place[0]
        if not run.is_variant and (run.ok or day not in counting or not counting[day].ok):
            counting[day] = run
    followed: dict[tuple[str, str], bool] = {}
    days = []
    for day in sorted(counting, reverse=True)[:MOST_DAYS]:
        run = counting[day]
        told = dict(_told(run, followed)) if run.ok else {}
        days.append(Day(on=date.fromisoformat(day), run=run, studies=told))
    return days[::-1]


def _told(run: Run, followed: dict[tuple[str, str], bool]) -> Iterator[tuple[str, Told]]:
    """Yield the studies of a run; `followed` is what later runs say of findings, and grows."""
    ran = {one["name"]: one for one in run.manifest["notebooks"]}
    asked = asked_in(run.manifest)
    for study, document in read_findings(run)["studies"].items():
        kept = {}
        for one in document["findings"]:
            known = one["value"] is not None
            if known:
                followed.setdefault((study, one["id"]), bool(one.get("headline")))
            if not known or followed[study, one["id"]]:
                kept[one["id"]] = one
        yield (
            study,
            Told(
                asked=asked[study],
                source=document["source"],
                method=ran[study].get("method"),
                findings=kept,
                alerts=sum(one["status"] == "alert" for one in document["findings"]),
            ),
        )


def is_gap(first: date, last: date, *, every_days: float) -> bool:
    """Whether a run is missing between two: they are further apart than it may be late.

    Args:
        first: the day of the earlier one.
        last: the day of the later one.
        every_days: days between two runs, above 0.
    """
    return (last - first).days > every_days * (1 + GRACE_SHARE)


def follow(days: Sequence[Day], study: str, *, every_days: float) -> list[list[Point]]:
    """Follow the headline findings of a study, those of the last run first.

    Args:
        days: from `read_history`.
        study: its name.
        every_days: days between two runs, above 0; a line does not run over a longer time.

    Returns:
        Per finding its points from the first run that has it on, at least one of them with a value.
    """
    names = dict.fromkeys(
        name
        for day in reversed(days)
        if study in day.studies
        for name, one in day.studies[study].findings.items()
        if one["value"] is not None
    )
    return [_points(days, study, name, every_days=every_days) for name in names]


def _points(days: Sequence[Day], study: str, name: str, *, every_days: float) -> list[Point]:
    points: list[Point] = []
    before: tuple[int, Told, Mapping[str, Any]] | None = None
    for place, day in enumerate(days):
        told = day.studies.get(study)
        one = None if told is None else told.findings.get(name)
        if told is None or one is None:
            if points and day.run.ok:
                points.append(Point(on=day.on, finding={}))
            continue
        joined = redefined = False
        if one["value"] is not None:
            if before is not None:
                index, former, value = before
                redefined = _definition(told, one) != _definition(former, value)
                near = not is_gap(days[index].on, day.on, every_days=every_days)
                joined = near and index == place - 1 and not redefined
            before = place, told, one
        points.append(Point(on=day.on, finding=one, joined=joined, redefined=redefined))
    return points


def _definition(told: Told, finding: Mapping[str, Any]) -> tuple[Any, ...]:
    return told.asked, told.source, told.method, finding["segment"], finding["unit"]


def find_changes(days: Sequence[Day], study: str) -> list[Change]:
    """Find from which days on a study was asked otherwise, over other data, or by other code.

    Args:
        days: from `read_history`.
        study: its name.
    """
    there = [(day.on, day.studies[study]) for day in days if study in day.studies]
    changes = []
    for (_, old), (on, new) in pairwise(there):
        names = [
            name
            for name in dict.fromkeys((*new.asked, *old.asked))
            if new.asked.get(name) != old.asked.get(name)
        ]
        source = None if new.source == old.source else new.source
        method = new.method != old.method
        if names or source is not None or method:
            changes.append(Change(on=on, asked=names, source=source, method=method))
    return changes
