from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from siyu.data import Source

from tests.studies.funnel import builders


@pytest.fixture
def open_shop(tmp_path: Path) -> Callable[..., Source]:
    """Open a shop in Shanghai, observed in January 2026 unless said otherwise."""
    return partial(builders.open_shop, tmp_path)
