"""The engine's room comes from the environment; where it does not suffice, the error says so."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import ibis
import pytest
from siyu.data import SourceError
from siyu.data.files import open_engine
from siyu.data.room import FOLDER, MEMORY


@pytest.mark.parametrize(
    ("asked", "taken"), [("8GB", "7.4 GiB"), (" 512 MiB ", "512.0 MiB"), ("1.5gib", "1.5 GiB")]
)
def test_the_engine_takes_the_memory_that_the_environment_grants(monkeypatch, asked, taken):
    monkeypatch.setenv(MEMORY, asked)
    assert open_engine().settings["memory_limit"] == taken


@pytest.mark.parametrize("asked", ["much", "0%", "101%", "8", "-8GB", "0.0GB"])
def test_what_is_no_memory_is_named_with_a_remedy(monkeypatch, asked):
    monkeypatch.setenv(MEMORY, asked)
    with pytest.raises(SourceError, match=rf"SIYU_MEMORY_LIMIT = '{asked}' .* 50% or 8GB"):
        open_engine()


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    for place in (tmp_path / "nowhere", tmp_path / "file"):
        monkeypatch.setenv(FOLDER, str(place))
        with pytest.raises(SourceError, match=rf"SIYU_SPILL_FOLDER = '{place}' cannot be written"):
            open_engine()


def test_an_engine_without_room_says_which_setting_gives_more(tmp_path, monkeypatch):
    monkeypatch.setenv(MEMORY, "40MB")
    monkeypatch.setenv(FOLDER, str(tmp_path))
    engine = open_engine()
    engine.raw_sql("CREATE VIEW numbers AS SELECT range AS n, hash(range) AS h FROM range(3000000)")
    numbers = engine.table("numbers")
    ranked = numbers.mutate(rank=ibis.row_number().over(order_by=numbers.h))
    engine.raw_sql("SET memory_limit = '1MB'")
    with pytest.raises(SourceError, match="do not suffice; set SIYU_MEMORY_LIMIT"):
        ranked["rank"].sum().to_pyarrow()
    with pytest.raises(SourceError, match="do not suffice"):
        ranked.to_pandas()
    engine.raw_sql("SET memory_limit = '40MB'")
    engine.raw_sql("SET max_temp_directory_size = '1MB'")
    with pytest.raises(SourceError, match=rf"{tmp_path} is full: .* SIYU_SPILL_FOLDER"):
        ranked.cache()


def test_what_a_killed_process_has_spilled_is_removed_and_what_is_in_use_is_not(
    tmp_path, monkeypatch
):
    def left() -> list[Path]:
        folders = list(tmp_path.iterdir())
        for folder in folders:
            os.utime(folder, (0, 0))
        return folders

    monkeypatch.setenv(FOLDER, str(tmp_path))
    source = "import os, siyu.data.files as f; f.open_engine(), os.kill(os.getpid(), 9)"
    killed = subprocess.run([sys.executable, "-c", source], check=False)
    assert killed.returncode == -signal.SIGKILL
    (of_killed,) = left()
    engine = open_engine()
    (in_use,) = left()
    assert in_use != of_killed
    other = open_engine()
    assert in_use in left()
    del engine, other
    assert not left()
