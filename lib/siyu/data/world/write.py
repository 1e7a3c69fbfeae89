"""Write a simulated pool as a source, in blocks of people, with its truths beside it."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from siyu.data.world.columns import Columns
from siyu.data.world.dirty import TORN, soil, tear
from siyu.data.world.draws import Ints, open_stream
from siyu.data.world.frame import TIMEZONE
from siyu.data.world.pool import draw_pool
from siyu.data.world.rules import SettingsError
from siyu.data.world.settings import Settings
from siyu.data.world.spending import LINES, count_exposed, tabulate_spend
from siyu.data.world.tables import tabulate_pool
from siyu.data.world.truths.all import compute_truths

BLOCK_USERS = 100_000
"""People who are drawn together: what the memory is for."""


def write_sample(folder: Path, settings: Settings, *, dirty: bool = False) -> None:
    """Write one simulated pool as a source, with its truths beside it.

    Writes a Parquet file per table (a folder of parts where there is more than one block),
    `source.yaml` and `truth.json`; the same settings give the same values.

    Args:
        folder: where to write; made if it is not there. Files of these names are replaced.
        settings: the truths.
        dirty: plant every defect that a check of the source must find, and write them to
            `planted.json`.

    Raises:
        OSError: the folder cannot be written, or a table lies there in the other form.
        SettingsError: more people than one block has shall be dirty.
    """
    if dirty and settings.users > BLOCK_USERS:
        raise SettingsError(
            f"users = {settings.users} must be at most {BLOCK_USERS} for dirty data; use fewer"
        )
    folder.mkdir(parents=True, exist_ok=True)
    if dirty:
        tables, planted = soil(draw_tables(settings), settings.frame, seed=settings.seed)
        for name, table in tables.items():
            _write(table, _place(folder, name))
        planted.append(tear(_place(folder, TORN)))
        _write_json(folder / "planted.json", [asdict(each) for each in planted])
    else:
        write_tables(folder, settings)
    _describe(folder, settings, zoned=not dirty)
    _write_json(
        folder / "truth.json",
        {
            "settings": asdict(settings),
            "truths": [asdict(truth) for truth in compute_truths(settings)],
        },
    )


def write_tables(folder: Path, settings: Settings) -> None:
    """Draw and write the tables alone, block by block, into a folder that is there."""
    if settings.users <= BLOCK_USERS:
        for name, table in draw_tables(settings).items():
            _write(table, _place(folder, name))
        return
    exposed = np.zeros((settings.frame.days, LINES), dtype=np.int64)
    for block, first in enumerate(range(0, settings.users, BLOCK_USERS)):
        users = min(BLOCK_USERS, settings.users - first)
        tables, counts = _draw_block(settings, users=users, block=block)
        exposed = exposed + counts
        for name, table in tables.items():
            _write(table, _place(folder, name, block=block))
    _write(_draw_spend(settings, exposed), _place(folder, "spend"))


def draw_tables(settings: Settings) -> dict[str, pa.Table]:
    """Draw the tables of a pool of one block."""
    tables, exposed = _draw_block(settings, users=settings.users, block=0)
    return {**tables, "spend": _draw_spend(settings, exposed)}


def _draw_block(settings: Settings, *, users: int, block: int) -> tuple[dict[str, pa.Table], Ints]:
    """Draw the tables of one block, and count the people exposed per day and line."""
    stream = partial(open_stream, settings.seed, block)
    pool = draw_pool(settings, users=users, stream=stream)
    tables = tabulate_pool(settings, pool, stream=stream, block=block)
    return tables, count_exposed(settings.frame, pool.core.people)


def _draw_spend(settings: Settings, exposed: Ints) -> pa.Table:
    """What all blocks together cost."""
    stream = partial(open_stream, settings.seed, 0)
    columns, boosts = Columns(frame=settings.frame), settings.arrivals.boosts
    return tabulate_spend(columns, settings.spending, boosts, exposed, stream=stream)


def _describe(folder: Path, settings: Settings, *, zoned: bool) -> None:
    source = {
        "name": "simulated pool",
        **({"timezone": TIMEZONE} if zoned else {}),
        "observed": {"from": settings.frame.first_day, "to": settings.frame.last_day},
    }
    text = yaml.safe_dump(source, sort_keys=False, allow_unicode=True)
    (folder / "source.yaml").write_text(text, encoding="utf-8")


def _write_json(path: Path, content: object) -> None:
    text = json.dumps(
        content, indent=1, default=date.isoformat, allow_nan=False, ensure_ascii=False
    )
    path.write_text(text + "\n", encoding="utf-8")


def _place(folder: Path, name: str, *, block: int | None = None) -> Path:
    one, parts = folder / f"{name}.parquet", folder / name
    if block is None:
        if parts.is_dir():
            raise FileExistsError(f"{parts.name}/ holds parts of a larger pool")
        return one
    if one.exists():
        raise FileExistsError(f"{one.name} is there from a smaller pool")
    parts.mkdir(exist_ok=True)
    return parts / f"part-{block:03d}.parquet"


def _write(table: pa.Table, path: Path) -> None:
    pq.write_table(table, path, compression="zstd", compression_level=9)
