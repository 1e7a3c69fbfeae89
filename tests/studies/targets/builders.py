"""A pool whose few people are counted by hand, and one with weeks of additions."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from siyu.data import Source, open_source
from siyu.studies.naming import EVERYONE
from siyu.studies.targets import Adds, Definition, count_adds
from siyu.studies.targets.forecast import Forecast

SAMPLE = Path(__file__).parents[3] / "data" / "sample"
START = dt.datetime(2026, 1, 1, 12, tzinfo=dt.timezone(dt.timedelta(hours=8)))
INSTANTS = ("added_at", "left_at", "paid_at", "occurred_at", "invited_at", "accepted_at")
Rows = list[dict[str, Any]]


def day(after: float) -> dt.datetime:
    """Give noon of a day after the first."""
    return START + dt.timedelta(days=after)


def open_pool(folder: Path, tables: dict[str, Rows], *, days: int = 100) -> Source:
    """Open a pool observed for so many days from the first of January 2026, in Shanghai."""
    folder.mkdir(exist_ok=True)
    for name, rows in tables.items():
        table = pd.DataFrame(rows)
        for instant in {*INSTANTS} & set(table.columns):
            table[instant] = pd.to_datetime(table[instant], utc=True).astype("datetime64[us, UTC]")
        table.to_parquet(folder / f"{name}.parquet", index=False)
    last = (START + dt.timedelta(days=days - 1)).date()
    (folder / "source.yaml").write_text(
        f"timezone: Asia/Shanghai\nobserved: {{from: 2026-01-01, to: {last}}}\n", "utf-8"
    )
    return open_source(folder)


def user(name: str, added: float | None, left: float | None = None, at: str = "card") -> dict:
    """Give a row of users."""
    return {
        "user_id": name,
        "added_at": None if added is None else day(added),
        "left_at": None if left is None else day(left),
        "touchpoint": at,
    }


def weeks_of(
    *, days: int = 100, per_day: float = 6, parts: tuple[str, ...] = ("card", "poster"), seed=1
) -> Rows:
    """Give users who are added day by day, and of whom a third leaves in a month."""
    rng, rows = np.random.default_rng(seed), []
    for at in parts:
        for after in range(days):
            for _ in range(rng.poisson(per_day)):
                stays = rng.exponential(75)
                gone = after + stays if after + stays < days - 1 else None
                rows.append(user(f"{len(rows):05d}", after, gone, at))
    return rows


def adds_of(folder: Path, tables: dict[str, Rows], *, days: int = 100, **asked: Any) -> Adds:
    """Count such a pool."""
    fewest = asked.pop("min_users", 1)
    pool = open_pool(folder, tables, days=days)
    return count_adds(pool, Definition(**asked), min_users=fewest)


def forecast_of(adds: np.ndarray, share: tuple[float, ...], *, most: float = 50) -> Forecast:
    """Give a forecast by its draws (draws x weeks x touchpoints), with shares kept for certain."""
    names = tuple("abcdefgh"[: adds.shape[2]])
    rows = []
    for week in range(adds.shape[1]):
        first = dt.date(2026, 4, 1) + dt.timedelta(days=7 * week)
        span = (first, first + dt.timedelta(days=6))
        rows += [(*span, name, np.nan, np.nan, np.nan, most) for name in (*names, EVERYONE)]
    columns = ["first", "last", "touchpoint", "expected", "ci_lower", "ci_upper", "most"]
    weeks = pd.DataFrame(rows, columns=columns)
    each = weeks["touchpoint"] != EVERYONE
    weeks.loc[each, "expected"] = adds.mean(axis=0).ravel()
    kept = adds * np.array(share)
    return Forecast(
        refused="",
        weeks_seen=20,
        touchpoints=names,
        adds=adds,
        kept=kept,
        kept_share=np.tile(share, (len(adds), 1)),
        weeks=weeks,
    )


def costs_of(**each: float) -> pd.DataFrame:
    """Give what an addition costs at each touchpoint, known to a tenth."""
    rows = [(name, cost, cost / 10) for name, cost in each.items()]
    return pd.DataFrame(rows, columns=["touchpoint", "per_add", "per_add_error"])
