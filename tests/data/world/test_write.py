"""A pool is written as a source that reads well, with its truths beside it."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml
from siyu.data import check, open_source
from siyu.data.contract import TABLES
from siyu.data.world import Settings, SettingsError, write, write_sample
from siyu.data.world.truths.facts import Truth

SMALL = Settings(users=300)
TRUTH = Truth(
    id="staying.half",
    estimand="share of members who are still there, 一半",
    value=0.5,
    standard_error=0.0,
    computed="closed form",
    settings={"day": 30},
)


@pytest.fixture(autouse=True)
def _one_truth(monkeypatch: pytest.MonkeyPatch) -> None:
    """The truths have their own tests, and take long."""
    monkeypatch.setattr(write, "compute_truths", lambda settings: [TRUTH])


def test_a_pool_is_one_file_per_table_with_its_description_and_its_truths(tmp_path: Path) -> None:
    folder = tmp_path / "not" / "yet" / "there"
    write_sample(folder, SMALL)
    names = {path.name for path in folder.iterdir()}
    assert names == {f"{name}.parquet" for name in TABLES} | {"source.yaml", "truth.json"}
    for name, table in write.draw_tables(SMALL).items():
        assert pq.read_table(folder / f"{name}.parquet").equals(table), name


def test_a_pool_keeps_every_rule_of_the_contract(tmp_path: Path) -> None:
    write_sample(tmp_path, SMALL)
    assert check(tmp_path).problems == ()
    source = open_source(tmp_path)
    assert source.name == "simulated pool"
    assert source.as_of == date(2026, 3, 31)


def test_the_description_has_the_zone_and_the_observed_days(tmp_path: Path) -> None:
    write_sample(tmp_path, Settings(users=20, days=100))
    described = yaml.safe_load((tmp_path / "source.yaml").read_text("utf-8"))
    assert described == {
        "name": "simulated pool",
        "timezone": "Asia/Shanghai",
        "observed": {"from": date(2025, 12, 22), "to": date(2026, 3, 31)},
    }


def test_the_truths_stand_beside_all_settings_as_text_that_people_can_read(tmp_path: Path) -> None:
    write_sample(tmp_path, SMALL)
    text = (tmp_path / "truth.json").read_text("utf-8")
    assert "一半" in text
    stored = json.loads(text)
    assert stored["truths"] == [asdict(TRUTH)]
    assert stored["settings"]["users"] == 300
    assert stored["settings"]["staying"]["resigned_on"] == "2025-12-15"
    assert stored["settings"] == json.loads(json.dumps(asdict(SMALL), default=date.isoformat))


def test_writing_again_replaces_what_was_there(tmp_path: Path) -> None:
    write_sample(tmp_path, SMALL)
    write_sample(tmp_path, Settings(users=20))
    assert pq.read_metadata(tmp_path / "users.parquet").num_rows < 100


def test_a_large_pool_is_written_in_parts_but_its_costs_in_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write, "BLOCK_USERS", 100)
    write_sample(tmp_path, Settings(users=250))
    for name in set(TABLES) - {"spend"}:
        parts = sorted(path.name for path in (tmp_path / name).iterdir())
        assert parts == ["part-000.parquet", "part-001.parquet", "part-002.parquet"], name
    assert (tmp_path / "spend.parquet").is_file()
    assert check(tmp_path).problems == ()


def test_a_pool_of_one_block_is_not_written_over_the_parts_of_a_larger_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "users").mkdir()
    with pytest.raises(FileExistsError, match=r"^users/ holds parts of a larger pool"):
        write_sample(tmp_path, SMALL)
    monkeypatch.setattr(write, "BLOCK_USERS", 100)
    whole = tmp_path / "whole"
    whole.mkdir()
    (whole / "users.parquet").touch()
    with pytest.raises(FileExistsError, match=r"^users\.parquet is there from a smaller pool"):
        write_sample(whole, SMALL)


# --- dirty


def test_check_finds_in_a_dirty_pool_exactly_what_was_planted(tmp_path: Path) -> None:
    write_sample(tmp_path, SMALL, dirty=True)
    planted = json.loads((tmp_path / "planted.json").read_text("utf-8"))
    assert len(planted) > 20
    wanted = Counter((each["table"], each["severity"], each["rows"]) for each in planted)
    found = Counter((each.table, each.severity, each.rows) for each in check(tmp_path).problems)
    assert found == wanted
    described = yaml.safe_load((tmp_path / "source.yaml").read_text("utf-8"))
    assert "timezone" not in described, "naive times without a zone are a defect"


def test_a_sound_pool_has_no_planted_defects(tmp_path: Path) -> None:
    write_sample(tmp_path, Settings(users=20))
    assert not (tmp_path / "planted.json").exists()


def test_more_people_than_one_block_cannot_be_dirty(tmp_path: Path) -> None:
    folder = tmp_path / "dirty"
    with pytest.raises(SettingsError) as raised:
        write_sample(folder, Settings(users=100_001), dirty=True)
    assert str(raised.value) == ("users = 100001 must be at most 100000 for dirty data; use fewer")
    assert not folder.exists()
