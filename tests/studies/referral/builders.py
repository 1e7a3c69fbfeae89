"""A few members who invite each other, counted by hand, and one campaign of hundreds."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from siyu.data import Source, open_source
from siyu.studies.referral import Definition, Invites, find_invites

SAMPLE = Path(__file__).parents[3] / "data" / "sample"
DAY, HOUR = dt.timedelta(days=1), dt.timedelta(hours=1)
START = dt.datetime(2026, 1, 1, tzinfo=dt.timezone(8 * HOUR))
LAST = START + 90 * DAY
"""The end of the last observed day."""
OPENS = START + 10 * DAY
INSTANTS = ("added_at", "left_at", "invited_at", "accepted_at")
Tables = dict[str, list[dict[str, Any]]]


def open_pool(folder: Path, tables: Tables) -> Source:
    """Open a pool observed for 90 days from the first of January 2026, in Shanghai."""
    for name, rows in tables.items():
        table = pd.DataFrame(rows)
        for instant in {*INSTANTS} & set(table.columns):
            table[instant] = pd.to_datetime(table[instant], utc=True).astype("datetime64[us, UTC]")
        for column in {"invitee_id", "campaign"} & set(table.columns):
            table[column] = table[column].astype("string")
        table.to_parquet(folder / f"{name}.parquet", index=False)
    (folder / "source.yaml").write_text(
        f"timezone: Asia/Shanghai\nobserved: {{from: 2026-01-01, to: {(LAST - DAY).date()}}}\n",
        "utf-8",
    )
    return open_source(folder)


def invites_of(folder: Path, tables: Tables, *, min_users: int = 1, **asked: Any) -> Invites:
    """Find the invitations of such a pool."""
    return find_invites(open_pool(folder, tables), Definition(**asked), min_users=min_users)


def user(name: str, added: dt.datetime | None, left: dt.datetime | None = None) -> dict[str, Any]:
    return {"user_id": name, "added_at": added, "left_at": left, "channel": "social"}


def invite(
    inviter: str,
    invitee: str | None,
    invited: dt.datetime,
    accepted: dt.datetime | None = None,
    *,
    campaign: str | None = "tea",
    reward: float = 5.0,
) -> dict[str, Any]:
    return {
        "inviter_id": inviter,
        "invitee_id": invitee if accepted else None,
        "invited_at": invited,
        "accepted_at": accepted,
        "campaign": campaign,
        "reward_cny": reward if accepted else 0.0,
    }


def family() -> Tables:
    """Seeds a, b and idle c; a brings d, d brings e; b brings f, after a cycle; e is invited again.

    z was there before, and left before the campaign; y comes by himself later, and brings x.
    """
    at = OPENS + 8 * HOUR
    rows = [
        invite("a", "d", at, at + HOUR),
        invite("a", None, at + HOUR),
        invite("d", "e", at + 2 * DAY, at + 3 * DAY),
        invite("b", "e", at + 2 * DAY, at + 4 * DAY),
        invite("b", "a", at + DAY, at + DAY + HOUR),
        invite("b", "f", at + 10 * DAY, at + 20 * DAY),
        invite("y", "x", at + 30 * DAY, at + 31 * DAY),
    ]
    users = [
        user("a", START + DAY),
        user("b", START + 2 * DAY),
        user("c", START + 3 * DAY),
        user("d", at + HOUR, at + 40 * DAY),
        user("e", at + 3 * DAY),
        user("f", at + 20 * DAY),
        user("x", at + 31 * DAY),
        user("y", at + 25 * DAY),
        user("z", START, START + 5 * DAY),
    ]
    return {"users": users, "invites": rows}


def grow(
    seed: int = 4, *, seeds: int = 600, mean: float = 2.0, shape: float = 0.7, share: float = 0.25
) -> Tables:
    """A campaign of negative binomial invitations, of which a share brings a new member.

    Once 1,500 people are there, the next generation brings nobody.
    """
    rng = np.random.default_rng(seed)
    users = [user(f"s{i:04d}", START + DAY) for i in range(seeds)]
    rows: list[dict[str, Any]] = []
    people = [(each["user_id"], OPENS) for each in users]
    while people and len(users) < 1_500:
        came = []
        for name, since in people:
            for _ in range(rng.negative_binomial(shape, shape / (shape + mean))):
                invited = since + DAY * rng.lognormal(0, 0.7)
                accepted = invited + DAY * rng.lognormal(-1, 0.7)
                if invited >= LAST:
                    continue
                if rng.random() < share and accepted < LAST:
                    friend = f"f{len(users):05d}"
                    users.append(user(friend, accepted))
                    came.append((friend, accepted))
                    rows.append(invite(name, friend, invited, accepted))
                else:
                    rows.append(invite(name, None, invited))
        people = came
    return {"users": users, "invites": rows}
