from pathlib import Path

import pytest

from benchmarks import logs, order_logs
from benchmarks.rfm_contenders import CONTENDERS

INSTALLED = ("siyu", "duckdb", "pandas", "prepared_first", "prepared_again", "duckdb_again")
"""The others come with `make bench`."""


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(order_logs, "DATA", tmp_path_factory.mktemp("logs"))
        return order_logs.find_orders(20_000)


def test_all_contenders_give_the_same_answer(log, tmp_path, monkeypatch):
    monkeypatch.setattr(logs, "DATA", tmp_path)
    monkeypatch.setenv("SIYU_CACHE", "")  # what a contender sets is undone
    answers = {
        name: sorted((str(code), *map(int, rest)) for code, *rest in CONTENDERS[name](log)())
        for name in INSTALLED
    }
    assert [name for name in INSTALLED if answers[name] != answers["siyu"]] == []
    scores, buyers, days, yuan = zip(*answers["siyu"], strict=True)
    assert {score[0] for score in scores} == set("12345")
    assert 800 < sum(buyers) <= 1_000
    assert sum(buyers) < sum(days) < 20_000 * 0.98  # of one day several orders, and refunds
    assert 50 < sum(yuan) / sum(days) < 120


def test_what_needs_no_answer_gives_none(log):
    assert list(CONTENDERS["scan"](log)()) == list(CONTENDERS["opening"](log)()) == []
