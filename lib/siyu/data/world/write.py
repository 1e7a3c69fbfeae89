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
from siyu.data.world.dirty import TORN, Planted, soil, tear
from siyu.data.world.draws import open_stream
from siyu.data.world.frame import TIMEZONE
from siyu.data.world.people import PLACES
from siyu.data.world.pool import draw_pool
from siyu.data.world.rules import SettingsError
from siyu.data.world.settings import Settings
from siyu.data.world.spending import count_exposed, tabulate_spend
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
    frame = settings.frame
    exposed = np.zeros((frame.days, len(PLACES)), dtype=np.int64)
    tables: dict[str, pa.Table] = {}
    blocks = range(0, settings.users, BLOCK_USERS)
    for block, first in enumerate(blocks):
        stream = partial(open_stream, settings.seed, block)
        users = min(BLOCK_USERS, settings.users - first)
        pool = draw_pool(settings, users=users, stream=stream)
        exposed += count_exposed(frame, pool.core.people)
        tables = tabulate_pool(settings, pool, stream=stream, block=block)
        if len(blocks) > 1:
            for name, table in tables.items():
                _write(table, _place(folder, name, block=block))
    columns, stream = Columns(frame=frame), partial(open_stream, settings.seed, 0)
    whole = {} if len(blocks) > 1 else tables
    whole["spend"] = tabulate_spend(columns, settings.spending, exposed, stream=stream)
    planted: list[Planted] = []
    if dirty:
        whole, planted = soil(whole, frame, seed=settings.seed)
    for name, table in whole.items():
        _write(table, _place(folder, name))
    if dirty:
        planted.append(tear(_place(folder, TORN)))
        _write_json(folder / "planted.json", [asdict(each) for each in planted])
    _describe(folder, settings, zoned=not dirty)
    _write_json(
        folder / "truth.json",
        {
            "settings": asdict(settings),
            "truths": [asdict(truth) for truth in compute_truths(settings)],
        },
    )


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
