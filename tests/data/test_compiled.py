"""What is compiled, and where it is kept."""

import pytest

pytest.importorskip("numba")

from numba.core import caching
from siyu.data.compiled import compiled


def double(number: int) -> int:
    return 2 * number


def test_where_nothing_can_be_kept_it_is_compiled_all_the_same(monkeypatch):
    monkeypatch.setattr(caching.CompileResultCacheImpl, "_locator_classes", [])
    with pytest.raises(RuntimeError, match="cannot cache"):
        caching.FunctionCache(double)
    run = compiled(double)
    assert run(21) == 42
    assert run.signatures
