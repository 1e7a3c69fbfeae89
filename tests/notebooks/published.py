"""One notebook run as the weekly report runs it, and what it found."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path

import pytest
from siyu import cli

ROOT = Path(__file__).parents[2]


def report(name: str, out: Path, *options: str, succeeds: bool = True) -> Path:
    """Publish the report of one notebook and give its folder."""
    asked = ["--only", name, "--out", str(out), *options]
    code = cli.main(["report", str(ROOT / "notebooks" / "weekly.yaml"), *asked])
    assert code == (0 if succeeds else 1)
    (folder,) = out.glob(f"weekly/{'' if succeeds else 'failed/'}*.1/{name}")
    return folder


def report_once(name: str, factory: pytest.TempPathFactory) -> Path:
    """Give the report of one notebook as it stands, run once for the tests of all processes."""
    shared = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    out = shared / f"published-{name}"
    with (shared / f"published-{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for found in out.glob(f"weekly/*.1/{name}/findings.json"):
            return found.parent
        return report(name, out)


def findings(folder: Path) -> dict[str, dict]:
    """Give the findings of a published notebook by their ids."""
    document = json.loads((folder / "findings.json").read_text("utf-8"))
    return {finding["id"]: finding for finding in document["findings"]}
