"""Short ways to write a pool of people who are added, come back and leave; and to judge it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
from siyu.data import Source
from siyu.studies.retention.definition import Definition
from siyu.studies.retention.measures import Measures

from tests.studies.funnel.builders import open_shop

ZONE = ZoneInfo("Asia/Shanghai")
LAST = dt.date(2026, 1, 31)


def at(text: str) -> dt.datetime:
    """An instant of Shanghai, written "5 23:59": day of January 2026 and time."""
    day, time = text.split()
    return dt.datetime.fromisoformat(f"2026-01-{int(day):02} {time}").replace(tzinfo=ZONE)


@dataclass(frozen=True)
class Person:
    added_at: dt.datetime
    left_at: dt.datetime | None = None
    back_at: list[dt.datetime] = field(default_factory=list)
    channel: str = "social"


def shop(
    folder: Path,
    people: list[Person],
    *,
    as_of: str = "",
    since: str = "2026-01-01",
    until: str = f"{LAST}",
    zone: ZoneInfo = ZONE,
    ids: Sequence[str] = (),
) -> Source:
    """Open a shop whose log is complete from a day to a day."""
    names = ids or [f"{i:04}" for i in range(len(people))]
    users = [
        {
            "user_id": name,
            "added_at": one.added_at,
            "left_at": one.left_at,
            "channel": one.channel,
        }
        for name, one in zip(names, people, strict=True)
    ]
    events = [
        {"user_id": name, "occurred_at": when, "event": "browse"}
        for name, one in zip(names, people, strict=True)
        for when in one.back_at
    ]
    # Somebody has to have browsed, or the log has never seen it.
    events.append({"user_id": "nobody", "occurred_at": _noon(since, zone), "event": "browse"})
    users.append({"user_id": "nobody", "added_at": None, "left_at": None, "channel": "online"})
    layout = {"timezone": zone.key}
    return open_shop(
        folder, events, as_of=as_of, observed=(since, until), layout=layout, users=users
    )


def _noon(day: str, zone: ZoneInfo) -> dt.datetime:
    return dt.datetime.fromisoformat(f"{day} 12:00").replace(tzinfo=zone)


def by_hand(
    people: list[Person], asked: Definition, *, last: dt.date = LAST, zone: ZoneInfo = ZONE
) -> dict[int, tuple]:
    """Per day: who can be judged and who of those stayed, person by person, as the text defines."""
    end = dt.datetime.combine(last + dt.timedelta(days=1), dt.time(), tzinfo=zone).astimezone(
        dt.UTC
    )
    people = [
        Person(
            one.added_at.astimezone(dt.UTC),
            one.left_at and one.left_at.astimezone(dt.UTC),
            [when.astimezone(dt.UTC) for when in one.back_at],
        )
        for one in people
    ]
    return {
        k: (len(judged), sum(_stayed(one, asked, k, end, zone) for one in judged))
        for k in range(1, asked.horizon + 1)
        for judged in [[one for one in people if _followed(one, asked, k, last, end, zone)]]
    }


def _followed(
    one: Person, asked: Definition, k: int, last: dt.date, end: dt.datetime, zone: ZoneInfo
) -> bool:
    day = k + (
        asked.follow_days - 1 if asked.retained_as == "active" and asked.kind == "from" else 0
    )
    if asked.clock == "calendar":
        return one.added_at.astimezone(zone).date() + dt.timedelta(days=day) <= last
    whole_days = day + 1 if asked.retained_as == "active" else day
    return one.added_at + dt.timedelta(days=whole_days) <= end


def _stayed(one: Person, asked: Definition, k: int, end: dt.datetime, zone: ZoneInfo) -> bool:
    if asked.retained_as == "connected":
        if one.left_at is None or one.left_at >= end:
            return True
        if asked.clock == "24h":
            return one.left_at - one.added_at >= dt.timedelta(days=k)
        return _day(one, one.left_at, asked, zone) > k
    days = {_day(one, when, asked, zone) for when in one.back_at if one.added_at <= when < end}
    wanted = {
        "on": range(k, k + 1),
        "from": range(k, k + asked.follow_days),
        "within": range(1, k + 1),
    }[asked.kind]
    return any(day in wanted for day in days)


def _day(one: Person, when: dt.datetime, asked: Definition, zone: ZoneInfo) -> int:
    if asked.clock == "24h":
        return (when - one.added_at) // dt.timedelta(days=1)
    return (when.astimezone(zone).date() - one.added_at.astimezone(zone).date()).days


def reduced(
    definition: Definition,
    risk: list[tuple[str, dt.date, int, int]],
    kept: list[tuple[str, dt.date, int, int, int]],
    stays: list[tuple[str, int, int, int]] = (),
    *,
    min_users: int = 1,
) -> Measures:
    """Reduced tables, each row ending in n: segment, cohort, seen; segment, cohort, seen, k;
    segment, hours, outcome.
    """
    segments = {name for name, *_ in risk} - {"all", "(small groups)"}
    return Measures(
        definition=definition,
        source="shop",
        first=dt.date(2025, 12, 1),
        as_of=LAST,
        min_users=min_users,
        by=("channel",) if segments else (),
        refused=(),
        segments={name: {"channel": name} for name in sorted(segments)},
        risk=pd.DataFrame(risk, columns=["segment", "cohort", "seen", "n"]),
        kept=pd.DataFrame(kept, columns=["segment", "cohort", "seen", "k", "n"]),
        stays=pd.DataFrame(
            list(stays) or [("all", 240, 0, sum(row[3] for row in risk))],
            columns=["segment", "hours", "outcome", "n"],
        ),
    )
