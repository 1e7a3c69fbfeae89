"""The benchmark of growth asks each study from the opening of its source on, on the logs asked."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from benchmarks import growth, logs, order_logs, push_logs


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for module in (logs, order_logs, push_logs):
        monkeypatch.setattr(module, "DATA", tmp_path)
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("name", growth.STUDY.contenders)
def test_every_study_answers(name, data):
    (log, rows, users), *_ = growth.find_logs(name, [4_000], 4_000, n_users=())
    assert (rows, users) == (4_000, "200")
    assert all(int(row[-1]) >= 0 for row in growth.STUDY.contenders[name](log)())


def test_a_log_grows_in_rows_in_users_and_by_a_bot(data):
    found = list(growth.find_logs("funnel", [1_000, 2_000], 2_000, n_users=(30, 900)))
    assert [rows for _, rows, _ in found] == [1_000, 2_000, 2_000, 2_000, 32_000]
    n_users = [pq.read_metadata(logs.users_of(log)).num_rows for log, *_ in found]
    assert n_users[0] <= 50
    assert n_users[1] <= 100
    assert n_users[2] == 30
    assert 500 < n_users[3] <= 900
    assert n_users[4] == n_users[1] + 1
