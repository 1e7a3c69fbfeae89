"""Small projects to run: notebooks written cell by cell, and a source of two users."""

import contextlib
import io
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from siyu import findings
from siyu.report.outcome import Outcome
from siyu.report.runner import Job

PARAMETERS = """\
source: str = "data"  # folder, file or database URL
as_of: str = ""  # ISO date of the last complete day; "" = end of observation
window_days: float | None = 14.0  # (0, 3650] days from the start; null = no window
entry: str = "best"  # {best, first} which start may begin the chain
output_dir: str = ""  # where findings and tables go; "" = write nothing"""

PUBLISH = """\
from pathlib import Path
from siyu import findings
rate = findings.Finding(id="rate", metric="rate", value=0.25, ci_lower=0.2, ci_upper=0.3,
    unit="share", n=80, message="25% of 80 ordered.", method="Wilson", status="alert",
    threshold=0.4, direction="above", action="Repair the reply step.")
few = findings.Finding(id="few", metric="rate", value=None, unit="share", n=3,
    message="Receipt: 3 starts are too few.", method="Wilson", status="insufficient")
document = findings.to_json([rate, few], notebook="funnel", as_of=as_of, source=source,
    parameters={"output_dir": output_dir})
findings.write(Path(output_dir) / "findings.json", document)
(Path(output_dir) / "tables").mkdir()
(Path(output_dir) / "tables" / "funnel.csv").write_text("step,n_users\\nscan,80\\n")"""

HEADLINE = """\
from IPython.display import Markdown
Markdown("**25% of 80 users** ordered.")"""


def markdown(source: str) -> dict[str, object]:
    return {"cell_type": "markdown", "id": "", "metadata": {}, "source": source}


def code(source: str, *tags: str) -> dict[str, object]:
    return {
        "cell_type": "code",
        "id": "",
        "metadata": {"tags": list(tags)},
        "source": source,
        "outputs": [],
        "execution_count": None,
    }


def parameters(source: str = PARAMETERS) -> dict[str, object]:
    return code(source, "parameters")


def good_cells(title: str = "Where are customers lost?") -> list[dict[str, object]]:
    return [
        markdown(f"# {title}\n\nThe growth team decides with it."),
        parameters(),
        code(HEADLINE, "headline"),
        markdown("## What was found\n\nA picture says it."),
        code("print('eighty users')"),
        markdown("## What this does not show"),
        code(PUBLISH),
    ]


def write_notebook(path: Path, cells: list[dict[str, object]]) -> Path:
    cells = [{**cell, "id": f"cell-{number}"} for number, cell in enumerate(cells)]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = {
        "cells": cells,
        "metadata": {"kernelspec": kernel},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(notebook), encoding="utf-8")
    return path


def write_config(root: Path, text: str) -> Path:
    path = root / "notebooks" / "weekly.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def write_source(root: Path) -> Path:
    """Write a project marker and a source whose last complete day is 2026-03-31."""
    (root / "pyproject.toml").write_text("")
    folder = root / "data"
    folder.mkdir()
    (folder / "source.yaml").write_text(
        "name: two users\ntimezone: Asia/Shanghai\nobserved: {from: 2026-01-01, to: 2026-03-31}\n"
    )
    (folder / "users.csv").write_text(
        "user_id,added_at,channel\n"
        "001,2026-03-01T10:00:00+08:00,social\n"
        "002,2026-03-02T10:00:00+08:00,<script>alert(1)</script>\n"
    )
    return folder


def run_without_kernels(
    jobs: Sequence[Job],
    *,
    on_change: Callable[[Mapping[str, Outcome], Sequence[str]], None],
    **_: Any,
) -> dict[str, Outcome]:
    """Stand in for `run_all` where a test is about what is made of the outcomes: cells run here."""
    outcomes = {job.name: _run_here(job) for job in jobs}
    on_change(outcomes, [])
    return outcomes


def _run_here(job: Job) -> Outcome:
    notebook = json.loads(job.notebook.read_text(encoding="utf-8"))
    names: dict[str, object] = {}
    try:
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code":
                with contextlib.redirect_stdout(io.StringIO()):
                    exec(cell["source"], names)
                names |= job.parameters if "parameters" in cell["metadata"]["tags"] else {}
    except Exception as error:
        message = f"{type(error).__name__}: {error}"
        return Outcome(state="failed", message=message, notebook=notebook)
    found = findings.read(job.folder / "findings.json")
    return Outcome(state="ok", notebook=notebook, findings=found)
