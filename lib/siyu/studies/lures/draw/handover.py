"""Write a list of persons where it may lie: in `handover`, which git ignores; never in a report."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import pandas as pd

from siyu.studies.lures.definition import LureError

HANDOVER, REPORTS = "handover", "reports"


def find_folder(handover_dir: str) -> Path | None:
    """Check that a list of persons may be written into a folder; None where none was asked for.

    Raises:
        LureError: it lies under `reports`, outside `handover`, or where git would take it up.
    """
    if not handover_dir:
        return None
    folder = Path(handover_dir).resolve()
    if REPORTS in folder.parts:
        raise LureError(
            f"handover_dir = {handover_dir!r} lies under {REPORTS}, where no list of persons may "
            f"lie; use the folder {HANDOVER}"
        )
    root = next((parent for parent in folder.parents if (parent / ".git").exists()), None)
    inside = folder.parts if root is None else folder.relative_to(root).parts[:1]
    if HANDOVER not in inside:
        raise LureError(
            f"handover_dir = {handover_dir!r} must be the folder {HANDOVER} of the project, which "
            "git ignores, or one in it"
        )
    return folder


def write_list(drawn: pd.DataFrame, folder: Path | None, as_of: date) -> str:
    """Write the list whole or not at all, and give the name of the file; "" for none.

    Raises:
        LureError: another draw of that day is there, which somebody may be using.
    """
    if folder is None:
        return ""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"lure_draw_{as_of}.csv"
    text = drawn.to_csv(index=False)
    if file.exists() and file.read_text(encoding="utf-8") != text:
        raise LureError(
            f"handover_dir: {file.name} holds another draw of that day; remove it if nobody uses "
            "it, or draw with its seed"
        )
    staged = file.with_name(file.name + ".part")
    staged.write_text(text, encoding="utf-8")
    os.replace(staged, file)
    return file.name
