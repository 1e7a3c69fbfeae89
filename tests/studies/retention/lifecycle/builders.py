"""Short ways to write people with tiers, and their life cycle person by person."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
from siyu.data import Source
from siyu.studies.retention.lifecycle import Measures

from tests.studies.funnel.builders import open_shop

ZONE = ZoneInfo("Asia/Shanghai")
WEEK = dt.timedelta(days=7)
OBSERVED = ("2026-01-01", "2026-03-15")
FIRST, LAST = dt.date(2026, 1, 5), dt.date(2026, 3, 9)
"""The Mondays of the first and the last whole week of these days."""
STARTS = (dt.date(2026, 1, 15), dt.date(2026, 2, 16))
RANKS = {name: place for place, name in enumerate(("ordinary", "silver", "gold", "diamond"))}
ENGAGED = ("new", "active", "resurrected")
STATES = ("new", "active", "resurrected", "dormant", "lost")


def at(text: str) -> dt.datetime:
    """An instant of Shanghai in 2026, written "01-05 23:59"."""
    return dt.datetime.fromisoformat(f"2026-{text}").replace(tzinfo=ZONE)


def midnight(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), tzinfo=ZONE)


@dataclass(frozen=True)
class Person:
    added_at: dt.datetime | None
    left_at: dt.datetime | None = None
    back_at: Sequence[dt.datetime] = ()
    reviews: Sequence[tuple[dt.datetime, str]] = field(default=())


def shop(
    folder: Path,
    people: Sequence[Person],
    *,
    observed: tuple[str, str] = OBSERVED,
    as_of: str = "",
    tiers: bool = True,
) -> Source:
    names = [f"{i:04}" for i in range(len(people))]
    both = list(zip(names, people, strict=True))
    users = [{"user_id": n, "added_at": p.added_at, "left_at": p.left_at} for n, p in both]
    events = [
        {"user_id": n, "occurred_at": when, "event": "browse"}
        for n, p in both
        for when in p.back_at
    ]
    # Somebody has to have browsed, or the log has never seen it; and greetings are no return.
    first = midnight(dt.date.fromisoformat(observed[0]))
    events += [{"user_id": "nobody", "occurred_at": first, "event": "browse"}]
    events += [{"user_id": n, "occurred_at": midnight(LAST), "event": "greet"} for n, _ in both]
    users.append({"user_id": "nobody", "added_at": None, "left_at": None})
    reviews = [
        {"user_id": n, "tier": tier, "since": since} for n, p in both for since, tier in p.reviews
    ]
    more = {}
    if tiers:
        more["tiers"] = reviews or [{"user_id": "nobody", "tier": "gold", "since": first}]
    return open_shop(folder, events, observed=observed, as_of=as_of, users=users, **more)


def state(one: Person, monday: dt.date) -> str | None:
    """The state at the end of a week; None: not added yet."""
    begins, ends = midnight(monday), midnight(monday + WEEK)
    if one.added_at is None or one.added_at >= ends:
        return None
    if one.left_at is not None and one.left_at < ends:
        return "lost"
    if one.added_at >= begins:
        return "new"
    if not came(one, begins, ends):
        return "dormant"
    return "active" if state(one, monday - WEEK) in ENGAGED else "resurrected"


def came(one: Person, begins: dt.datetime, ends: dt.datetime) -> bool:
    return any(begins <= when < ends and when >= one.added_at for when in one.back_at)


def accounts(people: Sequence[Person], monday: dt.date) -> dict[str, int]:
    """The states of a week and who left in it, by where from."""
    pairs = Counter((state(one, monday - WEEK), state(one, monday)) for one in people)
    now = Counter({s: sum(n for (_, b), n in pairs.items() if b == s) for s in STATES})
    left = {before: n for (before, after), n in pairs.items() if after == "lost"}
    return {
        "added": now.total(),
        **{s: now[s] for s in STATES},
        "fell_dormant": sum(pairs[before, "dormant"] for before in ENGAGED),
        "left_at_once": left.get(None, 0),
        "left_new": left.get("new", 0),
        "left_engaged": left.get("active", 0) + left.get("resurrected", 0),
        "left_dormant": left.get("dormant", 0),
    }


def tier_at(one: Person, begins: dt.datetime) -> str | None:
    """The tier of who had been added before an instant and had not left, by the last review."""
    if one.added_at is None or one.added_at >= begins:
        return None
    if one.left_at is not None and one.left_at < begins:
        return None
    seen = [review for review in one.reviews if review[0] <= begins]
    return max(seen)[1] if seen else None


def active_weeks(one: Person, monday: dt.date, weeks: int) -> int:
    """In how many of so many weeks somebody came back who has not left by their end."""
    ends = midnight(monday + weeks * WEEK)
    if one.left_at is not None and one.left_at < ends:
        return 0
    starts = [monday + i * WEEK for i in range(weeks)]
    return sum(came(one, midnight(day), midnight(day + WEEK)) for day in starts)


def reduced(
    states: Sequence[dict[str, int]] = (),
    *,
    members: Sequence[tuple[str, int, int, int]] | None = (),
    windows: Sequence[tuple[str | None, int, str | None, int, int]] = (),
    min_users: int = 30,
    n_weeks: int | None = None,
    starts: tuple[dt.date | None, dt.date | None] = STARTS,
) -> Measures:
    """Reduced tables. members: tier, week (0 the first), members, active. windows: the tier before,
    active before, tier, weeks active, users. Tiers are as high as `RANKS` says, others higher.
    """
    weeks = tuple(LAST - i * WEEK for i in range(n_weeks or len(states) or 1))[::-1]
    plain = dict.fromkeys(accounts([], LAST), 0)
    rows = [plain | given | {"week": day} for given, day in zip(states, weeks, strict=False)]
    held = pd.DataFrame(
        [(tier, weeks[place], n, x) for tier, place, n, x in members or ()],
        columns=["tier", "week", "members", "active"],
    )
    columns = ["tier_before", "active_before", "tier", "weeks_active", "n"]
    both = pd.DataFrame(list(windows), columns=columns)
    names = {row[0] for row in members or ()} | {row[i] for row in windows for i in (0, 2)}
    tiers = sorted(names - {None}, key=lambda name: (RANKS.get(name, len(RANKS)), name))
    return Measures(
        source="shop",
        as_of=LAST + dt.timedelta(days=6),
        min_users=min_users,
        weeks=weeks if n_weeks != 0 else (),
        tiers=tuple(tiers),
        states=pd.DataFrame(rows, columns=["week", *plain]),
        members=None if members is None else held,
        windows=None if members is None else both.astype({"tier": object, "tier_before": object}),
        starts=starts if windows else (None, None),
        after_days=14,
    )
