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
from siyu.report.config import Study
from siyu.report.inputs import fingerprint_method
from siyu.report.outcome import Outcome
from siyu.report.plan import Plan


def describe(
    plan: Plan,
    outcomes: Mapping[str, Outcome],
    *,
    variant: bool,
    started_at: datetime,
    finished_at: datetime,
) -> dict[str, Any]:
    """Lay out the manifest of a run.

    Args:
        plan: what was run.
        outcomes: per study.
        variant: it was asked for otherwise than configured.
        started_at: when the run began, aware.
        finished_at: when its last notebook ended, aware.
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
        "seconds": round((finished_at - started_at).total_seconds(), 1),
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
