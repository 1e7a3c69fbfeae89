"""Short ways to write a log, to follow it, and to open it as a source."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from siyu.data import Source, open_source
from siyu.data.files import open_engine
from siyu.studies.funnel.chains import follow
from siyu.studies.funnel.definition import Definition
from siyu.studies.funnel.measures import Measures
from siyu.studies.funnel.spans import Span

from tests.studies.funnel import oracle
from tests.studies.funnel.oracle import Funnel, Row

ENGINE = open_engine()
NUMBERS = itertools.count()
START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
INSTANT = pa.timestamp("us", tz="UTC")
EVENTS = {
    "user_id": pa.string(),
    "occurred_at": INSTANT,
    "event": pa.string(),
    "item": pa.string(),
}
KINDS = {
    **EVENTS,
    **dict.fromkeys(
        ("added_at", "assigned_at", "left_at", "since", "paid_at", "scored_at"), INSTANT
    ),
    **dict.fromkeys(("planned_at", "sent_at", "opened_at", "clicked_at", "blocked_at"), INSTANT),
    **dict.fromkeys(
        ("amount_cny", "cost_cny", "coupon_cny", "margin_cny", "refunded_cny"), pa.decimal128(18, 2)
    ),
    "propensity": pa.float64(),
    "visits": pa.int64(),
}


def hours(n: float) -> dt.datetime:
    return START + dt.timedelta(hours=n)


def definition_of(funnel: Funnel) -> Definition:
    window_days = None if funnel.window is None else funnel.window / dt.timedelta(days=1)
    return Definition(
        steps=funnel.steps,
        window_days=window_days,
        entry=funnel.entry,
        order=funnel.order,
        exclude=funnel.exclude,
        hold="item" if funnel.hold else None,
        ties=funnel.ties,
    )


def engine(
    rows: Sequence[Row],
    funnel: Funnel,
    *,
    until: dt.datetime,
    starts_from: dt.datetime = START,
) -> dict[str, list[dt.datetime | None]]:
    columns = list(zip(*rows, strict=True)) if rows else [[], [], [], []]
    table = pa.table([list(c) for c in columns], schema=pa.schema(EVENTS))
    # A name of its own: what the engine keeps of a log is kept under its name.
    name = f"log_{next(NUMBERS)}"
    log = ENGINE.create_table(name, table)
    answer = follow(log, definition_of(funnel), starts_from=starts_from, starts_until=until)
    found = answer.to_pyarrow().to_pylist()
    ENGINE.drop_table(name)
    return {row.pop("user_id"): list(row.values()) for row in found}


def reached(log: str, steps: str, *, until: str = "100:00", **options: object) -> list[str | None]:
    """Say at what time of the log one user reached each step; [] without a start.

    A log is written "A 13:00, B:p 13:45" (event, held value if any, hours and minutes), steps
    "A B|C". The library and the enumeration of all subsequences must say the same.
    """
    rows, times = [], {}
    for entry in log.split(","):
        what, when = entry.split()
        event, _, held = what.partition(":")
        at = START + _length(when)
        times[at] = when
        rows.append(Row("a", at, event, held or None))
    window = options.pop("window", None)
    funnel = Funnel(
        steps=tuple(tuple(step.split("|")) for step in steps.split()),
        window=_length(str(window)) if window else None,
        **options,
    )
    span = {"starts_from": START, "starts_until": START + _length(until)}
    expected = oracle.follow(rows, funnel, **span)
    assert engine(rows, funnel, until=span["starts_until"]) == expected
    return [times.get(at) for at in expected.get("a", [])]


def _length(text: str) -> dt.timedelta:
    whole, minutes, *seconds = text.split(":")
    return dt.timedelta(hours=int(whole), minutes=int(minutes), seconds=float((*seconds, 0)[0]))


Rows = Sequence[Mapping[str, object]]


def log(text: str, *columns: str) -> list[dict[str, object]]:
    """Read rows written one per line: user, day, time, event, then the columns named; "-": null.

    Times are of Shanghai.
    """
    rows = []
    for line in filter(None, map(str.strip, text.splitlines())):
        user, day, time, event, *more = line.split()
        values = [None if value == "-" else value for value in more]
        row = {"user_id": user, "occurred_at": at(f"{day} {time}"), "event": event}
        rows.append(row | dict(zip(columns, values, strict=True)))
    return rows


def at(text: str, timezone: str = "Asia/Shanghai") -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(timezone))


def write_tables(folder: Path, *, layout: Mapping[str, object], **tables: Rows) -> Path:
    """Write Parquet tables and their source.yaml; a table without rows has the required columns."""
    for name, rows in tables.items():
        names = list(dict.fromkeys(column for row in rows for column in row)) or list(EVENTS)
        kinds = pa.schema([(column, KINDS.get(column, pa.string())) for column in names])
        pq.write_table(pa.Table.from_pylist(list(rows), schema=kinds), folder / f"{name}.parquet")
    text = yaml.safe_dump(dict(layout), allow_unicode=True)
    (folder / "source.yaml").write_text(text, encoding="utf-8")
    return folder


def open_shop(
    folder: Path,
    events: Rows,
    *,
    as_of: str = "",
    observed: tuple[str, str] = ("2026-01-01", "2026-01-31"),
    layout: Mapping[str, object] | None = None,
    **tables: Rows,
) -> Source:
    """Open a shop in Shanghai, observed in January 2026; everybody in the log is a user of it."""
    names = dict.fromkeys(str(row["user_id"]) for row in events)
    tables.setdefault("users", [{"user_id": name} for name in names] or [{"user_id": "nobody"}])
    facts = {
        "timezone": "Asia/Shanghai",
        "observed": {"from": observed[0], "to": observed[1]},
        **(layout or {}),
    }
    return open_source(write_tables(folder, layout=facts, events=events, **tables), as_of=as_of)


def reduced(
    now: Mapping[str, Sequence[int]],
    *,
    steps: Sequence[str] = ("A", "B", "C"),
    pairs: Sequence[tuple[str | None, int, str | None, int, int]] = (),
    weekly: Sequence[tuple[str, int, int, int]] = (),
    drift: Sequence[tuple[int, int, int, int, int]] = (),
    waiting: Mapping[str, int] | None = None,
    halves: Sequence[tuple[str, int, int]] = (),
    times: Sequence[tuple[str, int, int, int]] = (),
    min_users: int = 1,
    refused: Sequence[str] = (),
    window_days: float | None = 7,
) -> Measures:
    """Make reduced tables: users who got exactly 1, 2, … steps far, per segment.

    pairs: segment and depth before (None, 0: not entered), now, users. weekly: Monday, entered,
    converted, waiting. drift: weeks early, converted, late, converted, users. halves: half of the
    minute, depth, users. times: segment, minutes, outcome, users. The period is that of
    `open_shop`, with a span before.
    """
    rows = [(s, "first", k, n) for s, exact in now.items() for k, n in enumerate(exact, 1)]
    rows = [("all", half, k, n) for half, k, n in halves] or rows
    counts = pd.DataFrame(rows, columns=["segment", "half", "depth", "n"])
    both = ["segment_before", "depth_before", "segment", "depth"]
    paired = pd.DataFrame(list(pairs), columns=[*both, "n"]).astype(dict.fromkeys(both, "object"))
    paired[["depth_before", "depth"]] = paired[["depth_before", "depth"]].replace(0, None)
    ends = [name for before, _, after, *_ in pairs for name in (before, after)]
    names = {*now, *filter(None, ends)} - {"all", "(small groups)"}
    return Measures(
        definition=Definition(steps=steps, window_days=window_days),
        span=Span(
            entry_from=at("2026-01-04 00:00"),
            eligible_until=at("2026-01-24 23:59:59.999999"),
            as_of_end=at("2026-02-01 00:00"),
            previous_from=at("2025-12-14 00:00") if pairs else None,
            no_previous="" if pairs else "not_asked",
        ),
        source="shop",
        timezone="Asia/Shanghai",
        min_users=min_users,
        by=("channel",) if len(now) > 1 else (),
        refused=tuple(refused),
        segments={name: {"channel": name} for name in sorted(names)},
        counts=counts[counts["n"] > 0].reset_index(drop=True),
        waiting=pd.DataFrame(list((waiting or {}).items()), columns=["segment", "n"]),
        weekly=pd.DataFrame(
            list(weekly), columns=["week", "entered", "converted", "waiting"]
        ).astype({"week": "datetime64[us]"}),
        drift=pd.DataFrame(
            list(drift), columns=["early", "early_converted", "late", "late_converted", "n"]
        ),
        pairs=paired,
        times=pd.DataFrame(list(times), columns=["segment", "minutes", "outcome", "n"]),
        done=pd.Series(0, index=steps, name="done"),
        tied_share=0.0,
    )
