"""Members with reviews, the same accounts drawn up member by member, and reduced tables."""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
from siyu.data import Source, open_source
from siyu.studies.tiers import Definition, Members, find_members

ZONE = ZoneInfo("Asia/Shanghai")
TIERS = ("ordinary", "silver", "gold")
MONTHS = tuple(dt.date(2026, month, 1) for month in range(1, 8))
OBSERVED = (dt.date(2026, 1, 1), dt.date(2026, 7, 20))
HOUR = dt.timedelta(hours=1)


def midnight(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), tzinfo=ZONE)


@dataclass
class Person:
    """Somebody with reviews (when, and the tier), who may have left."""

    reviews: dict[dt.datetime, str] = field(default_factory=dict)
    left_at: dt.datetime | None = None


def monthly(tiers: str, *, left: dt.datetime | None = None, months=MONTHS) -> Person:
    """Somebody reviewed at the first of months, by the first letters of tiers; "-": not then."""
    names = {tier[0]: tier for tier in TIERS}
    given = zip(months, tiers, strict=False)
    return Person({midnight(day): names[each] for day, each in given if each != "-"}, left)


def open_pool(folder: Path, people: Sequence[Person], *, as_of: str = "", orders=None) -> Source:
    users = pd.DataFrame(
        {
            "user_id": [f"u{i:04}" for i in range(len(people))],
            "left_at": pd.to_datetime([one.left_at for one in people], utc=True),
        }
    )
    rows = [
        {"user_id": f"u{i:04}", "tier": tier, "since": at}
        for i, one in enumerate(people)
        for at, tier in one.reviews.items()
    ]
    tiers = pd.DataFrame(rows, columns=["user_id", "tier", "since"])
    tiers["since"] = pd.to_datetime(tiers["since"], utc=True)
    tables = {"users": users, "tiers": tiers}
    if orders is not None:
        tables["orders"] = pd.DataFrame(orders)
        tables["orders"]["paid_at"] = pd.to_datetime(tables["orders"]["paid_at"], utc=True)
    for name, table in tables.items():
        for column in table.select_dtypes("datetimetz"):
            table[column] = table[column].astype("datetime64[us, UTC]")
        table.to_parquet(folder / f"{name}.parquet", index=False)
    first, last = OBSERVED
    (folder / "source.yaml").write_text(
        f"timezone: Asia/Shanghai\nobserved: {{from: {first}, to: {last}}}\n", "utf-8"
    )
    return open_source(folder, as_of=as_of)


def members_of(
    folder: Path, people: Sequence[Person], *, period_days=365, min_users=1, **given
) -> Members:
    pool = open_pool(folder, people, **given)
    return find_members(pool, Definition(tiers=TIERS), period_days=period_days, min_users=min_users)


def draw(seed: int, n: int = 60) -> list[Person]:
    """Draw members who miss reviews, join late, leave, and have reviews on odd days."""
    rng = random.Random(seed)
    people = []
    for _ in range(n):
        begins = rng.choice([0, 0, 1, 2, 4])
        reviews = {
            midnight(day) + rng.choice([0, 0, 9]) * HOUR: rng.choice(TIERS)
            for day in MONTHS[begins:]
            if rng.random() < 0.9
        }
        if rng.random() < 0.04:
            reviews[midnight(rng.choice(MONTHS)) + 13 * 24 * HOUR] = rng.choice(TIERS)
        left = None
        if rng.random() < 0.5:
            left = midnight(rng.choice(MONTHS)) + rng.choice([-200, 0, 5, 12, 300]) * HOUR
        people.append(Person(reviews, left))
    return people


def ends_of(people: Sequence[Person]) -> list[dt.datetime]:
    """The last review on the first of each month: the moment of the round."""
    return [
        max(at for one in people for at in one.reviews if at.astimezone(ZONE).date() == day)
        for day in MONTHS
    ]


def state(one: Person, end: dt.datetime) -> str | None:
    """The tier of a member at the end of a round; None: never reviewed yet, or gone."""
    if one.left_at is not None and one.left_at <= end:
        return None
    seen = {at: tier for at, tier in one.reviews.items() if at <= end}
    return seen[max(seen)] if seen else None


def account(people: Sequence[Person], before: dt.datetime, end: dt.datetime, tier: str) -> Counter:
    """The account of a tier between two rounds, member by member."""
    found: Counter = Counter()
    place = TIERS.index
    for one in people:
        was, now = state(one, before), state(one, end)
        found["opening"] += was == tier
        found["closing"] += now == tier
        found["left"] += was == tier and now is None
        if now is None:
            continue
        found["joined"] += was is None and now == tier
        if was is not None and was != now:
            found["went_up"] += was == tier and place(now) > place(was)
            found["went_down"] += was == tier and place(now) < place(was)
            found["from_below"] += now == tier and place(now) > place(was)
            found["from_above"] += now == tier and place(now) < place(was)
        reviewed = any(before < at <= end for at in one.reviews)
        found["not_reviewed"] += now == tier and not reviewed
    return found


def steps(people: Sequence[Person], ends: Sequence[dt.datetime], rounds: int) -> Counter:
    """Members by step, origin, where they went, and the tier a step before."""
    found: Counter = Counter()
    last = len(ends) - 1

    def reviewed(one: Person, place: int) -> str | None:
        since = ends[place - 1] if place else dt.datetime.min.replace(tzinfo=ZONE)
        seen = {at: t for at, t in one.reviews.items() if since < at <= ends[place]}
        there = state(one, ends[place]) is not None
        return seen[max(seen)] if seen and there else None

    for one in people:
        for step in range(last // rounds):
            end = last - step * rounds
            origin = reviewed(one, end - rounds)
            if origin is None:
                continue
            to = reviewed(one, end)
            if to is None:
                gone = one.left_at is not None and one.left_at <= ends[end]
                to = "left" if gone else "not_reviewed"
            before = reviewed(one, end - 2 * rounds) if end >= 2 * rounds else None
            found[step, origin, to, before] += 1
    return found
