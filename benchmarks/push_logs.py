"""Pushes to measure on: of any size, in time order, the same rows whenever generated."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.logs import DATA

FIRST_DAY = np.datetime64("2025-10-01", "us")
DAYS = 180
SEGMENTS = ("office", "student", "homemaker", "freelance", "other")
CAPS = (1, 2, 3, 4, 5, 7)

_PUSHES_PER_USER = 20
_HOURS = np.arange(9, 22)
_MEDIA = ("one_to_one", "moments", "group", "service_notice", "sms")
_CONTENTS = tuple(f"content {number}" for number in range(40))
_DRAWN_SHARE, _NONE_SHARE, _SENT_SHARE = 0.5, 0.1, 0.95
_CLICK, _EVENING, _BLOCK = 0.05, 1.4, 0.002
_ROW_GROUP = 250_000
_SECOND, _HOUR = 1_000_000, 3_600_000_000


def find_pushes(n_pushes: int) -> Path:
    """Return the Parquet file of pushes, generating it when it is not there yet.

    It lies in a folder of its own with `users`, `orders` and `assignments` (a no-push arm, and
    numbers of pushes a week) beside it, so that the folder is a source. Half of the users have
    drawn hours.

    Args:
        n_pushes: number of pushes, 20 per user on average.
    """
    path = DATA / f"{n_pushes}-pushes" / "pushes.parquet"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        staged = path.with_suffix(".part")
        rng = np.random.default_rng(20251001)
        n_users = max(20, n_pushes // _PUSHES_PER_USER)
        _write_users(rng, n_users, path.parent)
        _write_pushes(rng, n_pushes, n_users, staged)
        os.replace(staged, path)
    last = FIRST_DAY.astype("datetime64[D]") + DAYS - 1
    facts = f"timezone: Asia/Shanghai\nobserved: {{from: {FIRST_DAY.astype('datetime64[D]')}, "
    path.with_name("source.yaml").write_text(f"{facts}to: {last}}}\n", encoding="utf-8")
    return path


def _ids(prefix: str, number: np.ndarray, width: int = 7) -> np.ndarray:
    return np.char.add(prefix, np.char.zfill(number.astype(f"U{width}"), width))


def _write_users(rng: np.random.Generator, n_users: int, folder: Path) -> None:
    user = np.arange(n_users)
    ids = pa.array(_ids("u", user))
    added = pa.array(np.full(n_users, FIRST_DAY - np.timedelta64(60, "D")))
    segment = np.array(SEGMENTS)[rng.integers(0, len(SEGMENTS), n_users)]
    users = pa.table(
        {"user_id": ids, "added_at": added.cast(_INSTANT), "occupation": pa.array(segment)}
    )
    pq.write_table(users, folder / "users.parquet", compression="zstd")
    buyer = np.sort(rng.integers(0, n_users, n_users))
    paid = FIRST_DAY + rng.integers(0, DAYS * 24 * _HOUR, n_users).astype("timedelta64[us]")
    orders = {
        "order_id": _ids("o", user),
        "user_id": _ids("u", buyer),
        "paid_at": pa.array(paid).cast(_INSTANT),
        "amount_cny": np.full(n_users, 100.0),
        "margin_cny": rng.gamma(2.0, 15.0, n_users).round(2),
    }
    pq.write_table(pa.table(orders), folder / "orders.parquet", compression="zstd")
    none = _is_unpushed(user)
    capped = ~none & _is_drawn(user)
    arms = np.array([str(cap) for cap in CAPS])[user % len(CAPS)]
    rows = {
        "experiment": ["no_push_2025"] * n_users + ["push_cap_2025h2"] * int(capped.sum()),
        "user_id": np.concatenate([_ids("u", user), _ids("u", user[capped])]),
        "arm": np.concatenate([np.where(none, "none", "push"), arms[capped]]),
        "assigned_at": pa.array(np.full(n_users + capped.sum(), FIRST_DAY)).cast(_INSTANT),
    }
    pq.write_table(pa.table(rows), folder / "assignments.parquet", compression="zstd")


_INSTANT = pa.timestamp("us", tz="UTC")


def _is_unpushed(user: np.ndarray) -> np.ndarray:
    return user % round(1 / _NONE_SHARE) == 0


def _is_drawn(user: np.ndarray) -> np.ndarray:
    return (user // 10) % round(1 / _DRAWN_SHARE) == 0


def _write_pushes(rng: np.random.Generator, n_pushes: int, n_users: int, path: Path) -> None:
    """Write row group by row group, day after day; the hour is drawn, the evening clicked more."""
    pushed = np.flatnonzero(~_is_unpushed(np.arange(n_users)))
    office = rng.random(n_users) < 1 / len(SEGMENTS)
    weight = np.where(np.isin(_HOURS, (20, 21)), 2.0, 1.0)
    weight /= weight.sum()
    with pq.ParquetWriter(path, _SCHEMA, compression="zstd") as writer:
        for first in range(0, n_pushes, _ROW_GROUP):
            number = np.arange(first, min(first + _ROW_GROUP, n_pushes))
            n = len(number)
            user = pushed[rng.integers(0, len(pushed), n)]
            day = number * DAYS // n_pushes
            hour = rng.choice(len(_HOURS), n, p=weight)
            # Planned hours are those of Shanghai, eight hours ahead of UTC.
            planned = (day * 24 + _HOURS[hour] - 8) * _HOUR + rng.integers(0, 6, n) * (_HOUR // 6)
            sent = rng.random(n) < _SENT_SHARE
            sent_at = planned + (rng.lognormal(5.5, 1.2, n) * _SECOND).astype(np.int64)
            factor = np.where(office[user] & np.isin(_HOURS[hour], (20, 21)), _EVENING, 1.0)
            clicked = sent & (rng.random(n) < _CLICK * factor)
            blocked = sent & (rng.random(n) < _BLOCK)
            wait = (rng.lognormal(6.8, 1.0, n) * _SECOND).astype(np.int64)
            drawn = _is_drawn(user)
            columns = {
                "push_id": _ids("p", number, 9),
                "user_id": _ids("u", user),
                "planned_at": _instants(planned, np.ones(n, bool)),
                "sent_at": _instants(sent_at, sent),
                "medium": np.array(_MEDIA)[rng.integers(0, len(_MEDIA), n)],
                "campaign": np.array(_CONTENTS)[day // 5],
                "content": np.array(_CONTENTS)[rng.integers(0, len(_CONTENTS), n)],
                "copy": np.where(rng.random(n) < 0.5, "A", "B"),
                "propensity": pa.array(weight[hour].round(4), mask=~drawn),
                "status": np.where(sent, "sent", "capped"),
                "clicked_at": _instants(sent_at + wait, clicked),
                "blocked_at": _instants(sent_at + 2 * wait, blocked),
            }
            arrays = [pa.array(v).cast(_SCHEMA.field(c).type) for c, v in columns.items()]
            writer.write_table(pa.table(arrays, schema=_SCHEMA), row_group_size=_ROW_GROUP)


def _instants(us: np.ndarray, known: np.ndarray) -> pa.Array:
    return pa.array(FIRST_DAY + us.astype("timedelta64[us]"), mask=~known)


_SCHEMA = pa.schema(
    {
        "push_id": pa.string(),
        "user_id": pa.string(),
        "planned_at": _INSTANT,
        "sent_at": _INSTANT,
        "medium": pa.string(),
        "campaign": pa.string(),
        "content": pa.string(),
        "copy": pa.string(),
        "propensity": pa.float64(),
        "status": pa.string(),
        "clicked_at": _INSTANT,
        "blocked_at": _INSTANT,
    }
)
