"""What a run was made of and from: enough to make it again, and to see why two runs differ."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Mapping
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from siyu.findings import PACKAGES
from siyu.report.config import SET_BY_THE_RUN, Study
from siyu.report.inputs import fingerprint_method
from siyu.report.outcome import Outcome
from siyu.report.plan import Plan

_NO_DEFINITION = {*SET_BY_THE_RUN, "language"}
"""Parameters by which no number is counted otherwise."""


def describe(
    plan: Plan,
    outcomes: Mapping[str, Outcome],
    *,
    variant: bool,
    started_at: datetime,
    finished_at: datetime,
    seconds: float,
) -> dict[str, Any]:
    """Lay out the manifest of a run.

    Args:
        plan: what was run.
        outcomes: per study.
        variant: it was asked for otherwise than configured.
        started_at: when the run began, aware.
        finished_at: when its last notebook ended, aware.
        seconds: how long it took, whatever became of the clock meanwhile.
    """
    config = plan.config
    return {
        "schema": 1,
        "config": config.name,
        "title": config.title,
        "as_of": plan.as_of,
        "source": plan.source.name,
        "fingerprint": plan.fingerprint,
        "rows": plan.rows,
        "variant": variant,
        "started_at": started_at.isoformat(timespec="seconds"),
        "finished_at": finished_at.isoformat(timespec="seconds"),
        "seconds": round(seconds, 1),
        "git": git_state(config.root),
        "versions": {"python": platform.python_version()}
        | {name: metadata.version(name) for name in PACKAGES},
        "notebooks": [
            {
                "name": study.name,
                "notebook": os.path.relpath(study.notebook, config.root),
                "state": outcomes[study.name].state,
                "message": outcomes[study.name].message,
                "seconds": round(outcomes[study.name].seconds, 1),
                "parameters": study.parameters,
                "made_of": plan.made_of[study.name],
                "method": fingerprint_method(study),
            }
            | _origin(study, plan)
            for study in config.studies
        ],
    }


def asked_in(manifest: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return, per study of a manifest, the parameters by which its numbers are counted.

    They are those that were given: what a study says it was asked may hold what it found in the
    data. The source has a name of its own in the manifest.
    """
    return {
        one["name"]: {
            name: value for name, value in one["parameters"].items() if name not in _NO_DEFINITION
        }
        for one in manifest["notebooks"]
    }


def _origin(study: Study, plan: Plan) -> dict[str, str]:
    taken = plan.taken.get(study.name)
    return {} if taken is None else {"taken_from": taken.folder.name}


def git_state(folder: Path) -> dict[str, Any]:
    """Return the git `revision` of a folder (None outside of git) and whether it is `dirty`."""
    revision = _git(folder, "rev-parse", "HEAD")
    changes = _git(folder, "status", "--porcelain")
    return {"revision": revision, "dirty": bool(changes)}


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
