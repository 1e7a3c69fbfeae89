"""Short ways to write a pool of pushes."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
import yaml
from siyu.data import Source, open_source
from siyu.studies.push_timing import Definition, Pushes, find_pushes

ZONE = ZoneInfo("Asia/Shanghai")
OBSERVED = ("2026-01-01", "2026-01-31")
_TIMES = ("planned_at", "sent_at", "opened_at", "clicked_at")


@dataclass(frozen=True)
class Push:
    """One push; the day is of January 2026 (the 5th is a Monday), hours are of Shanghai."""

    user_id: str
    day: int
    hour: float
    clicked_after: float | None = None
    opened: bool = False
    medium: str = "one_to_one"
    content: str = "lesson"
    copy: str = "A"
    propensity: float | None = None
    status: str = "sent"
    delay: float = 0.1

    def row(self) -> dict[str, object]:
        start = dt.datetime(2026, 1, self.day, tzinfo=ZONE) + dt.timedelta(hours=self.hour)
        sent = start + dt.timedelta(hours=self.delay) if self.status == "sent" else None
        hours = self.clicked_after
        clicked = None if hours is None or sent is None else sent + dt.timedelta(hours=hours)
        own = asdict(self)
        for name in ("day", "hour", "clicked_after", "opened", "delay"):
            own.pop(name)
        opened = sent if self.opened else None
        return own | dict(zip(_TIMES, (start, sent, opened, clicked), strict=True))


def write(folder: Path, pushes: list[Push], *, occupation: dict[str, str] | None = None) -> Source:
    """Open a pool of these pushes to these users."""
    rows = [one.row() | {"push_id": f"p{i:06}"} for i, one in enumerate(pushes)]
    table = pd.DataFrame(rows)
    for name in _TIMES:
        table[name] = pd.to_datetime(table[name], utc=True)
    table["propensity"] = table["propensity"].astype(float)
    names = sorted({one.user_id for one in pushes})
    users = pd.DataFrame(
        {
            "user_id": names,
            "added_at": pd.Timestamp("2025-12-01", tz="UTC"),
            "occupation": [(occupation or {}).get(name, "office") for name in names],
        }
    )
    folder.mkdir(exist_ok=True)
    table.to_parquet(folder / "pushes.parquet")
    users.to_parquet(folder / "users.parquet")
    layout = {"timezone": ZONE.key, "observed": dict(zip(("from", "to"), OBSERVED, strict=True))}
    (folder / "source.yaml").write_text(yaml.safe_dump(layout), encoding="utf-8")
    return open_source(folder)


def found(
    folder: Path,
    pushes: list[Push],
    *,
    by: tuple[str, ...] = (),
    min_users: int = 1,
    occupation: dict[str, str] | None = None,
) -> Pushes:
    """Find the pushes of such a pool, clicks within 24 hours."""
    pool = write(folder, pushes, occupation=occupation)
    return find_pushes(pool, Definition(), period_days=31, by=by, min_users=min_users)
