"""The sample: nobody is drawn twice, or was in an experiment; and all are accounted for."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from siyu.data import open_source
from siyu.studies.lures import draw as lots

SAMPLE = Path(__file__).parents[4] / "data" / "sample"
ARMS = ("physical", "coupon", "service")


@pytest.mark.parametrize("as_of", ["2026-03-31", "2025-12-20"])
def test_nobody_is_drawn_twice_or_was_drawn_before(tmp_path, as_of):
    found = lots.draw(
        open_source(str(SAMPLE), as_of=as_of), arms=ARMS, seed=1,
        handover_dir=str(tmp_path / "handover"),
    )  # fmt: skip
    listed = pd.read_csv(tmp_path / "handover" / found.file, dtype=str)
    end = pd.Timestamp(as_of, tz="Asia/Shanghai") + pd.Timedelta(days=1)
    before = pd.read_parquet(SAMPLE / "assignments.parquet")
    before = before[before["assigned_at"] < end]
    users = pd.read_parquet(SAMPLE / "users.parquet")
    added = users.loc[users["added_at"] < end, "user_id"]
    assert listed["user_id"].is_unique
    assert not set(listed["user_id"]) & (set(before["user_id"]) | set(added))
    assert listed["arm"].value_counts().max() - listed["arm"].value_counts().min() <= 1
    assert (found.covariates["difference"] <= found.covariates["limit"]).all()


def test_every_user_is_drawn_or_left_out_for_one_reason():
    pool = open_source(str(SAMPLE))
    found = lots.draw(pool, arms=ARMS, seed=1)
    users = pool.table("users").count().to_pandas()
    assert found.n + found.excluded["n"].sum() == users
