"""One notebook run as the weekly report runs it, and what it found."""

from __future__ import annotations

import json
from pathlib import Path

from siyu import cli

ROOT = Path(__file__).parents[2]


def report(name: str, out: Path, *options: str, succeeds: bool = True) -> Path:
    """Publish the report of one notebook and give its folder."""
    asked = ["--only", name, "--out", str(out), *options]
    code = cli.main(["report", str(ROOT / "notebooks" / "weekly.yaml"), *asked])
    assert code == (0 if succeeds else 1)
    (folder,) = out.glob(f"weekly/*.1/{name}")
    return folder


def findings(folder: Path) -> dict[str, dict]:
    """Give the findings of a published notebook by their ids."""
    document = json.loads((folder / "findings.json").read_text("utf-8"))
    return {finding["id"]: finding for finding in document["findings"]}
