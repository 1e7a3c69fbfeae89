"""From when to when a source was observed, and which of its days can be asked for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from siyu.data.contract import TABLES
from siyu.data.load import Loaded
from siyu.data.problems import Problem, SourceError
from siyu.data.zones import start_of_day

DAY = timedelta(days=1)
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, kw_only=True)
class Observation:
    """What was observed: from `start` to before `end`; `days` are the first and last day to ask.

    `complete` is whether a whole day was observed.
    """

    start: datetime
    end: datetime
    days: tuple[date, date]
    complete: bool


def observe(loaded: Loaded) -> Observation:
    """Take the observation as declared, or else from the first to the last thing that happened.

    Raises:
        SourceError: nothing is declared, and no table holds a time.
    """
    if loaded.layout.observed:
        first, last = loaded.layout.observed
        start, end = start_of_day(first, loaded.zone), start_of_day(last + DAY, loaded.zone)
        return Observation(start=start, end=end, days=(first, last), complete=True)
    instants = _recorded(loaded)
    if not instants:
        remedy = "write observed: {from: 2026-01-01, to: 2026-06-30} in source.yaml"
        raise SourceError(Problem(rule="no table holds a time", remedy=remedy))
    start, end = min(instants), max(instants) + _INSTANT
    first, last = (at.astimezone(loaded.zone).date() for at in (start, end))
    complete = last > first
    return Observation(
        start=start, end=end, days=(first, last - DAY if complete else first), complete=complete
    )


def _recorded(loaded: Loaded) -> list[datetime]:
    """Return first and last instants: of events, or else of all happenings, or else of users."""
    known: dict[str, list[datetime]] = {}
    for name, facts in loaded.facts.items():
        contract = TABLES[name]
        columns = (contract.known_at, *contract.one_of) if contract.known_at else contract.later
        ends = (facts.get(f"{end} {column}") for column in columns for end in ("first", "last"))
        known[name] = [at for at in ends if isinstance(at, datetime)]
    users = known.pop("users", [])
    return known.get("events") or [at for found in known.values() for at in found] or users


def last_day(observation: Observation, as_of: str) -> date:
    """Return the last day that counts: the one asked for, or "" for the last complete one.

    Raises:
        SourceError: it is no day, or no day of the observation.
    """
    first, last = observation.days
    if not as_of:
        return last
    try:
        day = date.fromisoformat(as_of)
    except ValueError as error:
        remedy = f"use an ISO date such as {last}"
        raise SourceError(Problem(rule=f"as_of = {as_of!r} is no day", remedy=remedy)) from error
    if not first <= day <= last:
        rule = f"as_of = {day} must be a complete day of the observation, {first} to {last}"
        remedy = "use one of these, or correct observed in source.yaml"
        raise SourceError(Problem(rule=rule, remedy=remedy))
    return day
