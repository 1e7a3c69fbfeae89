"""One run of all notebooks over canaries and hostile names: what is published, told and logged."""

import base64
import contextlib
import csv
import html
import io
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from siyu import cli
from siyu.report.run import PAGE_BUDGET_BYTES

from tests.report.browser import CHROMIUM, Tab, open_tab
from tests.report.canaries import FORMULA, LITERAL, LONG, SECRETS, write_project
from tests.report.robots import GOOD, serve

pytestmark = pytest.mark.slow

STAFF_ARE_NAMED = "03_push_timing"
"""Whose pushes leave late is asked of staff accounts; no other study names one unless asked."""
PHONE, SCREEN, PAPER = 390, 1280, 794


@dataclass(frozen=True, kw_only=True)
class Run:
    """What a run left: the published folder, and all texts that reached anybody, by place."""

    folder: Path
    told: dict[str, str]

    @property
    def pages(self) -> list[Path]:
        return sorted(self.folder.rglob("*.html"))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    root = tmp_path_factory.mktemp("shop")
    config = write_project(root, users=2500)
    alerts, out, errors = root / "alerts.jsonl", io.StringIO(), io.StringIO()
    refused = '{"code": 19001, "msg": "no such hook: canary-secret-bad"}'
    with (
        pytest.MonkeyPatch.context() as patch,
        serve((200, GOOD["wecom"])) as good,
        serve((200, refused)) as bad,
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(errors),
    ):
        for name, value in {
            **SECRETS,
            "ALERTS_FILE": str(alerts),
            "GOOD_ROBOT": good.address.replace("s3cret", "canary-secret-good"),
            "BAD_ROBOT": bad.address.replace("s3cret", "canary-secret-bad"),
        }.items():
            patch.setenv(name, value)
        assert cli.main(["report", str(config)]) == 1
    reports = root / "reports"
    files = [path for path in (*reports.rglob("*"), alerts) if path.is_file()]
    told = {str(path.relative_to(root)): path.read_text(encoding="utf-8") for path in files}
    bodies = [json.dumps(body, ensure_ascii=False) for body in (*good.sent, *bad.sent)]
    told |= {"robots": "\n".join(bodies), "stdout": out.getvalue(), "stderr": errors.getvalue()}
    return Run(folder=reports / "weekly" / "failed" / "2026-03-31.1", told=told)


def test_only_the_broken_notebook_fails(run: Run) -> None:
    states = dict(re.findall(r"^(\w+): (\w+) after", run.told["stderr"], re.MULTILINE))
    assert states.pop("08_broken") == "failed"
    assert set(states.values()) == {"ok"}
    assert len(states) == 7


def test_nobody_and_no_secret_is_published_told_or_logged(run: Run) -> None:
    found = {
        (place, canary)
        for place, text in run.told.items()
        for canary in re.findall(r"canary-\w+", html.unescape(text).replace("\\", ""))
    }
    assert {canary for _, canary in found} == {"canary-staff"}
    named = {place.partition("2026-03-31.1/")[2].partition("/")[0] for place, _ in found}
    assert named <= {STAFF_ARE_NAMED, "findings.json", "index.html"}


def test_what_stands_for_them_says_what_was_left_out(run: Run) -> None:
    broken = run.told["reports/weekly/failed/2026-03-31.1/08_broken/report.html"]
    assert "no &lt;id&gt; (&lt;id&gt;)" in broken
    assert "&lt;secret&gt;" in broken
    assert "feishu: code 19001: no such hook: <secret>" in run.told["stderr"]
    assert "no <id> (<id>)" in run.told["alerts.jsonl"]


def test_pictures_hold_nothing_but_pixels(run: Run) -> None:
    kinds = set()
    for notebook in run.folder.rglob("*.ipynb"):
        for picture in re.findall(r'"image/png": "([^"]+)', notebook.read_text("utf-8")):
            kinds |= set(chunks(base64.b64decode(picture.replace("\\n", ""))))
    assert kinds == {"IHDR", "PLTE", "IDAT", "IEND"}


def chunks(png: bytes) -> Iterator[str]:
    place = 8
    while place < len(png):
        yield png[place + 4 : place + 8].decode()
        place += 12 + int.from_bytes(png[place : place + 4])


