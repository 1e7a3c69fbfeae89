import pytest

from benchmarks import future_contenders
from benchmarks.future_contenders import CONTENDERS, find_orders


def test_both_contenders_give_the_same_likelihood(tmp_path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(future_contenders, "DATA", tmp_path)
    log = find_orders(5_000)
    answers = {name: dict(make(log)()) for name, make in CONTENDERS.items()}
    assert answers["siyu"] == answers["scipy"]
    assert answers["siyu"]["buyers"] == 5_000
