from pathlib import Path

import pyarrow.parquet as pq
import pytest
from siyu.data import sorted_log

from benchmarks import logs
from benchmarks.retention_contenders import CONTENDERS, ON_DAYS, WEEKS

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
    cohorts = {group for group, *_ in answers["siyu"]} - set(logs.TOUCHPOINTS)
    days = {(group in cohorts, day) for group, day, *_ in answers["siyu"]}
    assert days == {(True, 7 * week) for week in WEEKS} | {(False, day) for day in ON_DAYS}
    assert all(0 <= back <= n and n > 0 for *_, n, back in answers["siyu"])


def test_the_youngest_cohorts_are_judged_only_on_the_weeks_all_of_them_have_lived_through(log):
    """The last day is 27 September: 20 days after the Sunday of the week from 1 September, and 13
    after that of the week from 8 September.
    """
    answer = CONTENDERS["duckdb"](log)()
    last = {group: max(day for name, day, *_ in answer if name == group) for group, *_ in answer}
    assert last["2025-09-01"] == 14
    assert last["2025-09-08"] == 7
    assert "2025-09-15" not in last


def test_users_begin_with_their_first_add(log):
    events = pq.read_table(log).to_pandas()
    users = pq.read_table(logs.users_of(log)).to_pandas().set_index("user_id")
    added = events[events["event"] == "add"].drop_duplicates("user_id").set_index("user_id")
    assert set(users.index) == set(events["user_id"])
    told = users.dropna(subset=["added_at"])
    assert set(told.index) == set(added.index)
    assert (told["added_at"] == added["occurred_at"].loc[told.index]).all()
    assert (told["touchpoint"] == added["touchpoint"].loc[told.index]).all()
