"""Many small simulated pools in one source: a study of all at once tells them apart by a column."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from siyu.data import Source, open_source
from siyu.data.world import Settings


def open_worlds(
    folder: Path, draw: Callable[[Settings], Mapping[str, pa.Table]], settings: Settings, n: int
) -> Source:
    """Draw n pools, of the seeds from 1 on, and open them as one.

    Args:
        folder: where it is written.
        draw: gives the tables of a pool, each with the user's id in its first column.
        settings: of all pools but for the seed.
        n: how many.

    Returns:
        A source whose users have the number of their pool, "001" and so on, in `world`.
    """
    parts: dict[str, list[pa.Table]] = {}
    for seed in range(1, n + 1):
        world = f"{seed:03}"
        for name, table in draw(replace(settings, seed=seed)).items():
            ids = pc.binary_join_element_wise(world, table["user_id"], "-")
            table = table.set_column(0, "user_id", ids)
            if name == "users":
                table = table.append_column("world", pa.array([world] * len(table)))
            parts.setdefault(name, []).append(table)
    for name, tables in parts.items():
        pq.write_table(pa.concat_tables(tables), folder / f"{name}.parquet")
    days = f"{{from: {settings.frame.first_day}, to: {settings.frame.last_day}}}"
    (folder / "source.yaml").write_text(f"timezone: Asia/Shanghai\nobserved: {days}\n", "utf-8")
    return open_source(folder)
