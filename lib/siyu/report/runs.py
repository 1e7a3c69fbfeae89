"""The published runs of a configuration, as their manifests tell of them."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LATEST, FAILED, GOING = "latest", "failed", ".going-"
"""The link to the last success, the folder of the runs in which something went wrong, and how the
name of a run begins that is being removed."""

_PLACE = re.compile(r"(\d{4}-\d{2}-\d{2})\.(\d+)")


@dataclass(frozen=True, kw_only=True)
class Run:
    """One published run: `place` is its last complete day and its number among those of the day."""

    folder: Path
    place: tuple[str, int]
    manifest: Mapping[str, Any]

    @property
    def ok(self) -> bool:
        """Whether every notebook went well."""
        return all(one["state"] == "ok" for one in self.manifest["notebooks"])

    @property
    def is_variant(self) -> bool:
        """Whether it was asked for otherwise than configured."""
        return bool(self.manifest.get("variant", False))

    @property
    def is_told(self) -> bool:
        """Whether any of those who are told of alerts was told of its own, if it had any."""
        told = self.manifest.get("deliveries")
        return told == [] or any(one["ok"] for one in told or ())


def place_of(folder: Path) -> tuple[str, int] | None:
    """Read the day and the number of a published run off its name; None for anything else."""
    found = _PLACE.fullmatch(folder.name)
    return (found[1], int(found[2])) if found else None


def read_runs(home: Path) -> list[Run]:
    """Read the runs of a configuration, by day and number.

    Args:
        home: the folder of the configuration; it need not be there. What has no manifest that can
            be read is left out.
    """
    runs = []
    for folder in (*_list(home), *_list(home / FAILED)):
        place, manifest = place_of(folder), _manifest(folder)
        if place and manifest is not None:
            runs.append(Run(folder=folder, place=place, manifest=manifest))
    return sorted(runs, key=lambda run: run.place)


def find_latest(home: Path) -> Run | None:
    """Find the run to which `latest` points; None where there is none that can be read."""
    target = home / os.readlink(home / LATEST) if (home / LATEST).is_symlink() else home
    return next((run for run in read_runs(home) if run.folder == target), None)


def is_newest(home: Path, as_of: str) -> bool:
    """Whether the last success is of no later day: a look back must not take its place."""
    latest = find_latest(home)
    return latest is None or latest.place[0] <= as_of


def read_findings(run: Run) -> dict[str, Any]:
    """Read the findings of all studies of a run; none where they cannot be read."""
    document = _json(run.folder / "findings.json")
    return document if document and isinstance(document.get("studies"), dict) else {"studies": {}}


def find_spare(home: Path, *, keep: int, coming: Run | None = None) -> list[Path]:
    """Find the runs that need not be kept.

    Args:
        home: the folder of the configuration.
        keep: how many of each kind are kept, the newest: as configured, otherwise asked for, and
            failed; at least 1.
        coming: a run that is not there yet, and after which is asked.

    Returns:
        Their folders, the oldest first; never that to which `latest` points.
    """
    latest = find_latest(home)
    spare: list[Run] = []
    runs = read_runs(home)
    if coming is not None:
        runs = sorted([*runs, coming], key=_place)
        takes_over = not coming.is_variant and is_newest(home, coming.place[0])
        latest = coming if takes_over else latest
    for kind in ("configured", "variant", "failed"):
        spare += [run for run in runs if _kind(run) == kind][:-keep]
    kept = None if latest is None else latest.folder
    return [run.folder for run in sorted(spare, key=_place) if run.folder != kept]


def remove(folders: Sequence[Path]) -> None:
    """Remove runs; each is gone under its name at once, or not at all."""
    for folder in folders:
        going = folder.with_name(GOING + folder.name)
        shutil.rmtree(going, ignore_errors=True)
        folder.rename(going)
        shutil.rmtree(going)


def _kind(run: Run) -> str:
    if not run.ok:
        return "failed"
    return "variant" if run.is_variant else "configured"


def _place(run: Run) -> tuple[str, int]:
    return run.place


def _list(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _manifest(folder: Path) -> dict[str, Any] | None:
    manifest = _json(folder / "manifest.json")
    return manifest if manifest and isinstance(manifest.get("notebooks"), list) else None


def _json(path: Path) -> dict[str, Any] | None:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return document if isinstance(document, dict) else None
