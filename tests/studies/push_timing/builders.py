"""Short ways to write a pool of people who are pushed, click, order and block."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from siyu.data import Source

from tests.studies.funnel.builders import open_shop

ZONE = ZoneInfo("Asia/Shanghai")
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)


def at(text: str, zone: ZoneInfo = ZONE) -> dt.datetime:
    """An instant, written "5 23:59": day of January 2026 and time."""
    day, time = text.split()
    return dt.datetime.fromisoformat(f"2026-01-{int(day):02} {time}").replace(tzinfo=zone)


@dataclass
class Push:
    """One push; None is what the source does not know."""

    user: str
    planned_at: dt.datetime | None = None
    sent_at: dt.datetime | None = None
    clicked_at: dt.datetime | None = None
    blocked_at: dt.datetime | None = None
    propensity: float | None = None
    status: str | None = None
    medium: str | None = None
    content: str | None = None


def shop(
    folder: Path,
    pushes: Sequence[Push],
    *,
    occupation: dict[str, str | None] | None = None,
    leave_out: Sequence[str] = (),
    zone: ZoneInfo = ZONE,
    as_of: str = "",
    orders: Sequence[tuple[str, dt.datetime]] = (),
    strangers: Sequence[str] = (),
) -> Source:
    """Open a shop observed in January 2026.

    Args:
        folder: where it is written.
        pushes: what was planned or sent.
        occupation: of users; everybody pushed is a user unless among `strangers`.
        leave_out: columns of `pushes` that the source does not have.
        zone: of the business.
        as_of: as for `open_source`.
        orders: user and instant of each.
        strangers: who was pushed and is no user.
    """
    rows = [
        {"push_id": f"p{i:05}", "user_id": push.user}
        | {name: value for name, value in vars(push).items() if name not in ("user", *leave_out)}
        for i, push in enumerate(pushes)
    ]
    known = dict.fromkeys(push.user for push in pushes if push.user not in strangers)
    users = [
        {"user_id": user, "occupation": (occupation or {}).get(user)}
        for user in (known or {"nobody": None})
    ]
    bought = [
        {"order_id": f"o{i}", "user_id": user, "paid_at": when, "amount_cny": 9}
        for i, (user, when) in enumerate(orders)
    ]
    tables = {"orders": bought} if bought else {}
    return open_shop(
        folder,
        [],
        as_of=as_of,
        layout={"timezone": zone.key},
        users=users,
        pushes=rows,
        **tables,
    )
