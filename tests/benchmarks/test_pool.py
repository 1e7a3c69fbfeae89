"""The benchmark of the simulated pool counts what it has drawn, and fails where drawing fails."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks.pool", "--repeat", "1", *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_a_line_per_size_tells_rows_seconds_and_memory() -> None:
    done = run("--users", "60", "600")
    assert done.returncode == 0, done.stderr
    small, large = (line.split("|") for line in done.stdout.strip().splitlines()[-2:])
    assert [small[1].strip(), large[1].strip()] == ["60", "600"]
    rows = [int(line[2].replace(",", "")) for line in (small, large)]
    assert 60 < rows[0] < rows[1]
    assert all(
        float(line[4]) > 0 and float(line[6].replace(",", "")) > 50 for line in (small, large)
    )


@pytest.mark.slow
def test_a_pool_that_cannot_be_drawn_is_no_result() -> None:
    done = run("--users", "0")
    assert done.returncode == 1
    assert "users = 0 must be at least 1" in done.stderr
