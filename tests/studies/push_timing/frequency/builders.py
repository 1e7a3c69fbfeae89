"""A pool of people pushed at random times, and the same counted person by person."""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
from siyu.data import Source, open_source

FIRST, LAST = dt.date(2026, 1, 1), dt.date(2026, 3, 31)
DAY, HOUR = dt.timedelta(days=1), dt.timedelta(hours=1)
UTC8 = dt.timezone(8 * HOUR)
START = dt.datetime(2026, 1, 1, tzinfo=UTC8)
END = dt.datetime(2026, 4, 1, tzinfo=UTC8)
HORIZON = DAY
INSTANTS = ("added_at", "left_at", "assigned_at", "paid_at")
PUSHED = ("planned_at", "sent_at", "clicked_at", "blocked_at")


def open_pool(folder: Path, **tables: list[dict]) -> Source:
    """Open a pool observed in the first quarter of 2026, in Shanghai."""
    for name, rows in tables.items():
        table = pd.DataFrame(rows)
        for column in {*INSTANTS, *PUSHED} & set(table.columns):
            table[column] = pd.to_datetime(table[column], utc=True).astype("datetime64[us, UTC]")
        table.to_parquet(folder / f"{name}.parquet", index=False)
    observed = f"observed: {{from: {FIRST}, to: {LAST}}}\n"
    (folder / "source.yaml").write_text(f"timezone: Asia/Shanghai\n{observed}", "utf-8")
    return open_source(folder)


def people(seed: int, n: int = 60) -> dict[str, list[dict]]:
    """Draw people, with a weekly number for half of them, and their pushes."""
    rng = random.Random(seed)
    tables: dict[str, list[dict]] = {"users": [], "pushes": [], "assignments": []}
    for i in range(n):
        user = f"u{i:03}"
        added = START - rng.randint(0, 20) * DAY
        leaves = rng.random() < 0.5
        left = START + rng.randint(20, 88) * DAY + 0.3 * HOUR if leaves else None
        place = rng.choice(["north", "south"])
        row = {"user_id": user, "added_at": added, "left_at": left, "occupation": place}
        tables["users"].append(row)
        if i % 2:
            tables["assignments"].append(
                {
                    "experiment": "number",
                    "user_id": user,
                    "arm": str(1 + i % 3),
                    "assigned_at": START + rng.randint(5, 30) * DAY,
                }
            )
        for day in range(90):
            for _ in range(rng.choice([0, 0, 0, 1, 1, 2])):
                sent = START + day * DAY + rng.randint(9 * 60, 21 * 60) * HOUR / 60
                if left is not None and sent >= left:
                    continue
                clicked = sent + rng.randint(1, 40) * HOUR if rng.random() < 0.3 else None
                blocked = sent + rng.choice([1, 25]) * HOUR if rng.random() < 0.06 else None
                is_sent = rng.random() < 0.9
                tables["pushes"].append(
                    {
                        "push_id": f"p{len(tables['pushes']):05}",
                        "user_id": user,
                        "planned_at": sent - HOUR / 6,
                        "sent_at": sent if is_sent else None,
                        "clicked_at": clicked if is_sent else None,
                        "blocked_at": blocked if is_sent else None,
                        "status": "sent" if is_sent else "unsent",
                    }
                )
    return tables


def _sent(tables: dict[str, list[dict]], user: str) -> list[dict]:
    own = [one for one in tables["pushes"] if one["user_id"] == user and one["sent_at"]]
    return sorted(own, key=lambda one: one["sent_at"])


def _within(one: dict, name: str) -> bool:
    return one[name] is not None and one[name] < END and one[name] - one["sent_at"] <= HORIZON


def exposures(tables: dict[str, list[dict]], *, leave_days: int) -> Counter:
    """Count pushes by population, received, gap, band and what came of each."""
    drawn = {one["user_id"]: one["assigned_at"] for one in tables["assignments"]}
    counts: Counter = Counter()
    for person in tables["users"]:
        own = _sent(tables, person["user_id"])
        for place, one in enumerate(own):
            at = one["sent_at"]
            on = at.astimezone(UTC8).date()
            if on < FIRST + 7 * DAY or at > END - HORIZON:
                continue
            begun = drawn.get(person["user_id"])
            by_lot = begun is not None and at >= begun
            since = at - (begun if by_lot else person["added_at"])
            if by_lot and since < 7 * DAY:
                continue
            before = [other["sent_at"].astimezone(UTC8).date() for other in own]
            received = sum(on - 7 * DAY <= day < on for day in before)
            waited = (at - own[place - 1]["sent_at"]) // HOUR if place else None
            gap = 4 if waited is None else int(np.searchsorted([24, 48, 96, 168], waited, "right"))
            band = int(np.searchsorted([2, 4, 8, 13, 26], since // (7 * DAY), "right"))
            left = person["left_at"]
            followed = at <= END - leave_days * DAY
            later = own[place + 1]["sent_at"] if place + 1 < len(own) else None
            is_last = left is not None and (later is None or later > left)
            leaves = is_last and left - at < leave_days * DAY
            counts[
                "drawn" if by_lot else "others",
                min(received, 14),
                gap,
                band,
                _within(one, "clicked_at"),
                _within(one, "blocked_at"),
                followed,
                followed and leaves,
            ] += 1
    return counts


def weekly(
    tables: dict[str, list[dict]], *, first_weeks: int | None = None
) -> dict[int, np.ndarray]:
    """Per number: users, weeks, sent, clicks, blocks; or those of the first weeks of all."""
    users = {one["user_id"]: one for one in tables["users"]}
    found: dict[int, np.ndarray] = {}
    for one in tables["assignments"]:
        begun, left = one["assigned_at"], users[one["user_id"]]["left_at"]
        weeks = (END - HORIZON - begun) // (7 * DAY)
        if first_weeks is not None:
            if weeks < first_weeks:
                continue
            weeks = first_weeks
        elif left is not None:
            weeks = min(weeks, -((begun - left) // (7 * DAY)))
        if weeks < 1:
            continue
        inside = [
            push
            for push in _sent(tables, one["user_id"])
            if begun <= push["sent_at"] < begun + weeks * 7 * DAY
        ]
        clicks, blocks = (
            sum(_within(push, name) for push in inside) for name in ("clicked_at", "blocked_at")
        )
        row = np.array([1, weeks, len(inside), clicks, blocks])
        found[int(one["arm"])] = found.get(int(one["arm"]), 0) + row
    return found


def spans(tables: dict[str, list[dict]]) -> dict[str, list[int]]:
    """Per occupation: sent before, blocks before, sent now, blocks now, users before and now."""
    found = {place: [0] * 6 for place in ("north", "south")}
    for person in tables["users"]:
        pushed = set()
        for one in _sent(tables, person["user_id"]):
            ago = (LAST - DAY - one["sent_at"].astimezone(UTC8).date()).days
            if 0 <= ago < 56 and one["sent_at"] <= END - HORIZON:
                place = 2 if ago < 28 else 0
                found[person["occupation"]][place] += 1
                found[person["occupation"]][place + 1] += _within(one, "blocked_at")
                pushed.add(4 + place // 2)
        for place in pushed:
            found[person["occupation"]][place] += 1
    return found
