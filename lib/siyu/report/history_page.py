"""The page of a report's history, rebuilt after each run from the runs that are there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

from siyu import findings
from siyu.formats import number, paragraph, quantity
from siyu.language import speaking
from siyu.phrases import phrase, section
from siyu.report import chart, history
from siyu.report.config import Config, Study
from siyu.report.history import Change, Day, Point, find_changes, follow, is_gap, read_history
from siyu.report.page import render
from siyu.report.view import read_title

PAGE = "history.html"
MOST = 6
"""Numbers of one study on the page: beyond them, it is a wall that nobody reads."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """A number in one run, in words; `status` is "" where it was not told."""

    on: date
    value: str
    interval: str
    n: str
    status: str
    note: str


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One number: its name, its last value, what is to be said of its line, the chart, its rows."""

    headline: str
    last: str
    notes: Sequence[str]
    alt: str
    chart: chart.Chart
    rows: Sequence[Row]


@dataclass(frozen=True, kw_only=True)
class Group:
    """One study: its title, its page in the last run, and its numbers; `more` are left out."""

    name: str
    title: str
    href: str
    said: str
    changes: Sequence[str]
    panels: Sequence[Panel]
    more: str


def write_history(home: Path, config: Config) -> None:
    """Write the history of a report beside its runs, in the language of its index.

    Args:
        home: the folder of the configuration.
        config: its studies are shown, in its order.
    """
    with speaking(config.language):
        page = render_history(read_history(home), config)
    findings.write_text(home / PAGE, page)


def render_history(days: Sequence[Day], config: Config) -> str:
    """Render the history of a report, in the language spoken now.

    Args:
        days: from `read_history`.
        config: its studies are shown, in its order.
    """
    done = [day for day in days if day.run.ok]
    groups = [_group(one, days, done[-1], config.every_days) for one in config.studies if done]
    return render(
        "history.html.j2",
        title=phrase("history.title", title=config.title),
        stale=phrase("history.stale", day=days[-1].on) if days and not days[-1].run.ok else "",
        covers=_covers(done, cut=len(days) == history.MOST_DAYS),
        reading=section("history.reading").values(),
        overview=f"{_place(done[-1])}/index.html" if done else "",
        groups=[group for group in groups if group.panels],
        runs=list(_runs(days, every_days=config.every_days))[::-1],
        frame=chart,
        first=days[0].on if days else None,
        last=days[-1].on if days else None,
        words=section("history.words"),
    )


def _covers(done: Sequence[Day], *, cut: bool) -> str:
    if not done:
        return phrase("history.covers.none")
    if len(done) == 1:
        return phrase("history.covers.one", day=done[0].on)
    kind = "last" if cut else "many"
    return phrase(f"history.covers.{kind}", n=len(done), first=done[0].on, last=done[-1].on)


def _runs(days: Sequence[Day], *, every_days: float) -> Iterator[tuple[date | None, str, str]]:
    """Yield the day, the page and a note of each run; no day where one is missing."""
    before: Day | None = None
    for day in days:
        if before is not None and is_gap(before.on, day.on, every_days=every_days):
            yield None, "", phrase("history.gap", first=before.on, last=day.on)
        page = f"{_place(day)}/index.html"
        yield day.on, page, "" if day.run.ok else phrase("history.failed")
        before = day


def _place(day: Day) -> str:
    """Where a run lies, from the folder of the configuration."""
    folder = day.run.folder
    return folder.name if day.run.ok else f"{folder.parent.name}/{folder.name}"


def _group(study: Study, days: Sequence[Day], latest: Day, every_days: float) -> Group:
    followed = follow(days, study.name, every_days=every_days)
    shown, more = followed[:MOST], len(followed) - MOST
    title = read_title(study)
    changes = find_changes(days, study.name)
    return Group(
        name=study.name,
        title=title,
        href=f"{_place(latest)}/{study.name}/report.html" if study.name in latest.studies else "",
        said=_say_alerts(shown, latest, study.name),
        changes=[said for change in changes for said in _say_change(change)],
        panels=[_panel(points, first=days[0].on, last=days[-1].on) for points in shown],
        more=phrase("history.more", n=more) if more > 0 else "",
    )


def _say_alerts(shown: Sequence[Sequence[Point]], latest: Day, study: str) -> str:
    newest = [points[-1] for points in shown]
    alerts = sum(one.on == latest.on and one.finding.get("status") == "alert" for one in newest)
    kind = "group" if alerts else "group_none"
    said = phrase(f"history.{kind}", n=len(shown), alerts=alerts, day=latest.on)
    others = latest.studies[study].alerts - alerts if study in latest.studies else 0
    return paragraph(said, phrase("history.others", n=others) if others else "")


def _say_change(change: Change) -> Iterator[str]:
    if change.asked:
        yield phrase("history.changed.asked", day=change.on, names=change.asked)
    if change.source is not None:
        yield phrase("history.changed.source", day=change.on, source=change.source)
    if change.method:
        yield phrase("history.changed.method", day=change.on)


def _panel(points: Sequence[Point], *, first: date, last: date) -> Panel:
    valued = [point for point in points if point.has_value]
    newest = valued[-1].finding
    said = _say_value(newest)
    if valued[-1].on != last:
        said = phrase("history.as_of", value=said, day=valued[-1].on)
    told = {"n": len(valued), "first": valued[0].on, "last": valued[-1].on}
    return Panel(
        headline=newest["headline"],
        last=said,
        notes=[*_say_segment(valued), *_say_missing(points)],
        alt=phrase("history.alt", headline=newest["headline"], value=said, **told),
        chart=chart.draw(points, first=first, last=last),
        rows=[_row(point) for point in reversed(points)],
    )


def _say_value(finding: Mapping[str, Any]) -> str:
    value, interval = quantity(finding["value"], finding["unit"]), _say_interval(finding)
    if not interval:
        return value
    return phrase("history.value", value=value, level=finding["level"], interval=interval)


def _say_interval(finding: Mapping[str, Any]) -> str:
    """Write an interval; an end that is not there is not bounded."""
    ends = {
        name: quantity(finding[name], finding["unit"])
        for name in ("ci_lower", "ci_upper")
        if finding[name] is not None
    }
    form = "both" if len(ends) == 2 else next(iter(ends), "")
    return phrase(f"history.interval.{form}", **ends) if form else ""


def _say_segment(valued: Sequence[Point]) -> Iterator[str]:
    """Say since when a number is of the group that it is of, where it was of another before."""
    for now, before in pairwise(reversed(valued)):
        new, old = (list(one.finding["segment"].values()) for one in (now, before))
        if new != old:
            yield phrase("history.changed.segment", day=now.on, now=new, before=old)
            return


def _say_missing(points: Sequence[Point]) -> Iterator[str]:
    missing = [point for point in points if not point.has_value]
    if missing:
        counts = {"n": len(missing), "runs": len(points)}
        yield phrase(
            "history.missing", **counts, day=missing[-1].on, reason=_say_reason(missing[-1])
        )


def _say_reason(point: Point) -> str:
    return str(point.finding["message"]) if point.finding else phrase("history.not_told")


def _row(point: Point) -> Row:
    one = point.finding
    if not point.has_value:
        status, note = str(one.get("status", "")), _say_reason(point)
        return Row(on=point.on, value="", interval="", n="", status=status, note=note)
    return Row(
        on=point.on,
        value=quantity(one["value"], one["unit"]),
        interval=_say_interval(one),
        n=number(one["n"]),
        status=str(one["status"]),
        note=phrase("history.redefined") if point.redefined else "",
    )
