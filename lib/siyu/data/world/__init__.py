"""A simulated pool whose truths are known: every study is proved against it."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date
from functools import partial
from pathlib import Path

import pyarrow.parquet as pq
import yaml

from siyu.data.world.paths import open_stream
from siyu.data.world.settings import TIMEZONE, Settings, SettingsError
from siyu.data.world.tables import draw_tables
from siyu.data.world.truth import Truth, compute_truths

__all__ = ["Settings", "SettingsError", "Truth", "compute_truths", "write_sample"]


def write_sample(folder: Path, settings: Settings) -> None:
    """Write one simulated pool as a source, with its truths beside it.

    Writes `users.parquet`, `events.parquet`, `orders.parquet`, `source.yaml` and `truth.json`; the
    same settings give the same values.

    Args:
        folder: where to write; made if it is not there. Files of these names are replaced.
        settings: the truths.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in draw_tables(settings, stream=partial(open_stream, settings.seed)).items():
        pq.write_table(table, folder / f"{name}.parquet", compression="zstd")
    source = {
        "name": "simulated pool",
        "timezone": TIMEZONE,
        "observed": {"from": settings.first_day, "to": settings.last_day},
    }
    text = yaml.safe_dump(source, sort_keys=False, allow_unicode=True)
    (folder / "source.yaml").write_text(text, encoding="utf-8")
    truth = {
        "settings": asdict(settings),
        "truths": [asdict(truth) for truth in compute_truths(settings)],
    }
    text = json.dumps(truth, indent=1, default=date.isoformat, allow_nan=False)
    (folder / "truth.json").write_text(text + "\n", encoding="utf-8")
