from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

WriteSource = Callable[..., Path]


@pytest.fixture
def write_source(tmp_path: Path) -> WriteSource:
    """Write a source of CSV files; each table is its lines, and `users` is there unless given."""

    def write(layout: str = "timezone: UTC", **tables: str) -> Path:
        for name, text in {"users": "user_id\na\nb", **tables}.items():
            (tmp_path / f"{name}.csv").write_text(text + "\n", encoding="utf-8")
        if layout:
            (tmp_path / "source.yaml").write_text(layout, encoding="utf-8")
        return tmp_path

    return write
