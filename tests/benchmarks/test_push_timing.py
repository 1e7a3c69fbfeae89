from pathlib import Path

import pytest

from benchmarks import logs, push_logs
from benchmarks.push_timing_contenders import CONTENDERS

INSTALLED = ("siyu", "duckdb", "pandas", "prepared_first", "prepared_again", "duckdb_again")
"""The others come with `make bench`."""


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(push_logs, "DATA", tmp_path_factory.mktemp("logs"))
        return push_logs.find_pushes(20_000)


def test_all_contenders_give_the_same_answer(log, tmp_path, monkeypatch):
    monkeypatch.setattr(logs, "DATA", tmp_path)
    monkeypatch.setenv("SIYU_CACHE", "")  # what a contender sets is undone
    answers = {name: sorted(map(tuple, CONTENDERS[name](log)())) for name in INSTALLED}
    assert [name for name in INSTALLED if answers[name] != answers["siyu"]] == []
    occupations, weekdays, hours, sent, clicked = zip(*answers["siyu"], strict=True)
    assert set(occupations) == set(push_logs.SEGMENTS)
    assert set(weekdays) == set(range(7))
    assert set(hours) > set(range(9, 22))  # late ones are sent after midnight
    # Of 20,000 pushes 95% were sent, and those of the last of 180 days are not followed.
    assert sum(sent) == pytest.approx(20_000 * 0.95 * 179 / 180, rel=0.01)
    assert 0.04 < sum(clicked) / sum(sent) < 0.08


def test_what_needs_no_answer_gives_none(log):
    assert list(CONTENDERS["scan"](log)()) == list(CONTENDERS["opening"](log)()) == []
