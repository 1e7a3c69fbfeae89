from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from siyu.data import sorted_log

from benchmarks import logs
from benchmarks.funnel_contenders import CONTENDERS

INSTALLED = ("siyu", "duckdb", "pandas", "prepared_first", "prepared_again", "duckdb_again")
"""The others come with `make bench`."""


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(logs, "DATA", tmp_path_factory.mktemp("logs"))
        return logs.find_log(20_000, bot=True)


def test_all_contenders_give_the_same_answer(log, tmp_path, monkeypatch):
    monkeypatch.setattr(logs, "DATA", tmp_path)
    monkeypatch.setattr(sorted_log, "FEWEST_ROWS", 0)
    monkeypatch.setenv("SIYU_CACHE", "")  # what a contender sets is undone
    answers = {name: sorted(map(tuple, CONTENDERS[name](log)())) for name in INSTALLED}
    assert [name for name in INSTALLED if answers[name] != answers["siyu"]] == []
    assert {depth for _, depth, _ in answers["siyu"]} == {1, 2, 3, 4, 5, 6}


def test_a_log_has_the_events_asked_for_in_time_order_and_a_bot(log):
    table = pq.read_table(log)
    assert table.num_rows == 20_000 + 30_000
    times = table["occurred_at"].cast("int64").to_numpy()
    assert (times[1:] >= times[:-1]).all()
    assert pc.sum(pc.equal(table["user_id"], "u0001000")).as_py() == 30_000
    assert set(table["event"].unique().to_pylist()) == {*logs.STEPS, *logs.OTHERS}


def test_no_user_has_two_events_at_one_instant_so_that_tie_rules_do_not_tell(log):
    table = pq.read_table(log, columns=["user_id", "occurred_at"])
    assert table.group_by(["user_id", "occurred_at"]).aggregate([]).num_rows == table.num_rows


def test_a_log_is_the_same_whenever_it_is_generated(tmp_path, monkeypatch):
    found = []
    for folder in (tmp_path / "once", tmp_path / "again"):
        monkeypatch.setattr(logs, "DATA", folder)
        found.append(pq.read_table(logs.find_log(2_000)))
    assert found[0].equals(found[1])