def test_names_survive_as_they_are_on_pages_and_in_alerts(run: Run) -> None:
    pages = {page: page.read_text("utf-8") for page in run.pages}
    for text in pages.values():
        assert "<script" not in text
    shown = html.unescape("".join(pages.values()))
    for name in LITERAL:
        assert name in html.unescape(pages[run.folder / "index.html"])
        assert f"“{name}”" in shown
    alerts = run.told["alerts.jsonl"]
    assert json.dumps(FORMULA)[1:-1] in alerts


def test_a_name_of_4000_letters_is_cut_and_none_turns_the_writing(run: Run) -> None:
    texts = {place: text for place, text in run.told.items() if place.endswith((".html", "jsonl"))}
    texts |= {name: run.told[name] for name in ("robots", "stderr")}
    for place, text in texts.items():
        words = re.sub(r"base64,[^\"]+", "", text)
        assert not re.search("长{61}|w{121}", words), place
        assert not re.search("[\u202a-\u202e\u2066-\u2069\u200e\u200f]", words), place
    assert any("长…”" in text for text in texts.values())


def test_no_cell_of_a_table_is_a_formula_and_names_are_whole_there(run: Run) -> None:
    cells = set()
    for table in run.folder.rglob("*.csv"):
        with table.open(encoding="utf-8", newline="") as file:
            cells |= {cell for row in csv.reader(file) for cell in row}
    risky = {cell for cell in cells if cell[:1] in tuple("=+-@\t\r")}
    assert [cell for cell in risky if not re.fullmatch(r"-[\d.e+-]+|-inf", cell)] == []
    assert any(cell.startswith("-0.") for cell in risky)
    assert {f"'{FORMULA}", LONG} <= cells


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    if CHROMIUM is None:
        pytest.skip("needs Chromium (Debian package chromium)")
    with open_tab(tmp_path_factory.mktemp("browser")) as tab:
        yield tab


LEADS = """[...document.querySelectorAll('a[href^="#"]')].every(link => {
    link.click();
    const {top} = document.getElementById(decodeURIComponent(link.hash.slice(1)))
        .getBoundingClientRect();
    return top > -2 && top < innerHeight;
})"""


def test_a_page_from_a_file_loads_nothing_complains_of_nothing_and_leads_where_it_says(
    run: Run, tab: Tab
) -> None:
    assert len(run.pages) >= 9
    for page in run.pages:
        assert page.stat().st_size < PAGE_BUDGET_BYTES
        tab.load(page, width=SCREEN)
        tab.value("document.querySelectorAll('details').forEach(one => one.open = true)")
        asked = {one["request"]["url"] for one in tab.of("Network.requestWillBeSent")}
        assert {url for url in asked if not url.startswith("data:")} == {page.as_uri()}
        assert tab.value("document.querySelectorAll('h1').length") == 1
        assert tab.value("[...document.images].every(one => one.alt && one.naturalWidth)")
        assert tab.value(LEADS)
        said = tab.of("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown")
        assert said == []
    assert tab.value("document.querySelectorAll('nav.contents a').length") == 0
    tab.load(run.folder / STAFF_ARE_NAMED / "report.html", width=SCREEN)
    assert tab.value("document.querySelectorAll('nav.contents a').length") > 5


def test_a_page_fits_a_phone_and_paper_with_all_that_is_folded_open(run: Run, tab: Tab) -> None:
    for page in run.pages:
        for medium, width in (("", PHONE), ("print", PAPER)):
            tab.load(page, width=width)
            tab.call("Emulation.setEmulatedMedia", media=medium)
            tab.value("document.querySelectorAll('details').forEach(one => one.open = true)")
            assert tab.value("document.documentElement.scrollWidth") <= width, page
            if medium:
                # Paper does not scroll: what a table lets stand out is lost.
                cut = (
                    "[...document.querySelectorAll('.scroll')].filter("
                    "one => one.scrollWidth > one.clientWidth).length"
                )
                assert tab.value(cut) == 0, page
        tab.call("Emulation.setEmulatedMedia", media="")


def test_an_address_with_a_password_is_refused_and_not_repeated(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    config = next(run.folder.parents[3].glob("notebooks/weekly.yaml"))
    source = "postgresql://growth:canary-secret@db.invalid/shop"
    assert cli.main(["report", str(config), "--source", source]) == 2
    shown = capsys.readouterr()
    assert "canary" not in shown.out + shown.err
    assert os.fspath(config.parent.parent) not in shown.out
