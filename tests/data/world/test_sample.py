"""The committed sample is the pool of the default settings, with all its truths."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml
from siyu.data import check
from siyu.data.contract import TABLES
from siyu.data.world import Settings, write_sample

SAMPLE = Path(__file__).parents[3] / "data" / "sample"


@pytest.mark.slow
def test_the_committed_sample_is_what_the_default_settings_give(tmp_path: Path) -> None:
    write_sample(tmp_path, Settings())
    assert {path.name for path in SAMPLE.iterdir()} == {path.name for path in tmp_path.iterdir()}
    for name in TABLES:
        fresh, kept = (pq.read_table(folder / f"{name}.parquet") for folder in (tmp_path, SAMPLE))
        assert fresh.equals(kept), name
    for name in ("truth.json", "source.yaml"):
        assert (tmp_path / name).read_text("utf-8") == (SAMPLE / name).read_text("utf-8")


def test_the_committed_sample_is_small() -> None:
    assert sum(path.stat().st_size for path in SAMPLE.iterdir()) < 5_000_000


def test_the_sample_keeps_every_rule_of_the_contract() -> None:
    assert check(SAMPLE).problems == ()


def test_the_sample_declares_its_zone_and_its_observed_days() -> None:
    source = yaml.safe_load((SAMPLE / "source.yaml").read_text("utf-8"))
    assert source["timezone"] == "Asia/Shanghai"
    assert source["observed"] == {"from": date(2025, 4, 1), "to": date(2026, 3, 31)}


def test_every_stored_truth_says_what_it_is_and_how_it_was_computed() -> None:
    stored = json.loads((SAMPLE / "truth.json").read_text("utf-8"))
    assert stored["settings"]["users"] == 12_000
    names = [truth["id"] for truth in stored["truths"]]
    assert len(names) == len(set(names))
    assert {name.split(".")[0] for name in names} >= {"funnel", "staying", "lures", "referral"}
    for truth in stored["truths"]:
        assert truth["estimand"], truth["id"]
        assert truth["standard_error"] >= 0, truth["id"]
        if truth["computed"].startswith("closed form"):
            assert truth["standard_error"] == 0, truth["id"]
