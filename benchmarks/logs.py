"""Event logs to measure on: of any size, in time order, the same rows whenever generated."""

from __future__ import annotations

import os
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

DATA = Path(__file__).parent / ".data"
STEPS = ("expose", "add", "consult", "cart", "order", "review")
OTHERS = ("browse", "compare", "receive", "refer", "sign_in", "moments_like")
TOUCHPOINTS = (
    "staff_code",
    "group_code",
    "official_account",
    "mini_program",
    "parcel_card",
    "store_poster",
    "short_video",
    "referral",
)
FIRST_DAY = np.datetime64("2025-04-01", "us")
DAYS = 180

_EVENTS_PER_USER = 20
_ATTEMPTS_PER_EVENT = 0.16
_CONTINUE = (0.62, 0.55, 0.60, 0.50, 0.45)
"""Share of attempts at a step that go on to the next one."""
_WAIT_HOURS, _WAIT_SIGMA = 6.0, 1.5
"""Median and log standard deviation of the lognormal wait between two steps of an attempt."""
_STRAY_SHARE = 0.2
"""Share of the events outside attempts that bear the name of a step all the same."""
_BOT_EVENTS_PER_STEP = 10_000
_ROW_GROUP = 250_000
_HOUR = 3_600_000_000
_END = DAYS * 24 * _HOUR
_NAMES = np.array(STEPS + OTHERS)

Rows = tuple[np.ndarray, np.ndarray, np.ndarray]
"""User number, microseconds since the first day, and index into the event names, row by row."""


def find_log(n_events: int, *, bot: bool = False, n_users: int | None = None) -> Path:
    """Return the Parquet file of a log, generating it when it is not there yet.

    One row is an event: `user_id` (text), `occurred_at` (microseconds, UTC), `event`, `touchpoint`.
    The log lies in a folder of its own with `users` beside it, so that the folder is a source.

    Args:
        n_events: number of events of ordinary users.
        bot: add one user with 10,000 events of each of the first three steps.
        n_users: number of ordinary users; None: one for 20 events.
    """
    of = f"-{n_users}-users" if n_users else ""
    path = DATA / f"{n_events}{of}{'-bot' if bot else ''}" / "events.parquet"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        staged = path.with_suffix(".part")
        n_users = n_users or max(1, n_events // _EVENTS_PER_USER)
        _write(_draw(n_events, n_users, bot=bot), staged)
        _write_users(staged, users_of(path))
        os.replace(staged, path)
    # Observed from the Monday before: nothing happened, and the first cohort is a whole week.
    last = FIRST_DAY.astype("datetime64[D]") + DAYS - 1
    facts = f"timezone: Asia/Shanghai\nobserved: {{from: 2025-03-31, to: {last}}}\n"
    path.with_name("source.yaml").write_text(facts, encoding="utf-8")
    return path


def use_layouts(folder: str = "") -> None:
    """Let layouts of prepared logs lie beside the logs, or in another folder."""
    os.environ["SIYU_CACHE"] = folder or str(DATA / "layouts")


def users_of(log: Path) -> Path:
    """Return the Parquet file of the users of a log.

    One row is a user: `user_id`, and `added_at` and `touchpoint` of the first `add`, empty for who
    was never added.
    """
    return log.with_name("users.parquet")


def _write_users(log: Path, path: Path) -> None:
    with duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar = false")
        connection.execute(f"""
            COPY (
                SELECT
                    user_id,
                    min(occurred_at) FILTER (event = 'add') AS added_at,
                    arg_min(touchpoint, occurred_at) FILTER (event = 'add') AS touchpoint
                FROM read_parquet('{log}') GROUP BY user_id ORDER BY user_id
            ) TO '{path}' (FORMAT parquet, COMPRESSION zstd)
        """)


def _draw(n_events: int, n_users: int, *, bot: bool) -> Rows:
    rng = np.random.default_rng(20250401)
    attempts = _draw_attempts(rng, int(n_events * _ATTEMPTS_PER_EVENT), n_users)
    parts = [attempts, _draw_strays(rng, n_events - len(attempts[0]), n_users)]
    if bot:
        parts.append(_draw_bot(rng, user=n_users))
    user, at, name = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.argsort(at)
    user, at, name = user[order], at[order], name[order]
    return user, at, name


def _draw_attempts(rng: np.random.Generator, n_attempts: int, n_users: int) -> Rows:
    """Draw walks through the funnel: a start, then each next step by chance, a wait later."""
    user = rng.integers(0, n_users, n_attempts, dtype=np.int32)
    at = rng.integers(0, _END, n_attempts)
    parts = [(user, at, np.zeros(n_attempts, np.int8))]
    for step, share in enumerate(_CONTINUE, start=1):
        goes_on = rng.random(len(user)) < share
        user, at = user[goes_on], at[goes_on]
        wait = rng.lognormal(np.log(_WAIT_HOURS * _HOUR), _WAIT_SIGMA, len(user))
        at = at + wait.astype(np.int64)
        user, at = user[at < _END], at[at < _END]
        parts.append((user, at, np.full(len(user), step, np.int8)))
    users, times, names = (np.concatenate(column) for column in zip(*parts, strict=True))
    return users, times, names


def _draw_strays(rng: np.random.Generator, n_rows: int, n_users: int) -> Rows:
    is_step = rng.random(n_rows) < _STRAY_SHARE
    name = rng.integers(0, len(OTHERS), n_rows, dtype=np.int8)
    name[~is_step] += len(STEPS)
    return rng.integers(0, n_users, n_rows, dtype=np.int32), rng.integers(0, _END, n_rows), name


def _draw_bot(rng: np.random.Generator, *, user: int) -> Rows:
    name = np.repeat(np.arange(3, dtype=np.int8), _BOT_EVENTS_PER_STEP)
    return np.full(len(name), user, np.int32), rng.integers(0, _END, len(name)), name


def _write(rows: Rows, path: Path) -> None:
    """Write row group by row group: text is made for 250,000 rows at a time, never for all."""
    user, at, name = rows
    schema = pa.schema(
        {
            "user_id": pa.string(),
            "occurred_at": pa.timestamp("us", tz="UTC"),
            "event": pa.string(),
            "touchpoint": pa.string(),
        }
    )
    rng = np.random.default_rng(8)
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for first in range(0, len(user), _ROW_GROUP):
            group = slice(first, first + _ROW_GROUP)
            ids = np.char.add("u", np.char.zfill(user[group].astype("U7"), 7))
            strays = rng.integers(0, len(TOUCHPOINTS), len(ids)) * (rng.random(len(ids)) < 0.3)
            columns = {
                "user_id": ids,
                "occurred_at": FIRST_DAY + at[group].astype("timedelta64[us]"),
                "event": _NAMES[name[group]],
                "touchpoint": np.array(TOUCHPOINTS)[(user[group] + strays) % len(TOUCHPOINTS)],
            }
            arrays = [pa.array(values).cast(schema.field(c).type) for c, values in columns.items()]
            writer.write_table(pa.table(arrays, schema=schema), row_group_size=_ROW_GROUP)
