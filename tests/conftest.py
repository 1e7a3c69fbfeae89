from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import coverage
import pytest

_REPEATING = ("simulation", "consistency")
"""Folders of tests that run the same lines thousands of times. Other tests must cover these lines,
and to watch them takes more than half as long again."""


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of public data sets beside the project; without it, the test is skipped."""
    folder = Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"the public data sets are not in {folder}")
    return folder


@pytest.fixture(scope="module", autouse=True)
def unwatched(request: pytest.FixtureRequest) -> Iterator[None]:
    """Stop counting lines while a module repeats itself, its fixtures included."""
    watching = coverage.Coverage.current()
    if watching is None or request.path.parent.name not in _REPEATING:
        yield
        return
    watching.stop()
    yield
    watching.start()
