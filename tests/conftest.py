from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import coverage
import pytest

_REPEATING = ("simulation", "consistency")
"""Folders of tests that run the same lines thousands of times, as do those marked `slow`. Other
tests must cover these lines, and to watch them takes more than half as long again."""


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Generator[Path]:
    """Keep the layouts of this machine's user out of the tests, and theirs out of his cache."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SIYU_CACHE", str(folder))
        patch.delenv("SIYU_CACHE_GB", raising=False)
        patch.delenv("SIYU_PREPARE", raising=False)
        yield folder


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of public data sets beside the project; without it, the test is skipped."""
    folder = Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"the public data sets are not in {folder}")
    return folder


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that hold slow tests, so that no worker is left alone with one."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Stop counting lines while a test repeats itself, its fixtures included."""
    watching = coverage.Coverage.current()
    repeating = item.get_closest_marker("slow") or item.path.parent.name in _REPEATING
    if watching is None or not repeating:
        return (yield)
    watching.stop()
    try:
        return (yield)
    finally:
        watching.start()
