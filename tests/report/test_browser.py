"""The pages in a real browser: nothing is loaded, nothing runs, nothing is complained of."""

import io
import shutil
import subprocess
from pathlib import Path

import pytest
from siyu.report.config import read_config
from siyu.report.plan import Request
from siyu.report.progress import Progress
from siyu.report.run import run_report

from tests.report.project import (
    code,
    good_cells,
    write_config,
    write_notebook,
    write_source,
)

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium (Debian package chromium)"),
]

BAD = "<script>document.title='taken'</script><img src='https://evil.invalid/a.png' onerror='x()'>"
HOSTILE = f"""\
from IPython.display import HTML, Markdown, display
bad = {BAD!r}
display(HTML(f"<table><tr><td>{{bad}}扫码</td></tr></table>"), Markdown(bad), bad)"""


def test_pages_load_nothing_run_nothing_and_raise_no_complaint(tmp_path: Path) -> None:
    write_source(tmp_path)
    cells = good_cells()
    cells.insert(3, code(HOSTILE))
    write_notebook(tmp_path / "notebooks" / "01_funnel.ipynb", cells)
    text = "title: Weekly\nsource: data\nnotebooks:\n  - notebook: 01_funnel\n"
    published = run_report(
        read_config(write_config(tmp_path, text)),
        Request(),
        out=tmp_path / "reports",
        at_once=1,
        progress=Progress(io.StringIO()),
    )
    folder = published.index.parent
    for page in (*folder.rglob("*.html"), folder.parent / "history.html"):
        document, complaints = load(page, tmp_path)
        assert "<title>taken" not in document
        assert "<script" not in document
        assert complaints == []


def test_under_the_same_policy_the_browser_complains_of_anything_loaded_or_run(
    tmp_path: Path,
) -> None:
    page = tmp_path / "page.html"
    policy = "<meta http-equiv='Content-Security-Policy' content=\"default-src 'none'\">"
    page.write_text(f"{policy}<title>x</title>{BAD}")
    document, complaints = load(page, tmp_path)
    assert "<title>taken" not in document
    assert any("Executing inline script" in complaint for complaint in complaints)
    assert any("https://evil.invalid/a.png" in complaint for complaint in complaints)


def load(page: Path, folder: Path) -> tuple[str, list[str]]:
    """Load a page, out of reach of any host: its document, and the complaints of the console."""
    done = subprocess.run(
        [
            str(CHROMIUM),
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
            "--host-resolver-rules=MAP * ~NOTFOUND",
            "--enable-logging=stderr",
            f"--user-data-dir={folder / 'profile'}",
            "--dump-dom",
            page.as_uri(),
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]
